//! Owns the encoding of settings that are hashed for the fingerprint. It is written out here and does not follow the
//! types or a library, because stored hashes must match for ever.
//!
//! A setting is hashed as the UTF-8 text `["sweep1f",NAME,VALUE]` in compact JSON:
//!
//! - no blanks; members of an object in the order that is written here; a member that is not set is left out;
//! - in a text, `"` and `\` are escaped by `\`; U+0008, U+0009, U+000A, U+000C and U+000D are `\b`, `\t`, `\n`, `\f`,
//!   `\r`; other characters below U+0020 are `\u00` and two lowercase hexadecimal digits; everything else stands as is.
//!
//! | NAME | VALUE |
//! | --- | --- |
//! | `command` | `[{"text":TEXT},SHELL]` or `[{"words":[WORD,…]},SHELL]`; SHELL is `true` or `false` |
//! | `env` | `[[NAME,VALUE],…]`, sorted |
//! | `stdin` | the text, or `null` |
//! | `empty-words` | `true`, if empty texts are empty arguments |
//! | `template` | `[NAME,TEXT]` |
//! | `results` | `[{"format":FORMAT,"from":FROM,"require":[NAME,…]},…]` |
//!
//! FORMAT is `"auto"`, `"keyvalue"`, `"number"`, `{"json":[[NAME,PATH],…]}`, `{"regex":[[NAME,PATTERN],…]}` or
//! `{"table":{"columns":[[NAME,COLUMN],…],"row":ROW,"where":TEXT}}`; FROM is `"stdout"` or `{"file":NAME}`. COLUMN is a name
//! or a position; ROW is `"first"`, `"last"` or a position; `where` is left out if it is not set. With `reduce`, the source
//! has a last member `"reduce":{"every":REDUCER,"columns":[[NAME,REDUCER],…]}`, in which `every` is left out if it is not
//! set. `on-timeout` is not hashed: it decides which attempts succeed, and is compared for each result that is reused.
//!
//! A new setting gets a name of its own, and is hashed only in sweeps that have it. A new key of a table of `[results]` is
//! a new member, left out where the key is not set. So a new key changes no hash of a sweep that does not use it.

use std::fmt::Write as _;

use crate::model::{
    ColumnRef, Command, Hash, Reducer, Reducers, ResultFormat, ResultSettings, ResultsFrom, RowChoice, TableSettings,
    TemplateFile,
};

/// The hash of the command.
pub(super) fn command(command: &Command, shell: bool) -> Hash {
    let command = match command {
        Command::Text(template) => object([("text", text(template))]),
        Command::Words(words) => object([("words", texts(words))]),
    };
    hash("command", &list([command, shell.to_string()]))
}

/// The hash of the environment variables, in any order.
pub(super) fn env(variables: &[(String, String)]) -> Hash {
    let mut variables: Vec<&(String, String)> = variables.iter().collect();
    variables.sort();
    hash("env", &list(variables.into_iter().map(pair)))
}

/// The hash of standard input.
pub(super) fn stdin(template: Option<&str>) -> Hash {
    hash("stdin", &template.map_or_else(|| "null".to_owned(), text))
}

/// The hash of the rule that empty texts are empty arguments. Sweeps without it have no such hash.
pub(super) fn keeps_empty_words() -> Hash {
    hash("empty-words", "true")
}

/// The hash of a file of `[templates]`.
pub(super) fn template(file: &TemplateFile) -> Hash {
    hash("template", &list([text(&file.name), text(&file.text)]))
}

/// The hash of how results are read.
pub(super) fn results(settings: &[ResultSettings]) -> Hash {
    hash("results", &list(settings.iter().map(result_settings)))
}

fn result_settings(settings: &ResultSettings) -> String {
    let format = match &settings.format {
        ResultFormat::Auto => text("auto"),
        ResultFormat::KeyValue => text("keyvalue"),
        ResultFormat::Number => text("number"),
        ResultFormat::Json(columns) => object([("json", list(columns.iter().map(pair)))]),
        ResultFormat::Regex(columns) => object([("regex", list(columns.iter().map(pair)))]),
        ResultFormat::Table(settings) => object([("table", table_settings(settings))]),
    };
    let from = match &settings.from {
        ResultsFrom::Stdout => text("stdout"),
        ResultsFrom::File(name) => object([("file", text(name))]),
    };
    let members = [("format", Some(format)), ("from", Some(from)), ("require", Some(texts(&settings.require)))];
    let reduce = (settings.reduce != Reducers::default()).then(|| reducers(&settings.reduce));
    set_members(members.into_iter().chain([("reduce", reduce)]))
}

fn table_settings(settings: &TableSettings) -> String {
    let column = |(name, column): &(String, ColumnRef)| {
        let column = match column {
            ColumnRef::Name(name) => text(name),
            ColumnRef::Position(at) => at.to_string(),
        };
        list([text(name), column])
    };
    let row = match settings.row {
        RowChoice::First => text("first"),
        RowChoice::Last => text("last"),
        RowChoice::Number(row) => row.to_string(),
    };
    let columns = list(settings.columns.iter().map(column));
    set_members([("columns", Some(columns)), ("row", Some(row)), ("where", settings.filter.as_deref().map(text))])
}

fn reducers(reducers: &Reducers) -> String {
    let column = |(name, reducer): &(String, Reducer)| list([text(name), text(reducer.word())]);
    let every = reducers.every.map(|reducer| text(reducer.word()));
    set_members([("every", every), ("columns", Some(list(reducers.columns.iter().map(column))))])
}

/// An object of the members that are set.
fn set_members<'a>(members: impl IntoIterator<Item = (&'a str, Option<String>)>) -> String {
    let set = members.into_iter().filter_map(|(name, value)| Some(format!("{}:{}", text(name), value?)));
    format!("{{{}}}", set.collect::<Vec<_>>().join(","))
}

fn hash(name: &str, value: &str) -> Hash {
    super::digits(&blake3::hash(list([text("sweep1f"), text(name), value.to_owned()]).as_bytes()))
}

fn object<const N: usize>(members: [(&str, String); N]) -> String {
    let members = members.map(|(name, value)| format!("{}:{value}", text(name)));
    format!("{{{}}}", members.join(","))
}

fn list(items: impl IntoIterator<Item = String>) -> String {
    format!("[{}]", items.into_iter().collect::<Vec<_>>().join(","))
}

fn pair((first, second): &(String, String)) -> String {
    list([text(first), text(second)])
}

fn texts(all: &[String]) -> String {
    list(all.iter().map(|one| text(one)))
}

fn text(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for character in text.chars() {
        match character {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\u{8}' => quoted.push_str("\\b"),
            '\t' => quoted.push_str("\\t"),
            '\n' => quoted.push_str("\\n"),
            '\u{c}' => quoted.push_str("\\f"),
            '\r' => quoted.push_str("\\r"),
            // Writing to a String does not fail.
            control if control < ' ' => drop(write!(quoted, "\\u{:04x}", u32::from(control))),
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pairs(all: &[(&str, &str)]) -> Vec<(String, String)> {
        all.iter().map(|(first, second)| ((*first).to_owned(), (*second).to_owned())).collect()
    }

    fn by_hand(bytes: &str) -> String {
        blake3::hash(bytes.as_bytes()).to_hex()[..32].to_owned()
    }

    #[test]
    fn settings_are_hashed_from_these_bytes() {
        let words = Command::Words(vec!["a\tb".into(), "\u{1}é".into()]);
        assert_eq!(
            command(&words, true),
            by_hand("[\"sweep1f\",\"command\",[{\"words\":[\"a\\tb\",\"\\u0001é\"]},true]]")
        );
        assert_eq!(
            command(&Command::Text("a \"b\" \\".into()), false),
            by_hand(r#"["sweep1f","command",[{"text":"a \"b\" \\"},false]]"#)
        );
        let variables = pairs(&[("B", "2"), ("A", "1")]);
        assert_eq!(env(&variables), by_hand(r#"["sweep1f","env",[["A","1"],["B","2"]]]"#));
        assert_eq!(env(&[]), by_hand(r#"["sweep1f","env",[]]"#));
        assert_eq!(stdin(None), by_hand(r#"["sweep1f","stdin",null]"#));
        assert_eq!(stdin(Some("x\n")), by_hand(r#"["sweep1f","stdin","x\n"]"#));
        let file = TemplateFile { name: "in".into(), file: "in.j2".into(), text: "t".into() };
        assert_eq!(template(&file), by_hand(r#"["sweep1f","template",["in","t"]]"#));
    }

    #[test]
    fn results_are_hashed_from_these_bytes() {
        let one = |format, from, require: &[&str]| ResultSettings {
            format,
            from,
            require: require.iter().map(|name| (*name).to_owned()).collect(),
            reduce: Reducers::default(),
            keep_on_timeout: false,
        };
        let columns = || pairs(&[("a", "b.c"), ("d", "e")]);
        let file = || ResultsFrom::File("out".into());
        let cases = [
            (vec![], "[]"),
            (
                vec![one(ResultFormat::Auto, ResultsFrom::Stdout, &[])],
                r#"[{"format":"auto","from":"stdout","require":[]}]"#,
            ),
            (
                vec![one(ResultFormat::Json(columns()), file(), &["a", "d"])],
                r#"[{"format":{"json":[["a","b.c"],["d","e"]]},"from":{"file":"out"},"require":["a","d"]}]"#,
            ),
            (
                vec![
                    one(ResultFormat::Regex(columns()), ResultsFrom::Stdout, &[]),
                    one(ResultFormat::KeyValue, file(), &[]),
                    one(ResultFormat::Number, ResultsFrom::Stdout, &[]),
                ],
                r#"[{"format":{"regex":[["a","b.c"],["d","e"]]},"from":"stdout","require":[]},{"format":"keyvalue","from":{"file":"out"},"require":[]},{"format":"number","from":"stdout","require":[]}]"#,
            ),
        ];
        for (settings, value) in cases.into_iter().chain(tables()) {
            assert_eq!(results(&settings), by_hand(&format!(r#"["sweep1f","results",{value}]"#)), "{value}");
        }
    }

    /// Sources with tables and reducers, and their encodings.
    fn tables() -> Vec<(Vec<ResultSettings>, &'static str)> {
        let table = |columns: &[(&str, ColumnRef)], row, filter: Option<&str>, reduce| ResultSettings {
            format: ResultFormat::Table(TableSettings {
                columns: columns.iter().map(|(name, column)| ((*name).to_owned(), column.clone())).collect(),
                row,
                filter: filter.map(str::to_owned),
            }),
            from: ResultsFrom::Stdout,
            require: Vec::new(),
            reduce,
            keep_on_timeout: true,
        };
        let columns = [("e", ColumnRef::Name("E".into())), ("x", ColumnRef::Position(-1))];
        let reduce = Reducers { every: Some(Reducer::Mean), columns: vec![("e".into(), Reducer::Count)] };
        vec![
            (
                vec![table(&[], RowChoice::Last, None, Reducers::default())],
                r#"[{"format":{"table":{"columns":[],"row":"last"}},"from":"stdout","require":[]}]"#,
            ),
            (
                vec![table(&columns, RowChoice::Number(3), Some("s > 1"), reduce)],
                r#"[{"format":{"table":{"columns":[["e","E"],["x",-1]],"row":3,"where":"s > 1"}},"from":"stdout","require":[],"reduce":{"every":"mean","columns":[["e","count"]]}}]"#,
            ),
        ]
    }

    proptest! {
        #[test]
        fn texts_are_those_of_json(any in any::<String>()) {
            prop_assert_eq!(text(&any), serde_json::to_string(&any).unwrap());
        }
    }
}
