//! Owns a row: a point, its newest record and its state as cells, in the order of the columns. Nothing is copied.

use std::collections::HashMap;

use super::cell::Cell;
use super::columns::{self, Counter};
use crate::job::Outcome;
use crate::record::Record;
use crate::space::{Point, Space};
use crate::value::Value;

/// The columns of a sweep's table.
pub struct TableColumns {
    names: Vec<String>,
    /// How many parameters there are; they stand behind `job`.
    params: usize,
    counters: Vec<Counter>,
    /// Where each result stands among the results.
    results: HashMap<String, usize>,
}

/// What stands in a column.
#[derive(Clone, Copy, Debug)]
enum Column {
    Job,
    Param(usize),
    Counter(Counter),
    /// By its place among the results.
    Result(usize),
    /// By its place in [`columns::LAST`].
    Last(usize),
}

impl TableColumns {
    /// The columns for a space and the results that its jobs brought, in order of first appearance.
    pub fn new(space: &Space, results: &[String]) -> Self {
        let last = columns::LAST.iter().map(|name| (*name).to_owned());
        let names = columns::first(space).into_iter().chain(results.iter().cloned()).chain(last).collect();
        let params = space.names().len();
        let results = results.iter().enumerate().map(|(at, name)| (name.clone(), at)).collect();
        TableColumns { names, params, counters: columns::counters(space), results }
    }

    /// The names of the columns.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Which of the columns are results.
    pub fn result_columns(&self) -> std::ops::Range<usize> {
        let first = 1 + self.params + self.counters.len();
        first..first + self.results.len()
    }

    /// Makes place for rows, to be used for one after the other.
    pub fn result_index(&self) -> ResultIndex {
        ResultIndex { places: vec![None; self.results.len()], expected: Vec::new() }
    }

    fn column(&self, at: usize) -> Option<Column> {
        let Some(at) = at.checked_sub(1) else { return Some(Column::Job) };
        let Some(at) = at.checked_sub(self.params) else { return Some(Column::Param(at)) };
        let Some(at) = at.checked_sub(self.counters.len()) else {
            return self.counters.get(at).map(|c| Column::Counter(*c));
        };
        let Some(at) = at.checked_sub(self.results.len()) else { return Some(Column::Result(at)) };
        (at < columns::LAST.len()).then_some(Column::Last(at))
    }

    /// A row. A point without a record has empty cells for what only a run tells. A result in no known column (it came
    /// while the table was being written) is left out; a later table has it.
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
        index.find(&self.results, results);
        // An attempt that was set aside was measured in the record before.
        let measured = record.filter(|record| record.outcome != Outcome::SetAside);
        Row { columns: self, point, record, measured, status, results, places: &index.places }
    }
}

/// Where the results of a row stand; kept from row to row, because most bring the same in the same order.
pub struct ResultIndex {
    /// For each column of results, the place among the row's results.
    places: Vec<Option<usize>>,
    /// The columns of the last row's results.
    expected: Vec<(String, Option<usize>)>,
}

impl ResultIndex {
    fn find(&mut self, columns: &HashMap<String, usize>, results: &[(String, Value)]) {
        let same = self.expected.len() == results.len()
            && self.expected.iter().zip(results).all(|((expected, _), (name, _))| expected == name);
        if same {
            return;
        }
        self.expected = results.iter().map(|(name, _)| (name.clone(), columns.get(name).copied())).collect();
        self.places.fill(None);
        for (place, (_, column)) in self.expected.iter().enumerate() {
            if let Some(slot) = column.and_then(|column| self.places.get_mut(column)) {
                *slot = Some(place);
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
    places: &'a [Option<usize>],
}

impl<'a> Row<'a> {
    /// What stands in a column; beyond the last one nothing does.
    pub fn cell(&self, at: usize) -> Cell<'a> {
        match self.columns.column(at) {
            Some(Column::Job) => whole(self.point.index),
            Some(Column::Param(at)) => self.point.params.get(at).map_or(Cell::Missing, Cell::Value),
            Some(Column::Counter(counter)) => whole((counter.of)(self.point)),
            Some(Column::Result(at)) => self.result(at).map_or(Cell::Missing, Cell::Value),
            Some(Column::Last(at)) => self.last(at),
            None => Cell::Missing,
        }
    }

    fn result(&self, at: usize) -> Option<&'a Value> {
        let place = (*self.places.get(at)?)?;
        self.results.get(place).map(|(_, value)| value)
    }

    fn last(&self, at: usize) -> Cell<'a> {
        let measured = |of: fn(&'a Record) -> Cell<'a>| self.measured.map_or(Cell::Missing, of);
        match at {
            0 => whole(self.point.seed),
            1 => Cell::Text(self.status),
            2 => self.record.map_or(Cell::Missing, |record| Cell::Int(record.tries.attempts.into())),
            3 => measured(|record| Cell::Float(microseconds(record.seconds))),
            4 => measured(|record| Cell::Float(microseconds(record.cpu_seconds))),
            5 => measured(|record| whole(record.max_rss_bytes)),
            6 => measured(|record| record.exit_code.map_or(Cell::Missing, |code| Cell::Int(code.into()))),
            _ => measured(|record| Cell::Text(&record.host)),
        }
    }
}

fn whole(number: u64) -> Cell<'static> {
    Cell::Int(number as i64)
}

/// Seconds to the microsecond; more digits would be noise.
fn microseconds(seconds: f64) -> f64 {
    (seconds * 1e6).round() / 1e6
}
