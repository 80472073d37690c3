//! Owns the cells of a table: borrowed values, and their form as text and as JSON.

use std::fmt::{self, Write as _};
use std::io::{self, Write};

use crate::value::{Value, write_float};

/// A cell. It borrows its value, so that writing a table copies nothing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum TableCell<'a> {
    /// No value.
    Missing,
    /// A whole number.
    Int(i64),
    /// A floating-point number.
    Float(f64),
    /// A text.
    Text(&'a str),
    /// A parameter or a result.
    Value(&'a Value),
}

impl TableCell<'_> {
    /// The cell as a value, for expressions and statistics.
    pub fn value(&self) -> Value {
        match *self {
            TableCell::Missing => Value::Missing,
            TableCell::Int(number) => Value::Int(number),
            TableCell::Float(number) => Value::Float(number),
            TableCell::Text(text) => text.into(),
            TableCell::Value(value) => value.clone(),
        }
    }

    /// Its text, if the cell already holds one; none: the text must be formatted.
    pub fn text(&self) -> Option<&str> {
        match self {
            TableCell::Text(text) => Some(text),
            TableCell::Value(Value::Text(text) | Value::Written(_, text)) => Some(text),
            _ => None,
        }
    }

    /// Writes the cell as JSON: a number, a boolean, a text or `null`. The form is that of [`Value::to_json`]: JSON has no
    /// NaN and no infinities, so they become the texts `NaN`, `inf` and `-inf`.
    ///
    /// # Errors
    /// Those of the stream.
    pub fn write_json(&self, to: &mut impl Write) -> io::Result<()> {
        match self {
            TableCell::Missing | TableCell::Value(Value::Missing) => to.write_all(b"null"),
            TableCell::Text(text) => Ok(serde_json::to_writer(to, text)?),
            TableCell::Value(Value::Text(text)) => Ok(serde_json::to_writer(to, text)?),
            TableCell::Float(x) | TableCell::Value(Value::Float(x)) if !x.is_finite() => write!(to, "\"{self}\""),
            TableCell::Value(Value::Written(value, _)) => TableCell::Value(value).write_json(to),
            other => write!(to, "{other}"),
        }
    }
}

/// The text of the cell: the printed form of its value.
impl fmt::Display for TableCell<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TableCell::Missing => Ok(()),
            TableCell::Int(number) => write!(f, "{number}"),
            TableCell::Float(number) => write_float(*number, f),
            TableCell::Text(text) => f.write_str(text),
            TableCell::Value(value) => write!(f, "{value}"),
        }
    }
}

/// Formats cells into one reused buffer, to avoid an allocation per number.
#[derive(Debug, Default)]
pub struct Printer(String);

impl Printer {
    /// The text of a cell; valid until the next call.
    pub fn print<'a>(&'a mut self, cell: &'a TableCell<'_>) -> &'a str {
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
    fn the_json_of_a_cell_is_that_of_its_value() {
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
            TableCell::Value(value).write_json(&mut json).unwrap();
            let read: serde_json::Value = serde_json::from_slice(&json).unwrap();
            assert_eq!(read, value.to_json(), "{value:?}");
            assert_eq!(read.is_f64(), value.to_json().is_f64(), "a float stays a float");
        }
    }
}
