//! Owns the formats that are read line by line: `name = value` and a number at the end.

use super::Named;
use super::scalar::{number as read_number, scalar};
use super::stdout::Stdout;
use crate::value::Value;

/// All lines `name = value` and `name: value` that are whole.
pub(super) fn pairs(stdout: &Stdout<'_>) -> Named {
    let mut named = Named::default();
    for (name, value) in stdout.lines().filter_map(pair) {
        named.set(name, value);
    }
    named
}

fn pair(line: &str) -> Option<(&str, Value)> {
    let end = line.find(|c: char| !(c.is_ascii_alphanumeric() || "_.-".contains(c)))?;
    let (name, rest) = line.split_at(end);
    if !name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
        return None;
    }
    let rest = rest.trim_start();
    if let Some(text) = rest.strip_prefix('=') {
        return (!text.starts_with(['=', '>'])).then(|| (name, scalar(text)));
    }
    let text = rest.strip_prefix(':')?;
    let value = scalar(text);
    let is_apart = text.starts_with(char::is_whitespace) || !matches!(value, Value::Text(_));
    is_apart.then_some((name, value))
}

/// The number that the last line is, if it is one and whole.
pub(super) fn number(stdout: &Stdout<'_>) -> Option<Value> {
    let line = stdout.last_line()?;
    // R numbers what it prints.
    let printed_by_r = line.strip_prefix("[1]").filter(|rest| rest.starts_with(char::is_whitespace));
    read_number(printed_by_r.unwrap_or(line).trim())
}
