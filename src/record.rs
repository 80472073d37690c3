//! Owns the record of an attempt and what it printed, as plain data. [`crate::stored`] turns them into bytes.
//!
//! A sweep's log is a list of chunks of records for each block of [`BLOCK`] indices, in the order in which outcomes were
//! accepted. The state of a point follows from its records: the newest attempt counts, older ones are history. Blocks
//! follow each other by index, so a table comes out in index order and only one block at a time is sorted.

use crate::job::{AttemptCounts, JobAddress, Outcome, Verdict};

/// Indices in a block. Large enough that a batch of short jobs falls into one or two blocks, small enough that a
/// block's records fit easily in memory.
pub const BLOCK: u64 = 1024;

/// The block that an index belongs to.
pub fn block_of(index: u64) -> u64 {
    index / BLOCK
}

/// One attempt that ran. Records are kept until the sweep is removed.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// The point.
    pub index: u64,
    /// The counts after this attempt; `tries.attempts` is this attempt's number.
    pub tries: AttemptCounts,
    /// How it ended.
    pub outcome: Outcome,
    /// What follows for the job.
    pub verdict: Verdict,
    /// The exit code, if the process exited by itself.
    pub exit_code: Option<i32>,
    /// When it ended, milliseconds since the epoch on the worker's clock. For display only.
    pub ended_ms: u64,
    /// Wall time from spawn to exit, seconds.
    pub seconds: f64,
    /// User and system time of the process and of the children that it waited for, seconds.
    pub cpu_seconds: f64,
    /// The largest resident set of any one of these processes, bytes.
    pub max_rss_bytes: u64,
    /// The machine it ran on.
    pub host: String,
    /// The id of the worker that ran it.
    pub worker: String,
    /// The version of the sweep's files that it ran with, from 1; see [`crate::model::Document::version`]. 0: no process
    /// ran.
    pub version: u32,
    /// For a reused record: the job that ran, in an earlier sweep, where its output is kept. None: it ran in this sweep.
    pub origin: Option<JobAddress>,
}

/// What an attempt printed, as far as it was kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Output {
    /// Standard output.
    pub stdout: Kept,
    /// Standard error.
    pub stderr: Kept,
}

/// The end of a stream of bytes, and the length of the whole stream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    /// The last bytes of the stream.
    pub tail: Vec<u8>,
    /// Length of the whole stream in bytes; more than `tail.len()` if the beginning was dropped.
    pub total: u64,
}

impl Kept {
    /// Whether the beginning was dropped.
    pub fn is_cut(&self) -> bool {
        self.total > self.tail.len() as u64
    }

    /// Shortens the tail to at most `limit` bytes.
    pub fn limit(&mut self, limit: usize) {
        let excess = self.tail.len().saturating_sub(limit);
        self.tail.drain(..excess);
    }
}
