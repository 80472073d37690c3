//! Owns the statistics that `sweep stats` computes for one result in one group. Pure.
//!
//! - `sums`: mean and standard deviation in one pass; `quantile`: quantiles; `interval`: intervals around a mean
//!
//! A standard error requires independent values. Some values are dependent: the repeats of one draw, or the points of one
//! scramble of a Sobol sequence. Then the standard error is computed from the means of these groups, the *replicates*,
//! which are independent.

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
    /// The values are one quasi-random or Latin hypercube sample: its error cannot be estimated from the sample itself.
    OneSample,
    /// All values use the same random numbers.
    SameNumbers,
    /// Some values are infinite.
    Infinite,
}

impl NoErrorReason {
    /// The reason in words, for a note.
    pub fn words(self) -> &'static str {
        match self {
            NoErrorReason::FewValues => "no standard error: fewer than two values",
            NoErrorReason::FewReplicates => "no standard error: fewer than two independent replicates",
            NoErrorReason::OneSample => {
                "no standard error from one quasi-random or Latin hypercube sample; set `randomizations` to get several"
            }
            NoErrorReason::SameNumbers => "no standard error: all values use the same random numbers (common-draws)",
            NoErrorReason::Infinite => "some values are infinite",
        }
    }
}

/// Accumulates the values of one result in one group.
#[derive(Clone, Debug)]
pub struct Sample {
    sums: Sums,
    nan: u64,
    texts: u64,
    infinite: u64,
    infinite_sum: f64,
    /// Whether all values so far are true, false, or the integers 0 and 1.
    binary: bool,
    /// The values, kept only for quantiles.
    values: Option<Vec<f64>>,
    /// The sums of each replicate, by its key; none: each value is independent.
    replicates: Option<BTreeMap<u64, Sums>>,
}

/// The statistics of a sample.
#[derive(Clone, Debug, PartialEq)]
pub struct SampleSummary {
    /// The number of values that are numbers, true or false.
    pub n: u64,
    /// The number of NaN values; all other statistics ignore them.
    pub nan: u64,
    /// The number of texts; all other statistics ignore them.
    pub texts: u64,
    /// The mean; for true and false the proportion of true. None: no values.
    pub mean: Option<f64>,
    /// The standard deviation of the values, with divisor n − 1.
    pub sd: Option<f64>,
    /// The standard error of the mean.
    pub se: Option<f64>,
    /// The 95 % interval of the mean.
    pub interval: Option<(f64, f64)>,
    /// The requested quantiles.
    pub quantiles: Vec<Option<f64>>,
    /// The number of independent values from which the error is computed.
    pub replicates: u64,
    /// Why there is no standard error; none: there is one.
    pub no_error: Option<NoErrorReason>,
}

/// Options for the statistics of a sample.
#[derive(Clone, Copy, Debug, Default)]
pub struct SummaryOptions<'a> {
    /// The requested quantiles, from 0 to 1. If there are any, all values are kept in memory, 8 bytes each.
    pub quantiles: &'a [f64],
    /// Whether values are grouped into replicates, by the key given to [`Sample::push`].
    pub replicated: bool,
    /// A reason not to compute an error at all.
    pub no_error: Option<NoErrorReason>,
    /// Whether the values are true and false, so that the interval is Wilson's.
    pub binary: bool,
}

impl Sample {
    /// An empty sample.
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

    /// Adds a value; `replicate` is the key of the replicate that it belongs to. Missing values are ignored.
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

    /// Whether there are finite values, and all of them are true, false, 0 or 1.
    pub fn is_binary(&self) -> bool {
        self.binary && self.sums.count() > 0
    }

    /// Whether there are numbers, true or false among the values.
    pub fn has_numbers(&self) -> bool {
        self.sums.count() + self.infinite + self.nan > 0
    }

    /// Whether there are texts among the values.
    pub fn has_texts(&self) -> bool {
        self.texts > 0
    }

    /// Computes the statistics. O(n log n) with quantiles, otherwise O(replicates).
    pub fn summary(mut self, options: &SummaryOptions<'_>) -> SampleSummary {
        let n = self.sums.count() + self.infinite;
        let mean = if self.infinite > 0 { Some(self.infinite_sum) } else { self.sums.mean() };
        let error = self.error(options);
        let (se, interval, replicates) = error.unwrap_or((None, None, 0));
        let values = self.values.as_mut();
        let quantiles = values.map_or_else(Vec::new, |values| {
            values.sort_unstable_by(f64::total_cmp);
            options.quantiles.iter().map(|p| quantile(values, *p)).collect()
        });
        SampleSummary {
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
