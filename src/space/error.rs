//! Owns the errors of a parameter space.

use thiserror::Error;

use crate::job::MAX_POINTS;
use crate::space::VERSION;
use crate::space::bits::MOST_BITS;

/// A parameter space that cannot be built.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SpaceError {
    /// The sweep was submitted by another version of sweep.
    #[error(
        "the points of this sweep are computed by version {0} of the parameter space, but this program supports only \
         versions up to {VERSION}"
    )]
    UnknownVersion(u32),
    /// More points than can be numbered.
    #[error("the sweep would have {product} points ({factors}); the maximum is {MAX_POINTS} (2^53)")]
    TooManyPoints {
        /// The factors: `size 3 × temp 21 × repeats 500`.
        factors: String,
        /// The exact product, in decimal.
        product: String,
    },
    /// The values of a parameter cannot be used.
    #[error("the values of parameter `{name}`: {why}")]
    Values {
        /// The parameter. Parameters of the same axis are joined by `+`.
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
        /// The values of the names in the condition: `size = 16, temp = 1.5`.
        place: String,
        /// What is wrong.
        why: String,
    },
    /// The conditions leave no point.
    #[error("no point is left: the conditions are never true together")]
    NothingKept,
    /// Too many points to evaluate one by one.
    #[error(
        "conditions and overlapping blocks are evaluated point by point; this sweep has {points} such points, and the \
         maximum is {MOST_BITS} (2^32)"
    )]
    TooManyToSelect {
        /// Their number.
        points: u64,
    },
    /// The parts of the space do not fit together.
    #[error("{0}")]
    Shape(String),
}

impl SpaceError {
    /// What to do about it, if there is something.
    pub fn remedy(&self) -> Option<&'static str> {
        match self {
            SpaceError::UnknownVersion(_) => Some("use the version of sweep that submitted it"),
            SpaceError::TooManyPoints { .. } => Some("use fewer values, draws or repeats"),
            SpaceError::TooManyToSelect { .. } => Some("use fewer values, or separate blocks instead of conditions"),
            _ => None,
        }
    }
}

fn at(place: &str) -> String {
    if place.is_empty() { String::new() } else { format!(" at {place}") }
}
