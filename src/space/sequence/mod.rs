//! Owns the samplings other than independent: the words of a parameter's draws that together fill its range evenly.
//!
//! - `permute`: a keyed bijection of 0 … n−1, and the Latin hypercube made of it;
//! - `sobol`: the Sobol sequence with the direction numbers of Joe and Kuo (`joe-kuo-6.txt`), Owen-scrambled;
//! - `halton`: the Halton sequence with its digits permuted.
//!
//! Each gives a word from a key, which is another one for each grid point, randomization and parameter, and the draw.

mod halton;
mod permute;
mod sobol;

pub(super) use halton::Halton;
pub(super) use permute::latin_hypercube;
pub(super) use sobol::Sobol;

#[cfg(test)]
mod tests;
