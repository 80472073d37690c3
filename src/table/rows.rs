//! Owns a row: a point, its newest record and its state as cells, in the order of the columns. Copies nothing.

use super::cell::Cell;
use super::columns::{Column, TableColumns};
use crate::job::Outcome;
use crate::record::Record;
use crate::space::Point;
use crate::value::Value;

impl TableColumns {
    /// Space for the results of rows, used for one row after another.
    pub fn result_index(&self) -> ResultIndex {
        ResultIndex { positions: vec![None; self.result_count()], expected: Vec::new() }
    }

    /// A row. A point without a record has empty cells for what only an attempt measures. A result without a column (it
    /// arrived while the table was being written) is left out; a later table has it.
    pub fn row<'a>(
        &'a self,
        point: &'a Point,
        record: Option<&'a Record>,
        status: &'a str,
        index: &'a mut ResultIndex,
    ) -> Row<'a> {
        let results = match record.map(|record| &record.outcome) {
            Some(Outcome::Succeeded { results }) => results.as_slice(),
            _ => &[],
        };
        index.find(self, results);
        // The measurements of a success that was set aside are in the record before.
        let measured = record.filter(|record| record.outcome != Outcome::SetAside);
        Row { columns: self, point, record, measured, status, results, positions: &index.positions }
    }
}

/// Where the results of a row are in its record; kept from row to row, because most have the same results in the same
/// order.
pub struct ResultIndex {
    /// For each result column, the position among the results of the record.
    positions: Vec<Option<usize>>,
    /// The names in the last record, with their columns.
    expected: Vec<(String, Option<usize>)>,
}

impl ResultIndex {
    fn find(&mut self, columns: &TableColumns, results: &[(String, Value)]) {
        let same = self.expected.len() == results.len()
            && self.expected.iter().zip(results).all(|((expected, _), (name, _))| expected == name);
        if same {
            return;
        }
        self.expected = results.iter().map(|(name, _)| (name.clone(), columns.result(name))).collect();
        self.positions.fill(None);
        for (position, (_, column)) in self.expected.iter().enumerate() {
            if let Some(slot) = column.and_then(|column| self.positions.get_mut(column)) {
                *slot = Some(position);
            }
        }
    }
}

/// A row of a table.
#[derive(Clone, Copy)]
pub struct Row<'a> {
    columns: &'a TableColumns,
    /// The point.
    pub point: &'a Point,
    record: Option<&'a Record>,
    measured: Option<&'a Record>,
    status: &'a str,
    results: &'a [(String, Value)],
    positions: &'a [Option<usize>],
}

impl<'a> Row<'a> {
    /// The cell at a position; empty after the last column.
    pub fn cell(&self, position: usize) -> Cell<'a> {
        let measured = |of: fn(&'a Record) -> Cell<'a>| self.measured.map_or(Cell::Missing, of);
        let Some(column) = self.columns.get(position) else { return Cell::Missing };
        match column {
            Column::Job => whole(self.point.index),
            Column::Parameter(at) => self.point.params.get(at).map_or(Cell::Missing, Cell::Value),
            Column::Draw => whole(self.point.draw),
            Column::Randomization => whole(self.point.randomization),
            Column::Repeat => whole(self.point.repeat),
            Column::Result(at) => self.result(at).map_or(Cell::Missing, Cell::Value),
            Column::Seed => whole(self.point.seed),
            Column::Status => Cell::Text(self.status),
            Column::Attempts => self.record.map_or(Cell::Missing, |record| Cell::Int(record.tries.attempts.into())),
            Column::Seconds => measured(|record| Cell::Float(microseconds(record.seconds))),
            Column::CpuSeconds => measured(|record| Cell::Float(microseconds(record.cpu_seconds))),
            Column::MaxRssBytes => measured(|record| whole(record.max_rss_bytes)),
            Column::ExitCode => {
                measured(|record| record.exit_code.map_or(Cell::Missing, |code| Cell::Int(code.into())))
            }
            Column::Host => measured(|record| Cell::Text(&record.host)),
        }
    }

    fn result(&self, column: usize) -> Option<&'a Value> {
        let position = (*self.positions.get(column)?)?;
        self.results.get(position).map(|(_, value)| value)
    }
}

fn whole(number: u64) -> Cell<'static> {
    Cell::Int(number as i64)
}

/// Seconds to the microsecond; more digits would be noise.
fn microseconds(seconds: f64) -> f64 {
    (seconds * 1e6).round() / 1e6
}
