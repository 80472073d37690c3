//! Owns what a store is asked: the arguments of the contract's requests.

use std::ops::Range;
use std::time::Duration;

use super::{Result, StoreError, WorkerRow};
use crate::job::{AttemptCounts, JobAddress, MAX_POINTS, SweepId, Verdict, is_sweep_name};

/// A sweep to be put into the store.
#[derive(Clone, Debug)]
pub struct NewSweep {
    /// A random id of this request: the same one sent again gives the sweep that the first made.
    pub request: String,
    /// The sweep's name, see [`crate::job::is_sweep_name`].
    pub name: String,
    /// The queue that its jobs wait in.
    pub queue: String,
    /// Number of points, at most [`crate::job::MAX_POINTS`].
    pub total: u64,
    /// Who submits, for "the newest that you submitted".
    pub user: String,
    /// What [`crate::model::Document`] encodes.
    pub document: Vec<u8>,
}

impl NewSweep {
    /// Refuses what no store takes: a name that could not be told from others, more points than can be counted.
    pub(super) fn check(&self) -> Result<()> {
        let NewSweep { name, total, .. } = self;
        if !is_sweep_name(name) {
            return Err(StoreError::refused(format!("`{name}` is not a valid sweep name"))
                .remedy("use up to 100 letters, digits, `_`, `-` and `.`, and begin with none of `-` and `.`"));
        }
        if *total > MAX_POINTS {
            return Err(StoreError::refused(format!("the sweep `{name}` has {total} points"))
                .remedy(format!("reduce them to at most {MAX_POINTS} (2^53)")));
        }
        Ok(())
    }
}

/// A sweep that is staged, from the outcomes of older ones; see [`Staging::stage`](super::Staging::stage).
#[derive(Clone, Debug)]
pub struct StagedSweep {
    /// A random id of this making.
    pub token: String,
    /// What is made.
    pub sweep: NewSweep,
}

/// What a sweep in the making is given.
#[derive(Clone, Debug, Default)]
pub struct StagedPart {
    /// Counts up by one from 0 with each part of a making: one that was applied is not applied again.
    pub part: u64,
    /// How many points the records are of; each has succeeded.
    pub points: u64,
    /// Chunks of records with the blocks that they belong to, [`crate::stored::encode_chunk`]: of each of those points
    /// one record, over all parts.
    pub chunks: Vec<(u64, Vec<u8>)>,
    /// The points that are to be run: ranges that are not empty and neither meet nor touch, over all parts.
    pub ready: Vec<Range<u64>>,
    /// Result columns with the places of their first appearance: each once, over all parts.
    pub columns: Vec<(String, ColumnPlace)>,
}

/// How long nothing may be heard of a sweep in the making before it is given up.
pub const STAGING_TIMEOUT: Duration = Duration::from_secs(600);

/// Which sweeps a worker works for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Every sweep of these queues: the first queue before the second, in each the oldest sweep first.
    Queues(Vec<String>),
    /// This sweep alone, whatever its queue.
    Sweep(SweepId),
}

/// A worker's one working request: outcomes to record, and a wish for claims. Applied as a whole, once.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// The worker's random id.
    pub worker: String,
    /// Counts up by one with each request of this worker. A request with the number of the last one applied gets the
    /// same reply again and changes nothing.
    pub seq: u64,
    /// Outcomes, grouped by sweep and block.
    pub reports: Vec<Report>,
    /// The claims asked for; none: the worker only reports.
    pub claim_request: Option<ClaimRequest>,
}

/// A request for claims.
#[derive(Clone, Debug)]
pub struct ClaimRequest {
    /// The most claims to give; all of one sweep.
    pub most: u32,
    /// From where.
    pub scope: Scope,
    /// Sweeps of that scope to give no claims of, because the worker cannot run them; usually none.
    pub excluded: Vec<SweepId>,
    /// The random token that fences these claims.
    pub token: u64,
    /// How long the claims hold.
    pub lease: Duration,
}

/// Outcomes of jobs of one block of one sweep. Accepted whole, or not at all when any entry's claim is stale.
#[derive(Clone, Debug)]
pub struct Report {
    /// The sweep.
    pub sweep: SweepId,
    /// Its submission, [`Claim::submission`](super::Claim::submission). If the sweep has another one, all entries are
    /// stale.
    pub submission: u64,
    /// The block that all entries belong to, [`crate::record::block_of`].
    pub block: u64,
    /// One for each job.
    pub entries: Vec<ReportEntry>,
    /// The records of these jobs, [`crate::stored::encode_chunk`], appended to the block's log; may be empty.
    pub chunk: Vec<u8>,
    /// Result columns that these jobs bring, with the place of their first appearance; the store keeps the smallest.
    pub columns: Vec<(String, ColumnPlace)>,
}

/// Where a result column first appears: by index, then by its position among that job's results.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ColumnPlace {
    /// The point's index.
    pub index: u64,
    /// The column's position among the point's results, from 0.
    pub position: u32,
}

/// One job's outcome under its claim.
#[derive(Clone, Debug)]
pub struct ReportEntry {
    /// The point.
    pub index: u64,
    /// The attempt that the claim was for.
    pub attempt: u32,
    /// The claim's token.
    pub token: u64,
    /// What is to happen.
    pub verdict: Verdict,
    /// The counts after it, kept unless the point has succeeded.
    pub tries: AttemptCounts,
    /// Accept only if the lease has run out: somebody else reports a lost worker's claim.
    pub only_if_expired: bool,
    /// What the attempt printed, [`crate::stored::encode_output`]; none: nothing is kept.
    pub output: Option<Vec<u8>>,
}

/// A worker's sign of life.
#[derive(Clone, Debug)]
pub struct Heartbeat {
    /// Who it is.
    pub worker: WorkerRow,
    /// How long the claims shall hold from now.
    pub lease: Duration,
    /// The claims that the worker holds; only these are renewed.
    pub held: Vec<HeldClaim>,
}

/// A claim that a worker holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldClaim {
    /// The job.
    pub job: JobAddress,
    /// The claim's token.
    pub token: u64,
    /// Whether the job's process has been started.
    pub started: bool,
}

/// The sets of states that [`History::spans`](super::History::spans) walks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PointSet {
    /// Ready and delayed.
    Pending,
    /// Leased.
    Running,
    /// Failed.
    Failed,
    /// Cancelled.
    Cancelled,
}

/// A wish to run a point again that has succeeded. The store keeps no tries of such points, so the caller, who has read
/// them in the log, says how many there were.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rerun {
    /// The point.
    pub index: u64,
    /// Its attempts; the next one counts on from there. At least 1.
    pub attempts: u32,
    /// How many chunks its block's log had when it was read: if others came since, the attempts may be others too.
    pub chunks: u64,
    /// The record that the success was set aside, [`crate::stored::encode_chunk`], appended to the block's log.
    pub chunk: Vec<u8>,
}
