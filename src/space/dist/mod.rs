//! Owns the distributions: from words of the generator to values.
//!
//! Each except the permutation is a quantile function of a single word. So the word can come from elsewhere (a
//! low-discrepancy sequence), and one draw never shifts another. All mathematics comes from `libm` or is a square root,
//! so it is the same on every machine. Files:
//!
//! - `real`: continuous distributions, with `normal`, `truncated`, `gamma`, `beta` for their quantiles and `special`
//!   for the functions that these share;
//! - `discrete`: whole numbers and choices, with `poisson`; `permutation`;
//! - `student`: Student's t, for intervals around means;
//! - `finish`: `clip` and `round`; `mass`: how much of a distribution `clip` moves.

mod beta;
mod discrete;
mod finish;
mod gamma;
mod mass;
mod normal;
mod permutation;
mod poisson;
mod real;
mod special;
mod student;
mod truncated;

use self::discrete::{Choice, Whole};
use self::finish::{Finish, WholeFinish};
use self::permutation::Permutation;
use self::real::Real;
use super::spec::{Dist, Random};
use crate::value::Value;

pub use self::mass::mass_at_bounds;
pub use self::student::student_t;

/// A checked distribution, ready to be drawn from.
#[derive(Debug)]
#[allow(clippy::large_enum_variant)] // there are a handful of them, never moved
pub(super) enum Sampler {
    /// From a single word.
    Quantile(Quantile),
    /// From as many words as needed.
    Permutation(Permutation),
}

impl Sampler {
    /// # Errors
    /// What is wrong with the distribution, `clip` or `round`, as a phrase.
    pub(super) fn new(random: &Random) -> Result<Sampler, String> {
        let (clip, round) = (random.clip, random.round.as_deref());
        let real = |real| Ok(Sampler::Quantile(Quantile::Real(real, Finish::new(clip, round)?)));
        let whole = |whole| Ok(Sampler::Quantile(Quantile::Whole(whole, WholeFinish::new(clip, round)?)));
        match &random.dist {
            Dist::Uniform { min, max } => real(Real::uniform(*min, *max)?),
            Dist::LogUniform { min, max } => real(Real::log_uniform(*min, *max)?),
            Dist::Normal { mean, sd } => real(Real::normal(*mean, *sd)?),
            Dist::TruncatedNormal { mean, sd, min, max } => real(Real::truncated_normal(*mean, *sd, *min, *max)?),
            Dist::LogNormal { mu, sigma } => real(Real::log_normal(*mu, *sigma)?),
            Dist::Exponential { rate } => real(Real::exponential(*rate)?),
            Dist::Gamma { shape, scale } => real(Real::gamma(*shape, *scale)?),
            Dist::Beta { alpha, beta } => real(Real::beta(*alpha, *beta)?),
            Dist::Triangular { min, mode, max } => real(Real::triangular(*min, *mode, *max)?),
            Dist::Int { min, max } => whole(Whole::new(*min, *max)?),
            Dist::LogInt { min, max } => whole(Whole::log(*min, *max)?),
            Dist::Poisson { mean } => whole(Whole::poisson(*mean)?),
            Dist::Choice { values, weights } => {
                refuse_finish(random, "a choice")?;
                Ok(Sampler::Quantile(Quantile::Choice(Choice::new(values, weights.as_deref())?)))
            }
            Dist::Permutation { of } => {
                refuse_finish(random, "a permutation")?;
                Permutation::new(*of).map(Sampler::Permutation)
            }
        }
    }
}

fn refuse_finish(random: &Random, what: &str) -> Result<(), String> {
    match (&random.clip, &random.round) {
        (Some(_), _) => Err(format!("{what} has no `clip`; leave it out")),
        (None, Some(_)) => Err(format!("{what} has no `round`; leave it out")),
        (None, None) => Ok(()),
    }
}

/// A quantile function: from a word, uniform in 64 bits, to a value. Monotone except for rounding; the order of a
/// choice is that of its list.
#[derive(Debug)]
pub(super) enum Quantile {
    Real(Real, Finish),
    Whole(Whole, WholeFinish),
    Choice(Choice),
}

impl Quantile {
    pub(super) fn value(&self, word: u64) -> Value {
        match self {
            Quantile::Real(real, finish) => Value::Float(finish.value(real.quantile(unit(word)))),
            Quantile::Whole(whole, finish) => Value::Int(finish.value(whole.quantile(word))),
            Quantile::Choice(choice) => choice.quantile(word),
        }
    }
}

/// A word as a number strictly between 0 and 1: the upper 52 bits k as (k + 1/2) / 2^52.
///
/// 52 bits, because k + 1/2 is then exact; with 53 the largest would be rounded up to 1.
fn unit(word: u64) -> f64 {
    const SCALE: f64 = 1.0 / (1_u64 << 52) as f64;
    ((word >> 12) as f64 + 0.5) * SCALE
}

#[cfg(test)]
mod references;
#[cfg(test)]
mod tests;
