//! Owns the parameter space: point `i` computed from the index `i`, and the way back. Pure.
//!
//! The values and seeds of a point are for ever; `docs/space.md` writes down the encoding, and golden values guard it.
//! Contents, from what is declared to what comes out:
//!
//! - `declared`: [`SpaceSpec`] and its parts, the plain data that is stored with a sweep;
//! - `decimal`, `range`: decimals read exactly, and the values of `{ from, to, … }`;
//! - `axis`: the values on an axis by position, and the way back;
//! - `identity`: what is hashed: the identity of a grid point, the keys of random values and seeds;
//! - `philox`: the generator; `sequence`: Latin hypercube, Sobol, Halton: words that fill their range evenly; `dist`: the
//!   distributions, words to values; `draw`: these together;
//! - `grid`: one block's grid; `formula`: its derived parameters and conditions; `part`: one block with all that;
//! - `cells`: the numbers of grid points and draws of all blocks; `overlap`: which blocks may have points in common;
//! - `bits`, `selection`: which of them are kept, worked out once and stored;
//! - `matching`: the points of one space in another;
//! - `explain`: how the number of points comes about;
//! - `index`: [`Space`], which puts all this together; `error`: what can be wrong.

mod axis;
mod bits;
mod cells;
mod compiled_block;
pub(crate) mod decimal;
mod dist;
mod draw;
mod error;
mod evaluate;
mod explain;
mod formula;
mod grid;
mod identity;
mod index;
mod matching;
mod overlap;
mod philox;
mod range;
mod selection;
mod sequence;
mod spec;

#[cfg(test)]
mod tests;

pub use bits::Bits;
pub use dist::{mass_at_bounds, student_t};
pub use error::SpaceError;
pub use explain::Explained;
pub use index::{Point, Space};
pub use matching::Matching;
pub use spec::{
    Axis, AxisParam, Block, Derived, Dist, Random, Range, RangeBy, Sampling, Selection, SpaceSpec, VERSION, Values,
};
