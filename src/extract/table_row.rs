//! Owns splitting the lines of a table in a job's output into cells.

use std::borrow::Cow;

use super::scalar::scalar;
use crate::value::Value;

/// What separates the cells of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CellSeparator {
    /// One character.
    Char(char),
    /// White space.
    Blank,
}

impl CellSeparator {
    /// The separator of the table that has this line: a semicolon, a tab or a comma, if it has one; else white space.
    pub(super) fn of(line: &str) -> CellSeparator {
        let char = [';', '\t', ','].into_iter().find(|c| line.contains(*c));
        char.map_or(CellSeparator::Blank, CellSeparator::Char)
    }
}

/// The cells of a line, trimmed and without quotes.
pub(super) fn cells(line: &str, separator: CellSeparator) -> Vec<Cow<'_, str>> {
    let line = line.trim();
    match separator {
        CellSeparator::Blank => blank_separated(line),
        CellSeparator::Char(separator) => separated(line, separator),
    }
}

fn blank_separated(line: &str) -> Vec<Cow<'_, str>> {
    let mut cells = Vec::new();
    let mut rest = line;
    while !rest.is_empty() {
        let quoted = rest.strip_prefix('"').and_then(|inside| inside.split_once('"'));
        let (cell, after) = match quoted {
            Some((cell, after)) if after.is_empty() || after.starts_with(char::is_whitespace) => (cell, after),
            _ => rest.split_at(rest.find(char::is_whitespace).unwrap_or(rest.len())),
        };
        cells.push(Cow::Borrowed(cell));
        rest = after.trim_start();
    }
    cells
}

fn separated(line: &str, separator: char) -> Vec<Cow<'_, str>> {
    let mut cells = Vec::new();
    let mut rest = Some(line);
    while let Some(text) = rest {
        let (cell, after) = match quoted(text, separator) {
            Some(found) => found,
            None => match text.split_once(separator) {
                Some((cell, after)) => (Cow::Borrowed(cell.trim()), Some(after)),
                None => (Cow::Borrowed(text.trim()), None),
            },
        };
        cells.push(cell);
        rest = after;
    }
    cells
}

/// A cell in quotes, in which `""` is a quote, and what follows its separator. None: the text does not begin with one.
fn quoted(text: &str, separator: char) -> Option<(Cow<'_, str>, Option<&str>)> {
    let inside = text.trim_start().strip_prefix('"')?;
    let mut end = 0;
    loop {
        end += inside.get(end..)?.find('"')?;
        match inside.get(end + 1..)?.strip_prefix('"') {
            Some(_) => end += 2,
            None => break,
        }
    }
    let cell = inside.get(..end)?;
    let cell = if cell.contains('"') { Cow::Owned(cell.replace("\"\"", "\"")) } else { Cow::Borrowed(cell) };
    let after = inside.get(end + 1..)?.trim_start();
    if after.is_empty() {
        return Some((cell, None));
    }
    Some((cell, Some(after.strip_prefix(separator)?)))
}

/// The value of a cell. A number that does not fit its width is printed as `****` by Fortran: it is missing.
pub(super) fn value(cell: &str) -> Value {
    let cell = cell.trim();
    if !cell.is_empty() && cell.bytes().all(|byte| byte == b'*') { Value::Missing } else { scalar(cell) }
}

/// Whether a line only separates a header from its rows: `-----`, `---+---`, `| --- |`.
pub(super) fn is_rule(line: &str) -> bool {
    line.contains(['-', '=']) && line.chars().all(|c| "-=+|: ".contains(c))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lines_are_split_into_cells() {
        let cases: [(&str, &[&str]); 8] = [
            ("a  b\tc", &["a\u{20} b", "c"]),
            (" a  b c ", &["a", "b", "c"]),
            ("x;1,5; ", &["x", "1,5", ""]),
            ("\"\",\"x\",\"a \"\"b\"\", c\"", &["", "x", "a \"b\", c"]),
            ("1, 2 ,3", &["1", "2", "3"]),
            ("\"two words\" 3", &["two words", "3"]),
            ("\"open, x", &["\"open", "x"]),
            ("", &[]),
        ];
        for (line, expected) in cases {
            assert_eq!(cells(line, CellSeparator::of(line)), expected, "{line:?}");
        }
        assert_eq!((value("***"), value("3"), value("x")), (Value::Missing, Value::Int(3), Value::Text("x".into())));
        assert!(is_rule("--- | :--:") && is_rule("====") && !is_rule("-5") && !is_rule("  "));
    }

    proptest! {
        #[test]
        fn any_line_is_split(line in "[a\",; \t|é]{0,30}") {
            let split = cells(&line, CellSeparator::of(&line));
            prop_assert!(split.iter().map(|cell| cell.len()).sum::<usize>() <= line.len());
        }

        #[test]
        fn cells_of_numbers_read_back(numbers in prop::collection::vec(any::<i32>(), 1..8), separator in 0..4_usize) {
            let joint = [" ", ",", ";", "\t"][separator];
            let line = numbers.iter().map(i32::to_string).collect::<Vec<_>>().join(joint);
            prop_assert_eq!(cells(&line, CellSeparator::of(&line)), numbers.iter().map(i32::to_string).collect::<Vec<_>>());
        }
    }
}
