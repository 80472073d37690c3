//! Owns typed columns: detecting the type of text cells, and converting them to values.

use serde::{Deserialize, Serialize};

use crate::value::Value;

/// The type of a column of a points file, or of a file of lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ColumnType {
    /// 64-bit whole numbers.
    Int,
    /// Floating-point numbers.
    Float,
    /// `true` and `false`.
    Bool,
    /// Text.
    Text,
}

/// The types by name.
pub(super) const TYPES: [(&str, ColumnType); 4] =
    [("int", ColumnType::Int), ("float", ColumnType::Float), ("bool", ColumnType::Bool), ("text", ColumnType::Text)];

impl ColumnType {
    /// Its name in a sweep file.
    pub fn name(self) -> &'static str {
        TYPES.iter().find(|(_, kind)| *kind == self).map_or("text", |(name, _)| name)
    }

    /// The type of cells when none is declared: the first of int, float and bool that fits every non-empty cell, else
    /// text. Cells like `007` are text, because they are probably names.
    pub(super) fn of<'a>(cells: impl Iterator<Item = &'a str> + Clone) -> ColumnType {
        let filled = cells.filter(|cell| !cell.is_empty());
        if filled.clone().next().is_none() || filled.clone().any(is_padded) {
            return ColumnType::Text;
        }
        let fits = |kind: ColumnType| filled.clone().all(|cell| kind.value(cell).is_some());
        [ColumnType::Int, ColumnType::Float, ColumnType::Bool]
            .into_iter()
            .find(|kind| fits(*kind))
            .unwrap_or(ColumnType::Text)
    }

    /// The value of a cell. None if it does not have this type.
    fn value(self, cell: &str) -> Option<Value> {
        match self {
            ColumnType::Int => cell.parse().ok().map(Value::Int),
            ColumnType::Float => number(cell).map(Value::Float),
            ColumnType::Bool => match cell {
                "true" | "True" | "TRUE" => Some(Value::Bool(true)),
                "false" | "False" | "FALSE" => Some(Value::Bool(false)),
                _ => None,
            },
            ColumnType::Text => Some(Value::Text(cell.to_owned())),
        }
    }

    fn described(self) -> &'static str {
        match self {
            ColumnType::Int => "a 64-bit whole number",
            ColumnType::Float => "a finite number",
            ColumnType::Bool => "true or false",
            ColumnType::Text => "text",
        }
    }
}

/// A finite number written in digits: not `inf`, not `nan`.
fn number(cell: &str) -> Option<f64> {
    let in_digits = cell.chars().all(|c| c.is_ascii_digit() || matches!(c, '+' | '-' | '.' | 'e' | 'E'));
    cell.parse().ok().filter(|number: &f64| in_digits && number.is_finite())
}

/// Whether a number has a leading zero, as in `007`.
fn is_padded(cell: &str) -> bool {
    let digits = cell.strip_prefix(['+', '-']).unwrap_or(cell);
    digits.len() > 1 && digits.starts_with('0') && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// A column with its type.
pub(super) struct TypedColumn {
    pub kind: ColumnType,
    pub values: Vec<Value>,
}

/// A cell that does not have the column's type.
pub(super) struct Misfit {
    pub message: String,
    pub help: String,
}

impl TypedColumn {
    /// Converts cells, each with its line number, to values of a type. An empty cell is a missing value.
    pub fn read(file: &str, name: &str, cells: &[(usize, &str)], kind: ColumnType) -> Result<TypedColumn, Misfit> {
        if let Some((line, cell)) = not_finite(cells, kind) {
            let message = format!("{file}:{line}: {name} is `{cell}`, but parameter values must be finite");
            return Err(Misfit {
                message,
                help: "leave the cell empty if there is no number, or remove the row".into(),
            });
        }
        let value = |(line, cell): &(usize, &str)| {
            if cell.is_empty() {
                return Ok(Value::Missing);
            }
            let message = || format!("{file}:{line}: {name} is `{cell}`, but must be {}", kind.described());
            let help = || "an empty cell means no value; for arbitrary text use the type \"text\"".to_owned();
            let value = kind.value(cell).ok_or_else(|| Misfit { message: message(), help: help() })?;
            Ok(Value::written(value, cell))
        };
        Ok(TypedColumn { kind, values: cells.iter().map(value).collect::<Result<_, _>>()? })
    }

    /// The same with empty texts in place of missing values.
    pub fn with_empty_texts(mut self) -> TypedColumn {
        let missing = self.values.iter_mut().filter(|value| **value == Value::Missing);
        missing.for_each(|value| *value = Value::Text(String::new()));
        self
    }
}

/// The first NaN or infinity in a column that otherwise contains only numbers.
fn not_finite<'a>(cells: &[(usize, &'a str)], kind: ColumnType) -> Option<(usize, &'a str)> {
    let odd = |cell: &str| number(cell).is_none() && cell.parse::<f64>().is_ok_and(|number| !number.is_finite());
    let filled = || cells.iter().filter(|(_, cell)| !cell.is_empty());
    let numbers = filled().any(|(_, cell)| number(cell).is_some());
    let only = filled().all(|(_, cell)| number(cell).is_some() || odd(cell));
    let first = || filled().find(|(_, cell)| odd(cell)).copied();
    (kind == ColumnType::Text && numbers && only).then(first).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(cells: &[&'static str]) -> &'static str {
        ColumnType::of(cells.iter().copied()).name()
    }

    #[test]
    fn the_type_of_a_column_fits_all_its_cells() {
        assert_eq!(kind(&["1", "-2", "", "+3"]), "int");
        assert_eq!(kind(&["1", "2.5", "1e-3", ".5"]), "float");
        assert_eq!(kind(&["9223372036854775808", "1"]), "float");
        assert_eq!(kind(&["true", "FALSE"]), "bool");
        assert_eq!(kind(&["1", "x"]), "text");
        assert_eq!(kind(&["001", "100"]), "text");
        assert_eq!(kind(&["0", "0.5"]), "float");
        assert_eq!(kind(&["", ""]), "text");
        assert_eq!(kind(&["inf"]), "text");
        assert_eq!(kind(&["1_000"]), "text");
    }

    #[test]
    fn a_cell_keeps_its_text() {
        let cells = [(2, "1.50"), (3, "2"), (4, ""), (5, "0.1")];
        let column = TypedColumn::read("a.csv", "`x`", &cells, ColumnType::Float).ok().unwrap();
        let printed: Vec<String> = column.values.iter().map(Value::to_string).collect();
        assert_eq!(printed, ["1.50", "2", "", "0.1"]);
        let plain = [Value::Float(1.5), Value::Float(2.0), Value::Missing, Value::Float(0.1)];
        assert!(column.values.iter().map(Value::plain).eq(&plain));
    }
}
