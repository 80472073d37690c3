//! Owns a cell of a table: a value that is borrowed where it can be, and how it is written as text and as JSON.

use std::fmt::{self, Write as _};
use std::io::{self, Write};

use crate::value::{Value, write_float};

/// A cell.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Cell<'a> {
    /// Nothing is known.
    Missing,
    /// A whole number.
    Int(i64),
    /// A measurement.
    Float(f64),
    /// A word.
    Text(&'a str),
    /// A parameter or a result.
    Value(&'a Value),
}

impl Cell<'_> {
    /// As a value, for expressions and for reckoning.
    pub fn value(&self) -> Value {
        match *self {
            Cell::Missing => Value::Missing,
            Cell::Int(number) => Value::Int(number),
            Cell::Float(number) => Value::Float(number),
            Cell::Text(text) => text.into(),
            Cell::Value(value) => value.clone(),
        }
    }

    /// Its text, where it has one that stands ready.
    pub fn text(&self) -> Option<&str> {
        match self {
            Cell::Text(text) => Some(text),
            Cell::Value(Value::Text(text) | Value::Written(_, text)) => Some(text),
            _ => None,
        }
    }

    /// Writes it as JSON, types told apart: numbers, `true`, texts, `null`; as [`Value::to_json`], so that NaN and the
    /// infinities, which JSON has not, are the texts `NaN`, `inf` and `-inf`.
    ///
    /// # Errors
    /// As the stream's.
    pub fn write_json(&self, to: &mut impl Write) -> io::Result<()> {
        match self {
            Cell::Missing | Cell::Value(Value::Missing) => to.write_all(b"null"),
            Cell::Text(text) => Ok(serde_json::to_writer(to, text)?),
            Cell::Value(Value::Text(text)) => Ok(serde_json::to_writer(to, text)?),
            Cell::Float(x) | Cell::Value(Value::Float(x)) if !x.is_finite() => write!(to, "\"{self}\""),
            Cell::Value(Value::Written(value, _)) => Cell::Value(value).write_json(to),
            other => write!(to, "{other}"),
        }
    }
}

/// As text: the printed form of values.
impl fmt::Display for Cell<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Cell::Missing => Ok(()),
            Cell::Int(number) => write!(f, "{number}"),
            Cell::Float(number) => write_float(*number, f),
            Cell::Text(text) => f.write_str(text),
            Cell::Value(value) => write!(f, "{value}"),
        }
    }
}

/// Prints cells into one buffer, so that a table of numbers allocates nothing for each.
#[derive(Debug, Default)]
pub struct Printer(String);

impl Printer {
    /// The text of a cell; it holds until the next.
    pub fn print<'a>(&'a mut self, cell: &'a Cell<'_>) -> &'a str {
        if let Some(text) = cell.text() {
            return text;
        }
        self.0.clear();
        // Writing to a String does not fail.
        let _ = write!(self.0, "{cell}");
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_tells_types_apart_as_values_do() {
        let written = Value::written(Value::Float(1.5), "1.50");
        let values = [
            Value::Missing,
            Value::Bool(true),
            Value::Int(i64::MIN),
            Value::Float(2.0),
            Value::Float(-0.0),
            Value::Float(1e300),
            Value::Float(5e-324),
            Value::Float(f64::NAN),
            Value::Float(f64::NEG_INFINITY),
            "a \"b\"\n\u{1}ü".into(),
            "NaN".into(),
            written,
        ];
        for value in &values {
            let mut json = Vec::new();
            Cell::Value(value).write_json(&mut json).unwrap();
            let read: serde_json::Value = serde_json::from_slice(&json).unwrap();
            assert_eq!(read, value.to_json(), "{value:?}");
            assert_eq!(read.is_f64(), value.to_json().is_f64(), "a float stays a float");
        }
    }
}
