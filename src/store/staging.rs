//! Owns the contract of staging: a sweep that is built part by part, from points reused from older sweeps.

use super::{Result, StagedPart, StagedSweep};
use crate::job::SweepId;

/// How a sweep with reused points gets into a store. A staged sweep has its id, but is listed nowhere and gives no claims
/// before [`Staging::commit_staged`].
///
/// # Errors
/// See [`Store`](super::Store).
pub trait Staging {
    /// Starts a staged sweep. If nothing arrives for it within [`STAGING_TIMEOUT`](super::STAGING_TIMEOUT) it is dropped;
    /// the store frees what is left of it at the next submit, stage or remove.
    fn stage(&self, staged: &StagedSweep) -> Result<SweepId>;

    /// Adds a part. An empty part keeps the staged sweep alive. O(size of the part). Refused if staging timed out.
    fn add_staged(&self, staged: &StagedSweep, part: &StagedPart) -> Result<()>;

    /// Submits the staged sweep; its counts follow from its parts. If the same request ([`NewSweep::request`]) has
    /// submitted a sweep meanwhile, returns that one and drops this one. Refused if staging timed out, or if the reused
    /// points and the points to run do not add up to all points.
    ///
    /// [`NewSweep::request`]: super::NewSweep::request
    fn commit_staged(&self, staged: &StagedSweep) -> Result<SweepId>;
}
