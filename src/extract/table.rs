//! Owns the format `table`: a header and rows, in an output that may have other lines too.
//!
//! - The header is the last line that has all names that the settings use, as cells. Without names (`columns` is empty), it
//!   is a line without numbers before a line of as many cells that has one. With positions only there is no header, and a
//!   row is a line in which every cell is a number or missing.
//! - A row has as many cells as the header, or one more where the header does not name the rows (R prints tables so), as
//!   the first row has. Of the columns that had a number in the first row, no more than half may have text. Other lines are
//!   skipped.
//! - A header that is repeated continues its table; another one begins a new table, and the earlier one does not count.

use std::collections::VecDeque;

use super::colours::without_escapes;
use super::lines::{LONGEST, LineParser, OutputLine};
use super::named_values::NamedValues;
use super::output_text::{list, quote};
use super::reduce::Accumulator;
use super::table_row::{CellSeparator, cells, is_rule, value};
use crate::expr::{Expression, Rules};
use crate::model::{ColumnRef, Reducers, RowChoice, TableSettings};
use crate::value::Value;

/// The farthest that a row can be from the last one: so many values are held for each column.
pub const MOST_ROWS_BACK: i64 = 1000;

/// Compiled settings.
#[derive(Debug)]
pub(super) struct CompiledTable {
    columns: Vec<(String, ColumnRef)>,
    row: RowChoice,
    reduce: Reducers,
    filter: Option<Expression>,
    /// The names that a header must have.
    names: Vec<String>,
}

impl CompiledTable {
    /// # Errors
    /// If this version of sweep does not understand the expression of `where`.
    pub(super) fn new(settings: &TableSettings, reduce: &Reducers) -> Result<CompiledTable, String> {
        let compile = |text: &String| {
            Expression::compile(text, Rules::Second)
                .map_err(|error| format!("`where` of the table, `{text}`: {}", error.message))
        };
        let filter = settings.filter.as_ref().map(compile).transpose()?;
        let of_columns = settings.columns.iter().filter_map(|(_, column)| match column {
            ColumnRef::Name(name) => Some(name.clone()),
            ColumnRef::Position(_) => None,
        });
        let of_filter = filter.iter().flat_map(|filter| filter.names().iter().cloned());
        let names = of_columns.chain(of_filter).collect();
        Ok(CompiledTable {
            columns: settings.columns.clone(),
            row: settings.row,
            reduce: reduce.clone(),
            filter,
            names,
        })
    }

    /// Whether the table has no header.
    fn has_no_header(&self) -> bool {
        self.names.is_empty() && !self.columns.is_empty()
    }
}

/// How the values of a column become one.
enum ColumnState {
    Reduced(Accumulator),
    /// The value of the row with this position.
    Nth(u64, Option<Value>),
    /// The values of the last rows.
    FromEnd(usize, VecDeque<Value>),
}

impl ColumnState {
    fn new(settings: &CompiledTable, name: &str) -> ColumnState {
        let reducer = match (settings.reduce.of(name), settings.row) {
            (Some(reducer), _) => reducer,
            (None, RowChoice::First) => return ColumnState::Nth(0, None),
            (None, RowChoice::Last) => return ColumnState::FromEnd(1, VecDeque::new()),
            (None, RowChoice::Number(row)) => {
                return match u64::try_from(row) {
                    Ok(row) => ColumnState::Nth(row, None),
                    Err(_) => {
                        ColumnState::FromEnd(row.unsigned_abs().min(MOST_ROWS_BACK as u64) as usize, VecDeque::new())
                    }
                };
            }
        };
        ColumnState::Reduced(Accumulator::new(reducer))
    }

    fn push(&mut self, row: u64, value: Value) {
        match self {
            ColumnState::Reduced(accumulator) => accumulator.push(value),
            ColumnState::Nth(wanted, found) if *wanted == row => *found = Some(value),
            ColumnState::Nth(..) => {}
            ColumnState::FromEnd(back, values) => {
                if values.len() == *back {
                    values.pop_front();
                }
                values.push_back(value);
            }
        }
    }

    fn finish(self, name: &str) -> Result<Option<Value>, String> {
        match self {
            ColumnState::Reduced(accumulator) => accumulator.finish(name),
            ColumnState::Nth(_, found) => Ok(found),
            ColumnState::FromEnd(back, mut values) => Ok(values.pop_front().filter(|_| values.len() + 1 == back)),
        }
    }
}

/// What later rows are compared with.
struct FirstRow {
    /// Whether a name that the header does not have stands before the cells.
    has_name: bool,
    /// The columns that had a number.
    numeric: Vec<bool>,
}

/// The table that is being read.
struct OpenTable {
    /// The cells of the header; empty: there is none.
    header: Vec<String>,
    separator: CellSeparator,
    /// The name of each result, its column and its state.
    columns: Vec<(String, ColumnRef, ColumnState)>,
    /// The form of the first row; none: there was no row yet.
    first_row: Option<FirstRow>,
    /// The number of rows that `where` has kept.
    rows: u64,
}

impl OpenTable {
    fn new(settings: &CompiledTable, header: Vec<String>, separator: CellSeparator) -> OpenTable {
        let all =
            || header.iter().filter(|name| !name.is_empty()).map(|name| (name.clone(), ColumnRef::Name(name.clone())));
        let columns = if settings.columns.is_empty() { all().collect() } else { settings.columns.clone() };
        let state = |(name, column): (String, ColumnRef)| {
            let state = ColumnState::new(settings, &name);
            (name, column, state)
        };
        OpenTable { columns: columns.into_iter().map(state).collect(), header, separator, first_row: None, rows: 0 }
    }

    /// The values of a row, in the order of the header. None: the line is no row of this table.
    fn row(&self, line: &str) -> Option<Vec<Value>> {
        let mut values: Vec<Value> = cells(line, self.separator).iter().map(|cell| value(cell)).collect();
        if self.header.is_empty() {
            let is_number = |value: &Value| matches!(value, Value::Int(_) | Value::Float(_) | Value::Missing);
            return (!values.is_empty() && values.iter().all(is_number)).then_some(values);
        }
        let has_name = values.len() == self.header.len() + 1 && self.separator == CellSeparator::Blank;
        if self.first_row.as_ref().is_some_and(|first| first.has_name != has_name) {
            return None;
        }
        if has_name {
            values.remove(0); // the name of the row
        }
        if values.len() != self.header.len() {
            return None;
        }
        let fits = self.first_row.as_ref().is_none_or(|first| {
            let numbers = first.numeric.iter().zip(&values).filter(|(numeric, _)| **numeric);
            let (texts, others): (Vec<_>, Vec<_>) = numbers.partition(|(_, value)| matches!(value, Value::Text(_)));
            texts.len() <= others.len()
        });
        fits.then_some(values)
    }

    fn position(&self, column: &ColumnRef, cells: usize) -> Option<usize> {
        match column {
            ColumnRef::Name(name) => self.header.iter().position(|other| other == name),
            ColumnRef::Position(at) => match usize::try_from(*at) {
                Ok(at) => Some(at),
                Err(_) => cells.checked_sub(usize::try_from(at.unsigned_abs()).ok()?),
            },
        }
    }

    /// Takes a row.
    ///
    /// # Errors
    /// If the condition cannot be evaluated.
    fn take(&mut self, filter: Option<&Expression>, line: &str, values: &[Value]) -> Result<(), String> {
        self.first_row.get_or_insert_with(|| FirstRow {
            has_name: !self.header.is_empty() && cells(line, self.separator).len() > self.header.len(),
            numeric: values.iter().map(|value| !matches!(value, Value::Text(_))).collect(),
        });
        let cell =
            |name: &str| self.header.iter().position(|other| other == name).and_then(|at| values.get(at)).cloned();
        if let Some(filter) = filter {
            let is_missing = |name: &String| matches!(cell(name), None | Some(Value::Missing));
            match filter.holds(&cell) {
                Ok(true) => {}
                Ok(false) => return Ok(()),
                // Without a value the row does not satisfy it.
                Err(_) if filter.names().iter().any(is_missing) => return Ok(()),
                Err(why) => return Err(format!("`where` cannot be evaluated in a row of the table: {why}")),
            }
        }
        let places: Vec<Option<usize>> =
            self.columns.iter().map(|(_, column, _)| self.position(column, values.len())).collect();
        for ((_, _, state), at) in self.columns.iter_mut().zip(places) {
            if let Some(value) = at.and_then(|at| values.get(at)) {
                state.push(self.rows, value.clone());
            }
        }
        self.rows += 1;
        Ok(())
    }
}

/// The lines of an output, of which some are a table.
pub(super) struct TableLines<'a> {
    settings: &'a CompiledTable,
    table: Option<OpenTable>,
    /// The line before, where it may be a header that is recognized only by the line after it.
    before: Option<(Vec<String>, CellSeparator)>,
    /// Why there can be no result any more, if so.
    refused: Option<String>,
}

impl<'a> TableLines<'a> {
    pub(super) fn new(settings: &'a CompiledTable) -> TableLines<'a> {
        let table = settings.has_no_header().then(|| OpenTable::new(settings, Vec::new(), CellSeparator::Blank));
        TableLines { settings, table, before: None, refused: None }
    }

    /// Whether the line is a header; it then begins a table, or continues the one that has the same header.
    fn is_header(&mut self, line: &str) -> bool {
        if self.settings.names.is_empty() {
            return false;
        }
        let line = line.trim_start_matches(['#', '%', ' ']);
        let separator = CellSeparator::of(line);
        let header = cells(line, separator);
        if !self.settings.names.iter().all(|name| header.iter().any(|cell| cell == name)) {
            return false;
        }
        self.begin(header.into_iter().map(Into::into).collect(), separator);
        true
    }

    fn begin(&mut self, header: Vec<String>, separator: CellSeparator) {
        if self.table.as_ref().is_none_or(|table| table.header != header) {
            self.table = Some(OpenTable::new(self.settings, header, separator));
        }
    }

    /// Takes a line where the header is not known by its names.
    fn guess_header(&mut self, line: &str) {
        let is_comment = line.starts_with(['#', '%']);
        if let Some((header, separator)) = self.before.take().filter(|_| !is_comment) {
            let table = OpenTable::new(self.settings, header, separator);
            let has_number =
                |values: &[Value]| values.iter().any(|value| matches!(value, Value::Int(_) | Value::Float(_)));
            if table.row(line).is_some_and(|values| has_number(&values)) {
                self.begin(table.header, separator);
            }
        }
        let text = line.trim_start_matches(['#', '%', ' ']);
        let separator = CellSeparator::of(text);
        let names: Vec<String> = cells(text, separator).into_iter().map(Into::into).collect();
        let is_name = |name: &String| matches!(value(name), Value::Text(_)) || name.is_empty();
        let are_unique = names.iter().enumerate().all(|(at, name)| !names.iter().take(at).any(|other| other == name));
        self.before = (names.iter().any(|name| !name.is_empty()) && names.iter().all(is_name) && are_unique)
            .then_some((names, separator));
    }

    fn whole_line(&mut self, line: &str) -> Result<(), String> {
        let line = line.trim();
        if line.is_empty() || is_rule(line) || self.is_header(line) {
            return Ok(());
        }
        if self.settings.names.is_empty() && !self.settings.has_no_header() {
            let fits = self.table.as_ref().and_then(|table| table.row(line)).is_some();
            if !fits || self.before.is_some() {
                self.guess_header(line);
            }
        }
        let Some(table) = &mut self.table else { return Ok(()) };
        if table.header.is_empty() {
            table.separator = CellSeparator::of(line);
        }
        match table.row(line) {
            Some(values) => table.take(self.settings.filter.as_ref(), line, &values),
            None => Ok(()),
        }
    }

    /// The results.
    ///
    /// # Errors
    /// If there is no table, no row, or the row that is asked for is not there.
    pub(super) fn finish(self, describe: impl Fn() -> String) -> Result<NamedValues, String> {
        if let Some(why) = self.refused {
            return Err(why);
        }
        let Some(table) = self.table else {
            let names = &self.settings.names;
            let with = match names.as_slice() {
                [] => String::new(),
                [name] => format!(" with the column {}", quote(name)),
                names => format!(" with the columns {}", list(names.iter().map(String::as_str))),
            };
            return Err(format!("the output has no table{with}; {}", describe()));
        };
        let rows = table.rows;
        let mut named = NamedValues::default();
        for (name, _, state) in table.columns {
            if let Some(value) = state.finish(&name)? {
                named.set(&name, value)?;
            }
        }
        if !named.is_empty() {
            return Ok(named);
        }
        let which = if self.settings.filter.is_some() { " for which `where` is true" } else { "" };
        Err(match (rows, self.settings.row) {
            (0, _) => format!("the table in the output has no row{which}; {}", describe()),
            (rows, RowChoice::Number(row)) => {
                format!("the table in the output has {rows} rows{which}, and so no row {row}")
            }
            (rows, _) => {
                format!("the {rows} rows of the table in the output have no value in the columns of the results")
            }
        })
    }
}

impl LineParser for TableLines<'_> {
    fn line(&mut self, line: OutputLine) {
        if self.refused.is_some() {
            return;
        }
        self.refused = match line {
            OutputLine::Whole(text) => self.whole_line(&without_escapes(text)).err(),
            OutputLine::TooLong(_) => {
                Some(format!("a line is longer than {} KiB, too long for a row of a table", LONGEST >> 10))
            }
        };
    }
}

#[cfg(test)]
mod tests;
