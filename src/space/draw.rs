//! Owns drawing: the values of a block's random parameters, and a point's seeds, from root seed, grid point, draw,
//! randomization and repeat.

use super::declared::{Block, Random, Sampling, SpaceSpec};
use super::dist::Sampler;
use super::error::SpaceError;
use super::identity::{GridId, seed_key, value_key};
use super::philox::{self, Words};
use crate::value::Value;

/// The random parameters of a block, ready to be drawn.
#[derive(Debug)]
pub(super) struct Drawer {
    root_seed: u64,
    streams: Vec<Stream>,
}

/// A random parameter, ready to be drawn.
#[derive(Debug)]
struct Stream {
    name: String,
    sampler: Sampler,
}

impl Drawer {
    /// # Errors
    /// A distribution that cannot be used, or that the sampling cannot serve.
    pub(super) fn new(spec: &SpaceSpec, block: &Block) -> Result<Drawer, SpaceError> {
        if spec.sampling != Sampling::Independent {
            return Err(SpaceError::Shape("this sampling is not supported yet".into()));
        }
        let streams = block.random.iter().map(Stream::new).collect::<Result<_, _>>()?;
        Ok(Drawer { root_seed: spec.root_seed, streams })
    }

    /// The values of a draw at a grid point, in the order of the block's random parameters; without grid point the same
    /// at all of them (common draws).
    pub(super) fn values(&self, grid: Option<&GridId>, draw: u64, randomization: u64) -> Vec<Value> {
        self.streams.iter().map(|stream| self.draw(stream, grid, draw, randomization)).collect()
    }

    /// The value of one of them, by its position among the block's random parameters; none if there is none there.
    #[allow(dead_code)] // for conditions, which need only some of them
    pub(super) fn value(&self, position: usize, grid: Option<&GridId>, draw: u64, randomization: u64) -> Option<Value> {
        self.streams.get(position).map(|stream| self.draw(stream, grid, draw, randomization))
    }

    fn draw(&self, stream: &Stream, grid: Option<&GridId>, draw: u64, randomization: u64) -> Value {
        stream.sampler.value(Words::new(value_key(self.root_seed, &stream.name, grid, randomization), draw))
    }
}

impl Stream {
    fn new(random: &Random) -> Result<Stream, SpaceError> {
        let error = |why| SpaceError::Distribution { name: random.name.clone(), why };
        Ok(Stream { name: random.name.clone(), sampler: Sampler::new(random).map_err(error)? })
    }
}

/// A point's seed, 1 … 2^53−1, and the one of 31 bits, 1 … 2^31−1; without grid point the same at all of them.
pub(super) fn seeds(root_seed: u64, grid: Option<&GridId>, draw: u64, randomization: u64, repeat: u64) -> (u64, u32) {
    let [first, second] = philox::block(seed_key(root_seed, grid, randomization), [draw, repeat]);
    (1 + below(first, (1 << 53) - 1), 1 + below(second, (1 << 31) - 1) as u32)
}

/// The word, uniform in 64 bits, scaled to 0 … bound−1: floor(word · bound / 2^64). The bias is below bound/2^64.
pub(super) fn below(word: u64, bound: u64) -> u64 {
    ((u128::from(word) * u128::from(bound)) >> 64) as u64
}
