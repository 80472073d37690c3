//! Owns how a value is read from text.

use crate::value::Value;

/// Reads a value: missing, boolean, number, or else text. White space around it is dropped.
pub(super) fn scalar(text: &str) -> Value {
    let text = text.trim();
    match text {
        "" | "null" | "None" | "NA" => Value::Missing,
        "true" | "True" | "TRUE" => Value::Bool(true),
        "false" | "False" | "FALSE" => Value::Bool(false),
        _ => number(text).unwrap_or_else(|| text.into()),
    }
}

/// Reads a number: whole, float, Fortran's double (`1.2D-05`), or one that is not finite. Whole numbers beyond 64 bits
/// become floats; what is too large for those is none, because infinity would be a lie.
pub(super) fn number(text: &str) -> Option<Value> {
    if let Some(x) = not_finite(text) {
        return Some(Value::Float(x));
    }
    if !text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eEdD".contains(&byte)) {
        return None;
    }
    if let Ok(whole) = text.parse() {
        return Some(Value::Int(whole));
    }
    let float: f64 = text.replace(['d', 'D'], "e").parse().ok()?;
    float.is_finite().then_some(Value::Float(float))
}

/// Reads NaN or infinity, in any case, with or without a sign.
pub(super) fn not_finite(text: &str) -> Option<f64> {
    let (sign, name) = match text.strip_prefix('-') {
        Some(name) => (-1.0, name),
        None => (1.0, text.strip_prefix('+').unwrap_or(text)),
    };
    if name.eq_ignore_ascii_case("nan") {
        Some(f64::NAN)
    } else if name.eq_ignore_ascii_case("inf") || name.eq_ignore_ascii_case("infinity") {
        Some(sign * f64::INFINITY)
    } else {
        None
    }
}
