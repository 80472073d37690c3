//! Owns drawing: a random parameter's value, and a point's seeds, from root seed, grid point, draw and repeat.

use super::declared::Random;
use super::dist::Sampler;
use super::error::SpaceError;
use super::identity::{GridId, seed_key, value_key};
use super::philox::{self, Words};
use crate::value::Value;

/// A random parameter, ready to be drawn.
#[derive(Debug)]
pub(super) struct Stream {
    pub(super) name: String,
    sampler: Sampler,
}

impl Stream {
    pub(super) fn new(random: &Random) -> Result<Stream, SpaceError> {
        let error = |why| SpaceError::Distribution { name: random.name.clone(), why };
        Ok(Stream { name: random.name.clone(), sampler: Sampler::new(&random.dist).map_err(error)? })
    }

    /// The value of a draw at a grid point; none: the same at all of them.
    pub(super) fn value(&self, root_seed: u64, grid: Option<&GridId>, draw: u64) -> Value {
        self.sampler.value(Words::new(value_key(root_seed, &self.name, grid), draw))
    }
}

/// A point's seed, 1 … 2^53−1, and the one of 31 bits, 1 … 2^31−1.
pub(super) fn seeds(root_seed: u64, grid: Option<&GridId>, draw: u64, repeat: u64) -> (u64, u32) {
    let [first, second] = philox::block(seed_key(root_seed, grid), [draw, repeat]);
    (1 + below(first, (1 << 53) - 1), 1 + below(second, (1 << 31) - 1) as u32)
}

/// The word, uniform in 64 bits, scaled to 0 … bound−1: floor(word · bound / 2^64). The bias is below bound/2^64.
pub(super) fn below(word: u64, bound: u64) -> u64 {
    ((u128::from(word) * u128::from(bound)) >> 64) as u64
}
