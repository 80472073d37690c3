//! Owns errors of TOML syntax, reworded for people who do not write TOML every day.

use std::ops::Range;

use toml::de::{DeTable, Error};

use super::Diagnostic;

/// The result of parsing a text.
pub(super) struct Parsed<'a> {
    pub table: DeTable<'a>,
    /// Errors in the order of the file, at most one per line.
    pub mistakes: Vec<Diagnostic>,
    /// Whether the table is complete apart from the errors, so that checking it makes sense.
    pub usable: bool,
}

/// Parses TOML as far as possible.
pub(super) fn parse(text: &str) -> Parsed<'_> {
    let (table, errors) = DeTable::parse_recoverable(text);
    let usable = errors.iter().all(|error| error.message() == DUPLICATE);
    let mut found: Vec<(usize, Diagnostic)> = Vec::new();
    let mut errors: Vec<(Range<usize>, &Error)> =
        errors.iter().map(|error| (error.span().unwrap_or(0..0), error)).collect();
    errors.sort_by_key(|(span, _)| span.start);
    for (span, error) in errors {
        // Further errors on the same line are usually consequences of the first.
        let line = text.get(..span.start).unwrap_or(text).matches('\n').count();
        if found.last().is_none_or(|(last, _)| *last != line) {
            found.push((line, mistake(text, span, error.message())));
        }
    }
    let mistakes = found.into_iter().map(|(_, mistake)| mistake).collect();
    Parsed { table: table.into_inner(), mistakes, usable }
}

const DUPLICATE: &str = "duplicate key";

/// The diagnostic for an error of the parser. The toml crate has no error codes, so this looks at its messages; one that
/// it does not know is shown as it is.
fn mistake(text: &str, span: Range<usize>, message: &str) -> Diagnostic {
    let there = text.get(span.clone()).unwrap_or("");
    if message == DUPLICATE {
        return duplicate(text, span, there);
    }
    let is_word = there.starts_with(|c: char| c.is_alphabetic() || matches!(c, '_' | '.' | '/' | '{'));
    let not_a_value = message.starts_with("string values must be quoted") || message.starts_with("invalid ");
    if not_a_value && is_word {
        return Diagnostic::error(format!("`{there}` is not a value"), span)
            .label("not a number, `true`, `false` or text in quotes")
            .help(format!("put text in quotes: \"{there}\""));
    }
    if message.starts_with("string values must be quoted") && !there.is_empty() {
        return Diagnostic::error(format!("`{there}` is not a value"), span)
            .help("perhaps a comma is missing, or the quotes around a text");
    }
    if message.starts_with("invalid") && message.contains("string") && there.is_empty() {
        return Diagnostic::error("this text has no closing quote", span)
            .label("a quote is missing here or before")
            .help("write text on one line in \"…\" or '…', on several lines in \"\"\"…\"\"\"");
    }
    if message.contains("escape") {
        return Diagnostic::error("unknown escape sequence", span).label("after a backslash").help(
            "use single quotes, which keep backslashes as they are: 'E = (\\S+)'; in double quotes write each backslash \
             twice",
        );
    }
    if message.contains("array") {
        return Diagnostic::error(format!("invalid TOML: {message}"), span)
            .help("a list looks like [1, 2, 3]: perhaps a comma or the closing bracket is missing");
    }
    if message.starts_with("key with no value") {
        return Diagnostic::error("this key has no value", span).help("write `key = value`");
    }
    Diagnostic::error(format!("invalid TOML: {message}"), span)
}

fn duplicate(text: &str, span: Range<usize>, key: &str) -> Diagnostic {
    let line = text.get(..span.start).and_then(|before| before.rsplit('\n').next()).unwrap_or("");
    let mistake = Diagnostic::error(format!("`{key}` is defined twice"), span);
    match (key, line.trim_start()) {
        ("zip" | "block", "[[") => mistake.help(format!(
            "write each one as [[{key}]], in double brackets; the first one here \
             is written [{key}]"
        )),
        ("results", _) => mistake.help(
            "for one source write [results] once; for several write [[results]], in double brackets, \
             for each of them",
        ),
        (_, "[") => mistake.help(format!("put all keys of [{key}] under one [{key}]")),
        _ => mistake.help("remove one of the two"),
    }
}
