//! Owns reading `columns`, `row`, `where` and `reduce` of `[results]`.

use std::ops::Range as Span;

use toml::de::DeValue;

use super::Diagnostic;
use super::keys::RESULT_COLUMN;
use super::results::unfit;
use super::string_offsets::inside;
use super::table_reader::{Entry, TableReader, integer};
use crate::expr::{Expression, Rules};
use crate::extract::{MOST_ROWS_BACK, Path, Pattern, SyntaxError};
use crate::model::{ColumnRef, Reducer, Reducers, RowChoice, TableSettings};
use crate::suggest::{list, nearest};

/// A column: the name of a result, and where its value is.
pub(super) struct ResultColumn {
    pub(super) name: String,
    pub(super) span: Span<usize>,
    /// A pattern or a path is a name here.
    place: ColumnRef,
    reducer: Option<Reducer>,
}

impl ResultColumn {
    /// Its pattern or path.
    pub(super) fn text(&self) -> String {
        match &self.place {
            ColumnRef::Name(text) => text.clone(),
            ColumnRef::Position(at) => at.to_string(),
        }
    }
}

/// The help for the columns of a format.
fn example(format: &str) -> &'static str {
    match format {
        "regex" => "write columns = { energy = 'E = (\\S+)' }: the name of a result, and the pattern of its value",
        "table" => {
            "write columns = { energy = \"TotEng\", last = -1 }: the name of a result, and a column by its name or by its \
             position from 0"
        }
        _ => "write columns = { energy = \"stats.energy.mean\" }: the name of a result, and the path of its value",
    }
}

/// Reads `columns`, and reports errors in it.
pub(super) fn columns(
    table: TableReader,
    format: &str,
    parameters: &[String],
    text: Option<&str>,
) -> Vec<ResultColumn> {
    let Some(entry) = table.entry("columns") else {
        if let Some(format) = table.entry("format").filter(|_| format == "regex") {
            let found = Diagnostic::error("`format = \"regex\"` needs a pattern for each result", format.span);
            table.sink.push(found.help("add columns = { energy = 'E = (\\S+)' }"));
        }
        return Vec::new();
    };
    if !matches!(format, "regex" | "json" | "table") {
        let message = match table.entry("format") {
            Some(_) => format!("`columns` cannot be used with `format = \"{format}\"`"),
            None => "`columns` needs a format".to_owned(),
        };
        let help = "`columns` is for format = \"regex\", with a pattern for each result, format = \"json\", with a path, and \
                    format = \"table\", with a column";
        table.sink.push(Diagnostic::error(message, entry.key_span).help(help));
        return Vec::new();
    }
    let DeValue::Table(columns) = entry.value else {
        table.wrong::<()>(&entry, "a table", example(format).into());
        return Vec::new();
    };
    if columns.is_empty() {
        table.sink.push(Diagnostic::error("`columns` is empty", entry.span).help(example(format)));
    }
    let columns = TableReader { table: columns, sink: table.sink };
    let read = columns.entries().filter_map(|column| {
        let (place, reducer) = column_value(&column, columns, format, text)?;
        if let Some(found) = unfit(&column, parameters) {
            table.sink.push(found);
        }
        Some(ResultColumn { name: column.key.to_owned(), span: column.key_span, place, reducer })
    });
    read.collect()
}

/// Where a column's value is, and its reducer. None: it is invalid.
fn column_value(
    column: &Entry,
    columns: TableReader,
    format: &str,
    text: Option<&str>,
) -> Option<(ColumnRef, Option<Reducer>)> {
    let DeValue::Table(inner) = column.value else {
        return Some((place(column, columns, format, text)?, None));
    };
    let inner = TableReader { table: inner, sink: columns.sink };
    let key = match format {
        "regex" => "pattern",
        "table" => "column",
        _ => return columns.wrong(column, "text", example(format).into()),
    };
    inner.finish(&RESULT_COLUMN);
    let reducer = inner.entry("reduce").and_then(|entry| reducer(&entry, inner));
    let Some(entry) = inner.entry(key) else {
        let found = Diagnostic::error(format!("the column `{}` has no `{key}`", column.key), column.span.clone());
        columns.sink.push(found.help(format!("write {} = {{ {key} = …, reduce = \"mean\" }}", column.key)));
        return None;
    };
    for entry in ["pattern", "column"].into_iter().filter(|other| *other != key).filter_map(|key| inner.entry(key)) {
        let message = format!("`{}` cannot be used with `format = \"{format}\"`", entry.key);
        columns.sink.push(Diagnostic::error(message, entry.key_span).help(format!("write `{key}`")));
    }
    Some((place(&entry, inner, format, text)?, reducer))
}

/// A pattern, a path, or a column of a table.
fn place(entry: &Entry, table: TableReader, format: &str, text: Option<&str>) -> Option<ColumnRef> {
    if let (DeValue::Integer(written), "table") = (entry.value, format) {
        let position = integer(written).and_then(|at| i64::try_from(at).ok()).filter(|at| at.unsigned_abs() < 100_000);
        if position.is_none() {
            table.sink.push(Diagnostic::error("this position is too large", entry.span.clone()).help(example(format)));
        }
        return position.map(ColumnRef::Position);
    }
    let DeValue::String(written) = entry.value else {
        let expected = if format == "table" { "a name or a position" } else { "text" };
        return table.wrong(entry, expected, example(format).into());
    };
    let compile: fn(&str) -> Result<(), SyntaxError> = match format {
        "regex" => |pattern| Pattern::new(pattern).map(drop),
        "json" => |path| Path::parse(path).map(drop),
        _ => |_| Ok(()),
    };
    if let Err(mistake) = compile(written) {
        let at = text.map_or(entry.span.clone(), |text| inside(text, &entry.span, written, &mistake.at));
        table.sink.push(Diagnostic::error(mistake.message, at).help(mistake.help));
    }
    Some(ColumnRef::Name(written.clone().into_owned()))
}

/// A reducer. None: it is invalid.
fn reducer(entry: &Entry, table: TableReader) -> Option<Reducer> {
    let words = Reducer::ALL.map(|(word, _)| word);
    let help = format!("the reducers are {}", list(words));
    let DeValue::String(word) = entry.value else {
        return table.wrong(entry, "text", format!("write reduce = \"mean\"; {help}"));
    };
    let found = Reducer::from_word(word);
    if found.is_none() {
        let near = nearest(word, words).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
        table.sink.push(Diagnostic::error(format!("unknown reducer `{word}`{near}"), entry.span.clone()).help(help));
    }
    found
}

/// Reads `reduce`, and puts together the reducers of single columns.
pub(super) fn reducers(table: TableReader, format: &str, columns: &[ResultColumn]) -> Reducers {
    let of_columns = columns.iter().filter_map(|column| Some((column.name.clone(), column.reducer?)));
    let mut reducers = Reducers { every: None, columns: of_columns.collect() };
    let Some(entry) = table.entry("reduce") else { return reducers };
    if !matches!(format, "regex" | "table") {
        let message = format!("`reduce` cannot be used with `format = \"{format}\"`");
        let help =
            "`reduce` is for format = \"regex\", with several matches, and format = \"table\", with several rows";
        table.sink.push(Diagnostic::error(message, entry.key_span).help(help));
        return reducers;
    }
    reducers.every = reducer(&entry, table);
    reducers
}

/// Reads `row` and `where` of a table. `reduces`: whether every column has a reducer.
pub(super) fn table_settings(
    table: TableReader,
    format: &str,
    reduces: bool,
    columns: &[ResultColumn],
    text: Option<&str>,
) -> TableSettings {
    for entry in ["row", "where"].into_iter().filter_map(|key| table.entry(key)).filter(|_| format != "table") {
        let message = format!("`{}` cannot be used with `format = \"{format}\"`", entry.key);
        table.sink.push(Diagnostic::error(message, entry.key_span).help("it selects rows for format = \"table\""));
    }
    let of_column = |column: &ResultColumn| (column.name.clone(), column.place.clone());
    let settings = TableSettings {
        columns: columns.iter().map(of_column).collect(),
        row: row(table),
        filter: condition(table, text),
    };
    if let Some(entry) = table.entry("row").filter(|_| reduces) {
        let found = Diagnostic::error("`row` has no effect with `reduce`, which uses all rows", entry.key_span);
        table.sink.push(found.help("remove one of them; `where` selects the rows that are reduced"));
    }
    settings
}

fn row(table: TableReader) -> RowChoice {
    const HELP: &str = "write row = \"last\", row = \"first\", or a position from 0 (-2: the last but one)";
    let Some(entry) = table.entry("row") else { return RowChoice::Last };
    match entry.value {
        DeValue::String(word) if word == "first" => return RowChoice::First,
        DeValue::String(word) if word == "last" => return RowChoice::Last,
        DeValue::Integer(written) => {
            let number = integer(written).and_then(|row| i64::try_from(row).ok());
            if let Some(number) = number.filter(|row| *row >= -MOST_ROWS_BACK) {
                return RowChoice::Number(number);
            }
            let help = format!("a row from the end is at most the last but {MOST_ROWS_BACK}; {HELP}");
            table.sink.push(Diagnostic::error("this row is out of range", entry.span).help(help));
        }
        _ => drop(table.wrong::<()>(&entry, "a row", HELP.into())),
    }
    RowChoice::Last
}

fn condition(table: TableReader, text: Option<&str>) -> Option<String> {
    let (written, span) = table.text("where")?;
    if let Err(error) = Expression::compile(written, Rules::Second) {
        let at = match (text, error.at) {
            (Some(text), Some(at)) => inside(text, &span, written, &at),
            _ => span,
        };
        let help = error.help.unwrap_or_else(|| "write a condition on the columns: where = \"Step > 1000\"".into());
        table.sink.push(Diagnostic::error(error.message, at).help(help));
    }
    Some(written.to_owned())
}
