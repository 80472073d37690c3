//! Owns the rows of a table: the cells of a point, from its newest record and its state. Copies nothing.

use super::cell::TableCell;
use super::columns::{Column, TableColumns};
use crate::job::Outcome;
use crate::record::Record;
use crate::space::Point;
use crate::value::Value;

impl TableColumns {
    /// An index that [`TableColumns::row`] reuses from row to row.
    pub fn result_index(&self) -> ResultIndex {
        ResultIndex { positions: vec![None; self.result_count()], expected: Vec::new() }
    }

    /// The row of a point. Without a record the cells for results and measurements are empty. A result without a column is
    /// left out: it arrived while the table was being written, and a later table includes it. `partial`: whether results of
    /// attempts that their time-outs ended are shown; the status of such a row is `partial`.
    pub fn row<'a>(
        &'a self,
        point: &'a Point,
        record: Option<&'a Record>,
        status: &'a str,
        partial: bool,
        index: &'a mut ResultIndex,
    ) -> TableRow<'a> {
        let (results, status) = match record.map(|record| &record.outcome) {
            Some(Outcome::Succeeded { results }) => (results.as_slice(), status),
            Some(outcome) if partial && !outcome.results().is_empty() => (outcome.results(), "partial"),
            _ => (&[][..], status),
        };
        index.find(self, results);
        // A record that sets a success aside has no measurements: the record before it has them.
        let measured = record.filter(|record| record.outcome != Outcome::SetAside);
        TableRow { columns: self, point, record, measured, status, results, positions: &index.positions }
    }
}

/// The positions of results in a record. It is kept from row to row, because most records have the same results in the
/// same order.
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
pub struct TableRow<'a> {
    columns: &'a TableColumns,
    /// The point.
    pub point: &'a Point,
    record: Option<&'a Record>,
    measured: Option<&'a Record>,
    status: &'a str,
    results: &'a [(String, Value)],
    positions: &'a [Option<usize>],
}

impl<'a> TableRow<'a> {
    /// The record of the point, if it has one.
    pub fn record(&self) -> Option<&'a Record> {
        self.record
    }

    /// The state of the point.
    pub fn status(&self) -> &'a str {
        self.status
    }

    /// The cell at a position; empty after the last column.
    pub fn cell(&self, position: usize) -> TableCell<'a> {
        let measured = |of: fn(&'a Record) -> TableCell<'a>| self.measured.map_or(TableCell::Missing, of);
        let Some(column) = self.columns.get(position) else { return TableCell::Missing };
        match column {
            Column::Job => whole(self.point.index),
            Column::Parameter(at) => self.point.params.get(at).map_or(TableCell::Missing, TableCell::Value),
            Column::Draw => whole(self.point.draw),
            Column::Randomization => whole(self.point.randomization),
            Column::Repeat => whole(self.point.repeat),
            Column::Result(at) => self.result(at).map_or(TableCell::Missing, TableCell::Value),
            Column::Seed => whole(self.point.seed),
            Column::Status => TableCell::Text(self.status),
            Column::Attempts => {
                self.record.map_or(TableCell::Missing, |record| TableCell::Int(record.tries.attempts.into()))
            }
            Column::Seconds => measured(|record| TableCell::Float(microseconds(record.seconds))),
            Column::CpuSeconds => measured(|record| TableCell::Float(microseconds(record.cpu_seconds))),
            Column::MaxRssBytes => measured(|record| whole(record.max_rss_bytes)),
            Column::ExitCode => {
                measured(|record| record.exit_code.map_or(TableCell::Missing, |code| TableCell::Int(code.into())))
            }
            Column::Host => measured(|record| TableCell::Text(&record.host)),
            Column::Version => measured(|record| match record.version {
                0 => TableCell::Missing,
                version => TableCell::Int(version.into()),
            }),
        }
    }

    fn result(&self, column: usize) -> Option<&'a Value> {
        let position = (*self.positions.get(column)?)?;
        self.results.get(position).map(|(_, value)| value)
    }
}

fn whole(number: u64) -> TableCell<'static> {
    TableCell::Int(number as i64)
}

/// Seconds rounded to microseconds; further digits are noise.
fn microseconds(seconds: f64) -> f64 {
    (seconds * 1e6).round() / 1e6
}
