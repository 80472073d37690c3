//! Owns the contract of a store: where sweeps live, and who may run what. Two stores keep it, [`sqlite`] and [`redis`].
//!
//! All requests block. Every request may be sent twice without harm: what changes something carries a worker's id and
//! sequence number, or a request id, or has the same effect when it is repeated. A store compares tokens and applies
//! verdicts; [`crate::job::verdict`] decides what an outcome means.
//!
//! The state of a point follows from five disjoint sets of each sweep: *ready* and *cancelled* (as ranges), *delayed*
//! (with the time when it is due), *leased*, *failed*. An index in none of them has succeeded.
//!
//! - [`Store`] is the sum of four traits: [`Queue`] (claims, leases, outcomes, workers), [`Sweeps`] (whole sweeps),
//!   [`History`] (points and their logs), [`Staging`] (sweeps that are built from older ones)
//! - `requests` and `replies`: the arguments and replies; `error`: [`StoreError`]; `info`: what `sweep doctor` shows
//! - [`open`]: which store a command means

use std::time::Duration;

use thiserror::Error;

use crate::job::SweepId;

mod history;
mod info;
pub mod open;
mod queue;
pub mod redis;
mod replies;
mod requests;
pub mod sqlite;
mod staging;
mod sweeps;

pub use history::History;
pub use info::{Leases, Memory, StoreInfo};
pub use queue::Queue;
pub use replies::{
    Backlog, BlockLog, Claim, Counts, ExchangeReply, ExpiredClaim, LeaseStatus, Span, SweepRow, WorkerRow,
};
pub use requests::{
    ClaimRequest, ColumnPlace, Exchange, Heartbeat, HeldClaim, NewSweep, PointSet, Report, ReportEntry, Rerun,
    STAGING_TIMEOUT, Scope, StagedPart, StagedSweep,
};
pub use staging::Staging;
pub use sweeps::Sweeps;

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
fn staging_timed_out(draft: &StagedSweep) -> StoreError {
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

/// A store of sweeps: its four parts, and what it tells about itself. All methods may be called from several threads and
/// processes at once.
///
/// # Errors
/// Every method: [`StoreError::Unreachable`] when the store is away (the same request may be sent again),
/// [`StoreError::Refused`] when it replies but does not do it, [`StoreError::NoSuchSweep`] where a request names a sweep
/// that does not exist.
pub trait Store: Queue + Sweeps + History + Staging + Send + Sync {
    /// Where the store is, for people: never with a password.
    fn describe(&self) -> String;

    /// Settings of the store that could lose results; one sentence each, with the remedy.
    fn cautions(&self) -> Result<Vec<String>>;

    /// What the store tells about itself, for `sweep doctor`. O(leases).
    fn info(&self) -> Result<StoreInfo>;

    /// How often this connection has seen that the server was restarted, and so may have lost what it recorded in the
    /// last seconds before. Never decreases; sends no request. None: this store never loses what it has recorded.
    fn restarts(&self) -> Option<u64>;
}
