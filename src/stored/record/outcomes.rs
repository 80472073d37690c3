//! Owns the column of outcomes. Successes are grouped by the names of their results: each group has its names once, and a
//! column of values for each name. Of the other outcomes, each different one is written once.

use std::vec::IntoIter;

use serde::{Deserialize, Serialize};

use super::cause::{CauseForm, OpenCause};
use super::numbers::Doubles;
use super::outcome::{StoredOutcome, StoredValue};
use crate::job::Outcome;
use crate::value::Value;

/// The column, with causes in the form `C`.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Outcomes<C> {
    groups: Vec<Group<C>>,
    /// The group of each outcome; empty if there is only one group.
    places: Vec<u32>,
}

/// Outcomes of one kind.
#[derive(Debug, Serialize, Deserialize)]
enum Group<C> {
    /// Successes with results of these names, each with its values.
    Results(Vec<(String, Values)>),
    /// Another outcome, as often as it is referred to.
    Other(StoredOutcome<C>),
}

/// The values of one result.
#[derive(Debug, Serialize, Deserialize)]
enum Values {
    Doubles(Doubles),
    Ints(Vec<i64>),
    Mixed(Vec<StoredValue>),
}

/// The results of one outcome.
type Results<'a> = &'a [(String, Value)];

impl Outcomes<OpenCause> {
    pub(super) fn of<'a>(outcomes: impl Iterator<Item = &'a Outcome>) -> Self {
        let mut kinds: Vec<(&Outcome, Vec<Results<'_>>)> = Vec::new();
        let mut places = Vec::new();
        for outcome in outcomes {
            // A chunk has few kinds, usually one.
            let place = kinds.iter().position(|(kind, _)| same_group(kind, outcome)).unwrap_or_else(|| {
                kinds.push((outcome, Vec::new()));
                kinds.len() - 1
            });
            if let (Some((_, all)), Outcome::Succeeded { results }) = (kinds.get_mut(place), outcome) {
                all.push(results);
            }
            places.push(place as u32);
        }
        if kinds.len() == 1 {
            places.clear();
        }
        Outcomes { groups: kinds.into_iter().map(|(kind, all)| Group::of(kind, &all)).collect(), places }
    }
}

impl<C: CauseForm> Outcomes<C> {
    /// The outcomes of `length` records; none: the bytes are damaged.
    pub(super) fn values(self, length: usize) -> Option<Vec<Outcome>> {
        let mut groups: Vec<GroupReader> = self.groups.into_iter().map(GroupReader::of).collect::<Option<_>>()?;
        match groups.as_mut_slice() {
            [group] if self.places.is_empty() => (0..length).map(|_| group.next()).collect(),
            groups => self.places.iter().map(|place| groups.get_mut(*place as usize)?.next()).collect(),
        }
    }
}

/// Whether two outcomes belong to one group.
fn same_group(a: &Outcome, b: &Outcome) -> bool {
    match (a, b) {
        (Outcome::Succeeded { results: a }, Outcome::Succeeded { results: b }) => {
            a.len() == b.len() && a.iter().zip(b).all(|((a, _), (b, _))| a == b)
        }
        (a, b) => a == b,
    }
}

impl Group<OpenCause> {
    fn of(kind: &Outcome, all: &[Results<'_>]) -> Self {
        let Outcome::Succeeded { results } = kind else { return Group::Other(kind.into()) };
        let column = |(n, (name, _)): (usize, &(String, Value))| {
            let values = all.iter().filter_map(|results| results.get(n)).map(|(_, value)| value);
            (name.clone(), Values::of(values.collect()))
        };
        Group::Results(results.iter().enumerate().map(column).collect())
    }
}

impl Values {
    fn of(values: Vec<&Value>) -> Values {
        let doubles = values.iter().map(|value| if let Value::Float(value) = value { Some(*value) } else { None });
        if let Some(doubles) = doubles.collect() {
            return Values::Doubles(Doubles::of(doubles));
        }
        let ints = values.iter().map(|value| if let Value::Int(value) = value { Some(*value) } else { None });
        if let Some(ints) = ints.collect() {
            return Values::Ints(ints);
        }
        Values::Mixed(values.into_iter().map(StoredValue::from).collect())
    }

    fn values(self) -> Option<Vec<Value>> {
        Some(match self {
            Values::Doubles(doubles) => doubles.values()?.into_iter().map(Value::Float).collect(),
            Values::Ints(ints) => ints.into_iter().map(Value::Int).collect(),
            Values::Mixed(values) => values.into_iter().map(Value::from).collect(),
        })
    }
}

/// Gives the outcomes of one group, one after the other.
enum GroupReader {
    Results(Vec<(String, IntoIter<Value>)>),
    Other(Outcome),
}

impl GroupReader {
    fn of<C: CauseForm>(group: Group<C>) -> Option<GroupReader> {
        let column = |(name, values): (String, Values)| Some((name, values.values()?.into_iter()));
        Some(match group {
            Group::Results(columns) => GroupReader::Results(columns.into_iter().map(column).collect::<Option<_>>()?),
            Group::Other(outcome) => GroupReader::Other(outcome.into_outcome()),
        })
    }

    fn next(&mut self) -> Option<Outcome> {
        match self {
            GroupReader::Results(columns) => {
                let value = |(name, values): &mut (String, IntoIter<Value>)| Some((name.clone(), values.next()?));
                Some(Outcome::Succeeded { results: columns.iter_mut().map(value).collect::<Option<_>>()? })
            }
            GroupReader::Other(outcome) => Some(outcome.clone()),
        }
    }
}
