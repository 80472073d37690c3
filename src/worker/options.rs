//! Owns the terms of a worker's work: what it is to do, what it says meanwhile, and what it has done.

use std::path::PathBuf;
use std::time::Duration;

use crate::job::SweepId;
use crate::store::Scope;

/// What a worker is to do.
#[derive(Clone, Debug)]
pub struct Options {
    /// Which sweeps it works for.
    pub scope: Scope,
    /// How many jobs it runs at once, at least 1.
    pub slots: u32,
    /// Whether it ends when there is nothing pending, delayed or leased by anyone in its scope.
    pub until_empty: bool,
    /// How long its claims hold without a sign of life.
    pub lease: Duration,
    /// Where jobs run when this machine has no folder of the sweep file's name.
    pub fallback: PathBuf,
}

/// What a worker has to say to a person while it works.
#[derive(Clone, Debug)]
pub enum WorkerEvent {
    /// The store cannot be reached; jobs go on, outcomes are held.
    StoreAway(String),
    /// The store can be reached but gives no claims: it is full, for example. Jobs go on, outcomes are delivered.
    StoreRefuses(String),
    /// It is well again.
    StoreBack,
    /// This machine has no folder of the sweep file's name: jobs run in the worker's own.
    OtherFolder {
        /// The sweep.
        sweep: SweepId,
        /// Where they run.
        here: PathBuf,
    },
    /// Outcomes that came after the job had gone to another worker, and were refused.
    TooLate(usize),
    /// A lost worker's jobs were put back in the queue, or given up.
    TookOver(usize),
    /// Processes that jobs had left running were ended.
    LeftBehind(usize),
    /// A sweep was paused.
    Paused {
        /// The sweep.
        sweep: SweepId,
        /// Why.
        reason: String,
    },
    /// A sweep's program cannot be started on this machine; another worker may run it.
    CannotRun {
        /// The sweep.
        sweep: SweepId,
        /// Why.
        why: String,
    },
}

/// What a worker has done.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    /// Attempts that succeeded.
    pub succeeded: u64,
    /// Points that failed for the last time.
    pub failed: u64,
    /// Outcomes that could not be delivered; those jobs run again once their leases have run out.
    pub undelivered: usize,
    /// Paused sweeps that still have jobs to run.
    pub paused: Vec<SweepId>,
}
