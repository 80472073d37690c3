//! Owns converting text to a value.

use crate::value::Value;

/// Converts text to a value: missing, boolean, number, or else text. Surrounding white space is dropped.
pub(super) fn scalar(text: &str) -> Value {
    let text = text.trim();
    match text {
        "" | "null" | "None" | "NA" => Value::Missing,
        "true" | "True" | "TRUE" => Value::Bool(true),
        "false" | "False" | "FALSE" => Value::Bool(false),
        _ => number(text).unwrap_or_else(|| text.into()),
    }
}

/// Parses a number: whole, float, Fortran's double (`1.2D-05`), NaN or infinity. Whole numbers that do not fit in 64
/// bits become floats. A number that is too large for a float is not converted to infinity, which would be wrong; it is
/// not a number.
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

/// Parses NaN or infinity, in upper or lower case, with or without a sign.
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
