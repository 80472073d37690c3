//! Owns the Halton sequence with permuted digits.

use super::permute::permute;

/// The bases of the Halton sequence: the first primes.
///
/// J. H. Halton, 1960. Randomized as in A. B. Owen, "A randomized Halton algorithm in R", 2017: each digit position has
/// its own random permutation of the digits, including the zeros above the last digit.
#[derive(Debug)]
pub(in crate::space) struct Halton {
    bases: Vec<u64>,
}

impl Halton {
    pub(in crate::space) fn new(dimensions: usize) -> Halton {
        let mut bases: Vec<u64> = Vec::with_capacity(dimensions);
        let mut candidate = 2;
        while bases.len() < dimensions {
            if bases.iter().take_while(|prime| *prime * *prime <= candidate).all(|prime| candidate % prime != 0) {
                bases.push(candidate);
            }
            candidate += 1;
        }
        Halton { bases }
    }

    /// The word of a point, permuted by a key; dimensions count from 0.
    #[allow(clippy::indexing_slicing, reason = "a dimension is less than the number given to `new`")]
    pub(in crate::space) fn word(&self, key: u64, dimension: usize, point: u64) -> u64 {
        let base = self.bases[dimension];
        radical_inverse(base, point, |place, digit| permute(key, place, base, digit))
    }
}

/// ⌊2^64 · Σ d_j/base^(j+1)⌋ over the digits d_j of the point, lowest first, each replaced: exact for as many digits as
/// needed to pass 2^64, including the zeros above the last one.
pub(super) fn radical_inverse(base: u64, point: u64, replace: impl Fn(u64, u64) -> u64) -> u64 {
    let mut digits = Vec::with_capacity(64);
    let (mut rest, mut power, mut place) = (point, 1_u128, 0);
    while power < 1 << 64 || rest > 0 {
        digits.push(replace(place, rest % base));
        rest /= base;
        power = power.saturating_mul(u128::from(base));
        place += 1;
    }
    // From the last digit: rounding (digit + fraction)/base down each time is the same as rounding down once.
    let step =
        |fraction: u64, digit: &u64| ((u128::from(*digit) << 64 | u128::from(fraction)) / u128::from(base)) as u64;
    digits.iter().rev().fold(0, step)
}
