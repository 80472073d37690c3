//! Owns the names of a table's columns, and what becomes of a result whose name is taken.

use std::collections::HashSet;

use crate::space::{Point, Space};
use crate::value::Value;

/// The columns behind the results, in this order.
pub const LAST: [&str; 8] =
    ["seed", "status", "attempts", "seconds", "cpu_seconds", "max_rss_bytes", "exit_code", "host"];

/// The columns before the results: `job`, the parameters, and `draw`, `randomization` and `repeat` where the sweep has
/// more than one.
pub fn first(space: &Space) -> Vec<String> {
    let counters = counters(space).into_iter().map(|counter| counter.name.to_owned());
    std::iter::once("job".to_owned()).chain(space.names().iter().cloned()).chain(counters).collect()
}

/// A column that counts points with the same parameters on the grid.
#[derive(Clone, Copy, Debug)]
pub struct Counter {
    /// The column's name.
    pub name: &'static str,
    /// What stands there.
    pub of: fn(&Point) -> u64,
}

/// The counters of which the sweep has more than one.
pub fn counters(space: &Space) -> Vec<Counter> {
    let spec = space.spec();
    let all = [
        (spec.draws, Counter { name: "draw", of: |point| point.draw }),
        (spec.randomizations, Counter { name: "randomization", of: |point| point.randomization }),
        (spec.repeats, Counter { name: "repeat", of: |point| point.repeat }),
    ];
    all.into_iter().filter(|(count, _)| *count > 1).map(|(_, counter)| counter).collect()
}

/// Gives results the names of their columns: one that repeats a parameter, or another column that is known before the
/// job runs, with the same value is dropped; one that is named like another column becomes `result.NAME`. The last of
/// several of one name wins.
pub fn name_results(space: &Space, point: &Point, results: Vec<(String, Value)>) -> Vec<(String, Value)> {
    let mut named: Vec<(String, Value)> = Vec::with_capacity(results.len());
    let mut seen: HashSet<String> = HashSet::with_capacity(results.len());
    for (name, value) in results {
        let name = match known(space, point, &name) {
            None => name,
            Some(Some(own)) if same(&own, &value) => continue,
            Some(_) => format!("result.{name}"),
        };
        if seen.insert(name.clone()) {
            named.push((name, value));
        } else if let Some(place) = named.iter_mut().find(|(other, _)| *other == name) {
            place.1 = value;
        }
    }
    named
}

/// None: no column of that name. `Some(None)`: a column whose value is not known before the job runs.
fn known(space: &Space, point: &Point, name: &str) -> Option<Option<Value>> {
    if let Some(at) = space.names().iter().position(|other| other == name) {
        return Some(point.params.get(at).cloned());
    }
    let whole = |number: u64| Some(Some(Value::Int(number as i64)));
    match name {
        "job" => whole(point.index),
        "draw" => whole(point.draw),
        "randomization" => whole(point.randomization),
        "repeat" => whole(point.repeat),
        "seed" => whole(point.seed),
        _ => LAST.contains(&name).then_some(None),
    }
}

/// Whether two values are the same to a reader: printed alike, or equal as numbers (`1` and `1.0`).
fn same(one: &Value, other: &Value) -> bool {
    let number = |value: &Value| match value.plain() {
        Value::Int(i) => Some(*i as f64),
        Value::Float(f) => Some(*f),
        _ => None,
    };
    one.to_string() == other.to_string() || number(one).is_some_and(|x| number(other) == Some(x))
}
