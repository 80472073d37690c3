//! Owns the contract of a store: where sweeps live, and who may run which job. Two stores fulfil it: [`sqlite`] and
//! [`redis`].
//!
//! All requests block. Every request may be sent twice without harm: what changes something carries a worker's id and
//! sequence number, or a request id, or has the same effect when it is repeated. A store compares tokens and applies
//! verdicts. [`crate::job::verdict`] decides which verdict follows from an outcome.
//!
//! The state of a point follows from five disjoint sets of each sweep: *ready* and *cancelled* (as ranges), *delayed*
//! (with the time when it is due), *leased*, *failed*. An index in none of them has succeeded.
//!
//! - [`Store`] is the sum of five traits: [`Queue`] (claims, leases, outcomes, workers), [`Sweeps`] (whole sweeps),
//!   [`Inputs`] (files that can change results), [`History`] (points and their logs), [`Staging`] (sweeps that are built
//!   from older ones)
//! - `requests` and `replies`: the arguments and replies; `error`: [`StoreError`]; `info`: what `sweep doctor` shows
//! - [`open`]: which store a command uses

use std::time::Duration;

mod error;
mod history;
mod info;
mod inputs;
pub mod open;
mod queue;
pub mod redis;
mod replies;
mod requests;
pub mod sqlite;
mod staging;
mod sweeps;
mod trust;

pub use error::{Result, StoreError, StoreErrorKind};
use error::{incomplete, staging_timed_out};
pub use history::History;
pub use info::{Leases, Memory, StoreInfo};
pub use inputs::{Inputs, MAX_INPUTS};
pub use queue::{Queue, WorkWaiter};
pub use replies::{
    Backlog, BlockLog, Claim, Counts, ExchangeReply, ExpiredClaim, LeaseStatus, NewWork, Span, SweepRow, WorkerRow,
};
pub use requests::{
    ClaimRequest, ColumnPlace, Exchange, Heartbeat, HeldClaim, NewSweep, PointSet, Report, ReportEntry, Rerun,
    STAGING_TIMEOUT, Scope, StagedPart, StagedSweep,
};
pub use staging::Staging;
pub use sweeps::Sweeps;

/// The default lease: how long a claim holds without a heartbeat.
pub const LEASE: Duration = Duration::from_secs(20);

/// A store of sweeps: its five parts, and information about the store itself. Several threads and processes may call all
/// methods at once.
///
/// # Errors
/// Every method: [`StoreErrorKind::Unreachable`] when the store is away (the same request may be sent again), a kind of
/// refusal ([`StoreError::is_refusal`]) when it replies but does not do it, [`StoreErrorKind::NoSuchSweep`] where a request
/// names a sweep that does not exist.
pub trait Store: Queue + Sweeps + Inputs + History + Staging + Send + Sync {
    /// Where the store is, for people. Never contains a password.
    fn describe(&self) -> String;

    /// Settings of the store that can lose results: one sentence each, with the remedy.
    fn cautions(&self) -> Result<Vec<String>>;

    /// How others could read or change what is in the store: one sentence each, with the remedy. Sends no request.
    fn exposures(&self) -> Vec<String> {
        Vec::new()
    }

    /// Information about the store, for `sweep doctor`. O(leases).
    fn info(&self) -> Result<StoreInfo>;

    /// How often this connection has seen that the server was restarted, and so may have lost what it recorded in the
    /// last seconds before. Never decreases; sends no request. None: this store never loses what it has recorded.
    fn restarts(&self) -> Option<u64>;
}
