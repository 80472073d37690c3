//! Owns finding what failing points have in common: a value or a range of a parameter, or a machine.

use std::collections::BTreeSet;

use serde_json::json;

use crate::error::Result;
use crate::job::Verdict;
use crate::ops::history::Blocks;
use crate::space::Space;
use crate::store::{Store, SweepRow};
use crate::value::Value;

/// The fewest points for which a common value that other points have too is more than chance.
const FEW: u64 = 3;

/// The most groups for which common traits are looked for.
const MOST_GROUPS: usize = 20;

/// The most successes that are compared. With more, ranges are not looked for, because a success may lie in them.
const MOST_SUCCESSES: u64 = 50_000;

/// The number of points that are looked at for which values a parameter has.
const SAMPLES: u64 = 2_000;

/// Something that all points of a group have in common.
#[derive(Clone, Debug, PartialEq)]
pub enum SharedTrait {
    /// They have the same value of a parameter, and other points of the sweep have others.
    Value {
        /// The parameter.
        name: String,
        /// Its value.
        value: Value,
        /// Whether no point with this value has succeeded.
        never_succeeded: bool,
    },
    /// Their values of a parameter lie in a range in which no point has succeeded, and others lie outside.
    Range {
        /// The parameter.
        name: String,
        /// The smallest value; none: no point has a smaller one.
        from: Option<Value>,
        /// The largest value; none: no point has a larger one.
        to: Option<Value>,
    },
    /// They ran on the same machine, and other points ran on others.
    Host {
        /// The machine.
        host: String,
    },
}

impl SharedTrait {
    /// In words: `all 12 have size = 16`.
    pub fn words(&self, count: u64) -> String {
        let all = format!("all {count}");
        match self {
            SharedTrait::Value { name, value, never_succeeded } => {
                let never = if *never_succeeded { ", and no point with it has succeeded" } else { "" };
                format!("{all} have {name} = {value}{never}")
            }
            SharedTrait::Range { name, from: Some(from), to: None } => format!("{all} have {name} >= {from}"),
            SharedTrait::Range { name, from: None, to: Some(to) } => format!("{all} have {name} <= {to}"),
            SharedTrait::Range { name, from, to } => {
                let [from, to] = [from, to].map(|end| end.as_ref().map(ToString::to_string).unwrap_or_default());
                format!("{all} have {name} from {from} to {to}")
            }
            SharedTrait::Host { host } => format!("{all} ran on {host}"),
        }
    }

    /// For programs.
    pub fn to_json(&self) -> serde_json::Value {
        let end = |end: &Option<Value>| end.as_ref().map(Value::to_json);
        match self {
            SharedTrait::Value { name, value, never_succeeded } => {
                json!({"parameter": name, "value": value.to_json(), "never_succeeded": never_succeeded})
            }
            SharedTrait::Range { name, from, to } => json!({"parameter": name, "from": end(from), "to": end(to)}),
            SharedTrait::Host { host } => json!({"host": host}),
        }
    }
}

/// Follows the points of a group: in constant memory for each parameter.
#[derive(Clone, Debug, Default)]
pub struct TraitTracker {
    values: Vec<ValueTracker>,
    hosts: BTreeSet<String>,
}

/// What the values of a parameter are.
#[derive(Clone, Debug)]
struct ValueTracker {
    /// The only value so far; none: there are several.
    same: Option<Value>,
    /// The smallest and the largest; none: not all are numbers.
    range: Option<(Value, Value)>,
}

/// A finite number.
fn number(value: &Value) -> Option<f64> {
    let number = match value.plain() {
        Value::Int(whole) => *whole as f64,
        Value::Float(number) => *number,
        _ => return None,
    };
    number.is_finite().then_some(number)
}

impl ValueTracker {
    fn new(value: &Value) -> ValueTracker {
        let range = number(value).map(|_| (value.clone(), value.clone()));
        ValueTracker { same: Some(value.clone()), range }
    }

    fn add(&mut self, value: &Value) {
        if self.same.as_ref().is_some_and(|same| same != value) {
            self.same = None;
        }
        let Some((low, high)) = &mut self.range else { return };
        match (number(value), number(low), number(high)) {
            (Some(new), Some(lowest), _) if new < lowest => *low = value.clone(),
            (Some(new), _, Some(highest)) if new > highest => *high = value.clone(),
            (Some(_), ..) => {}
            (None, ..) => self.range = None,
        }
    }

    fn contains(&self, value: &Value) -> bool {
        let Some((low, high)) = &self.range else { return false };
        let (value, low, high) = (number(value), number(low), number(high));
        value.is_some_and(|value| low.is_some_and(|low| low <= value) && high.is_some_and(|high| value <= high))
    }
}

impl TraitTracker {
    /// Adds a point, by its parameters and the machine that ran it.
    pub fn add(&mut self, params: &[Value], host: &str) {
        if self.values.is_empty() {
            self.values = params.iter().map(ValueTracker::new).collect();
        }
        self.values.iter_mut().zip(params).for_each(|(tracker, value)| tracker.add(value));
        // Two are enough to know that it is not one.
        if self.hosts.len() < 2 && !host.is_empty() {
            self.hosts.insert(host.to_owned());
        }
    }
}

/// What is known of the points outside of a group, for one parameter of it.
#[derive(Clone, Copy, Default)]
struct Others {
    /// A point has another value than the group has.
    differs: bool,
    /// A success has the group's only value.
    same_succeeded: bool,
    /// A success lies in the group's range.
    inside_succeeded: bool,
    /// A point lies below, above the group's range.
    below: bool,
    above: bool,
}

impl Others {
    fn add(&mut self, tracker: &ValueTracker, value: &Value, succeeded: bool) {
        match &tracker.same {
            Some(same) if same == value => self.same_succeeded |= succeeded,
            _ => self.differs = true,
        }
        self.inside_succeeded |= succeeded && tracker.contains(value);
        if let (Some((low, high)), Some(value)) = (&tracker.range, number(value)) {
            self.below |= number(low).is_some_and(|low| value < low);
            self.above |= number(high).is_some_and(|high| value > high);
        }
    }
}

/// Finds what the points of each group share, for the first groups. Each group is its number of points and its tracker.
/// Reads at most [`MOST_SUCCESSES`] successes.
///
/// # Errors
/// If the store cannot be read.
pub(super) fn find(
    store: &dyn Store,
    row: &SweepRow,
    space: &Space,
    groups: &[(u64, &TraitTracker)],
) -> Result<Vec<Vec<SharedTrait>>> {
    let mut others: Vec<Vec<Others>> =
        groups.iter().take(MOST_GROUPS).map(|(_, tracker)| vec![Others::default(); tracker.values.len()]).collect();
    let mut hosts: BTreeSet<String> = groups.iter().flat_map(|(_, tracker)| tracker.hosts.iter().cloned()).collect();
    let mut add = |params: &[Value], succeeded: bool| {
        for ((_, tracker), others) in groups.iter().zip(&mut others) {
            for ((tracker, other), value) in tracker.values.iter().zip(others).zip(params) {
                other.add(tracker, value, succeeded);
            }
        }
    };
    let step = (space.len() / SAMPLES).max(1);
    for point in (0..SAMPLES).map_while(|n| space.point(n * step)) {
        add(&point.params, false);
    }
    let (mut successes, mut all_read) = (0, true);
    for block in Blocks::new(store, &row.id, row.counts.total) {
        let block = block?;
        for record in block.iter().filter(|record| record.verdict == Verdict::Succeeded) {
            if let Some(point) = space.point(record.index) {
                add(&point.params, true);
            }
            if hosts.len() < 2 && !record.host.is_empty() {
                hosts.insert(record.host.clone());
            }
            successes += 1;
        }
        if successes > MOST_SUCCESSES {
            all_read = false;
            break;
        }
    }
    let knows_successes = all_read && successes > 0;
    let shared = groups
        .iter()
        .zip(&others)
        .map(|((count, tracker), others)| traits(*count, tracker, others, space, hosts.len() > 1, knows_successes));
    Ok(shared.collect())
}

fn traits(
    count: u64,
    tracker: &TraitTracker,
    others: &[Others],
    space: &Space,
    several_hosts: bool,
    knows_successes: bool,
) -> Vec<SharedTrait> {
    let mut shared = Vec::new();
    if count < 2 {
        return shared;
    }
    if let (Some(host), 1, true) = (tracker.hosts.first(), tracker.hosts.len(), several_hosts) {
        shared.push(SharedTrait::Host { host: host.clone() });
    }
    for ((tracker, others), name) in tracker.values.iter().zip(others).zip(space.names().iter()) {
        let name = name.clone();
        match (&tracker.same, &tracker.range) {
            (Some(value), _) if others.differs => {
                let never_succeeded = knows_successes && !others.same_succeeded;
                if never_succeeded || count >= FEW {
                    shared.push(SharedTrait::Value { name, value: value.clone(), never_succeeded });
                }
            }
            (None, Some((low, high))) if knows_successes && count >= FEW && !others.inside_succeeded => {
                let from = others.below.then(|| low.clone());
                let to = others.above.then(|| high.clone());
                if from.is_some() || to.is_some() {
                    shared.push(SharedTrait::Range { name, from, to });
                }
            }
            _ => {}
        }
    }
    shared
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn trackers_agree_with_lists(values in prop::collection::vec(-5_i64..5, 1..10), probe in -6_i64..6) {
            let mut tracker = TraitTracker::default();
            values.iter().for_each(|value| tracker.add(&[Value::Int(*value)], "h"));
            let only = &tracker.values[0];
            let is_same = values.iter().all(|value| *value == values[0]);
            prop_assert_eq!(only.same.clone(), is_same.then(|| Value::Int(values[0])));
            let (low, high) = (*values.iter().min().unwrap(), *values.iter().max().unwrap());
            prop_assert_eq!(only.range.clone(), Some((Value::Int(low), Value::Int(high))));
            prop_assert_eq!(only.contains(&Value::Int(probe)), (low..=high).contains(&probe));
        }
    }

    #[test]
    fn traits_are_said_in_words() {
        let end = |value: i64| Some(Value::Int(value));
        let name = || "x".to_owned();
        let traits = [
            SharedTrait::Value { name: name(), value: Value::Int(16), never_succeeded: true },
            SharedTrait::Range { name: name(), from: end(3), to: None },
            SharedTrait::Range { name: name(), from: None, to: end(3) },
            SharedTrait::Range { name: name(), from: end(3), to: end(4) },
            SharedTrait::Host { host: "node2".into() },
        ];
        assert_eq!(
            traits.map(|shared| shared.words(12)),
            [
                "all 12 have x = 16, and no point with it has succeeded",
                "all 12 have x >= 3",
                "all 12 have x <= 3",
                "all 12 have x from 3 to 4",
                "all 12 ran on node2",
            ]
        );
    }
}
