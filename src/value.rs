//! Owns the value of a parameter or a result, and its printed form.

use std::fmt::{self, Write as _};

/// The value of a parameter or a result.
///
/// The printed form ([`fmt::Display`]) is part of a point's identity and never changes: integers in decimal, floats in
/// the shortest form that reads back the same ([`print_float`]), booleans as `true` and `false`, text unchanged, a
/// missing value as an empty text.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// No value at this point (a parameter of another block), or a result that is `null`: an empty cell.
    Missing,
    /// `true` or `false`.
    Bool(bool),
    /// A 64-bit whole number.
    Int(i64),
    /// A double. Parameters are finite; results may be NaN or infinite.
    Float(f64),
    /// Text.
    Text(String),
    /// A number or boolean as written in a file: its value, which expressions use, and its text, which is printed
    /// (`1.50`, `+3`, `TRUE`).
    Written(Box<Value>, String),
}

impl Value {
    /// The value for calculations, without the text of [`Value::Written`].
    pub fn plain(&self) -> &Value {
        match self {
            Value::Written(value, _) => value.plain(),
            other => other,
        }
    }

    /// A value as written in a file. A plain value if it prints like the text.
    pub fn written(value: Value, text: &str) -> Value {
        if value.to_string() == text { value } else { Value::Written(Box::new(value), text.to_owned()) }
    }

    /// Whether two values are the same for a point's identity: both missing, or both present with the same printed
    /// form.
    pub fn same_as(&self, other: &Value) -> bool {
        match (self, other) {
            (Value::Missing, _) | (_, Value::Missing) => self == other,
            (Value::Int(a), Value::Int(b)) => a == b,
            // The printed form is different for all doubles except NaNs.
            (Value::Float(a), Value::Float(b)) => a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan()),
            (Value::Text(a), Value::Text(b)) => a == b,
            (a, b) => a.to_string() == b.to_string(),
        }
    }

    /// The value as JSON. For [`Value::Written`] it is the number, so that a column of numbers contains numbers. NaN
    /// and infinities do not exist in JSON and become the strings `NaN`, `inf` and `-inf`.
    pub fn to_json(&self) -> serde_json::Value {
        match self {
            Value::Missing => serde_json::Value::Null,
            Value::Bool(b) => (*b).into(),
            Value::Int(i) => (*i).into(),
            Value::Float(f) if f.is_finite() => (*f).into(),
            Value::Float(_) => self.to_string().into(),
            Value::Text(t) => t.as_str().into(),
            Value::Written(value, _) => value.to_json(),
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Missing => Ok(()),
            Value::Bool(b) => write!(f, "{b}"),
            Value::Int(i) => write!(f, "{i}"),
            Value::Float(x) => write_float(*x, f),
            Value::Text(t) | Value::Written(_, t) => f.write_str(t),
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Value::Text(text.to_owned())
    }
}

/// Prints a double in the shortest form that reads back the same, always with a point or an exponent, so that it stays
/// a float: `0.3`, `2.0`, `1e-5`, `1.5e16`, `-0.0`, `NaN`, `inf`. An exponent is used below 1e-4 and from 1e16, as in
/// Python's `repr`.
///
/// The layout is defined here, over the digits of Rust's `{:e}` (the unique shortest, closest digits), so that no later
/// version of a library changes the identity of a point.
pub fn print_float(x: f64) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = write_float(x, &mut text);
    text
}

/// Writes what [`print_float`] prints without allocating a String: a table has many floats.
///
/// # Errors
/// Those of `to`.
pub fn write_float(x: f64, to: &mut impl fmt::Write) -> fmt::Result {
    if x.is_nan() {
        return to.write_str("NaN");
    }
    if x.is_infinite() {
        return to.write_str(if x > 0.0 { "inf" } else { "-inf" });
    }
    let mut buffer = Scientific::default();
    write!(buffer, "{x:e}")?;
    let scientific = buffer.text()?;
    // `{:e}` of a finite double always has an `e` followed by a small integer.
    let (mantissa, exponent) = scientific.split_once('e').ok_or(fmt::Error)?;
    let exponent: i32 = exponent.parse().map_err(|_| fmt::Error)?;
    if !(-4..16).contains(&exponent) {
        return to.write_str(scientific);
    }
    let mantissa = match mantissa.strip_prefix('-') {
        Some(rest) => {
            to.write_str("-")?;
            rest
        }
        None => mantissa,
    };
    // One digit, then the others after the point.
    let (first, rest) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    const ZEROS: &str = "0000000000000000";
    if exponent < 0 {
        let zeros = ZEROS.get(..(-exponent - 1) as usize).ok_or(fmt::Error)?;
        return write_all(to, &["0.", zeros, first, rest]);
    }
    match rest.split_at_checked(exponent as usize) {
        Some((whole, "")) => write_all(to, &[first, whole, ".0"]),
        Some((whole, tail)) => write_all(to, &[first, whole, ".", tail]),
        None => {
            let zeros = ZEROS.get(..exponent as usize - rest.len()).ok_or(fmt::Error)?;
            write_all(to, &[first, rest, zeros, ".0"])
        }
    }
}

fn write_all(to: &mut impl fmt::Write, parts: &[&str]) -> fmt::Result {
    parts.iter().try_for_each(|part| to.write_str(part))
}

/// A buffer for a double as printed by `{:e}`: at most 24 bytes, as in `-1.7976931348623157e-308`.
#[derive(Default)]
struct Scientific {
    bytes: [u8; 32],
    len: usize,
}

impl Scientific {
    fn text(&self) -> Result<&str, fmt::Error> {
        let bytes = self.bytes.get(..self.len).ok_or(fmt::Error)?;
        std::str::from_utf8(bytes).map_err(|_| fmt::Error)
    }
}

impl fmt::Write for Scientific {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = self.bytes.get_mut(self.len..self.len + text.len()).ok_or(fmt::Error)?;
        room.copy_from_slice(text.as_bytes());
        self.len += text.len();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn floats_print_as_documented() {
        let cases = [
            (0.3, "0.3"),
            (0.1 + 0.2, "0.30000000000000004"),
            (2.0, "2.0"),
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (1e-4, "0.0001"),
            (1e-5, "1e-5"),
            (-1.5e-7, "-1.5e-7"),
            (1e15, "1000000000000000.0"),
            (1e16, "1e16"),
            (123456.789, "123456.789"),
            (f64::NAN, "NaN"),
            (f64::NEG_INFINITY, "-inf"),
            (f64::MAX, "1.7976931348623157e308"),
            (5e-324, "5e-324"),
        ];
        for (x, printed) in cases {
            assert_eq!(print_float(x), printed);
        }
    }

    #[test]
    fn a_value_keeps_the_text_that_a_file_wrote_it_as() {
        let value = Value::written(Value::Float(1.5), "1.50");
        assert_eq!((value.to_string(), value.to_json()), ("1.50".into(), 1.5.into()));
        assert_eq!(value.plain(), &Value::Float(1.5));
        assert_eq!(Value::written(Value::Float(1.5), "1.5"), Value::Float(1.5));
    }

    proptest! {
        #[test]
        fn floats_read_back_the_same(bits: u64) {
            let x = f64::from_bits(bits);
            prop_assume!(x.is_finite());
            let back: f64 = print_float(x).parse().unwrap();
            prop_assert_eq!(back.to_bits(), x.to_bits());
        }
    }
}
