//! Owns the format `json`: finding an object in the output, and reading its values.

use super::json_scan;
use super::named_values::NamedValues;
use super::output_text::OutputText;
use super::scalar::not_finite;
use crate::value::{Value, print_float};

/// A JSON object, in its own order.
pub(super) type Object = serde_json::Map<String, serde_json::Value>;

/// The last object of an output, and the text after it.
pub(super) struct Found<'a> {
    pub(super) object: Object,
    pub(super) after: &'a str,
}

/// Why there is no object.
pub(super) struct NotFound {
    /// In words.
    pub(super) why: String,
    /// Whether the job apparently tried to print one.
    pub(super) is_meant: bool,
}

/// The last object of an output: one that begins and ends a line, on one line or several.
///
/// An earlier object does not count if something after it looks like an object but is none. If the output was cut, neither
/// does one that may be a part of a larger one.
pub(super) fn find<'a>(text: &'a OutputText<'_>) -> Result<Found<'a>, NotFound> {
    let lines = text.complete_lines();
    let scan = json_scan::scan(lines);
    let mut broken: Option<String> = None;
    for range in scan.objects.iter().rev() {
        let candidate = lines.get(range.clone()).unwrap_or_default();
        match object(candidate) {
            Ok(_) if scan.is_unfinished || broken.is_some() => {
                let why = broken.unwrap_or_else(|| "it does not end".into());
                let why = format!("the last JSON object of the output cannot be read: {why}; print it on one line");
                return Err(NotFound { why, is_meant: true });
            }
            Ok(_) if text.is_cut() && scan.has_stray_end => {
                return Err(NotFound { why: explain(text), is_meant: true });
            }
            Ok(object) => return Ok(Found { object, after: lines.get(range.end..).unwrap_or_default() }),
            Err(NoObject::Broken(error)) if json_scan::is_meant(candidate) => {
                broken.get_or_insert_with(|| error.to_string());
            }
            Err(_) => {}
        }
    }
    Err(NotFound { why: explain(text), is_meant: ends_like_object(text) })
}

/// Why there is no object in an output, by its last line and its whole.
fn explain(text: &OutputText<'_>) -> String {
    let line = text.last_line().unwrap_or_default();
    if let Some(why) = text.cut("and its last line is not a whole JSON object") {
        let remedy = if line.is_empty() { "print less" } else { "print the object on one line, as the last line" };
        return format!("{why}; {remedy}");
    }
    let in_whole = text.whole().map_or(NoObject::Other, |whole| why_none(whole.trim()));
    match (why_none(line), in_whole) {
        (NoObject::Broken(error), _) => {
            let python = if line.starts_with("{'") { "; in Python, `json.dumps` writes one" } else { "" };
            format!("{}: {error}{python}", text.last_line_is_not("a JSON object"))
        }
        (_, NoObject::Broken(error)) => format!("the output is not a JSON object: {error}"),
        _ if line.ends_with('}') => {
            format!("{}, nor is the whole output; print the object on one line", text.last_line_is_not("a JSON object"))
        }
        _ => text.last_line_is_not("a JSON object"),
    }
}

/// Whether the output ends like an object: a line such as `{"a": 1,}` or Python's `{'a': 1}`, or the end of an object whose
/// beginning was dropped.
fn ends_like_object(text: &OutputText<'_>) -> bool {
    let end = text.end();
    let may_begin_before = end == "}" || text.last_line().is_none();
    let whole = || text.whole().map_or(may_begin_before, |whole| json_scan::is_meant(whole.trim_start()));
    end.ends_with('}') && (json_scan::is_meant(end) || whole())
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

fn why_none(text: &str) -> NoObject {
    object(text).err().unwrap_or(NoObject::Other)
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
