//! Owns the specification of a parameter space: plain data, stored with the sweep.

use super::bits::Bits;
use crate::expr::{self, Rules};
use crate::value::Value;

/// The newest version of everything that decides which points a space has: order, hash, generator, distributions, the
/// rules of derived parameters. It is stored with each sweep. Later versions are rejected.
///
/// Versions 1 and 2 differ only in the rules of derived parameters: see `docs/space.md`.
pub const VERSION: u32 = 2;

/// The version of a space whose derived parameters have the same values by the rules of every version.
const FIRST_VERSION: u32 = 1;

/// A validated parameter space as the sweep file defines it, including everything read from other files.
#[derive(Clone, Debug, PartialEq)]
pub struct SpaceSpec {
    /// The version of its rules, from 1 to [`VERSION`].
    pub version: u32,
    /// The root of all randomness.
    pub root_seed: u64,
    /// The number of draws of the random parameters at each grid point, at least 1.
    pub draws: u64,
    /// The number of runs of each point with different seeds, at least 1.
    pub repeats: u64,
    /// How the random words are sampled.
    pub sampling: Sampling,
    /// The number of independent scrambles of a low-discrepancy sample, each with all its draws, at least 1.
    pub randomizations: u64,
    /// Whether every grid point has the same draws and seeds.
    pub common_draws: bool,
    /// The blocks, at least one. The sweep is their union. A point that several blocks have belongs to the first of
    /// them.
    pub blocks: Vec<Block>,
    /// The names of all parameters of all blocks, including derived ones, in the order of the file. This is the order
    /// of columns; nothing else depends on it.
    pub order: Vec<String>,
    /// The points that conditions and overlapping blocks leave, computed once by [`crate::space::Space::prepare`] so
    /// that workers need not do it again. None if no point has to be left out.
    pub selection: Option<Selection>,
}

/// Which grid points and which cells are kept. See `docs/space.md`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Selection {
    /// For each block, the grid points that are kept. None: all.
    pub grids: Vec<Option<Bits>>,
    /// Of the cells at kept grid points, those that are kept. None: all.
    pub cells: Option<Bits>,
}

impl Default for SpaceSpec {
    /// One point without parameters.
    fn default() -> Self {
        SpaceSpec {
            version: FIRST_VERSION,
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

impl SpaceSpec {
    /// The version of a new space with these blocks: the oldest by whose rules its points are the same, so that workers
    /// of earlier releases can run it.
    pub fn version_of(blocks: &[Block]) -> u32 {
        let derived = blocks.iter().flat_map(|block| &block.derived);
        let differs = derived.into_iter().any(|derived| expr::depends_on_rules(&derived.expression));
        if differs { VERSION } else { FIRST_VERSION }
    }

    /// The rules of its derived parameters.
    pub fn rules(&self) -> Rules {
        if self.version == FIRST_VERSION { Rules::First } else { Rules::Second }
    }

    /// Whether another space was written in the same way, perhaps for another version.
    pub fn same_as_written(&self, other: &SpaceSpec) -> bool {
        if self.version == other.version {
            return self == other;
        }
        SpaceSpec { version: other.version, ..self.clone() } == *other
    }
}

/// How the random words are sampled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sampling {
    /// Each independently from the generator.
    #[default]
    Independent,
    /// One in each stratum of each parameter.
    LatinHypercube,
    /// The Sobol sequence, Owen-scrambled.
    Sobol,
    /// The Halton sequence, scrambled.
    Halton,
}

/// A part of the space: every combination of its axes, with its random and derived parameters. A sweep file without
/// `[[block]]` has one.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Block {
    /// Axes in the order of the file. The last one varies fastest. Parameters of one axis vary together.
    pub axes: Vec<Axis>,
    /// Random parameters in the order of the file.
    pub random: Vec<Random>,
    /// Parameters computed from others, in the order of the file.
    pub derived: Vec<Derived>,
    /// Conditions that must all hold for a point to be kept: expressions of the parameters and `draw`.
    pub conditions: Vec<String>,
    /// The rows of points files with repeated rows. They decide the rows of the table, not the points.
    pub shared_rows: Vec<SharedRows>,
}

/// The rows of a points file in which rows are repeated: equal rows are one point.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SharedRows {
    /// A parameter of the axis that the rows are on.
    pub parameter: String,
    /// For each row of the file, its position on the axis.
    pub positions: Vec<u64>,
}

/// A parameter computed from others.
#[derive(Clone, Debug, PartialEq)]
pub struct Derived {
    /// Its name.
    pub name: String,
    /// The expression, as written.
    pub expression: String,
}

/// One axis of the grid: one parameter, or several that vary together (`[[zip]]`), all of the same length.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    /// At least one. No two rows are the same: at any two positions some parameter prints differently.
    pub params: Vec<AxisParam>,
}

/// A parameter on an axis.
#[derive(Clone, Debug, PartialEq)]
pub struct AxisParam {
    /// Its name.
    pub name: String,
    /// Its values, at least one.
    pub values: Values,
}

/// The values of a parameter on an axis.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// Listed.
    List(Vec<Value>),
    /// Computed from their position; not stored.
    Range(Range),
}

/// `{ from, to, count }` or `{ from, to, step }`. The numbers are kept as the decimal text of the file, so they are
/// exact.
#[derive(Clone, Debug, PartialEq)]
pub struct Range {
    /// The first value, as written: `0.0`, `1e-4`, `16`.
    pub from: String,
    /// The last value (`count`), or the bound that is not exceeded (`step`).
    pub to: String,
    /// How it is divided.
    pub by: RangeBy,
}

/// How the values of a range are spaced.
#[derive(Clone, Debug, PartialEq)]
pub enum RangeBy {
    /// This many values at equal distances, both ends included.
    Count(u64),
    /// This many values at equal ratios, both ends included (`scale = "log"`).
    LogCount(u64),
    /// From the first value in steps of this size, as written.
    Step(String),
}

/// A random parameter.
#[derive(Clone, Debug, PartialEq)]
pub struct Random {
    /// Its name.
    pub name: String,
    /// Its distribution.
    pub dist: Dist,
    /// Lower values become the first number, higher values the second. Finite, first < second; for distributions of
    /// numbers only.
    pub clip: Option<(f64, f64)>,
    /// Values are rounded to the nearest multiple of this. Decimal text of the file, greater than 0.
    pub round: Option<String>,
}

impl Random {
    /// A parameter that is neither clipped nor rounded.
    pub fn plain(name: impl Into<String>, dist: Dist) -> Self {
        Random { name: name.into(), dist, clip: None, round: None }
    }
}

/// A distribution. Bounds are always values, never exponents.
#[derive(Clone, Debug, PartialEq)]
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
        /// The most likely value.
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
        /// One weight per value, none negative, not all zero. None: all values are equally likely.
        weights: Option<Vec<f64>>,
    },
    /// A permutation of 0 … of−1, printed `3,0,17,…`; `of >= 1`.
    Permutation {
        /// The number of elements.
        of: u32,
    },
}
