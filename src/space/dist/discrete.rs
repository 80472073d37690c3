//! Owns the discrete distributions: whole numbers, and a choice from a list.

use super::super::draw::below;
use super::poisson::Poisson;
use super::unit;
use crate::value::Value;

/// A distribution on whole numbers.
#[derive(Debug)]
pub(in crate::space) enum Whole {
    /// Uniform: the smallest number, and how many there are, up to 2^64.
    Alike { min: i64, count: u128 },
    /// Uniform in the logarithm: the logarithms of the smallest number and of the largest plus one.
    Log { min: i64, max: i64, ln_min: f64, ln_beyond: f64 },
    /// Poisson.
    Poisson(Poisson),
}

impl Whole {
    pub(super) fn new(min: i64, max: i64) -> Result<Whole, String> {
        check_bounds(min, max)?;
        Ok(Whole::Alike { min, count: (i128::from(max) - i128::from(min)) as u128 + 1 })
    }

    /// k with probability ln((k + 1)/k) divided by the sum: a value of the log-uniform distribution on [min, max + 1),
    /// without its fraction.
    pub(super) fn log(min: i64, max: i64) -> Result<Whole, String> {
        check_bounds(min, max)?;
        if min < 1 {
            return Err(format!("`min` of a log-int distribution must be at least 1, not {min}"));
        }
        Ok(Whole::Log { min, max, ln_min: libm::log(min as f64), ln_beyond: libm::log(max as f64 + 1.0) })
    }

    pub(super) fn poisson(mean: f64) -> Result<Whole, String> {
        Poisson::new(mean).map(Whole::Poisson)
    }

    /// The quantile. For the uniform distribution it is min + floor(word · count / 2^64).
    pub(super) fn quantile(&self, word: u64) -> i64 {
        match *self {
            Whole::Alike { min, count } => {
                let above_min = (u128::from(word) * count) >> 64;
                // The sum is at most the largest number. A number from 2^63 wraps in the addition, and the result is
                // right.
                min.wrapping_add(above_min as i64)
            }
            Whole::Log { min, max, ln_min, ln_beyond } => log_quantile(min, max, ln_min, ln_beyond, unit(word)),
            Whole::Poisson(poisson) => poisson.quantile(unit(word)),
        }
    }
}

/// exp(ln min + (ln(max + 1) − ln min)·u), rounded down.
pub(super) fn log_quantile(min: i64, max: i64, ln_min: f64, ln_beyond: f64, u: f64) -> i64 {
    // The cast rounds down.
    (libm::exp(ln_min + (ln_beyond - ln_min) * u) as i64).clamp(min, max)
}

fn check_bounds(min: i64, max: i64) -> Result<(), String> {
    if min > max {
        return Err(format!("`min` {min} is above `max` {max}"));
    }
    Ok(())
}

/// A choice from a list of values.
#[derive(Debug)]
pub(in crate::space) struct Choice {
    values: Vec<Value>,
    /// The running sums of the weights, each including its own value. None: all values are equally likely.
    sums: Option<Vec<f64>>,
    /// The sum of all weights; 1 without weights.
    total: f64,
    /// The position of the last value that can be chosen.
    last: usize,
}

impl Choice {
    pub(super) fn new(values: &[Value], weights: Option<&[f64]>) -> Result<Choice, String> {
        if values.is_empty() {
            return Err("`values` is empty".into());
        }
        let sums = weights.map(|weights| sums(weights, values.len())).transpose()?;
        let last = match &sums {
            None => values.len() - 1,
            Some(sums) => sums.partition_point(|sum| Some(sum) < sums.last()),
        };
        let total = sums.as_ref().and_then(|sums| sums.last()).copied().unwrap_or(1.0);
        Ok(Choice { values: values.to_vec(), sums, total, last })
    }

    /// Without weights: value number floor(word · n / 2^64). With weights: the first value whose sum is above u ·
    /// total.
    #[allow(clippy::indexing_slicing, reason = "`last` is a position in `values`")]
    pub(super) fn quantile(&self, word: u64) -> Value {
        let position = match &self.sums {
            None => below(word, self.values.len() as u64) as usize,
            Some(sums) => {
                let level = unit(word) * self.total;
                sums.partition_point(|sum| *sum <= level)
            }
        };
        // The level is below the total, except that with weights near the smallest double it may be rounded up to it.
        self.values[position.min(self.last)].clone()
    }
}

fn sums(weights: &[f64], values: usize) -> Result<Vec<f64>, String> {
    if weights.len() != values {
        return Err(format!("there are {values} `values` and {} `weights`", weights.len()));
    }
    if let Some(bad) = weights.iter().find(|w| !(**w >= 0.0 && w.is_finite())) {
        return Err(format!("{bad} is not a weight: weights are finite and not negative"));
    }
    let sums: Vec<f64> = weights
        .iter()
        .scan(0.0, |sum, weight| {
            *sum += weight;
            Some(*sum)
        })
        .collect();
    match sums.last() {
        Some(total) if *total > 0.0 && total.is_finite() => Ok(sums),
        Some(total) if *total > 0.0 => Err("the sum of the `weights` is too large".into()),
        _ => Err("all `weights` are 0".into()),
    }
}
