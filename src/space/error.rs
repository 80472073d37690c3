//! Owns what can be wrong with a space.

use thiserror::Error;

use crate::job::MAX_POINTS;
use crate::space::VERSION;
use crate::space::bits::MOST_BITS;

/// A space that cannot be built.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SpaceError {
    /// The sweep was submitted by another version.
    #[error(
        "the points of this sweep are numbered by version {0} of the space, and this sweep program knows version \
         {VERSION} only; use the version of sweep that submitted it"
    )]
    UnknownVersion(u32),
    /// More points than can be numbered.
    #[error(
        "the sweep would have {product} points ({factors}), and there can be at most {MAX_POINTS} (2^53); take fewer \
         values, draws or repeats"
    )]
    TooManyPoints {
        /// What is multiplied: `size 3 × temp 21 × repeats 500`.
        factors: String,
        /// The exact product, in decimal.
        product: String,
    },
    /// The values of a parameter cannot be used.
    #[error("the values of parameter `{name}`: {why}")]
    Values {
        /// The parameter; those of an axis with several are joined by `+`.
        name: String,
        /// What is wrong.
        why: String,
    },
    /// The distribution of a random parameter cannot be used.
    #[error("the distribution of parameter `{name}`: {why}")]
    Distribution {
        /// The parameter.
        name: String,
        /// What is wrong.
        why: String,
    },
    /// A condition that cannot be evaluated at some point.
    #[error("the condition `{text}` cannot be evaluated{}: {why}", at(place))]
    Condition {
        /// The condition.
        text: String,
        /// The point: `size = 16, temp = 1.5`; of the names that the condition uses.
        place: String,
        /// What is wrong.
        why: String,
    },
    /// The conditions leave no point.
    #[error("no point is kept: the conditions hold nowhere")]
    NothingKept,
    /// Too many points to go through.
    #[error(
        "conditions, and blocks that overlap, are gone through point by point; that would be {points} here, and \
         {MOST_BITS} (2^32) is the most; take fewer values, or leave points out by blocks of their own"
    )]
    TooManyToSelect {
        /// How many.
        points: u64,
    },
    /// The parts do not fit together.
    #[error("{0}")]
    Shape(String),
}

fn at(place: &str) -> String {
    if place.is_empty() { String::new() } else { format!(" at {place}") }
}
