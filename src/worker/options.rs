//! Owns a worker's options, and the summary of what it has done.

use std::path::PathBuf;
use std::time::Duration;

use crate::job::SweepId;
use crate::model::Document;
use crate::sign::TrustedKeys;
use crate::store::Scope;

/// The options of a worker.
#[derive(Clone, Debug)]
pub struct WorkerOptions {
    /// Which sweeps it works for.
    pub scope: Scope,
    /// How many jobs it runs at once, at least 1.
    pub slots: u32,
    /// Whether it ends when no job in its scope is pending, delayed or leased by any worker.
    pub until_empty: bool,
    /// How long its claims hold without a heartbeat.
    pub lease: Duration,
    /// The folder in which jobs run when this machine does not have the folder of the sweep file.
    pub fallback: PathBuf,
    /// Whether it runs sweeps although files here differ from those of the sweep. They must still not change while jobs
    /// run.
    pub allows_different_files: bool,
    /// The keys one of which must have signed a sweep. None: every sweep is run.
    pub trusted: Option<TrustedKeys>,
    /// The document that this process has just read and submitted. It is run as it was read, whatever the store returns.
    pub own: Option<Document>,
}

/// What a worker has done.
#[derive(Clone, Debug, Default)]
pub struct WorkSummary {
    /// Attempts that succeeded.
    pub succeeded: u64,
    /// Points that failed for the last time.
    pub failed: u64,
    /// Outcomes that could not be delivered. Those jobs run again when their leases have run out.
    pub undelivered: usize,
    /// Paused sweeps that still have jobs to run.
    pub paused: Vec<SweepId>,
}
