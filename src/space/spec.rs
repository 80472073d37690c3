//! Owns a space as the sweep file declares it: plain data, stored with the sweep.

use serde::{Deserialize, Serialize};

use super::bits::Bits;
use crate::value::Value;

/// The version of everything that decides which points a space has: order, hash, generator, distributions. Stored with
/// each sweep; another one is refused.
pub const VERSION: u32 = 1;

/// A space as the sweep file declares it, validated, with all that it read from other files in it.
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
    /// Where the words come from that random values are made of.
    pub sampling: Sampling,
    /// Independent scrambles of a low-discrepancy sample, each with all its draws, at least 1.
    pub randomizations: u64,
    /// Whether every grid point sees the same draws and seeds.
    pub common_draws: bool,
    /// The sweep is the union of these, at least one; a point that several have counts where it comes first.
    pub blocks: Vec<Block>,
    /// The names of all parameters of all blocks, derived ones included, in the order of the file: the order of columns.
    /// Nothing else depends on it.
    pub order: Vec<String>,
    /// What the conditions keep and which points several blocks have, worked out once ([`crate::space::Space::prepare`]):
    /// workers must not do it again. None where nothing has to be left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selection: Option<Selection>,
}

/// Which grid points and which cells are kept. See `docs/space.md`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Selection {
    /// For each block the grid points that are kept; none: all.
    pub grids: Vec<Option<Bits>>,
    /// The cells that are kept, of those whose grid points are; none: all.
    pub cells: Option<Bits>,
}

impl Default for SpaceSpec {
    /// One point without parameters.
    fn default() -> Self {
        SpaceSpec {
            version: VERSION,
            root_seed: 0,
            draws: 1,
            repeats: 1,
            sampling: Sampling::Independent,
            randomizations: 1,
            common_draws: false,
            blocks: vec![Block::default()],
            order: Vec::new(),
            selection: None,
        }
    }
}

/// Where the words come from that random values are made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sampling {
    /// Each from the generator, by itself.
    #[default]
    Independent,
    /// One in each stratum of each parameter.
    LatinHypercube,
    /// The Sobol sequence, Owen-scrambled.
    Sobol,
    /// The Halton sequence, scrambled.
    Halton,
}

/// A part of the space: every combination of its axes, with its random and derived parameters. Without `[[block]]` there
/// is one.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Block {
    /// Axes in the order of the file; the last one varies fastest. Parameters of one axis move together.
    pub axes: Vec<Axis>,
    /// Random parameters in the order of the file.
    pub random: Vec<Random>,
    /// Parameters computed from others, in the order of the file.
    pub derived: Vec<Derived>,
    /// Conditions that must all hold for a point to be kept: expressions over the parameters and `draw`.
    pub conditions: Vec<String>,
}

/// A parameter computed from others.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Derived {
    /// Its name.
    pub name: String,
    /// The expression, as written.
    pub expression: String,
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
    /// Values below the first are given it, values above the second that one; a value on the line, finite, first < second.
    pub clip: Option<(f64, f64)>,
    /// Values are rounded to the nearest multiple of this; the decimal text of the file, greater than 0.
    pub round: Option<String>,
}

impl Random {
    /// A parameter drawn from a distribution as it is, neither clipped nor rounded.
    pub fn plain(name: impl Into<String>, dist: Dist) -> Self {
        Random { name: name.into(), dist, clip: None, round: None }
    }
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
    /// Whole numbers uniform in the logarithm, both bounds included, `1 <= min <= max`.
    LogInt {
        /// Smallest.
        min: i64,
        /// Largest.
        max: i64,
    },
    /// Normal, conditioned on lying in `[min, max]`, `sd > 0`, `min < max`.
    TruncatedNormal {
        /// Mean of the normal before it is truncated.
        mean: f64,
        /// Its standard deviation.
        sd: f64,
        /// Lower bound.
        min: f64,
        /// Upper bound.
        max: f64,
    },
    /// The exponential of a normal, `sigma > 0`.
    LogNormal {
        /// Mean of the logarithm.
        mu: f64,
        /// Standard deviation of the logarithm.
        sigma: f64,
    },
    /// Exponential, `rate > 0`: mean 1/rate.
    Exponential {
        /// Rate.
        rate: f64,
    },
    /// Gamma, `shape > 0`, `scale > 0`: mean shape · scale.
    Gamma {
        /// Shape.
        shape: f64,
        /// Scale.
        scale: f64,
    },
    /// Beta, `alpha > 0`, `beta > 0`.
    Beta {
        /// First shape.
        alpha: f64,
        /// Second shape.
        beta: f64,
    },
    /// Triangular, `min <= mode <= max`, `min < max`.
    Triangular {
        /// Lower bound.
        min: f64,
        /// Where it is densest.
        mode: f64,
        /// Upper bound.
        max: f64,
    },
    /// Poisson, `mean > 0`.
    Poisson {
        /// Mean.
        mean: f64,
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
