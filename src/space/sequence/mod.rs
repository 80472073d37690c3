//! Owns the samplings other than independent. The words of a parameter's draws together fill its range evenly.
//!
//! - `permute`: a keyed bijection of 0 … n−1, and the Latin hypercube made from it;
//! - `sobol`: the Sobol sequence with the direction numbers of Joe and Kuo (`joe-kuo-6.txt`), Owen-scrambled;
//! - `halton`: the Halton sequence with permuted digits.
//!
//! Each computes a word from a key (different for each grid point, randomization and parameter) and the draw.

mod halton;
mod permute;
mod sobol;

pub(super) use halton::Halton;
pub(super) use permute::latin_hypercube;
pub(super) use sobol::Sobol;

#[cfg(test)]
mod tests;
