//! Owns a column of text cells as values: which type it has, and what its cells then stand for.

use serde::{Deserialize, Serialize};

use crate::value::Value;

/// The type of a column of a points file, or of a file of lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ColumnType {
    /// Whole numbers of 64 bits.
    Int,
    /// Numbers.
    Float,
    /// `true` and `false`.
    Bool,
    /// Text as it stands.
    Text,
}

/// The types by their names.
pub(super) const TYPES: [(&str, ColumnType); 4] =
    [("int", ColumnType::Int), ("float", ColumnType::Float), ("bool", ColumnType::Bool), ("text", ColumnType::Text)];

impl ColumnType {
    /// The name of it in a sweep file.
    pub fn name(self) -> &'static str {
        TYPES.iter().find(|(_, kind)| *kind == self).map_or("text", |(name, _)| name)
    }

    /// The type of cells that nobody has given one: the first of int, float and bool that every cell fits that is not
    /// empty, else text. Cells like `007` are text, because a name is meant.
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

    /// What a cell stands for, if it is of this type.
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
            ColumnType::Int => "a whole number of 64 bits",
            ColumnType::Float => "a finite number",
            ColumnType::Bool => "true or false",
            ColumnType::Text => "text",
        }
    }
}

/// A finite number, in digits: not `inf`, not `nan`.
fn number(cell: &str) -> Option<f64> {
    let in_digits = cell.chars().all(|c| c.is_ascii_digit() || matches!(c, '+' | '-' | '.' | 'e' | 'E'));
    cell.parse().ok().filter(|number: &f64| in_digits && number.is_finite())
}

/// Digits behind a zero.
fn is_padded(cell: &str) -> bool {
    let digits = cell.strip_prefix(['+', '-']).unwrap_or(cell);
    digits.len() > 1 && digits.starts_with('0') && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// A column.
pub(super) struct TypedColumn {
    pub kind: ColumnType,
    pub values: Vec<Value>,
}

/// A cell that does not fit.
pub(super) struct Misfit {
    pub message: String,
    pub help: String,
}

impl TypedColumn {
    /// The values of cells, each with its line, in a column of this type. An empty cell is no value.
    pub fn read(file: &str, name: &str, cells: &[(usize, &str)], kind: ColumnType) -> Result<TypedColumn, Misfit> {
        if let Some((line, cell)) = not_finite(cells, kind) {
            let message = format!("{file}:{line}: {name} is `{cell}`, and a parameter is a finite number");
            return Err(Misfit {
                message,
                help: "leave the cell empty where there is no number, or take the row out".into(),
            });
        }
        let value = |(line, cell): &(usize, &str)| {
            if cell.is_empty() {
                return Ok(Value::Missing);
            }
            let message = || format!("{file}:{line}: {name} is `{cell}`, and must be {}", kind.described());
            let help = || "an empty cell stands for no value; a column of any texts has the type \"text\"".to_owned();
            let value = kind.value(cell).ok_or_else(|| Misfit { message: message(), help: help() })?;
            Ok(Value::written(value, cell))
        };
        Ok(TypedColumn { kind, values: cells.iter().map(value).collect::<Result<_, _>>()? })
    }

    /// The same with empty texts in place of values that are missing.
    pub fn with_empty_texts(mut self) -> TypedColumn {
        let missing = self.values.iter_mut().filter(|value| **value == Value::Missing);
        missing.for_each(|value| *value = Value::Text(String::new()));
        self
    }
}

/// The first NaN or infinity in a column that is one of numbers but for those.
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
    fn the_type_of_a_column_is_that_which_all_its_cells_have() {
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
