//! Owns reading `[results]` and `[[results]]`.

use std::collections::HashMap;
use std::ops::Range as Span;

use toml::de::DeValue;

use super::keys::{FORMATS, RESULTS};
use super::result_columns::{ResultColumn, columns, reducers, table_settings};
use super::table_reader::{Entry, TableReader};
use super::{Diagnostic, names};
use crate::model::{Reducers, ResultFormat, ResultSettings, ResultsFrom, not_in_job_dir};
use crate::suggest::{list, nearest};

/// The name of a result and its place.
type ResultName = (String, Span<usize>);

/// One source of results, as far as it could be read.
struct ResultsTable {
    /// None: it has an error, or reads nothing.
    settings: Option<ResultSettings>,
    /// The names of the results that it is known to have.
    known: Vec<ResultName>,
}

/// Reads all sources. `parameters` are the names of the sweep's parameters. `text` is the whole file; none if a part of
/// it could not be parsed.
pub(super) fn read(top: TableReader, parameters: &[String], text: Option<&str>) -> Vec<ResultSettings> {
    let Some(entry) = top.entry("results") else { return vec![by_default()] };
    let sources: Vec<ResultsTable> = match entry.value {
        DeValue::Array(_) => {
            tables(&entry, top).into_iter().map(|table| source(table, parameters, text, true)).collect()
        }
        _ => top.table("results").map(|table| source(table, parameters, text, false)).into_iter().collect(),
    };
    told_twice(&sources, top);
    sources.into_iter().filter_map(|source| source.settings).collect()
}

fn by_default() -> ResultSettings {
    ResultSettings {
        format: ResultFormat::Auto,
        from: ResultsFrom::Stdout,
        require: Vec::new(),
        reduce: Reducers::default(),
        keep_on_timeout: false,
    }
}

/// The tables `[[results]]`.
fn tables<'a>(entry: &Entry<'a>, top: TableReader<'a>) -> Vec<TableReader<'a>> {
    const HELP: &str = "write [[results]] on a line of its own for each source and its keys below";
    let DeValue::Array(tables) = entry.value else { return Vec::new() };
    if tables.is_empty() {
        let found = Diagnostic::error("the list of results is empty", entry.span.clone());
        top.sink.push(found.help("remove it, or write format = \"none\" under [results] if there are no results"));
    }
    let table = |value: &'a toml::Spanned<DeValue<'a>>| match value.get_ref() {
        DeValue::Table(table) => Some(TableReader { table, sink: top.sink }),
        _ => {
            top.sink.push(Diagnostic::error("each entry of `results` must be a table", value.span()).help(HELP));
            None
        }
    };
    tables.iter().filter_map(table).collect()
}

/// Reports names that two sources have.
fn told_twice(sources: &[ResultsTable], top: TableReader) {
    let mut first: HashMap<&str, &Span<usize>> = HashMap::new();
    for (name, span) in sources.iter().flat_map(|source| &source.known) {
        if let Some(first) = first.insert(name, span) {
            let found = Diagnostic::error(format!("the result `{name}` is read from two sources"), span.clone());
            top.sink.push(found.also(first.clone(), "the first one").help("rename one of them"));
        }
    }
}

fn source(table: TableReader, parameters: &[String], text: Option<&str>, in_list: bool) -> ResultsTable {
    table.finish(&RESULTS);
    let unread = ResultsTable { settings: None, known: Vec::new() };
    let Some(named) = format(table) else {
        // Called for their diagnostics.
        let _ = (from(table), require(table));
        return unread;
    };
    if named == "none" {
        nothing(table, in_list);
        return unread;
    }
    let columns = columns(table, named, parameters, text);
    let reduce = reducers(table, named, &columns);
    let table_settings = table_settings(table, named, reduce.every.is_some(), &columns, text);
    let required = require(table);
    for (name, span) in &required {
        if let Some(found) = not_there(name, span, named, &columns) {
            table.sink.push(found);
        }
    }
    let known = match (named, table.entry("format")) {
        ("number", Some(entry)) => vec![("result".to_owned(), entry.span)],
        _ => columns.iter().map(|column| (column.name.clone(), column.span.clone())).collect(),
    };
    let texts = || columns.iter().map(|column| (column.name.clone(), column.text())).collect();
    let format = match named {
        "json" => ResultFormat::Json(texts()),
        "keyvalue" => ResultFormat::KeyValue,
        "regex" => ResultFormat::Regex(texts()),
        "number" => ResultFormat::Number,
        "table" => ResultFormat::Table(table_settings),
        _ => ResultFormat::Auto,
    };
    let require = required.into_iter().map(|(name, _)| name).collect();
    let keep_on_timeout = keep_on_timeout(table);
    ResultsTable {
        settings: Some(ResultSettings { format, from: from(table), require, reduce, keep_on_timeout }),
        known,
    }
}

/// Reads `on-timeout`: whether results of a job that was ended by its time-out make it a success.
fn keep_on_timeout(table: TableReader) -> bool {
    const HELP: &str = "write on-timeout = \"keep\" if a job that is ended by its time-out has succeeded when it has printed \
                        results, else \"fail\"";
    let Some((word, span)) = table.text("on-timeout") else { return false };
    if !matches!(word, "keep" | "fail") {
        table.sink.push(Diagnostic::error(format!("`on-timeout` cannot be `{word}`"), span).help(HELP));
    }
    word == "keep"
}

/// The name of the format. None: it is invalid.
fn format(table: TableReader<'_>) -> Option<&str> {
    if table.entry("format").is_none() {
        return Some("auto");
    }
    let (named, span) = table.text("format")?;
    if FORMATS.contains(&named) {
        return Some(named);
    }
    let hint = nearest(named, FORMATS).map(|near| format!("; did you mean `{near}`?"));
    let found = Diagnostic::error(format!("unknown format `{named}`{}", hint.unwrap_or_default()), span);
    table.sink.push(found.help(format!("the formats are {}", list(FORMATS))));
    None
}

/// Checks a source with `format = "none"`.
fn nothing(table: TableReader, in_list: bool) {
    const HELP: &str = "choose another format";
    if let Some(entry) = table.entry("format").filter(|_| in_list) {
        let found = Diagnostic::error("this source reads nothing", entry.span);
        table.sink.push(found.help("remove this [[results]]; for a sweep without results, write [results] once"));
        return;
    }
    for (_, span) in require(table) {
        let found = Diagnostic::error("with `format = \"none\"` there are no results to require", span);
        table.sink.push(found.help(format!("remove `require`, or {HELP}")));
    }
    for entry in
        ["from", "columns", "row", "where", "reduce", "on-timeout"].into_iter().filter_map(|key| table.entry(key))
    {
        let found = Diagnostic::error("with `format = \"none\"` nothing is read", entry.span);
        table.sink.push(found.help(format!("remove `{}`, or {HELP}", entry.key)));
    }
}

/// Reads `from`.
fn from(table: TableReader) -> ResultsFrom {
    let Some((name, span)) = table.text("from") else { return ResultsFrom::Stdout };
    if name == "stdout" {
        return ResultsFrom::Stdout;
    }
    let (why, help) = if matches!(name, "stderr" | "-") {
        (String::new(), "write from = \"stdout\", or the name of a file")
    } else if let Some(why) = not_in_job_dir(name) {
        (format!(": {why}"), "name a file that the job writes into its directory: from = \"out.json\"")
    } else {
        return ResultsFrom::File(name.to_owned());
    };
    table.sink.push(Diagnostic::error(format!("results cannot be read from `{name}`{why}"), span).help(help));
    ResultsFrom::Stdout
}

/// What is wrong with the name of a column. None: nothing.
pub(super) fn unfit(column: &Entry, parameters: &[String]) -> Option<Diagnostic> {
    let name = column.key;
    let (message, help) = if parameters.iter().any(|parameter| parameter == name) {
        (format!("`{name}` is already the column of a parameter"), None)
    } else if names::is_column(name) {
        (format!("`{name}` is reserved for a column of the results table"), None)
    } else if name.trim().is_empty() {
        ("a result must have a name".to_owned(), Some("write the name before the `=`"))
    } else if name.trim() != name || name.contains(char::is_control) {
        let message = format!("`{}` cannot be the name of a result", name.escape_debug());
        (message, Some("write it on one line, without spaces around it"))
    } else {
        return None;
    };
    let help = help.map_or_else(|| format!("choose another name, for example `{name}_result`"), str::to_owned);
    Some(Diagnostic::error(message, column.key_span.clone()).help(help))
}

fn require(table: TableReader) -> Vec<ResultName> {
    let Some(entry) = table.entry("require") else { return Vec::new() };
    let DeValue::Array(array) = entry.value else {
        table.wrong::<()>(&entry, "a list of names", "write require = [\"energy\"]".into());
        return Vec::new();
    };
    let mut names: Vec<ResultName> = Vec::new();
    for name in array.iter() {
        let error = |message: String| Diagnostic::error(message, name.span());
        match name.get_ref() {
            DeValue::String(text) if text.is_empty() => {
                table.sink.push(error("a result must have a name".into()));
            }
            DeValue::String(text) if names.iter().any(|(other, _)| other == text) => {
                table.sink.push(error(format!("`{text}` is required twice")).help("remove one"));
            }
            DeValue::String(text) => names.push((text.clone().into_owned(), name.span())),
            _ => {
                let found = error("`require` must be a list of names in quotes".into());
                table.sink.push(found.help("write require = [\"energy\"]"));
            }
        }
    }
    names
}

/// The error for a required result that its source cannot have.
fn not_there(name: &str, span: &Span<usize>, format: &str, columns: &[ResultColumn]) -> Option<Diagnostic> {
    if format == "number" {
        let message = format!("with `format = \"number\"` there is no result `{name}`");
        let found = Diagnostic::error(message, span.clone()).help("the number is called `result`");
        return Some(found).filter(|_| name != "result");
    }
    let names = || columns.iter().map(|column| column.name.as_str());
    if columns.is_empty() || names().any(|other| other == name) {
        return None;
    }
    let hint = nearest(name, names()).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
    let found = Diagnostic::error(format!("`columns` has no `{name}`{hint}"), span.clone());
    Some(found.help(format!("the results here are {}", list(names()))))
}
