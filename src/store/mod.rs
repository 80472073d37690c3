//! Owns the contract of a store: where sweeps live, and who may run what. Two stores keep it, [`sqlite`] and [`redis`].
//!
//! The interface is small and blocking. Every request may be sent twice without harm: what changes something carries
//! either a worker's id and sequence number, or a request id, or does the same when done again. A store compares
//! tokens and applies; what an outcome means is decided before, by [`crate::job::verdict`].
//!
//! Where an index stands, for each sweep, is told by five disjoint sets; an index in none of them has succeeded:
//! *ready* and *cancelled* (as ranges), *delayed* (with the time it is due), *leased*, *failed*.

use std::ops::Range;
use std::time::Duration;

use serde::Serialize;
use thiserror::Error;

use crate::job::{JobAddress, JobState, MAX_POINTS, SweepId, Tries, Verdict, is_sweep_name};

pub mod facts;
pub mod open;
pub mod redis;
pub mod sqlite;

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
fn given_up(draft: &Draft) -> StoreError {
    let name = &draft.sweep.name;
    StoreError::Refused(format!(
        "the making of a sweep `{name}` was given up, because it stood still; run the command again"
    ))
}

/// The answer about a sweep in the making that was not given all its points.
fn incomplete(draft: &Draft, points: u64) -> StoreError {
    let NewSweep { name, total, .. } = &draft.sweep;
    StoreError::Refused(format!("a sweep `{name}` of {total} points was made with {points} of them"))
}

/// The result of a request.
pub type Result<T> = std::result::Result<T, StoreError>;

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
    /// What [`crate::spec::Document`] encodes.
    pub document: Vec<u8>,
}

impl NewSweep {
    /// Refuses what no store takes: a name that could not be told from others, more points than can be counted.
    fn check(&self) -> Result<()> {
        let NewSweep { name, total, .. } = self;
        if !is_sweep_name(name) {
            return Err(StoreError::Refused(format!(
                "`{name}` cannot be a sweep's name: up to 100 letters, digits, `_`, `-` and `.`, not beginning with `-` or `.`"
            )));
        }
        if *total > MAX_POINTS {
            return Err(StoreError::Refused(format!(
                "a sweep of {total} points is too large: at most {MAX_POINTS} (2^53) can be told apart"
            )));
        }
        Ok(())
    }
}

/// A sweep in the making, from the outcomes of older ones; see [`Store::begin`].
#[derive(Clone, Debug)]
pub struct Draft {
    /// A random id of this making.
    pub token: String,
    /// What is made.
    pub sweep: NewSweep,
}

/// What a sweep in the making is given.
#[derive(Clone, Debug, Default)]
pub struct Fill {
    /// Counts up by one from 0 with each part of a making: one that was applied is not applied again.
    pub part: u64,
    /// How many points the records are of; each has succeeded.
    pub points: u64,
    /// Chunks of records with the blocks that they belong to, [`crate::record::encode_chunk`]: of each of those points
    /// one record, over all parts.
    pub chunks: Vec<(u64, Vec<u8>)>,
    /// The points that are to be run: ranges that are not empty and neither meet nor touch, over all parts.
    pub ready: Vec<Range<u64>>,
    /// Result columns with the places of their first appearance: each once, over all parts.
    pub columns: Vec<(String, ColumnPlace)>,
}

/// How long nothing may be heard of a sweep in the making before it is given up.
pub const DRAFT: Duration = Duration::from_secs(600);

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
    pub forgiven: u64,
    /// How many points stand where.
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
    /// Claims wished for, or none.
    pub want: Option<Want>,
}

/// A wish for claims.
#[derive(Clone, Debug)]
pub struct Want {
    /// The most claims to give; all of one sweep.
    pub most: u32,
    /// From where.
    pub scope: Scope,
    /// Sweeps of that scope to give no claims of, because the worker cannot run them; usually none.
    pub except: Vec<SweepId>,
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
    /// The block that all entries belong to, [`crate::record::block_of`].
    pub block: u64,
    /// One for each job.
    pub entries: Vec<ReportEntry>,
    /// The records of these jobs, [`crate::record::encode_chunk`], appended to the block's log; may be empty.
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
    pub tries: Tries,
    /// Accept only if the lease has run out: somebody else reports a lost worker's claim.
    pub only_if_expired: bool,
    /// What the attempt printed, [`crate::record::encode_output`]; none: nothing is kept.
    pub output: Option<Vec<u8>>,
}

/// The reply to an [`Exchange`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exchanged {
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
    /// The claim's token.
    pub token: u64,
    /// The counts with this attempt: `tries.attempts` is its number, from 1.
    pub tries: Tries,
}

/// A worker's sign of life.
#[derive(Clone, Debug)]
pub struct Heartbeat {
    /// Who it is.
    pub worker: WorkerRow,
    /// How long the claims shall hold from now.
    pub lease: Duration,
    /// The claims that the worker holds; only these are renewed.
    pub held: Vec<Held>,
}

/// A claim that a worker holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// The job.
    pub job: JobAddress,
    /// The claim's token.
    pub token: u64,
    /// Whether the job's process has been started.
    pub started: bool,
}

/// What a heartbeat is told about a claim that does not simply go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
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
    /// Sweeps that it has found it cannot run, see [`Want::except`].
    pub unable: Vec<SweepId>,
    /// Its last sign of life on the store's clock, milliseconds since the epoch; set by the store.
    pub last_seen_ms: u64,
}

/// A claim whose lease has run out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expired {
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
    /// Sweeps with jobs left that are paused; their jobs are in none of the counts.
    pub paused: Vec<SweepId>,
}

/// A run of indices that stand in the same state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// The indices.
    pub indices: Range<u64>,
    /// Their state; never [`JobState::Succeeded`], which is what no span covers.
    pub state: JobState,
}

/// The sets of states that [`Store::spans`] walks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Set {
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
    /// The record that the success was set aside, [`crate::record::encode_chunk`], appended to the block's log.
    pub chunk: Vec<u8>,
}

/// A block's chunks, in the order in which they were accepted.
pub type BlockLog = (u64, Vec<Vec<u8>>);

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
    fn facts(&self) -> Result<facts::Facts>;

    /// Puts a sweep in: all its points are ready. O(1) in the number of points.
    fn submit(&self, new: &NewSweep) -> Result<SweepId>;

    /// Begins a sweep that takes over what older ones have: it has its id, but nobody sees it and it gives no claims until
    /// [`Store::commit`]. One that is not heard of for [`DRAFT`] is given up; what is left of it is cleared away when
    /// a sweep is put in, begun or removed.
    fn begin(&self, draft: &Draft) -> Result<SweepId>;

    /// Gives it a part of what it takes over; an empty part is a sign of life. O(size of the part). Refused if it was
    /// given up.
    fn fill(&self, draft: &Draft, fill: &Fill) -> Result<()>;

    /// Puts it in, with the counts that follow from its parts. If the same request ([`NewSweep::request`]) has put a sweep
    /// in meanwhile, that one is answered, and this one dropped. Refused if it was given up, or if the points taken over
    /// and those to run are not all.
    fn commit(&self, draft: &Draft) -> Result<SweepId>;

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
    fn exchange(&self, exchange: &Exchange) -> Result<Exchanged>;

    /// Registers the worker, notes that it lives, renews the claims it names and answers with the fate of those that
    /// do not go on, in the order of `held`.
    fn heartbeat(&self, heartbeat: &Heartbeat) -> Result<Vec<(Held, Fate)>>;

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
    fn expired(&self) -> Result<Vec<Expired>>;

    /// What there is to do within a scope. Delayed points that are due count as ready.
    fn backlog(&self, scope: &Scope) -> Result<Backlog>;

    /// Where points stand: up to `limit` spans of a set, in order of index, that end after `from`. Neighbouring spans
    /// may stand in the same state. To read all, ask again from the end of the last one until the answer is empty.
    fn spans(&self, id: &SweepId, set: Set, from: u64, limit: usize) -> Result<Vec<Span>>;

    /// Where one point stands, and what the store knows of its tries when it has not succeeded. An index that the sweep
    /// has not is refused.
    fn point(&self, id: &SweepId, index: u64) -> Result<(JobState, Option<Tries>)>;

    /// The logs of the blocks in a range that have any, in order.
    fn log(&self, id: &SweepId, blocks: Range<u64>) -> Result<Vec<BlockLog>>;

    /// The result columns in order of first appearance.
    fn columns(&self, id: &SweepId) -> Result<Vec<String>>;

    /// What an attempt printed, [`crate::record::encode_output`]; none: nothing was kept.
    fn output(&self, id: &SweepId, index: u64, attempt: u32) -> Result<Option<Vec<u8>>>;
}
