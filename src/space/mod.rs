//! Owns the parameter space: point `i` computed from the index `i`, and the way back. Pure.
//!
//! The values and seeds of a point are for ever; `docs/space.md` writes down the encoding, and golden values guard it.
//! Contents, from what is declared to what comes out:
//!
//! - `declared`: [`SpaceSpec`] and its parts, the plain data that is stored with a sweep;
//! - `decimal`, `range`: decimals read exactly, and the values of `{ from, to, … }`;
//! - `axis`: the values on an axis by position, and the way back;
//! - `identity`: what is hashed: the identity of a grid point, the keys of random values and seeds;
//! - `philox`: the generator; `dist`: the distributions, words of the generator to values; `draw`: the two together;
//! - `index`: [`Space`], which puts all this together; `error`: what can be wrong.

mod axis;
pub(crate) mod decimal;
mod declared;
mod dist;
mod draw;
mod error;
mod identity;
mod index;
mod philox;
mod range;

#[cfg(test)]
mod golden;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;

pub use declared::{
    Axis, AxisParam, Block, Derived, Dist, Random, Range, RangeBy, Sampling, SpaceSpec, VERSION, Values,
};
pub use error::SpaceError;
pub use index::{Point, Space};
