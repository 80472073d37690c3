//! Owns a space as the sweep file declares it: plain data, stored with the sweep.

use serde::{Deserialize, Serialize};

use crate::value::Value;

/// The version of everything that decides which points a space has: order, hash, generator, distributions. Stored with
/// each sweep; another one is refused.
pub const VERSION: u32 = 1;

/// A space as the sweep file declares it, validated.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SpaceSpec {
    /// [`VERSION`] at the time it was submitted.
    pub version: u32,
    /// Root of all randomness.
    pub root_seed: u64,
    /// Drawings of the random parameters at each grid point, at least 1.
    pub draws: u64,
    /// Runs of each point with different seeds, at least 1.
    pub repeats: u64,
    /// Axes in the order of the file; the last one varies fastest. Parameters of one axis move together.
    pub axes: Vec<Axis>,
    /// Random parameters in the order of the file.
    pub random: Vec<Random>,
    /// The names of all parameters, those of the axes and the random ones, in the order of the file: the order of
    /// columns. Nothing else depends on it.
    pub order: Vec<String>,
}

/// One axis of the grid: one parameter, or several that move together (`[[zip]]`), all of the same length.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Axis {
    /// At least one. No two rows are alike: at any two positions some parameter prints differently.
    pub params: Vec<AxisParam>,
}

/// A parameter on an axis.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AxisParam {
    /// Its name.
    pub name: String,
    /// Its values, at least one.
    pub values: Values,
}

/// The values of a parameter on an axis.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Values {
    /// One after the other.
    #[serde(rename = "list")]
    List(Vec<Value>),
    /// Computed from their position, never stored.
    #[serde(rename = "range")]
    Range(Range),
}

/// `{ from, to, count }` or `{ from, to, step }`. The numbers are kept as the decimal text of the file, so that they are
/// exact.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Range {
    /// The first value, as written: `0.0`, `1e-4`, `16`.
    pub from: String,
    /// The last value (`count`), or the bound that is not passed (`step`).
    pub to: String,
    /// How it is divided.
    pub by: RangeBy,
}

/// How a range is divided.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum RangeBy {
    /// This many values, both ends included, equally far apart.
    #[serde(rename = "count")]
    Count(u64),
    /// This many values, both ends included, by equal factors (`scale = "log"`).
    #[serde(rename = "log")]
    LogCount(u64),
    /// From the first in steps of this size, as written.
    #[serde(rename = "step")]
    Step(String),
}

/// A random parameter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Random {
    /// Its name.
    pub name: String,
    /// What it is drawn from.
    pub dist: Dist,
}

/// A distribution; bounds are always values, never exponents.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Dist {
    /// Uniform on `[min, max]`, `min < max`.
    Uniform {
        /// Lower bound.
        min: f64,
        /// Upper bound.
        max: f64,
    },
    /// Uniform in the logarithm, `0 < min < max`.
    LogUniform {
        /// Lower bound.
        min: f64,
        /// Upper bound.
        max: f64,
    },
    /// Whole numbers, both bounds included, `min <= max`.
    Int {
        /// Smallest.
        min: i64,
        /// Largest.
        max: i64,
    },
    /// Normal, `sd > 0`.
    Normal {
        /// Mean.
        mean: f64,
        /// Standard deviation.
        sd: f64,
    },
    /// One of some values, at least one.
    Choice {
        /// The values.
        values: Vec<Value>,
        /// As many weights, none negative, not all zero; none given: all alike.
        weights: Option<Vec<f64>>,
    },
    /// An order of 0 … of−1, printed `3,0,17,…`; `of >= 1`.
    Permutation {
        /// How many.
        of: u32,
    },
}
