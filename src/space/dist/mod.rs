//! Owns the distributions: words of the generator to values.
//!
//! Each but the permutation is a quantile function of a single word, so that the word may come from elsewhere (a
//! low-discrepancy sequence) and one draw never shifts another. Files: `real` (values on the line; `normal` for its
//! quantiles), `discrete` (whole numbers and choices), `permutation`. All mathematics is `libm`'s or square roots.

mod discrete;
mod normal;
mod permutation;
mod real;

use self::discrete::{Choice, Whole};
use self::permutation::Permutation;
use self::real::Real;
use super::declared::Dist;
use super::philox::Words;
use crate::value::Value;

/// A distribution, checked and ready to be drawn from.
#[derive(Debug)]
pub(super) enum Sampler {
    /// From a single word.
    Quantile(Quantile),
    /// From as many words as it takes.
    Permutation(Permutation),
}

impl Sampler {
    /// # Errors
    /// What is wrong with the distribution, as a phrase.
    pub(super) fn new(dist: &Dist) -> Result<Sampler, String> {
        let quantile = match dist {
            Dist::Uniform { min, max } => Quantile::Real(Real::uniform(*min, *max)?),
            Dist::LogUniform { min, max } => Quantile::Real(Real::log_uniform(*min, *max)?),
            Dist::Normal { mean, sd } => Quantile::Real(Real::normal(*mean, *sd)?),
            Dist::Int { min, max } => Quantile::Whole(Whole::new(*min, *max)?),
            Dist::Choice { values, weights } => Quantile::Choice(Choice::new(values, weights.as_deref())?),
            Dist::LogInt { .. }
            | Dist::TruncatedNormal { .. }
            | Dist::LogNormal { .. }
            | Dist::Exponential { .. }
            | Dist::Gamma { .. }
            | Dist::Beta { .. }
            | Dist::Triangular { .. }
            | Dist::Poisson { .. } => return Err("this distribution is not supported yet".into()),
            Dist::Permutation { of } => return Permutation::new(*of).map(Sampler::Permutation),
        };
        Ok(Sampler::Quantile(quantile))
    }

    /// The value that the words of one draw give.
    pub(super) fn value(&self, mut words: Words) -> Value {
        match self {
            Sampler::Quantile(quantile) => quantile.value(words.next()),
            Sampler::Permutation(permutation) => permutation.value(&mut words),
        }
    }
}

/// A quantile function: a word, uniform in 64 bits, to a value; monotone, except for choices, whose order is the list's.
#[derive(Debug)]
pub(super) enum Quantile {
    Real(Real),
    Whole(Whole),
    Choice(Choice),
}

impl Quantile {
    pub(super) fn value(&self, word: u64) -> Value {
        match self {
            Quantile::Real(real) => Value::Float(real.quantile(unit(word))),
            Quantile::Whole(whole) => Value::Int(whole.quantile(word)),
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
mod tests;
