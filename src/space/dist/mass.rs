//! Owns how much of a distribution `clip` moves to its bounds.

use super::super::error::SpaceError;
use super::{Quantile, Sampler, unit};
use crate::space::Random;

/// The probability that `clip` raises a value to its lower bound, and that it lowers one to its upper bound. None
/// without `clip`.
///
/// Found by bisecting the words, of which the quantiles are a monotone function: accurate to 2^−52, or to the accuracy
/// of the quantiles, which is some 13 digits.
///
/// # Errors
/// An invalid distribution, `clip` or `round`.
pub fn mass_at_bounds(random: &Random) -> Result<Option<(f64, f64)>, SpaceError> {
    let error = |why| SpaceError::Distribution { name: random.name.clone(), why };
    let sampler = Sampler::new(random).map_err(error)?;
    let (Some((low, high)), Sampler::Quantile(quantile)) = (random.clip, &sampler) else { return Ok(None) };
    let (low_words, high_words) = match quantile {
        Quantile::Real(real, _) => {
            let at = |word| real.quantile(unit(word));
            (count(|word| at(word) < low), count(|word| at(word) <= high))
        }
        Quantile::Whole(whole, _) => {
            // Bounds of whole numbers are whole: below 3.5 means below 4.
            let (low, high) = (libm::ceil(low) as i64, libm::floor(high) as i64);
            (count(|word| whole.quantile(word) < low), count(|word| whole.quantile(word) <= high))
        }
        Quantile::Choice(_) => return Ok(None),
    };
    let words = 2_f64.powi(64);
    Ok(Some((low_words as f64 / words, ((1_u128 << 64) - high_words) as f64 / words)))
}

/// The number of words, of all 2^64, for which `holds` is true. It is true for all words below some word, and for no other.
fn count(holds: impl Fn(u64) -> bool) -> u128 {
    let (mut low, mut high) = (0, 1_u128 << 64);
    while low < high {
        let middle = low + (high - low) / 2;
        if holds(middle as u64) { low = middle + 1 } else { high = middle }
    }
    low
}
