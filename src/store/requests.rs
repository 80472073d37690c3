//! Owns the arguments of the requests to a store.

use std::ops::Range;
use std::time::Duration;

use super::{Result, StoreError, WorkerRow};
use crate::job::{AttemptCounts, JobAddress, MAX_POINTS, SweepId, Verdict, is_sweep_name};
use crate::model::FoundInputs;

/// A sweep to submit.
#[derive(Clone, Debug)]
pub struct NewSweep {
    /// The id of this request. If the request is sent again, the reply is the sweep that it submitted before. The same
    /// command at the same time makes the same id, so that two of them submit one sweep.
    pub request: String,
    /// The sweep's name, see [`crate::job::is_sweep_name`].
    pub name: String,
    /// The queue in which its jobs wait.
    pub queue: String,
    /// Number of points, at most [`crate::job::MAX_POINTS`].
    pub total: u64,
    /// Who submits it. Commands without a sweep mean the newest one of their user.
    pub user: String,
    /// The encoded [`crate::model::Document`].
    pub document: Vec<u8>,
    /// The inputs that are known from the start: those of the sweeps whose results it reuses. If there are more than
    /// [`MAX_INPUTS`](super::MAX_INPUTS), the first ones are kept.
    pub inputs: FoundInputs,
}

impl NewSweep {
    /// Refuses what no store accepts: an invalid name, and too many points.
    pub(super) fn check(&self) -> Result<()> {
        let NewSweep { name, total, .. } = self;
        if !is_sweep_name(name) {
            return Err(StoreError::refused(format!("`{name}` is not a valid sweep name"))
                .remedy("use up to 100 letters, digits, `_`, `-` and `.`; the first may be neither `-` nor `.`"));
        }
        if *total > MAX_POINTS {
            return Err(StoreError::refused(format!("the sweep `{name}` has {total} points"))
                .remedy(format!("reduce them to at most {MAX_POINTS} (2^53)")));
        }
        Ok(())
    }
}

/// A staged sweep, built with points reused from older sweeps; see [`Staging::stage`](super::Staging::stage).
#[derive(Clone, Debug)]
pub struct StagedSweep {
    /// A random id of the staged sweep.
    pub token: String,
    /// The sweep to submit at the end.
    pub sweep: NewSweep,
}

/// A part of a staged sweep.
#[derive(Clone, Debug, Default)]
pub struct StagedPart {
    /// The number of the part: 0, 1, 2 and so on. A part that was applied is not applied again.
    pub part: u64,
    /// How many points are reused in this part: those of the records. Each has succeeded.
    pub points: u64,
    /// Blocks with chunks of their records, [`crate::stored::encode_chunk`]. All parts together have one record of each
    /// reused point.
    pub chunks: Vec<(u64, Vec<u8>)>,
    /// The points to run. The ranges of all parts together are not empty, do not overlap and are not adjacent.
    pub ready: Vec<Range<u64>>,
    /// Result columns with the places of their first appearance. All parts together name each column once.
    pub columns: Vec<(String, ColumnPlace)>,
}

/// A staged sweep is dropped if no part arrives for this time.
pub const STAGING_TIMEOUT: Duration = Duration::from_secs(600);

/// The sweeps from which a worker claims jobs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// All sweeps of these queues: the first queue before the second, in each queue the oldest sweep first.
    Queues(Vec<String>),
    /// Only this sweep, whatever its queue.
    Sweep(SweepId),
}

/// Outcomes to record and a request for claims, in one step. Applied as a whole, once.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// The worker's random id.
    pub worker: String,
    /// Increases by one with each exchange of this worker. An exchange with the number of the last one applied gets the same
    /// reply again and changes nothing.
    pub seq: u64,
    /// Outcomes, grouped by sweep and block.
    pub reports: Vec<Report>,
    /// The claims that the worker wants. None: it only reports.
    pub claim_request: Option<ClaimRequest>,
}

/// A request for claims.
#[derive(Clone, Debug)]
pub struct ClaimRequest {
    /// The most claims to give. All are of one sweep.
    pub most: u32,
    /// The sweeps to claim from.
    pub scope: Scope,
    /// Sweeps of the scope that the worker cannot run: it gets no claims of them. Usually empty.
    pub excluded: Vec<SweepId>,
    /// The random token of these claims, from all 64-bit numbers.
    pub token: u64,
    /// The lease: how long the claims hold without a heartbeat.
    pub lease: Duration,
}

/// Outcomes of jobs of one block of one sweep. Accepted as a whole, or not at all if the claim of any entry is stale.
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
    /// Result columns of these jobs, with the place of their first appearance. The store keeps the smallest place.
    pub columns: Vec<(String, ColumnPlace)>,
}

/// Where a result column first appears. Ordered by index, then by position.
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
    /// What to do with the point.
    pub verdict: Verdict,
    /// The attempt counts after this attempt. The store keeps them unless the point has succeeded.
    pub tries: AttemptCounts,
    /// Accept only if the lease has run out. Set if another process reports the claim of a lost worker.
    pub only_if_expired: bool,
    /// The output of the attempt, [`crate::stored::encode_output`]. None: none is kept.
    pub output: Option<Vec<u8>>,
}

/// A worker's message that it is alive and still holds its claims.
#[derive(Clone, Debug)]
pub struct Heartbeat {
    /// The worker.
    pub worker: WorkerRow,
    /// The new lease: how long the claims hold from now on.
    pub lease: Duration,
    /// The claims that the worker holds. Only these are renewed.
    pub held: Vec<HeldClaim>,
}

/// A claim that a worker holds.
///
/// The token alone identifies it, without the submission of the sweep: if the store was emptied and the same id given to a
/// new sweep, its claims have other tokens (64 random bits for each [`ClaimRequest`]), so the claim of the old sweep is
/// [`LeaseStatus::Lost`](super::LeaseStatus::Lost) and neither renews nor marks a claim of the new one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldClaim {
    /// The job.
    pub job: JobAddress,
    /// The claim's token.
    pub token: u64,
    /// Whether the job's process was started.
    pub started: bool,
}

/// The sets of points that [`History::spans`](super::History::spans) lists.
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

/// A request to run a point again that has succeeded. The store keeps no attempt counts of such points, so the caller reads
/// them in the log and sends them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rerun {
    /// The point.
    pub index: u64,
    /// How many attempts it had, at least 1. The next attempt gets the following number.
    pub attempts: u32,
    /// How many chunks the log of its block had when the caller read it. If it has more now, `attempts` may be too small.
    pub chunks: u64,
    /// The record that the earlier success no longer counts, [`crate::stored::encode_chunk`]; appended to the block's log.
    pub chunk: Vec<u8>,
}
