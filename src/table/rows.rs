//! Owns a row: a point, its newest record and its state as cells, in the order of the columns.

use std::collections::HashMap;

use super::columns::{self, Counter};
use crate::job::Outcome;
use crate::record::Record;
use crate::space::{Point, Space};
use crate::value::Value;

/// The columns of a sweep's table.
pub struct Layout {
    names: Vec<String>,
    /// Where each result stands among the results.
    results: HashMap<String, usize>,
    counters: Vec<Counter>,
}

impl Layout {
    /// The columns for a space and the results that its jobs brought, in order of first appearance.
    pub fn new(space: &Space, results: &[String]) -> Self {
        let last = columns::LAST.iter().map(|name| (*name).to_owned());
        let names = columns::first(space).into_iter().chain(results.iter().cloned()).chain(last).collect();
        let results = results.iter().enumerate().map(|(at, name)| (name.clone(), at)).collect();
        Layout { names, results, counters: columns::counters(space) }
    }

    /// The names of the columns.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// A row: as many cells as there are columns. A point without a record has empty cells for what only a run tells.
    /// A result in no known column (it came while the table was being written) is left out; a later table has it.
    pub fn row(&self, point: &Point, record: Option<&Record>, status: &str) -> Vec<Value> {
        let mut cells = Vec::with_capacity(self.names.len());
        cells.push(whole(point.index));
        cells.extend(point.params.iter().cloned());
        cells.extend(self.counters.iter().map(|counter| whole((counter.of)(point))));
        let first_result = cells.len();
        cells.resize(first_result + self.results.len(), Value::Missing);
        if let Some(Outcome::Succeeded { results }) = record.map(|record| &record.outcome) {
            for (name, value) in results {
                let place = self.results.get(name).and_then(|at| cells.get_mut(first_result + at));
                if let Some(cell) = place {
                    *cell = value.clone();
                }
            }
        }
        cells.push(whole(point.seed));
        cells.push(status.into());
        match record {
            None => cells.resize(self.names.len(), Value::Missing),
            Some(record) => cells.extend([
                Value::Int(i64::from(record.tries.attempts)),
                Value::Float(microseconds(record.seconds)),
                Value::Float(microseconds(record.cpu_seconds)),
                whole(record.max_rss_bytes),
                record.exit_code.map_or(Value::Missing, |code| Value::Int(i64::from(code))),
                Value::from(record.host.as_str()),
            ]),
        }
        cells
    }
}

fn whole(number: u64) -> Value {
    Value::Int(number as i64)
}

/// Seconds to the microsecond; more digits would be noise.
fn microseconds(seconds: f64) -> f64 {
    (seconds * 1e6).round() / 1e6
}
