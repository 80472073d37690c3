//! Owns the contract of reading points and their history: states, logs, result columns, outputs.

use std::ops::Range;

use super::{BlockLog, PointSet, Result, Span};
use crate::job::{AttemptCounts, JobState, SweepId};

/// The requests of commands about single points.
///
/// # Errors
/// See [`Store`](super::Store).
pub trait History {
    /// Up to `limit` spans of a set of points, in the order of indices, that end after `from`. Neighbouring spans may
    /// have the same state. To read all, ask again from the end of the last span until the reply is empty.
    fn spans(&self, id: &SweepId, set: PointSet, from: u64, limit: usize) -> Result<Vec<Span>>;

    /// The state of one point, with its attempt counts unless it has succeeded. Refused for an index that the sweep does
    /// not have.
    fn point(&self, id: &SweepId, index: u64) -> Result<(JobState, Option<AttemptCounts>)>;

    /// The logs of those blocks in a range that have any, in order.
    fn log(&self, id: &SweepId, blocks: Range<u64>) -> Result<Vec<BlockLog>>;

    /// Compaction: replaces the chunks `read` that a block's log begins with by one `chunk` that says the same,
    /// [`crate::stored::merge_chunks`]. Chunks added since stay behind it. Returns whether it did: not if somebody else
    /// has compacted the log since. Except for compaction a log only grows, so comparing the first chunk suffices. Sent
    /// twice, it is done once.
    fn compact(&self, id: &SweepId, block: u64, read: &[Vec<u8>], chunk: &[u8]) -> Result<bool>;

    /// The names of the result columns, in the order of their first appearance.
    fn columns(&self, id: &SweepId) -> Result<Vec<String>>;

    /// The output of attempts, [`crate::stored::encode_output`], in the order of `attempts`: pairs of a point's index and
    /// an attempt number. None: no output was kept. The caller asks for no more at once than fits into memory.
    fn outputs(&self, id: &SweepId, attempts: &[(u64, u32)]) -> Result<Vec<Option<Vec<u8>>>>;
}
