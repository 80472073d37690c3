//! Owns mistakes in TOML itself, in words for people who do not write TOML every day.

use std::ops::Range;

use toml::de::{DeTable, Error};

use super::Diagnostic;

/// What the parser makes of a text.
pub(super) struct Parsed<'a> {
    pub table: DeTable<'a>,
    /// Mistakes, in the order of the file, one for each line.
    pub mistakes: Vec<Diagnostic>,
    /// Whether the table is what the file says, apart from the mistakes, so that it is worth looking at.
    pub usable: bool,
}

/// Parses TOML as far as it goes.
pub(super) fn parse(text: &str) -> Parsed<'_> {
    let (table, errors) = DeTable::parse_recoverable(text);
    let usable = errors.iter().all(|error| error.message() == DUPLICATE);
    let mut found: Vec<(usize, Diagnostic)> = Vec::new();
    let mut errors: Vec<(Range<usize>, &Error)> =
        errors.iter().map(|error| (error.span().unwrap_or(0..0), error)).collect();
    errors.sort_by_key(|(span, _)| span.start);
    for (span, error) in errors {
        // What follows on the same line is most often a consequence.
        let line = text.get(..span.start).unwrap_or(text).matches('\n').count();
        if found.last().is_none_or(|(last, _)| *last != line) {
            found.push((line, mistake(text, span, error.message())));
        }
    }
    let mistakes = found.into_iter().map(|(_, mistake)| mistake).collect();
    Parsed { table: table.into_inner(), mistakes, usable }
}

const DUPLICATE: &str = "duplicate key";

fn mistake(text: &str, span: Range<usize>, message: &str) -> Diagnostic {
    let there = text.get(span.clone()).unwrap_or("");
    if message == DUPLICATE {
        return duplicate(text, span, there);
    }
    let is_word = there.starts_with(|c: char| c.is_alphabetic() || matches!(c, '_' | '.' | '/' | '{'));
    let not_a_value = message.starts_with("string values must be quoted") || message.starts_with("invalid ");
    if not_a_value && is_word {
        return Diagnostic::error(format!("`{there}` is not a value"), span)
            .label("neither a number, nor `true` or `false`, nor text in quotes")
            .help(format!("text stands in quotes: \"{there}\""));
    }
    if message.starts_with("string values must be quoted") && !there.is_empty() {
        return Diagnostic::error(format!("`{there}` is not a value"), span)
            .help("perhaps a comma is missing, or the quotes around a text");
    }
    if message.starts_with("invalid") && message.contains("string") && there.is_empty() {
        return Diagnostic::error("this text is never closed", span)
            .label("a quote is missing here or before")
            .help("text on one line stands in \"…\" or '…', on several in \"\"\"…\"\"\"");
    }
    if message.contains("escape") {
        return Diagnostic::error("this is no escape that TOML knows", span).label("after a backslash").help(
            "a text in single quotes is taken as it stands, backslashes and all: 'E = (\\S+)'; between \"…\" a backslash \
             is written twice",
        );
    }
    if message.contains("array") {
        return Diagnostic::error(format!("this is not TOML: {message}"), span)
            .help("a list looks like [1, 2, 3]: perhaps a comma or the closing bracket is missing");
    }
    if message.starts_with("key with no value") {
        return Diagnostic::error("a key without a value", span).help("write `key = value`");
    }
    Diagnostic::error(format!("this is not TOML: {message}"), span)
}

fn duplicate(text: &str, span: Range<usize>, key: &str) -> Diagnostic {
    let line = text.get(..span.start).and_then(|before| before.rsplit('\n').next()).unwrap_or("");
    let mistake = Diagnostic::error(format!("`{key}` is here for the second time"), span);
    match (key, line.trim_start()) {
        ("zip" | "block", "[[") => mistake.help(format!(
            "every group of parameters that move together is a table [[{key}]], in double brackets; the first one here \
             is a [{key}]"
        )),
        ("results", _) => mistake.help(
            "results that have one source stand under [results], once; of several sources each is a table [[results]], in \
             double brackets",
        ),
        (_, "[") => mistake.help(format!("put everything of [{key}] under one [{key}]")),
        _ => mistake.help("keep one of the two"),
    }
}
