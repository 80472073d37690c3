//! Owns the replies of a store: rows, claims, lease statuses, spans.

use std::ops::Range;

use serde::Serialize;

use crate::job::{AttemptCounts, JobAddress, JobState, SweepId};

/// The header and the counts of a sweep. O(1) to read.
#[derive(Clone, Debug, PartialEq)]
pub struct SweepRow {
    /// The sweep.
    pub id: SweepId,
    /// Its queue.
    pub queue: String,
    /// The user who submitted it.
    pub user: String,
    /// When it was submitted, on the store's clock, milliseconds since the epoch.
    pub submitted_ms: u64,
    /// When the last outcome was accepted, on the store's clock, milliseconds since the epoch. None: not yet.
    pub last_outcome_ms: Option<u64>,
    /// Why it is paused. None: it is not paused.
    pub paused: Option<String>,
    /// How many points had failed when it was last resumed. Later failures are those beyond this number.
    pub failed_at_resume: u64,
    /// How many points have which state.
    pub counts: Counts,
}

/// How many points have which state. `pending` to `cancelled` add up to `total`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// All points.
    pub total: u64,
    /// Ready or delayed.
    pub pending: u64,
    /// Leased.
    pub running: u64,
    /// Succeeded.
    pub succeeded: u64,
    /// Failed, without another retry.
    pub failed: u64,
    /// Cancelled.
    pub cancelled: u64,
    /// Reused from another sweep; also counted in `succeeded`.
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
    /// For each report that was not applied: its position, and the indices whose claims were stale (all indices if there is
    /// no such sweep or it has another submission). The caller drops these and sends the others again.
    pub stale: Vec<(usize, Vec<u64>)>,
    /// The new claims.
    pub claims: Vec<Claim>,
}

/// A job given to a worker under a lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The job.
    pub job: JobAddress,
    /// The submission of the sweep: its [`SweepRow::submitted_ms`]. A store that was emptied gives out the same ids again, so
    /// a worker identifies a sweep by its id and submission.
    pub submission: u64,
    /// The claim's token.
    pub token: u64,
    /// The attempt counts including this attempt: `tries.attempts` is its number, from 1.
    pub tries: AttemptCounts,
}

/// The reply to a heartbeat about a claim that does not simply go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeaseStatus {
    /// The worker no longer holds the claim, or there is no such sweep: end the job and report nothing.
    Lost,
    /// The sweep was cancelled: end the job and report it cancelled.
    Cancelled,
    /// The sweep is paused and the job was not started: give the claim back. Jobs that were started run to their end.
    Paused,
}

/// A worker, as the store knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkerRow {
    /// Its random id.
    pub id: String,
    /// The name of its machine.
    pub host: String,
    /// Its process id there.
    pub pid: u32,
    /// The queues that it serves. Empty: it serves only one sweep.
    pub queues: Vec<String>,
    /// The number of its slots.
    pub slots: u32,
    /// How many slots run a job.
    pub busy: u32,
    /// Sweeps that it cannot run, see [`ClaimRequest::excluded`](super::ClaimRequest::excluded).
    pub excluded: Vec<SweepId>,
    /// Why it cannot run each of them, in the same order. Shorter, or empty, if an earlier version of sweep registered it.
    pub excluded_why: Vec<String>,
    /// Its last heartbeat on the store's clock, milliseconds since the epoch. Set by the store.
    pub last_seen_ms: u64,
}

impl WorkerRow {
    /// Why the worker cannot run a sweep; none: it may. The reason is empty if the worker did not say.
    pub fn why_excluded(&self, sweep: &SweepId) -> Option<&str> {
        let at = self.excluded.iter().position(|excluded| excluded == sweep)?;
        Some(self.excluded_why.get(at).map_or("", String::as_str))
    }
}

/// A claim whose lease has run out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpiredClaim {
    /// The claim.
    pub claim: Claim,
    /// The id of the worker that held it.
    pub worker: String,
    /// Whether the worker had reported that the job's process was started.
    pub started: bool,
}

/// The jobs within a scope that are left to run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Backlog {
    /// Jobs that can be claimed now.
    pub ready: u64,
    /// Jobs that wait until they are due.
    pub delayed: u64,
    /// Jobs that are leased, by any worker.
    pub leased: u64,
    /// Paused sweeps with jobs left, oldest first, at most about 100 of each queue. Their jobs are in none of the counts.
    pub paused: Vec<SweepId>,
}

/// An event that may have made jobs claimable.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NewWork {
    /// About how many workers learn of it at the same time. 0: unknown.
    pub workers: u32,
}

/// A range of points that have the same state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// The indices.
    pub indices: Range<u64>,
    /// Their state. Never [`JobState::Succeeded`]: a point that no span covers has succeeded.
    pub state: JobState,
}

/// A block and the chunks of its log, in the order in which they were accepted.
pub type BlockLog = (u64, Vec<Vec<u8>>);
