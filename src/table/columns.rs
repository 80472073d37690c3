//! Owns the columns of a table: their order and their names.

use std::borrow::Cow;
use std::collections::HashMap;

use crate::space::{Point, Space};
use crate::value::Value;

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Column {
    /// The point's index.
    Job,
    /// A parameter, by its position among the parameters.
    Parameter(usize),
    /// The point's draw.
    Draw,
    /// The point's randomization.
    Randomization,
    /// The point's repeat.
    Repeat,
    /// A result, by its position among the results.
    Result(usize),
    /// The point's seed.
    Seed,
    /// The point's state.
    Status,
    /// The number of attempts.
    Attempts,
    /// Wall time of the attempt, seconds.
    Seconds,
    /// CPU time of the attempt, seconds.
    CpuSeconds,
    /// The peak resident memory of the attempt, bytes.
    MaxRssBytes,
    /// The exit code of the attempt.
    ExitCode,
    /// The machine that ran the attempt.
    Host,
    /// The version of the sweep's files that the attempt ran with.
    Version,
}

/// The columns that number points with the same parameters, with their names.
const COUNTERS: [(Column, &str); 3] =
    [(Column::Draw, "draw"), (Column::Randomization, "randomization"), (Column::Repeat, "repeat")];

/// The columns after the results.
const LAST: [(Column, &str); 8] = [
    (Column::Seed, "seed"),
    (Column::Status, "status"),
    (Column::Attempts, "attempts"),
    (Column::Seconds, "seconds"),
    (Column::CpuSeconds, "cpu_seconds"),
    (Column::MaxRssBytes, "max_rss_bytes"),
    (Column::ExitCode, "exit_code"),
    (Column::Host, "host"),
];

/// The column of [`Column::Version`].
const VERSION: &str = "version";

/// The columns of a sweep's table, in order: `job`, the parameters, `draw`, `randomization` and `repeat` if the sweep
/// has more than one of them, the results, the measurements, and `version` if there are results of several versions of
/// its files.
pub struct TableColumns {
    names: Vec<String>,
    columns: Vec<Column>,
    /// The position among the result columns, by the name of the result in records.
    results: HashMap<String, usize>,
}

impl TableColumns {
    /// The columns for a space and the names of its results, in order of first appearance. Two results that have the
    /// same column name share one column: earlier releases stored `x` as `result.x` where `x` is a parameter.
    pub fn new(space: &Space, result_names: &[String], versions: u32) -> Self {
        let has_versions = versions > 1;
        let mut all: Vec<(Column, String)> = leading(space);
        let first_result = all.len();
        let mut results = HashMap::new();
        for name in result_names {
            let mut column = result_column(space, name);
            if has_versions && column == VERSION {
                column = Cow::Owned(format!("result.{VERSION}"));
            }
            let position = all.iter().skip(first_result).position(|(_, known)| *known == column);
            let at = position.unwrap_or(all.len() - first_result);
            if position.is_none() {
                all.push((Column::Result(at), column.into_owned()));
            }
            results.insert(name.clone(), at);
        }
        all.extend(LAST.map(|(column, name)| (column, name.to_owned())));
        all.extend(has_versions.then(|| (Column::Version, VERSION.to_owned())));
        let (columns, names) = all.into_iter().unzip();
        TableColumns { names, columns, results }
    }

    /// The names of the columns.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The column at a position; none: the table has fewer columns.
    pub fn get(&self, position: usize) -> Option<Column> {
        self.columns.get(position).copied()
    }

    /// The position of a column; none: the table does not have it.
    pub fn position(&self, column: Column) -> Option<usize> {
        self.columns.iter().position(|other| *other == column)
    }

    /// The position of a column by its name.
    pub fn find(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|other| other == name)
    }

    /// The positions of the results.
    pub fn result_positions(&self) -> impl Iterator<Item = usize> {
        self.columns.iter().enumerate().filter(|(_, column)| matches!(column, Column::Result(_))).map(|(at, _)| at)
    }

    /// The number of result columns.
    pub fn result_count(&self) -> usize {
        self.result_positions().count()
    }

    /// The position among the result columns of the result with this name in records.
    pub fn result(&self, name: &str) -> Option<usize> {
        self.results.get(name).copied()
    }
}

/// The columns before the results, with their names.
pub fn leading(space: &Space) -> Vec<(Column, String)> {
    let parameters = space.names().iter().enumerate().map(|(at, name)| (Column::Parameter(at), name.clone()));
    let counters = COUNTERS.into_iter().filter(|(column, _)| varies(space, *column));
    let counters = counters.map(|(column, name)| (column, name.to_owned()));
    std::iter::once((Column::Job, "job".to_owned())).chain(parameters).chain(counters).collect()
}

/// Whether a counter has more than one value in a sweep.
fn varies(space: &Space, counter: Column) -> bool {
    let spec = space.spec();
    match counter {
        Column::Draw => spec.draws > 1,
        Column::Randomization => spec.randomizations > 1,
        Column::Repeat => spec.repeats > 1,
        _ => false,
    }
}

/// The value of a column, if it is known before the job runs.
pub fn known_value(point: &Point, column: Column) -> Option<Value> {
    let number = match column {
        Column::Parameter(at) => return point.params.get(at).cloned(),
        Column::Job => point.index,
        Column::Draw => point.draw,
        Column::Randomization => point.randomization,
        Column::Repeat => point.repeat,
        Column::Seed => point.seed,
        _ => return None,
    };
    Some(Value::Int(number as i64))
}

/// The column that is not a result and has this name, whether the table shows it or not.
fn other_column(space: &Space, name: &str) -> Option<Column> {
    if let Some(at) = space.names().iter().position(|other| other == name) {
        return Some(Column::Parameter(at));
    }
    let fixed = [(Column::Job, "job")].into_iter().chain(COUNTERS).chain(LAST);
    fixed.into_iter().find(|(_, other)| *other == name).map(|(column, _)| column)
}

/// The column name of a result: `result.NAME` if another column is called NAME, otherwise NAME.
pub fn result_column<'a>(space: &Space, name: &'a str) -> Cow<'a, str> {
    match other_column(space, name) {
        Some(_) => Cow::Owned(format!("result.{name}")),
        None => Cow::Borrowed(name),
    }
}

/// Drops the results of a point that have the name and the value of a column that is known before the job runs. If several
/// results have the same name, the last value is kept, at the position of the first.
pub fn drop_repeated(space: &Space, point: &Point, results: Vec<(String, Value)>) -> Vec<(String, Value)> {
    let mut kept: Vec<(String, Value)> = Vec::with_capacity(results.len());
    // A map, so that jobs with many results take linear time.
    let mut positions: HashMap<String, usize> = HashMap::with_capacity(results.len());
    for (name, value) in results {
        let known = other_column(space, &name).and_then(|column| known_value(point, column));
        if known.is_some_and(|known| same(&known, &value)) {
            continue;
        }
        match positions.get(&name).and_then(|at| kept.get_mut(*at)) {
            Some((_, earlier)) => *earlier = value,
            None => {
                positions.insert(name.clone(), kept.len());
                kept.push((name, value));
            }
        }
    }
    kept
}

/// Whether two values have the same printed form, or are equal numbers (`1` and `1.0`).
fn same(one: &Value, other: &Value) -> bool {
    let number = |value: &Value| match value.plain() {
        Value::Int(i) => Some(*i as f64),
        Value::Float(f) => Some(*f),
        _ => None,
    };
    one.to_string() == other.to_string() || number(one).is_some_and(|x| number(other) == Some(x))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::{SourceFile, read};

    fn space() -> Space {
        let text = "command = 'run {{ x }}'\nrepeats = 2\n[grid]\nx = [1, 2]\n";
        let source = SourceFile { file: "a.toml".into(), stem: "a".into(), here: "/nowhere".into() };
        Space::new(read(text, &source).unwrap().spec.space).unwrap()
    }

    #[test]
    fn a_result_with_the_name_of_another_column_gets_a_prefix_whichever_release_stored_it() {
        let stored = ["x", "energy", "result.x", "host", "draw"].map(str::to_owned);
        let columns = TableColumns::new(&space(), &stored, 1);
        let expected = ["job", "x", "repeat", "result.x", "energy", "result.host", "result.draw", "seed", "status"];
        assert_eq!(columns.names().get(..expected.len()).unwrap(), expected);
        let results = ["x", "result.x", "energy"].map(|name| columns.result(name));
        assert_eq!(results, [Some(0), Some(0), Some(1)]);
        assert_eq!(columns.position(Column::Result(1)), columns.find("energy"));
        assert_eq!(columns.position(Column::Draw), None, "the sweep has one draw");
        assert_eq!(columns.result_positions().collect::<Vec<_>>(), [3, 4, 5, 6]);
    }

    #[test]
    fn a_result_that_repeats_a_known_column_is_dropped_and_the_last_value_of_a_name_is_kept() {
        let space = space();
        let point = space.point(2).unwrap();
        let result = |name: &str, value: Value| (name.to_owned(), value);
        let results = vec![
            result("x", point.params.first().cloned().unwrap()),
            result("repeat", Value::Float(point.repeat as f64)),
            result("draw", Value::Int(7)),
            result("y", Value::Int(1)),
            result("host", Value::Int(3)),
            result("y", Value::Int(2)),
        ];
        let expected = vec![result("draw", Value::Int(7)), result("y", Value::Int(2)), result("host", Value::Int(3))];
        assert_eq!(drop_repeated(&space, &point, results), expected);
    }
}
