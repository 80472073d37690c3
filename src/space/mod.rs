//! Owns the parameter space: point `i` computed from the index `i`, and its inverse. Pure.
//!
//! The values and seeds of a point never change. `docs/space.md` specifies the encoding, and tests compare with golden
//! values. The modules, from the specification to the result:
//!
//! - `spec`: [`SpaceSpec`] and its parts, the plain data that is stored with a sweep;
//! - `decimal`, `range`: decimals read exactly, and the values of `{ from, to, … }`;
//! - `axis`: the values on an axis by position, and the inverse;
//! - `identity`: what is hashed: the identity of a grid point, the keys of random values and seeds;
//! - `philox`: the random generator; `sequence`: Latin hypercube, Sobol, Halton: words that fill their range evenly;
//!   `dist`: the distributions, from words to values; `draw`: these combined;
//! - `grid`: the grid of one block; `formula`: its derived parameters and conditions; `compiled_block`: one block with
//!   all of these; `evaluate`: evaluating its formulas at a point;
//! - `cells`: the numbering of grid points and draws of all blocks; `overlap`: which blocks may have points in common;
//! - `bits`, `selection`: which of them are kept, computed once and stored;
//! - `matching`: finding the points of one space in another;
//! - `explain`: how the number of points comes about;
//! - `build`: compiling the blocks, and the checks that they fit together;
//! - `index`: [`Space`], which combines all this; `error`: the errors.

mod axis;
mod bits;
mod build;
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
    Axis, AxisParam, Block, Derived, Dist, Random, Range, RangeBy, Sampling, Selection, SharedRows, SpaceSpec, VERSION,
    Values,
};
