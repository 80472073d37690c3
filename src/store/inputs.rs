//! Owns the contract of the inputs of a sweep that are found after it was submitted.

use super::Result;
use crate::job::SweepId;
use crate::model::{FoundInputs, Input};

/// How many inputs of a sweep a store keeps. Further ones are only counted.
pub const MAX_INPUTS: usize = 10_000;

/// The requests about inputs. [`NewSweep::inputs`](super::NewSweep::inputs) gives those that are known from the start.
///
/// # Errors
/// See [`Store`](super::Store). [`StoreErrorKind::Newer`](super::StoreErrorKind::Newer) if a newer version of sweep has
/// recorded an input that this one does not understand.
pub trait Inputs {
    /// Adds inputs to a sweep of this submission ([`SweepRow::submitted_ms`](super::SweepRow::submitted_ms)). The first
    /// writer of a path decides: an input whose path is stored already changes nothing. Returns the stored inputs whose
    /// state differs from what was sent. If the sweep was removed, or has another submission, nothing is stored and the
    /// reply is empty. O(inputs sent).
    fn add_inputs(&self, id: &SweepId, submission: u64, found: &FoundInputs) -> Result<Vec<Input>>;

    /// The inputs of a sweep, in the order of their paths.
    fn inputs(&self, id: &SweepId) -> Result<FoundInputs>;

    /// A number that changes when inputs are added to the sweep. O(1).
    fn inputs_revision(&self, id: &SweepId) -> Result<u64>;
}
