//! Owns what a store answers: rows, claims, fates, spans.

use std::ops::Range;

use serde::Serialize;

use crate::job::{AttemptCounts, JobAddress, JobState, SweepId};

/// A sweep's counts and header, O(1) to read.
#[derive(Clone, Debug, PartialEq)]
pub struct SweepRow {
    /// The sweep.
    pub id: SweepId,
    /// Its queue.
    pub queue: String,
    /// Who submitted it.
    pub user: String,
    /// When, on the store's clock, milliseconds since the epoch.
    pub submitted_ms: u64,
    /// When the last outcome was accepted, on the store's clock; none: not yet.
    pub last_outcome_ms: Option<u64>,
    /// Whether it is paused, and why.
    pub paused: Option<String>,
    /// How many points had failed when it was last resumed; the failures since then are those beyond it.
    pub failed_at_resume: u64,
    /// How many points have which state.
    pub counts: Counts,
}

/// How many points stand where; they add up to `total`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// All points.
    pub total: u64,
    /// Ready or delayed.
    pub pending: u64,
    /// Leased.
    pub running: u64,
    /// Ended well.
    pub succeeded: u64,
    /// Ended badly for the last time.
    pub failed: u64,
    /// Taken out of the queue.
    pub cancelled: u64,
    /// The part of the succeeded that was taken over from another sweep.
    pub reused: u64,
}

impl Counts {
    /// Whether nothing is left to run: every point has succeeded, failed or is cancelled.
    pub fn is_settled(&self) -> bool {
        self.pending == 0 && self.running == 0
    }
}

/// The reply to an [`Exchange`](super::Exchange).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExchangeReply {
    /// For each report that was not applied, by its position: the indices whose claims were stale (or all of its
    /// indices when the sweep is gone). The caller drops those and sends the others again.
    pub stale: Vec<(usize, Vec<u64>)>,
    /// The claims given.
    pub claims: Vec<Claim>,
}

/// A job given to a worker under a lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The job.
    pub job: JobAddress,
    /// Which submission of the sweep: [`SweepRow::submitted_ms`]. A store that was emptied gives the same ids again, so
    /// a worker keeps what it knows of a sweep by id and submission.
    pub submission: u64,
    /// The claim's token.
    pub token: u64,
    /// The counts with this attempt: `tries.attempts` is its number, from 1.
    pub tries: AttemptCounts,
}

/// What a heartbeat is told about a claim that does not simply go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeaseStatus {
    /// The claim is another's now, or the sweep is gone: end the job and report nothing.
    Lost,
    /// The sweep was cancelled: end the job and report it cancelled.
    Cancelled,
    /// The sweep is paused, and the job has not been started: give the claim back. Told of claims that are not started
    /// alone; what runs may end.
    Paused,
}

/// A worker, as the store knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkerRow {
    /// Its random id.
    pub id: String,
    /// Its machine.
    pub host: String,
    /// Its process id there.
    pub pid: u32,
    /// The queues that it serves; empty: one sweep only.
    pub queues: Vec<String>,
    /// Its slots.
    pub slots: u32,
    /// How many of them run a job.
    pub busy: u32,
    /// Sweeps that it has found it cannot run, see [`ClaimRequest::excluded`](super::ClaimRequest::excluded).
    pub excluded: Vec<SweepId>,
    /// Its last sign of life on the store's clock, milliseconds since the epoch; set by the store.
    pub last_seen_ms: u64,
}

/// A claim whose lease has run out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpiredClaim {
    /// The claim.
    pub claim: Claim,
    /// Whose it was.
    pub worker: String,
    /// Whether the worker had said that the process was started.
    pub started: bool,
}

/// What there is to do within a scope.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Backlog {
    /// Jobs that can be claimed now.
    pub ready: u64,
    /// Jobs that wait for their time.
    pub delayed: u64,
    /// Jobs that are leased, by anyone.
    pub leased: u64,
    /// Sweeps with jobs left that are paused, at most about 100 for each queue; their jobs are in none of the counts.
    pub paused: Vec<SweepId>,
}

/// An event that may have made jobs claimable.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NewWork {
    /// About how many workers learn of it at the same time; 0: unknown.
    pub workers: u32,
}

/// A run of indices that stand in the same state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// The indices.
    pub indices: Range<u64>,
    /// Their state; never [`JobState::Succeeded`], which is what no span covers.
    pub state: JobState,
}

/// A block's chunks, in the order in which they were accepted.
pub type BlockLog = (u64, Vec<Vec<u8>>);
