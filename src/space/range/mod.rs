//! Owns ranges: value `k` of `{ from, to, … }`, exact before it is rounded once, and its inverse. Values are not
//! listed.

mod linear;
mod log;

use dashu_int::{IBig, UBig};
use dashu_ratio::RBig;

use self::linear::Linear;
use self::log::Log;
use super::decimal::{self, Decimal};
use super::spec::{Range, RangeBy};
use crate::value::Value;

impl Range {
    /// The number of values, at least 1. O(1).
    ///
    /// # Errors
    /// What is wrong, as a phrase: a number that is none or that a double cannot hold, a count of zero, a step of zero
    /// or away from `to`, a log range that touches zero, more than 2^64−1 values, values that doubles cannot tell apart,
    /// whole numbers beyond 64 bits. A step that does not reach `to` exactly is no error; neither is a count of 1 with
    /// `from` and `to` apart, which gives `from`.
    #[allow(clippy::len_without_is_empty)] // it is never empty
    pub fn len(&self) -> Result<u64, String> {
        Progression::new(self).map(|progression| progression.len())
    }

    /// The last value: `to`, or the last one before it in steps.
    ///
    /// # Errors
    /// As [`Range::len`].
    pub fn last(&self) -> Result<Value, String> {
        Progression::new(self).map(|progression| progression.value(progression.len() - 1))
    }
}

/// A range, ready to compute its values.
#[derive(Debug)]
pub(super) enum Progression {
    Linear(Linear),
    Log(Box<Log>),
}

impl Progression {
    /// # Errors
    /// As [`Range::len`].
    pub(super) fn new(range: &Range) -> Result<Progression, String> {
        let (from, to) = (Decimal::parse(&range.from)?, Decimal::parse(&range.to)?);
        let ends_are_integers = from.integer && to.integer;
        match &range.by {
            RangeBy::Count(0) | RangeBy::LogCount(0) => Err("`count` must be at least 1, not 0".into()),
            RangeBy::Count(count) => {
                let step = match count - 1 {
                    0 => RBig::ZERO,
                    gaps => (to.exact - &from.exact) / RBig::from(gaps),
                };
                Linear::new(from.exact, step, *count, ends_are_integers).map(Progression::Linear)
            }
            RangeBy::LogCount(count) => {
                Log::new(from.exact, to.exact, *count, ends_are_integers).map(|log| Progression::Log(Box::new(log)))
            }
            RangeBy::Step(text) => {
                let step = Decimal::parse(text)?;
                let count = count_steps(&to.exact - &from.exact, &step.exact)?;
                Linear::new(from.exact, step.exact, count, from.integer && step.integer).map(Progression::Linear)
            }
        }
    }

    pub(super) fn len(&self) -> u64 {
        match self {
            Progression::Linear(linear) => linear.len(),
            Progression::Log(log) => log.len(),
        }
    }

    /// Value `k`; `k` is less than [`Progression::len`]. Takes about a microsecond; for a log range some tens of
    /// microseconds.
    pub(super) fn value(&self, k: u64) -> Value {
        match self {
            Progression::Linear(linear) => linear.value(k),
            Progression::Log(log) => log.value(k),
        }
    }

    /// The position of the value that prints like the given one, if there is one. Takes a few microseconds.
    pub(super) fn position(&self, value: &Value) -> Option<u64> {
        let number = match value {
            Value::Int(whole) => RBig::from(*whole),
            Value::Float(x) => RBig::try_from(*x).ok()?,
            Value::Text(text) | Value::Written(_, text) => Decimal::parse(text).ok()?.exact,
            Value::Bool(_) | Value::Missing => return None,
        };
        // The number lies within one rounding of the exact value, and neighbours are farther apart than that: the
        // nearest position is right, or one next to it.
        let nearest = match self {
            Progression::Linear(linear) => linear.nearest(&number),
            Progression::Log(log) => log.nearest(&number)?,
        };
        [0, -1, 1]
            .into_iter()
            .filter_map(|offset| u64::try_from(&nearest + IBig::from(offset)).ok())
            .find(|k| *k < self.len() && self.value(*k).same_as(value))
    }
}

fn count_steps(distance: RBig, step: &RBig) -> Result<u64, String> {
    if step.is_zero() {
        return Err("`step` is 0".into());
    }
    let steps = (distance / step).floor();
    if steps < IBig::ZERO {
        return Err("`step` leads away from `to`; change its sign, or exchange `from` and `to`".into());
    }
    let too_many = || "this step gives more than 2^64 values".to_owned();
    u64::try_from(steps).ok().and_then(|steps| steps.checked_add(1)).ok_or_else(too_many)
}

/// A value from an exact number. In a range written in integers, whole values print as integers.
fn to_value(exact: &RBig, integers: bool) -> Value {
    if integers && *exact.denominator() == UBig::ONE {
        // Both ends were checked to fit, and every value lies between them.
        if let Ok(whole) = i64::try_from(exact.numerator().clone()) {
            return Value::Int(whole);
        }
    }
    Value::Float(decimal::to_f64(exact))
}

/// Rejects ends of an integer range that do not fit in 64 bits.
fn check_integer_end(exact: &RBig) -> Result<(), String> {
    match i64::try_from(exact.floor()) {
        Ok(_) => Ok(()),
        Err(_) => Err(format!("{} is beyond the integers of 64 bits; write the range in floats", exact.floor())),
    }
}

const TOO_CLOSE: &str = "the values lie so close together that doubles cannot tell them apart; take fewer of them";

#[cfg(test)]
mod tests;
