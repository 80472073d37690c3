//! Owns statistics of numbers: what `sweep stats` says of the values of one result in one group. Pure.
//!
//! - `sums`: mean and standard deviation in one pass; `quantile`: quantiles; `interval`: intervals around a mean
//!
//! A standard error wants values that are independent. Where values belong together (the repeats of one draw, the points
//! of one scramble of a Sobol sequence), the means of those that do are the independent ones, the *replicates*.

use std::collections::BTreeMap;

use crate::value::Value;

mod interval;
mod quantile;
mod sums;

use interval::{student, wilson};
use quantile::quantile;
use sums::Sums;

/// Why there is no standard error and no interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoErrorReason {
    /// There are fewer than two values.
    FewValues,
    /// There are fewer than two independent replicates.
    FewReplicates,
    /// The values are a single sample of a sequence or a Latin hypercube, which has no error of its own.
    OneSample,
    /// All values are made of the same random numbers.
    SameNumbers,
    /// Some values are infinite.
    Infinite,
}

impl NoErrorReason {
    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            NoErrorReason::FewValues => "no error from fewer than two values",
            NoErrorReason::FewReplicates => "no error from fewer than two independent replicates",
            NoErrorReason::OneSample => {
                "no error from one quasi-random or Latin hypercube sample: `randomizations` gives several"
            }
            NoErrorReason::SameNumbers => "no error: all values share their random numbers (common-draws)",
            NoErrorReason::Infinite => "some values are infinite",
        }
    }
}

/// The values of one result in one group, as far as they have come.
#[derive(Clone, Debug)]
pub struct Sample {
    sums: Sums,
    nan: u64,
    texts: u64,
    infinite: u64,
    infinite_sum: f64,
    /// All values so far are true, false, 0 or 1 (whole numbers).
    binary: bool,
    /// The values, for quantiles.
    values: Option<Vec<f64>>,
    /// The sums of those that belong together, by their key.
    replicates: Option<BTreeMap<u64, Sums>>,
}

/// What is said of a sample.
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    /// Values that are numbers, or true or false.
    pub n: u64,
    /// Values that are NaN; they are in nothing else.
    pub nan: u64,
    /// Values that are texts; they are in nothing else.
    pub texts: u64,
    /// The mean, of true and false the part that is true; none: there is no value.
    pub mean: Option<f64>,
    /// The standard deviation of the values, with n − 1.
    pub sd: Option<f64>,
    /// The standard error of the mean.
    pub se: Option<f64>,
    /// The 95 % interval of the mean.
    pub interval: Option<(f64, f64)>,
    /// The quantiles that were asked for.
    pub quantiles: Vec<Option<f64>>,
    /// How many independent values the error is from.
    pub replicates: u64,
    /// Why there is no error, if there is none.
    pub no_error: Option<NoErrorReason>,
}

/// How a sample is looked at.
#[derive(Clone, Copy, Debug, Default)]
pub struct SummaryOptions<'a> {
    /// The quantiles asked for, from 0 to 1. With any, all values are kept: 8 bytes each.
    pub quantiles: &'a [f64],
    /// Whether values belong together, and come with a key that says which.
    pub replicated: bool,
    /// Why there is no error whatever the values are.
    pub no_error: Option<NoErrorReason>,
    /// Whether to take the values as true or false if they may be: then the interval is Wilson's.
    pub binary: bool,
}

impl Sample {
    /// No values yet.
    pub fn new(options: &SummaryOptions<'_>) -> Sample {
        Sample {
            sums: Sums::default(),
            nan: 0,
            texts: 0,
            infinite: 0,
            infinite_sum: 0.0,
            binary: true,
            values: (!options.quantiles.is_empty()).then(Vec::new),
            replicates: options.replicated.then(BTreeMap::new),
        }
    }

    /// Takes a value, and the key of the replicate that it belongs to. A missing one is nothing.
    pub fn push(&mut self, value: &Value, replicate: u64) {
        let x = match value.plain() {
            Value::Missing => return,
            Value::Text(_) | Value::Written(..) => return self.texts += 1,
            Value::Bool(b) => f64::from(u8::from(*b)),
            Value::Int(i) => {
                self.binary &= matches!(i, 0 | 1);
                *i as f64
            }
            Value::Float(x) => {
                self.binary = false;
                *x
            }
        };
        if x.is_nan() {
            return self.nan += 1;
        }
        if let Some(values) = &mut self.values {
            values.push(x);
        }
        if x.is_infinite() {
            self.infinite += 1;
            self.infinite_sum += x;
            return;
        }
        self.sums.push(x);
        if let Some(replicates) = &mut self.replicates {
            replicates.entry(replicate).or_default().push(x);
        }
    }

    /// Whether there are values, and all of them are true, false, 0 or 1.
    pub fn is_binary(&self) -> bool {
        self.binary && self.sums.count() > 0
    }

    /// Whether it has numbers.
    pub fn has_numbers(&self) -> bool {
        self.sums.count() + self.infinite + self.nan > 0
    }

    /// Whether it has texts.
    pub fn has_texts(&self) -> bool {
        self.texts > 0
    }

    /// What is to be said of it. O(n log n) with quantiles, otherwise O(replicates).
    pub fn summary(mut self, options: &SummaryOptions<'_>) -> Summary {
        let n = self.sums.count() + self.infinite;
        let mean = if self.infinite > 0 { Some(self.infinite_sum) } else { self.sums.mean() };
        let error = self.error(options);
        let (se, interval, replicates) = error.unwrap_or((None, None, 0));
        let values = self.values.as_mut();
        let quantiles = values.map_or_else(Vec::new, |values| {
            values.sort_unstable_by(f64::total_cmp);
            options.quantiles.iter().map(|p| quantile(values, *p)).collect()
        });
        Summary {
            n,
            nan: self.nan,
            texts: self.texts,
            mean,
            sd: self.sums.sd().filter(|_| self.infinite == 0),
            se,
            interval,
            quantiles,
            replicates,
            no_error: error.err(),
        }
    }

    #[allow(clippy::type_complexity)]
    fn error(&self, options: &SummaryOptions<'_>) -> Result<(Option<f64>, Option<(f64, f64)>, u64), NoErrorReason> {
        let n = self.sums.count();
        if self.infinite > 0 {
            return Err(NoErrorReason::Infinite);
        }
        let (Some(mean), Some(sd), 2..) = (self.sums.mean(), self.sums.sd(), n) else {
            return Err(NoErrorReason::FewValues);
        };
        if let Some(why) = options.no_error {
            return Err(why);
        }
        let Some(replicates) = &self.replicates else {
            let se = sd / (n as f64).sqrt();
            let interval = if options.binary { wilson(mean, n) } else { student(mean, se, n) };
            return Ok((Some(se), Some(interval), n));
        };
        let mut means = Sums::default();
        replicates.values().filter_map(Sums::mean).for_each(|mean| means.push(mean));
        let (Some(sd), count @ 2..) = (means.sd(), means.count()) else { return Err(NoErrorReason::FewReplicates) };
        let se = sd / (count as f64).sqrt();
        Ok((Some(se), Some(student(mean, se, count)), count))
    }
}

#[cfg(test)]
mod tests;
