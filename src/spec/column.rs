//! Owns typed columns: detecting the type of text cells, and converting them to values.

use serde::{Deserialize, Serialize};

use super::Diagnostic;
use super::table_reader::{Entry, Sink};
use crate::value::Value;
use crate::visible::visible_value;

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

/// The type that an entry of a sweep file declares for `what`. Reports an invalid one.
pub(super) fn declared(entry: Option<Entry>, what: &str, sink: &Sink) -> Option<ColumnType> {
    let entry = entry?;
    let named = entry.value.as_str().and_then(|name| TYPES.iter().find(|(other, _)| *other == name));
    if named.is_none() {
        let found = Diagnostic::error(format!("invalid type for {what}"), entry.span);
        sink.push(found.help("the types are \"int\", \"float\", \"bool\" and \"text\""));
    }
    named.map(|(_, kind)| *kind)
}

/// The types by name.
const TYPES: [(&str, ColumnType); 4] =
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
    /// Converts cells, each with its line number, to values of a type. An empty cell is a missing value. `declare` is how
    /// the sweep file declares that the cells are text, for help.
    ///
    /// # Errors
    /// A cell that does not have the type. Without a declared type, NaN or an infinity in a column of numbers.
    pub fn read(
        file: &str,
        name: &str,
        cells: &[(usize, &str)],
        declared: Option<ColumnType>,
        declare: &str,
    ) -> Result<TypedColumn, Misfit> {
        let kind = declared.unwrap_or_else(|| ColumnType::of(cells.iter().map(|(_, cell)| *cell)));
        if let Some((line, cell)) = not_finite(cells).filter(|_| declared.is_none() && kind == ColumnType::Text) {
            let message = format!("{file}:{line}: {name} is `{cell}`, but numbers must be finite");
            let help = format!(
                "if the program takes `{cell}`, declare the values as text, which is passed on as it is written: {declare}; \
                 otherwise leave the cell empty, or remove the row"
            );
            return Err(Misfit { message, help });
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

/// The first cell that makes a column text although its other cells are numbers: decimal commas, or one of few texts among
/// numbers. `declare` is how the sweep file declares that the cells are text.
pub(super) fn stray_text(file: &str, name: &str, cells: &[(usize, &str)], declare: &str) -> Option<Misfit> {
    let filled = || cells.iter().filter(|(_, cell)| !cell.is_empty());
    let texts = || filled().filter(|(_, cell)| number(cell).is_none());
    let (line, cell) = texts().next()?;
    let numbers = filled().count() - texts().count();
    if texts().all(|(_, cell)| has_decimal_comma(cell)) {
        let message = format!("{file}:{line}: {name} is text, because `{cell}` has a decimal comma");
        let help =
            format!("write numbers with a point, `{}`; if it is text, declare it: {declare}", cell.replace(',', "."));
        return Some(Misfit { message, help });
    }
    if numbers <= texts().count() || filled().any(|(_, cell)| is_padded(cell)) {
        return None;
    }
    let more = match texts().count() - 1 {
        0 => String::new(),
        1 => ", as is 1 other".into(),
        more => format!(", as are {more} others"),
    };
    let message = format!(
        "{file}:{line}: {name} is text, because this cell is `{}`{more}; the other {numbers} are numbers",
        visible_value(cell)
    );
    let help =
        format!("correct it, or leave the cell empty if there is no number; if it is text, declare it: {declare}");
    Some(Misfit { message, help })
}

/// Whether a cell is a number with a comma in place of the point.
fn has_decimal_comma(cell: &str) -> bool {
    let parts = cell.split_once(',');
    let digits = |part: &str| part.starts_with(|c: char| c.is_ascii_digit());
    parts.is_some_and(|(_, fraction)| digits(fraction)) && number(&cell.replacen(',', ".", 1)).is_some()
}

/// The first NaN or infinity in a column that otherwise contains only numbers.
fn not_finite<'a>(cells: &[(usize, &'a str)]) -> Option<(usize, &'a str)> {
    let odd = |cell: &str| number(cell).is_none() && cell.parse::<f64>().is_ok_and(|number| !number.is_finite());
    let filled = || cells.iter().filter(|(_, cell)| !cell.is_empty());
    let numbers = filled().any(|(_, cell)| number(cell).is_some());
    let only = filled().all(|(_, cell)| number(cell).is_some() || odd(cell));
    let first = || filled().find(|(_, cell)| odd(cell)).copied();
    (numbers && only).then(first).flatten()
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
    fn text_among_numbers_is_pointed_out() {
        let stray = |cells: &[&str]| {
            let cells: Vec<(usize, &str)> = (2..).zip(cells.iter().copied()).collect();
            stray_text("a.csv", "`x`", &cells, "")
                .map(|stray| stray.message.split("is text").nth(1).unwrap().to_owned())
        };
        assert_eq!(stray(&["1", "2", "3.5", ""]), None);
        assert_eq!(stray(&["0,5", "1,5"]).as_deref(), Some(", because `0,5` has a decimal comma"));
        assert_eq!(stray(&["1", "0,5"]).as_deref(), Some(", because `0,5` has a decimal comma"));
        let one = ", because this cell is `********`; the other 2 are numbers";
        assert_eq!(stray(&["1", "********", "2"]).as_deref(), Some(one));
        let two = ", because this cell is `1.2.3`, as is 1 other; the other 3 are numbers";
        assert_eq!(stray(&["1", "2", "3", "1.2.3", "x"]).as_deref(), Some(two));
        for names in [&["a", "b", "1"][..], &["001", "100", "x"], &["1,2,3", "4"], &["a,1", "2"]] {
            assert_eq!(stray(names), None, "{names:?}");
        }
    }

    #[test]
    fn a_cell_keeps_its_text() {
        let cells = [(2, "1.50"), (3, "2"), (4, ""), (5, "0.1")];
        let column = TypedColumn::read("a.csv", "`x`", &cells, None, "").ok().unwrap();
        let printed: Vec<String> = column.values.iter().map(Value::to_string).collect();
        assert_eq!(printed, ["1.50", "2", "", "0.1"]);
        let plain = [Value::Float(1.5), Value::Float(2.0), Value::Missing, Value::Float(0.1)];
        assert!(column.values.iter().map(Value::plain).eq(&plain));
    }
}
