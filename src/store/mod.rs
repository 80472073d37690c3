//! Owns the contract of a store: where sweeps live, and who may run what. Two stores keep it, [`sqlite`] and [`redis`].
//!
//! The interface is small and blocking. Every request may be sent twice without harm: what changes something carries
//! either a worker's id and sequence number, or a request id, or does the same when done again. A store compares
//! tokens and applies; what an outcome means is decided before, by [`crate::job::verdict`].
//!
//! Where an index stands, for each sweep, is told by five disjoint sets; an index in none of them has succeeded:
//! *ready* and *cancelled* (as ranges), *delayed* (with the time it is due), *leased*, *failed*.
//!
//! - [`Store`] (here) and [`StoreError`]; `requests`: what it is asked, `replies`: what it answers
//! - [`open`]: which store is meant; [`sqlite`] and [`redis`]: the two; [`facts`]: what `sweep doctor` asks

use std::ops::Range;
use std::time::Duration;

use thiserror::Error;

use crate::job::{AttemptCounts, JobState, SweepId};

pub mod facts;
pub mod open;
pub mod redis;
mod replies;
mod requests;
pub mod sqlite;

pub use replies::{
    Backlog, BlockLog, Claim, Counts, ExchangeReply, ExpiredClaim, LeaseStatus, Span, SweepRow, WorkerRow,
};
pub use requests::{
    ClaimRequest, ColumnPlace, Exchange, Heartbeat, HeldClaim, NewSweep, PointSet, Report, ReportEntry, Rerun,
    STAGING_TIMEOUT, Scope, StagedPart, StagedSweep,
};

/// The version of the layout of keys or tables. A store that has another is refused.
pub const LAYOUT: u32 = 2;

/// How long a claim holds without a sign of life, unless a worker says otherwise.
pub const LEASE: Duration = Duration::from_secs(20);

/// What a store answers when it does not do as asked.
#[derive(Debug, Error)]
pub enum StoreError {
    /// It cannot be reached now; the same request may be sent again, and workers do.
    #[error("the store {store} cannot be reached: {why}")]
    Unreachable {
        /// Where it is, without any password.
        store: String,
        /// What went wrong, and what to type.
        why: String,
    },
    /// It can be reached, and refuses or is of no use; sending again does not help.
    #[error("{0}")]
    Refused(String),
    /// There is no such sweep.
    #[error("there is no sweep `{0}` in the store; `sweep list` shows those there are")]
    NoSuchSweep(SweepId),
    /// A request of this worker with a higher number was applied already: two processes use one worker id.
    #[error("request {seq} of worker {worker} came after a later one")]
    StaleRequest {
        /// The worker's id.
        worker: String,
        /// The request's number.
        seq: u64,
    },
    /// What the store holds cannot be read.
    #[error("{0}")]
    Damaged(String),
}

/// The answer about a sweep in the making of which nothing was heard for too long.
fn given_up(draft: &StagedSweep) -> StoreError {
    let name = &draft.sweep.name;
    StoreError::Refused(format!(
        "the making of a sweep `{name}` was given up, because it stood still; run the command again"
    ))
}

/// The answer about a sweep in the making that was not given all its points.
fn incomplete(draft: &StagedSweep, points: u64) -> StoreError {
    let NewSweep { name, total, .. } = &draft.sweep;
    StoreError::Refused(format!("a sweep `{name}` of {total} points was made with {points} of them"))
}

/// The result of a request.
pub type Result<T> = std::result::Result<T, StoreError>;

/// A store of sweeps. All methods may be called from several threads and processes at once.
///
/// # Errors
/// Every method: [`StoreError::Unreachable`] when the store is away (and the same request may be sent again),
/// [`StoreError::Refused`] when it answers but does not do it, [`StoreError::NoSuchSweep`] where a sweep is named that
/// is not there.
pub trait Store: Send + Sync {
    /// Where the store is, for people: never with a password.
    fn describe(&self) -> String;

    /// What about the store's own settings could cost somebody their results; a sentence each, with the remedy.
    fn cautions(&self) -> Result<Vec<String>>;

    /// What it tells of itself, for `sweep doctor`. O(leases).
    fn facts(&self) -> Result<facts::StoreInfo>;

    /// Puts a sweep in: all its points are ready. O(1) in the number of points.
    fn submit(&self, new: &NewSweep) -> Result<SweepId>;

    /// Begins a sweep that takes over what older ones have: it has its id, but nobody sees it and it gives no claims until
    /// [`Store::commit`]. One that is not heard of for [`STAGING_TIMEOUT`] is given up; what is left of it is cleared away when
    /// a sweep is put in, begun or removed.
    fn begin(&self, draft: &StagedSweep) -> Result<SweepId>;

    /// Gives it a part of what it takes over; an empty part is a sign of life. O(size of the part). Refused if it was
    /// given up.
    fn fill(&self, draft: &StagedSweep, fill: &StagedPart) -> Result<()>;

    /// Puts it in, with the counts that follow from its parts. If the same request ([`NewSweep::request`]) has put a sweep
    /// in meanwhile, that one is answered, and this one dropped. Refused if it was given up, or if the points taken over
    /// and those to run are not all.
    fn commit(&self, draft: &StagedSweep) -> Result<SweepId>;

    /// Replaces a sweep's document and queue: its space must stay the same. Workers that have the sweep in hand go on
    /// under the old one.
    fn redeclare(&self, id: &SweepId, queue: &str, document: &[u8]) -> Result<()>;

    /// All sweeps, newest first.
    fn sweeps(&self) -> Result<Vec<SweepRow>>;

    /// One sweep.
    fn sweep(&self, id: &SweepId) -> Result<SweepRow>;

    /// What was submitted, as given in [`NewSweep::document`].
    fn document(&self, id: &SweepId) -> Result<Vec<u8>>;

    /// Pauses the sweep with a reason, or lets it go on: no claims are given while it is paused. For a person, whose word
    /// replaces any reason there was. To let it go on forgives what has failed, see [`SweepRow::forgiven`].
    fn set_paused(&self, id: &SweepId, reason: Option<&str>) -> Result<()>;

    /// Pauses the sweep on a worker's own judgement of a row whose `forgiven` was this. A sweep that is paused keeps its
    /// reason, and one that was resumed or put back since (its `forgiven` is another) goes on. Returns whether the sweep
    /// is now paused for this reason.
    fn pause_unless_resumed(&self, id: &SweepId, forgiven: u64, reason: &str) -> Result<bool>;

    /// Takes every ready and delayed point out of the queue, and marks every lease so that its worker ends the job at
    /// its next heartbeat; whatever such a lease would put back in the queue is cancelled instead. An outcome that
    /// arrives before that stands. Returns the counts after. O(ranges + leases).
    fn cancel(&self, id: &SweepId) -> Result<Counts>;

    /// Removes the sweep with its history. Refused while jobs are leased, unless `force`; their workers then find
    /// their claims lost.
    fn remove(&self, id: &SweepId, force: bool) -> Result<()>;

    /// Puts points back in the queue, at the front: those of the given ranges that have failed or are cancelled; others
    /// stay as they are. Their counts of failures and losses begin anew, their attempts count on. Returns how many were
    /// moved. O(ranges given + points moved), and O(1) for a range of cancelled points. No more is forgiven after it than
    /// has failed.
    fn requeue(&self, id: &SweepId, ranges: &[Range<u64>]) -> Result<u64>;

    /// Puts one point that has succeeded back in the queue, at the front; see [`Rerun`]. Returns whether it was done: not
    /// if the point stands elsewhere, or its block's log has grown since it was read. Sent twice, it is done once.
    fn rerun(&self, id: &SweepId, rerun: &Rerun) -> Result<bool>;

    /// Records outcomes and gives claims, in one step, once; see [`Exchange`].
    ///
    /// An entry is accepted if its claim is held with that token; or if the claim ran out, was reported lost
    /// (`only_if_expired`), and nobody claimed the job since (it is ready, delayed, cancelled or failed, and its last
    /// claim had this attempt and token). A claim's own outcome is accepted once: a second one is stale, also under a
    /// new sequence number. One index twice in a report is stale.
    ///
    /// Then the point moves as the verdict says; but `Again` for a lease that `cancel` marked goes to cancelled, and one
    /// that arrives late for a cancelled point leaves it cancelled.
    ///
    /// A sweep that is gone is no error here: its reports are stale, and it gives no claims.
    ///
    /// Delayed points that are due are given first, then ready ones from the smallest index.
    fn exchange(&self, exchange: &Exchange) -> Result<ExchangeReply>;

    /// Registers the worker, notes that it lives, renews the claims it names and answers with the fate of those that
    /// do not go on, in the order of `held`.
    fn heartbeat(&self, heartbeat: &Heartbeat) -> Result<Vec<(HeldClaim, LeaseStatus)>>;

    /// Forgets a worker that stops in good order; it holds no claims any more.
    fn retire(&self, worker: &str) -> Result<()>;

    /// Takes note that a worker's process is known to be dead: all its leases run out now, and stay so whoever was away,
    /// so that the next look finds them; and it is not listed any more. Returns how many leases there are. An outcome
    /// that still arrives is judged as for any claim that ran out. A sign of life takes it back. O(leases).
    fn abandon(&self, worker: &str) -> Result<u64>;

    /// How often this connection has seen that the server was started anew, and may have forgotten what it recorded in the
    /// last seconds before. Never goes down; asks nobody. None: this store forgets nothing.
    fn restarts(&self) -> Option<u64>;

    /// The workers whose last sign of life is younger than a minute or so, newest first.
    fn workers(&self) -> Result<Vec<WorkerRow>>;

    /// Claims whose leases have run out. Looks at most once a second, whoever asks, and answers nothing in between.
    /// When nobody has looked for some seconds (the store was away, or every machine slept), every lease is first
    /// prolonged by that time, but to no more than a whole lease from now: it counts against nobody. What is answered is
    /// answered again by later looks until it is reported.
    fn expired(&self) -> Result<Vec<ExpiredClaim>>;

    /// What there is to do within a scope. Delayed points that are due count as ready.
    fn backlog(&self, scope: &Scope) -> Result<Backlog>;

    /// Where points stand: up to `limit` spans of a set, in order of index, that end after `from`. Neighbouring spans
    /// may stand in the same state. To read all, ask again from the end of the last one until the answer is empty.
    fn spans(&self, id: &SweepId, set: PointSet, from: u64, limit: usize) -> Result<Vec<Span>>;

    /// Where one point stands, and what the store knows of its tries when it has not succeeded. An index that the sweep
    /// has not is refused.
    fn point(&self, id: &SweepId, index: u64) -> Result<(JobState, Option<AttemptCounts>)>;

    /// The logs of the blocks in a range that have any, in order.
    fn log(&self, id: &SweepId, blocks: Range<u64>) -> Result<Vec<BlockLog>>;

    /// Replaces the chunks that a block's log began with when it was read by one that says the same,
    /// [`crate::record::merge_chunks`]; what was added since stays behind it. Returns whether it was done: not if another
    /// has done it since. As a log only grows but for this, its first chunk tells. Sent twice, it is done once.
    fn compact(&self, id: &SweepId, block: u64, read: &[Vec<u8>], chunk: &[u8]) -> Result<bool>;

    /// The result columns in order of first appearance.
    fn columns(&self, id: &SweepId) -> Result<Vec<String>>;

    /// What attempts printed, [`crate::record::encode_output`], in the order asked for: numbers of points and of their
    /// attempts. None: nothing was kept. The caller asks for no more at once than it has memory for.
    fn outputs(&self, id: &SweepId, attempts: &[(u64, u32)]) -> Result<Vec<Option<Vec<u8>>>>;
}
