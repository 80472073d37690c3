//! Owns drawing: the values of a block's random parameters and the seeds of a point, computed from root seed, grid
//! point, draw, randomization and repeat.

use super::dist::Sampler;
use super::error::SpaceError;
use super::identity::{GridId, seed_key, value_key};
use super::philox::{self, Words};
use super::sequence::{Halton, Sobol, latin_hypercube};
use super::spec::{Block, Random, Sampling, SpaceSpec};
use crate::value::Value;

/// The random parameters of a block, compiled.
#[derive(Debug)]
pub(super) struct Drawer {
    root_seed: u64,
    sampling: Sampling,
    source: WordSource,
    streams: Vec<RandomParam>,
}

/// Where the random words come from.
#[derive(Debug)]
enum WordSource {
    Independent,
    LatinHypercube { draws: u64 },
    Sobol(Sobol),
    Halton(Halton),
}

/// A random parameter, compiled.
#[derive(Debug)]
struct RandomParam {
    name: String,
    sampler: Sampler,
    /// Its position among the random parameters of the block sorted by name.
    dimension: usize,
}

/// Identifies one value of a parameter.
#[derive(Clone, Copy)]
struct DrawPosition<'a> {
    grid: Option<&'a GridId>,
    draw: u64,
    randomization: u64,
}

impl Drawer {
    /// # Errors
    /// An invalid distribution, or one that the sampling does not support; more random parameters than the sampling has
    /// dimensions.
    pub(super) fn new(spec: &SpaceSpec, block: &Block) -> Result<Drawer, SpaceError> {
        let mut names: Vec<&String> = block.random.iter().map(|random| &random.name).collect();
        names.sort();
        let source = match spec.sampling {
            Sampling::Independent => WordSource::Independent,
            Sampling::LatinHypercube => WordSource::LatinHypercube { draws: spec.draws },
            Sampling::Sobol => WordSource::Sobol(Sobol::new(names.len()).map_err(SpaceError::Shape)?),
            Sampling::Halton => WordSource::Halton(Halton::new(names.len())),
        };
        let stream = |random: &Random| {
            let dimension = names.partition_point(|name| **name < random.name);
            RandomParam::new(random, dimension, spec.sampling)
        };
        let streams = block.random.iter().map(stream).collect::<Result<_, _>>()?;
        Ok(Drawer { root_seed: spec.root_seed, sampling: spec.sampling, source, streams })
    }

    /// The values of a draw at a grid point, in the order of the block's random parameters. Without a grid point
    /// (common draws) they are the same at all grid points.
    pub(super) fn values(&self, grid: Option<&GridId>, draw: u64, randomization: u64) -> Vec<Value> {
        let place = DrawPosition { grid, draw, randomization };
        self.streams.iter().map(|stream| self.draw(stream, place)).collect()
    }

    /// The value of one random parameter, by its position in the block. None: there is no such position.
    pub(super) fn value(&self, position: usize, grid: Option<&GridId>, draw: u64, randomization: u64) -> Option<Value> {
        self.streams.get(position).map(|stream| self.draw(stream, DrawPosition { grid, draw, randomization }))
    }

    fn draw(&self, stream: &RandomParam, place: DrawPosition<'_>) -> Value {
        let key = value_key(self.sampling, self.root_seed, &stream.name, place.grid, place.randomization);
        match &stream.sampler {
            Sampler::Quantile(quantile) => quantile.value(self.word(key, stream.dimension, place.draw)),
            // Only with independent sampling.
            Sampler::Permutation(permutation) => permutation.value(&mut Words::new(key, place.draw)),
        }
    }

    fn word(&self, key: u64, dimension: usize, draw: u64) -> u64 {
        match &self.source {
            WordSource::Independent => Words::new(key, draw).next(),
            WordSource::LatinHypercube { draws } => latin_hypercube(key, *draws, draw),
            WordSource::Sobol(sobol) => sobol.word(key, dimension, draw),
            WordSource::Halton(halton) => halton.word(key, dimension, draw),
        }
    }
}

impl RandomParam {
    fn new(random: &Random, dimension: usize, sampling: Sampling) -> Result<RandomParam, SpaceError> {
        let error = |why| SpaceError::Distribution { name: random.name.clone(), why };
        let sampler = Sampler::new(random).map_err(error)?;
        if matches!(sampler, Sampler::Permutation(_)) && sampling != Sampling::Independent {
            let name = match sampling {
                Sampling::LatinHypercube => "latin-hypercube",
                Sampling::Sobol => "sobol",
                Sampling::Independent | Sampling::Halton => "halton",
            };
            return Err(error(format!(
                "a permutation cannot be drawn with `sampling = \"{name}\"`; use \"independent\", or \
                 let the program make the permutation from its seed"
            )));
        }
        Ok(RandomParam { name: random.name.clone(), sampler, dimension })
    }
}

/// The seed of a point, 1 … 2^53−1, and a 31-bit seed, 1 … 2^31−1. Without a grid point they are the same at all grid
/// points.
pub(super) fn seeds(root_seed: u64, grid: Option<&GridId>, draw: u64, randomization: u64, repeat: u64) -> (u64, u32) {
    let [first, second] = philox::block(seed_key(root_seed, grid, randomization), [draw, repeat]);
    (1 + below(first, (1 << 53) - 1), 1 + below(second, (1 << 31) - 1) as u32)
}

/// The word, uniform in 64 bits, scaled to 0 … bound−1: floor(word · bound / 2^64). The bias is below bound/2^64.
pub(super) fn below(word: u64, bound: u64) -> u64 {
    ((u128::from(word) * u128::from(bound)) >> 64) as u64
}
