//! Owns the distributions on separate values: whole numbers, and one of a list.

use super::super::draw::below;
use super::unit;
use crate::value::Value;

/// Whole numbers, all alike.
#[derive(Debug)]
pub(in crate::space) struct Whole {
    min: i64,
    /// How many there are, up to 2^64.
    count: u128,
}

impl Whole {
    pub(super) fn new(min: i64, max: i64) -> Result<Whole, String> {
        if min > max {
            return Err(format!("`min` {min} is above `max` {max}"));
        }
        Ok(Whole { min, count: (i128::from(max) - i128::from(min)) as u128 + 1 })
    }

    /// min + floor(word · count / 2^64).
    pub(super) fn quantile(&self, word: u64) -> i64 {
        let above_min = (u128::from(word) * self.count) >> 64;
        // The sum is at most `max`; a number from 2^63 wraps as it is added, and comes out right.
        self.min.wrapping_add(above_min as i64)
    }
}

/// One of some values.
#[derive(Debug)]
pub(in crate::space) struct Choice {
    values: Vec<Value>,
    /// The sums of the weights up to each value and with it; none: all alike.
    sums: Option<Vec<f64>>,
    /// The position of the last value that can be chosen.
    last: usize,
}

impl Choice {
    pub(super) fn new(values: &[Value], weights: Option<&[f64]>) -> Result<Choice, String> {
        if values.is_empty() {
            return Err("there are no `values` to choose from".into());
        }
        let sums = weights.map(|weights| sums(weights, values.len())).transpose()?;
        let last = match &sums {
            None => values.len() - 1,
            Some(sums) => sums.partition_point(|sum| Some(sum) < sums.last()),
        };
        Ok(Choice { values: values.to_vec(), sums, last })
    }

    /// Without weights value number floor(word · n / 2^64); with weights the first one whose sum is above u · total.
    pub(super) fn quantile(&self, word: u64) -> Value {
        let position = match &self.sums {
            None => below(word, self.values.len() as u64) as usize,
            Some(sums) => {
                let level = unit(word) * sums.last().copied().unwrap_or(1.0);
                sums.partition_point(|sum| *sum <= level)
            }
        };
        // The level is below the total, except that among weights near the smallest double it may be rounded up to it.
        self.values.get(position.min(self.last)).cloned().unwrap_or(Value::Missing)
    }
}

fn sums(weights: &[f64], values: usize) -> Result<Vec<f64>, String> {
    if weights.len() != values {
        return Err(format!("there are {values} `values` and {} `weights`", weights.len()));
    }
    if let Some(bad) = weights.iter().find(|w| !(**w >= 0.0 && w.is_finite())) {
        return Err(format!("{bad} is no weight: weights are 0 or more"));
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
        Some(total) if *total > 0.0 => Err("the `weights` add up to more than a double holds".into()),
        _ => Err("all `weights` are 0".into()),
    }
}
