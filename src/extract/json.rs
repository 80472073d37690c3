//! Owns the format `json`: finding an object in the output, and reading its values.

use super::named_values::NamedValues;
use super::output_text::OutputText;
use super::scalar::not_finite;
use crate::value::{Value, print_float};

/// A JSON object, in its own order.
pub(super) type Object = serde_json::Map<String, serde_json::Value>;

/// The object on the last line, or the object that is the whole output.
pub(super) fn find(text: &OutputText<'_>) -> Result<Object, String> {
    let line = text.last_line().unwrap_or_default();
    let on_line = match object(line) {
        Ok(object) => return Ok(object),
        Err(why) => why,
    };
    if let Some(why) = text.cut("and its last line is not a whole JSON object") {
        let remedy = if line.is_empty() { "print less" } else { "print the object on one line, as the last line" };
        return Err(format!("{why}; {remedy}"));
    }
    let in_whole = match text.whole().map_or(Err(NoObject::Other), |whole| object(whole.trim())) {
        Ok(object) => return Ok(object),
        Err(why) => why,
    };
    Err(match (on_line, in_whole) {
        (NoObject::Broken(error), _) => {
            let python = if line.starts_with("{'") { "; in Python, `json.dumps` writes one" } else { "" };
            format!("{}: {error}{python}", text.last_line_is_not("a JSON object"))
        }
        (_, NoObject::Broken(error)) => format!("the output is not a JSON object: {error}"),
        _ if line.ends_with('}') => {
            format!("{}, nor is the whole output; print the object on one line", text.last_line_is_not("a JSON object"))
        }
        _ => text.last_line_is_not("a JSON object"),
    })
}

/// Whether the job apparently tried to print an object although none was found: a line such as `{"a": 1,}` or Python's
/// `{'a': 1}`, or the end of an object whose beginning was dropped.
pub(super) fn is_meant(text: &OutputText<'_>) -> bool {
    let end = text.end();
    let begins = |text: &str| text.strip_prefix('{').is_some_and(|inside| inside.trim_start().starts_with(['"', '\'']));
    let may_begin_before = end == "}" || text.last_line().is_none();
    end.ends_with('}') && (begins(end) || text.whole().map_or(may_begin_before, |whole| begins(whole.trim_start())))
}

/// All members of an object as results. Nested objects are flattened.
pub(super) fn flat(object: &Object) -> Result<NamedValues, String> {
    let mut named = NamedValues::default();
    flatten(object, "", &mut named)?;
    Ok(named)
}

fn flatten(object: &Object, above: &str, named: &mut NamedValues) -> Result<(), String> {
    for (key, inner) in object {
        let key = key.trim();
        if key.is_empty() {
            let place = if above.is_empty() { String::new() } else { format!(" in `{}`", above.trim_end_matches('.')) };
            return Err(format!("a result{place} has an empty name; give it one"));
        }
        let name = format!("{above}{key}");
        match inner {
            serde_json::Value::Object(inner) => flatten(inner, &format!("{name}."), named)?,
            _ => named.set(&name, value(inner))?,
        }
    }
    Ok(())
}

/// Why a text is not an object.
enum NoObject {
    /// It does not begin like an object.
    Other,
    /// It begins like an object, but has this error.
    Broken(serde_json::Error),
}

fn object(text: &str) -> Result<Object, NoObject> {
    if !text.starts_with('{') {
        return Err(NoObject::Other);
    }
    // The error refers to the text as printed, not to the text with quotes added.
    let error = match serde_json::from_str(text) {
        Ok(object) => return Ok(object),
        Err(error) => error,
    };
    serde_json::from_str(&quote_not_finite(text)).map_err(|_| NoObject::Broken(error))
}

/// Puts bare words for NaN and infinity in quotes. JSON does not have them, but many programs print them. As strings
/// they are converted, see [`value`].
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

/// The length of the string at the start of the text, with quotes. The whole text if the string does not end.
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

/// A JSON value as a result. A nested value is kept as compact JSON text.
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

/// Text stays text, except for the spellings of NaN and infinity that programs print in quotes because JSON has no
/// numbers for them.
fn text_value(text: &str) -> Value {
    match text {
        "NaN" | "Infinity" | "-Infinity" | "Inf" | "-Inf" | "inf" | "-inf" => {
            not_finite(text).map_or_else(|| text.into(), Value::Float)
        }
        _ => text.into(),
    }
}
