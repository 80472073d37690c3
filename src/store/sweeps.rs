//! Owns the contract of the sweeps themselves: submit, list, pause, cancel, run again, remove.

use std::ops::Range;

use super::{Counts, NewSweep, Rerun, Result, SweepRow};
use crate::job::SweepId;
use crate::model::FoundInputs;

/// The requests of commands about whole sweeps.
///
/// # Errors
/// See [`Store`](super::Store).
pub trait Sweeps {
    /// Submits a sweep: all its points are ready. O(1) in the number of points.
    fn submit(&self, new: &NewSweep) -> Result<SweepId>;

    /// Replaces the document and the queue of a sweep. The space must stay the same. Workers that have loaded the sweep
    /// use the new document for jobs that they claim later than a heartbeat (a quarter of their lease) after this.
    /// `inputs`, if given, replace all inputs of the sweep in the same step.
    fn replace_document(&self, id: &SweepId, queue: &str, document: &[u8], inputs: Option<&FoundInputs>) -> Result<()>;

    /// All sweeps, newest first.
    fn sweeps(&self) -> Result<Vec<SweepRow>>;

    /// One sweep.
    fn sweep(&self, id: &SweepId) -> Result<SweepRow>;

    /// The document of a sweep, as given in [`NewSweep::document`].
    fn document(&self, id: &SweepId) -> Result<Vec<u8>>;

    /// A number that changes when the document of a sweep is replaced. The same document may have several. O(size of the
    /// document) at most; the reply is small.
    fn document_revision(&self, id: &SweepId) -> Result<u64> {
        let [a, b, c, d, e, f, g, h, ..] = *blake3::hash(&self.document(id)?).as_bytes();
        Ok(u64::from_le_bytes([a, b, c, d, e, f, g, h]))
    }

    /// Pauses the sweep with a reason, or resumes it. A paused sweep gives no claims. For people: the new reason replaces
    /// an older one. A resume sets [`SweepRow::failed_at_resume`].
    fn set_paused(&self, id: &SweepId, reason: Option<&str>) -> Result<()>;

    /// Pauses the sweep because of a row that a worker has read, with this `failed_at_resume`. Changes nothing if the sweep
    /// is paused already, or if it was resumed or points were put back since (then `failed_at_resume` differs). Returns
    /// whether the sweep is now paused for this reason.
    fn pause_unless_resumed(&self, id: &SweepId, failed_at_resume: u64, reason: &str) -> Result<bool>;

    /// Cancels every ready and delayed point, and marks every lease: its worker ends the job at the next heartbeat, and
    /// a verdict that would put such a point back in the queue cancels it. An outcome that arrives before that counts.
    /// Returns the counts after it. O(ranges + leases).
    fn cancel(&self, id: &SweepId) -> Result<Counts>;

    /// Removes the sweep with its history. Refused while jobs are leased, unless `force`; their workers then find their
    /// claims lost.
    fn remove(&self, id: &SweepId, force: bool) -> Result<()>;

    /// Puts the failed and cancelled points of some ranges back in the queue, at the front; other points stay as they
    /// are. Their failures and losses count from zero again, their attempts go on. Returns the number of points moved.
    /// Lowers `failed_at_resume` to the number of points that are still failed. O(ranges given + points moved), and O(1)
    /// for a range of cancelled points.
    fn requeue(&self, id: &SweepId, ranges: &[Range<u64>]) -> Result<u64>;

    /// Puts one point that has succeeded back in the queue, at the front; see [`Rerun`]. Returns whether it did: not if
    /// the point has another state, or if the log of its block has grown since the caller read it. Sent twice, it is
    /// done once.
    fn rerun(&self, id: &SweepId, rerun: &Rerun) -> Result<bool>;
}
