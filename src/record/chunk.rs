//! Owns records in a chunk: column by column, each in the form in which its values are small, so that what they have in
//! common is written once.
//!
//! | column | form |
//! | --- | --- |
//! | index, end, memory | differences from one to the next |
//! | times, results that are doubles | whole numbers over a power of ten where all of them are such, else their bytes, the first bytes of all before the second ones |
//! | machines, workers, origins, names of results, outcomes that brought none | each different one once, and then its number |
//!
//! It reads back bit for bit.

use std::collections::HashMap;
use std::hash::Hash;

use serde::{Deserialize, Serialize};

use super::Record;
use crate::job::{AttemptCounts, JobAddress, Outcome, Verdict};
use crate::value::Value;

/// The columns of a chunk.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Columns {
    index: Steps,
    attempts: Vec<u32>,
    failures: Vec<u32>,
    losses: Vec<u32>,
    outcome: Outcomes,
    verdict: Vec<Verdict>,
    exit_code: Vec<Option<i32>>,
    ended_ms: Steps,
    seconds: Doubles,
    cpu_seconds: Doubles,
    /// In units of so many bytes.
    rss: (u64, Steps),
    run_by: Dictionary<(String, String)>,
    origin: Dictionary<Option<JobAddress>>,
}

impl Columns {
    /// Of some records.
    pub(super) fn of(records: &[Record]) -> Columns {
        let each = |one: fn(&Record) -> u64| records.iter().map(one);
        let counts = |one: fn(&AttemptCounts) -> u32| records.iter().map(|record| one(&record.tries)).collect();
        let unit = [4096, 1024].into_iter().find(|unit| each(|record| record.max_rss_bytes).all(|rss| rss % unit == 0));
        let unit = unit.unwrap_or(1);
        Columns {
            index: Steps::of(each(|record| record.index)),
            attempts: counts(|tries| tries.attempts),
            failures: counts(|tries| tries.failures),
            losses: counts(|tries| tries.losses),
            outcome: Outcomes::of(records.iter().map(|record| &record.outcome)),
            verdict: records.iter().map(|record| record.verdict).collect(),
            exit_code: records.iter().map(|record| record.exit_code).collect(),
            ended_ms: Steps::of(each(|record| record.ended_ms)),
            seconds: Doubles::of(records.iter().map(|record| record.seconds).collect()),
            cpu_seconds: Doubles::of(records.iter().map(|record| record.cpu_seconds).collect()),
            rss: (unit, Steps::of(each(|record| record.max_rss_bytes).map(|rss| rss / unit))),
            run_by: Dictionary::of(records.iter().map(|record| (record.host.clone(), record.worker.clone()))),
            origin: Dictionary::of(records.iter().map(|record| record.origin.clone())),
        }
    }

    /// The records; none: the columns do not belong together.
    pub(super) fn records(self) -> Option<Vec<Record>> {
        let length = self.verdict.len();
        let index = self.index.values();
        let ended_ms = self.ended_ms.values();
        let (unit, rss) = (self.rss.0, self.rss.1.values());
        let (seconds, cpu_seconds) = (self.seconds.values()?, self.cpu_seconds.values()?);
        let (run_by, origin) = (self.run_by.values(length)?, self.origin.values(length)?);
        let outcome = self.outcome.values(length)?;
        let mut rest = outcome.into_iter().zip(run_by).zip(origin);
        let record = |n: usize| {
            let ((outcome, (host, worker)), origin) = rest.next()?;
            let tries = AttemptCounts {
                attempts: *self.attempts.get(n)?,
                failures: *self.failures.get(n)?,
                losses: *self.losses.get(n)?,
            };
            Some(Record {
                index: *index.get(n)?,
                tries,
                outcome,
                verdict: *self.verdict.get(n)?,
                exit_code: *self.exit_code.get(n)?,
                ended_ms: *ended_ms.get(n)?,
                seconds: *seconds.get(n)?,
                cpu_seconds: *cpu_seconds.get(n)?,
                max_rss_bytes: rss.get(n)?.checked_mul(unit)?,
                host,
                worker,
                origin,
            })
        };
        (0..length).map(record).collect()
    }
}

/// Whole numbers as the differences from one to the next, the first from 0. They wrap, and so come back whatever they are.
#[derive(Debug, Serialize, Deserialize)]
struct Steps(Vec<i64>);

impl Steps {
    fn of(values: impl Iterator<Item = u64>) -> Steps {
        let mut last = 0_u64;
        let step = |value| value_and_keep(&mut last, value);
        Steps(values.map(step).collect())
    }

    fn values(&self) -> Vec<u64> {
        let mut last = 0_u64;
        let sum = |step: &i64| {
            last = last.wrapping_add(step.cast_unsigned());
            last
        };
        self.0.iter().map(sum).collect()
    }
}

fn value_and_keep(last: &mut u64, value: u64) -> i64 {
    let step = value.wrapping_sub(*last).cast_signed();
    *last = value;
    step
}

/// Doubles.
#[derive(Debug, Serialize, Deserialize)]
enum Doubles {
    /// Whole numbers, to be divided by a power of ten: what was written with a few decimals.
    Decimal { places: u8, numbers: Vec<i64> },
    /// The most significant bytes of all, then the second ones, and so on: neighbours are alike there.
    Bytes(Vec<u8>),
}

/// Decimals that are tried. Both the number and the power of ten are exact as doubles, and a division rounds correctly:
/// so does the reading of a decimal, and the two agree.
const PLACES: u8 = 12;
const EXACT: f64 = 9_007_199_254_740_992.0;

impl Doubles {
    fn of(values: Vec<f64>) -> Doubles {
        let mut places = 0;
        for value in &values {
            // One that needs more decimals than those before it: the others have them, too.
            match (places..=PLACES).find(|places| scaled(*value, *places).is_some()) {
                Some(needed) => places = needed,
                None => return Doubles::bytes(&values),
            }
        }
        let numbers: Option<Vec<i64>> = values.iter().map(|value| scaled(*value, places)).collect();
        numbers.map_or_else(|| Doubles::bytes(&values), |numbers| Doubles::Decimal { places, numbers })
    }

    fn bytes(values: &[f64]) -> Doubles {
        let plane = |n: usize| values.iter().filter_map(move |value| value.to_be_bytes().get(n).copied());
        Doubles::Bytes((0..8).flat_map(plane).collect())
    }

    fn values(self) -> Option<Vec<f64>> {
        match self {
            Doubles::Decimal { places, numbers } => {
                let power = power_of_ten(places)?;
                Some(numbers.into_iter().map(|number| number as f64 / power).collect())
            }
            Doubles::Bytes(bytes) if bytes.len().is_multiple_of(8) => {
                let length = bytes.len() / 8;
                let value = |n| {
                    let mut value = [0; 8];
                    value.iter_mut().enumerate().for_each(|(at, byte)| {
                        *byte = bytes.get(at * length + n).copied().unwrap_or_default();
                    });
                    f64::from_be_bytes(value)
                };
                Some((0..length).map(value).collect())
            }
            Doubles::Bytes(_) => None,
        }
    }
}

fn power_of_ten(places: u8) -> Option<f64> {
    // Exact up to 10^22.
    (places <= PLACES).then(|| 10_f64.powi(i32::from(places)))
}

/// The value as a whole number over 10^`places`, if that is exactly what it is.
fn scaled(value: f64, places: u8) -> Option<i64> {
    let power = power_of_ten(places)?;
    let number = (value * power).round();
    let is_it = number.abs() < EXACT && (number as i64 as f64 / power).to_bits() == value.to_bits();
    is_it.then_some(number as i64)
}

/// Values of which many are the same: each different one once, in order of appearance, and the number of each place's.
#[derive(Debug, Serialize, Deserialize)]
struct Dictionary<T> {
    words: Vec<T>,
    /// Nothing where there is one word alone.
    places: Vec<u32>,
}

impl<T: Clone + Eq + Hash> Dictionary<T> {
    fn of(values: impl Iterator<Item = T>) -> Dictionary<T> {
        let (mut words, mut known, mut places) = (Vec::new(), HashMap::new(), Vec::new());
        for value in values {
            let next = words.len() as u32;
            let place = *known.entry(value).or_insert_with_key(|word: &T| {
                words.push(word.clone());
                next
            });
            places.push(place);
        }
        if words.len() == 1 {
            places.clear();
        }
        Dictionary { words, places }
    }
}

impl<T: Clone> Dictionary<T> {
    fn values(self, length: usize) -> Option<Vec<T>> {
        match self.words.as_slice() {
            [word] if self.places.is_empty() => Some(vec![word.clone(); length]),
            words => self.places.iter().map(|place| words.get(*place as usize).cloned()).collect(),
        }
    }
}

/// Outcomes: of those that brought results, the names once and the results by name; of the others, each different one.
#[derive(Debug, Serialize, Deserialize)]
struct Outcomes {
    shapes: Vec<Shape>,
    /// The shape of each outcome; nothing where there is one alone.
    places: Vec<u32>,
}

/// The results of one outcome.
type Results<'a> = &'a [(String, Value)];

/// Outcomes of one kind.
#[derive(Debug, Serialize, Deserialize)]
enum Shape {
    /// With results of these names, each with its values.
    Results(Vec<(String, Values)>),
    /// Another one, whole.
    Other(Outcome),
}

/// The values of one result.
#[derive(Debug, Serialize, Deserialize)]
enum Values {
    Doubles(Doubles),
    Ints(Vec<i64>),
    Mixed(Vec<Value>),
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
        Values::Mixed(values.into_iter().cloned().collect())
    }

    fn values(self) -> Option<Vec<Value>> {
        Some(match self {
            Values::Doubles(doubles) => doubles.values()?.into_iter().map(Value::Float).collect(),
            Values::Ints(ints) => ints.into_iter().map(Value::Int).collect(),
            Values::Mixed(values) => values,
        })
    }
}

impl Outcomes {
    fn of<'a>(outcomes: impl Iterator<Item = &'a Outcome>) -> Outcomes {
        let mut kinds: Vec<(&Outcome, Vec<Results<'_>>)> = Vec::new();
        let mut places = Vec::new();
        for outcome in outcomes {
            // A chunk has few kinds, most often one.
            let place = kinds.iter().position(|(kind, _)| is_alike(kind, outcome)).unwrap_or_else(|| {
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
        Outcomes { shapes: kinds.into_iter().map(|(kind, all)| Shape::of(kind, &all)).collect(), places }
    }

    fn values(self, length: usize) -> Option<Vec<Outcome>> {
        let mut shapes: Vec<Reader> = self.shapes.into_iter().map(Reader::of).collect::<Option<_>>()?;
        match shapes.as_mut_slice() {
            [shape] if self.places.is_empty() => (0..length).map(|_| shape.next()).collect(),
            shapes => self.places.iter().map(|place| shapes.get_mut(*place as usize)?.next()).collect(),
        }
    }
}

/// Whether two outcomes share a shape.
fn is_alike(a: &Outcome, b: &Outcome) -> bool {
    match (a, b) {
        (Outcome::Succeeded { results: a }, Outcome::Succeeded { results: b }) => {
            a.len() == b.len() && a.iter().zip(b).all(|((a, _), (b, _))| a == b)
        }
        (a, b) => a == b,
    }
}

impl Shape {
    fn of(kind: &Outcome, all: &[Results<'_>]) -> Shape {
        let Outcome::Succeeded { results } = kind else { return Shape::Other(kind.clone()) };
        let column = |(n, (name, _)): (usize, &(String, Value))| {
            let values = all.iter().filter_map(|results| results.get(n)).map(|(_, value)| value);
            (name.clone(), Values::of(values.collect()))
        };
        Shape::Results(results.iter().enumerate().map(column).collect())
    }
}

/// Gives the outcomes of one shape, one after the other.
enum Reader {
    Results(Vec<(String, std::vec::IntoIter<Value>)>),
    Other(Outcome),
}

impl Reader {
    fn of(shape: Shape) -> Option<Reader> {
        let column = |(name, values): (String, Values)| Some((name, values.values()?.into_iter()));
        Some(match shape {
            Shape::Results(columns) => Reader::Results(columns.into_iter().map(column).collect::<Option<_>>()?),
            Shape::Other(outcome) => Reader::Other(outcome),
        })
    }

    fn next(&mut self) -> Option<Outcome> {
        match self {
            Reader::Results(columns) => {
                let value =
                    |(name, values): &mut (String, std::vec::IntoIter<Value>)| Some((name.clone(), values.next()?));
                Some(Outcome::Succeeded { results: columns.iter_mut().map(value).collect::<Option<_>>()? })
            }
            Reader::Other(outcome) => Some(outcome.clone()),
        }
    }
}
