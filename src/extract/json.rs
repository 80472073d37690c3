//! Owns how a JSON object is found in the output and how its values are read.

use super::scalar::not_finite;
use super::stdout::Stdout;
use crate::value::{Value, print_float};

/// A JSON object, in its own order.
pub(super) type Object = serde_json::Map<String, serde_json::Value>;

/// The object on the last line, or that the whole output is; they cannot be two different ones.
pub(super) fn find(stdout: &Stdout<'_>) -> Result<Object, String> {
    let line = stdout.last_line().unwrap_or_default();
    let on_line = match object(line) {
        Ok(object) => return Ok(object),
        Err(why) => why,
    };
    if let Some(why) = stdout.cut("and its last line is not a whole JSON object") {
        return Err(format!("{why}; print the object on one line, as the last"));
    }
    let whole = stdout.whole().unwrap_or_default();
    let in_whole = match object(whole.trim()) {
        Ok(object) => return Ok(object),
        Err(why) => why,
    };
    Err(match (on_line, in_whole) {
        (NoObject::Broken(error), _) => {
            let python = if line.starts_with("{'") { "; in Python, `json.dumps` writes one" } else { "" };
            format!("{}: {error}{python}", stdout.last_line_is_not("a JSON object"))
        }
        (_, NoObject::Broken(error)) => format!("the output is not a JSON object: {error}"),
        _ if line.ends_with('}') => {
            format!(
                "{}, nor is the whole output; print the object on one line",
                stdout.last_line_is_not("a JSON object")
            )
        }
        _ => stdout.last_line_is_not("a JSON object"),
    })
}

/// Whether the job evidently meant to print an object where none was found: a line like `{"a": 1,}` or Python's
/// `{'a': 1}`, or the end of one whose beginning was dropped.
pub(super) fn is_meant(stdout: &Stdout<'_>) -> bool {
    let end = stdout.end();
    let begins = |text: &str| text.strip_prefix('{').is_some_and(|inside| inside.trim_start().starts_with(['"', '\'']));
    end.ends_with('}') && stdout.whole().is_none_or(|whole| begins(end) || begins(whole.trim_start()))
}

/// Why a text is not an object.
enum NoObject {
    /// It does not begin like one.
    Other,
    /// It begins like one, and then this is wrong.
    Broken(serde_json::Error),
}

fn object(text: &str) -> Result<Object, NoObject> {
    if !text.starts_with('{') {
        return Err(NoObject::Other);
    }
    // What is wrong is said of the text as it stands, not of the mended one.
    let error = match serde_json::from_str(text) {
        Ok(object) => return Ok(object),
        Err(error) => error,
    };
    serde_json::from_str(&quote_not_finite(text)).map_err(|_| NoObject::Broken(error))
}

/// Puts bare words for NaN and infinity, which JSON has not and many programs print, between quotes; as strings they
/// are understood, see [`value`].
fn quote_not_finite(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 16);
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '"' => string_length(rest),
            _ if is_word(first) => rest.find(|c| !is_word(c)).unwrap_or(rest.len()),
            _ => first.len_utf8(),
        };
        let (token, after) = rest.split_at(length);
        match not_finite(token) {
            Some(x) => quoted.extend(["\"", &print_float(x), "\""]),
            None => quoted.push_str(token),
        }
        rest = after;
    }
    quoted
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.' | '_')
}

/// The length of the string that the text begins with, quotes included; of all the text if it does not end.
fn string_length(text: &str) -> usize {
    let mut escaped = false;
    for (place, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return place + 1,
            _ => {}
        }
    }
    text.len()
}

/// A JSON value as a result; what is nested is kept as compact JSON text.
pub(super) fn value(json: &serde_json::Value) -> Value {
    match json {
        serde_json::Value::Null => Value::Missing,
        serde_json::Value::Bool(b) => Value::Bool(*b),
        serde_json::Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => Value::Int(whole),
            (None, Some(float)) => Value::Float(float),
            (None, None) => Value::Text(number.to_string()),
        },
        serde_json::Value::String(text) => text_value(text),
        serde_json::Value::Array(_) | serde_json::Value::Object(_) => Value::Text(json.to_string()),
    }
}

/// Text stays text, but for the spellings of NaN and infinity that programs print between quotes, for want of a number.
fn text_value(text: &str) -> Value {
    match text {
        "NaN" | "Infinity" | "-Infinity" | "Inf" | "-Inf" | "inf" | "-inf" => {
            not_finite(text).map_or_else(|| text.into(), Value::Float)
        }
        _ => text.into(),
    }
}
