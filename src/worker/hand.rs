//! Owns a worker as others see it: what it is to do, what it says, what it has done, and how it is stopped.

use std::path::PathBuf;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use super::board::Board;
use super::pace::Stopping;
use super::report::Runner;
use super::shift::{Shift, random};
use super::{pulse, slot};
use crate::job::SweepId;
use crate::process::Stopper;
use crate::store::{Scope, Store, StoreError, WorkerRow};

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
pub enum Notice {
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

/// A worker, made but not yet running.
pub struct Worker {
    pub(super) store: Arc<dyn Store>,
    pub(super) options: Options,
    pub(super) board: Arc<Board>,
    runner: Runner,
}

/// Stops a worker from another thread.
#[derive(Clone)]
pub struct StopHandle(Arc<Board>);

impl StopHandle {
    /// Tells the worker to stop; a stronger order replaces a weaker one.
    pub fn stop(&self, how: Stopping) {
        self.0.stop(how);
    }
}

impl Worker {
    /// Makes a worker with a random id of its own.
    ///
    /// # Errors
    /// If the machine has no file descriptors or randomness left.
    pub fn new(store: Arc<dyn Store>, options: Options) -> std::io::Result<Self> {
        let stoppers: Vec<_> = (0..options.slots).map(|_| Stopper::new()).collect::<Result<_, _>>()?;
        let id = format!("{:016x}", random()?);
        let host = crate::process::host_name();
        Ok(Worker { store, options, board: Arc::new(Board::new(stoppers)), runner: Runner { host, worker: id } })
    }

    /// What stops it.
    pub fn stop_handle(&self) -> StopHandle {
        StopHandle(self.board.clone())
    }

    /// The worker's id.
    pub fn id(&self) -> &str {
        &self.runner.worker
    }

    /// Works until stopped, or until there is nothing left to do if so asked. While the store is away it keeps running
    /// what it has, and delivers when the store is back.
    ///
    /// # Errors
    /// If the store says something that waiting does not mend. Running jobs are ended first.
    pub fn run(&self, notify: &mut dyn FnMut(Notice)) -> Result<Summary, StoreError> {
        let me = self.row();
        let mut shift = Shift::new(self, notify);
        thread::scope(|threads| {
            let (over, is_over) = mpsc::channel();
            for slot in 0..self.options.slots as usize {
                threads.spawn(move || slot::run(&self.board, slot, &self.runner));
            }
            // The first sign of life is given before the first claim, so that whoever looks sees the worker.
            let known = pulse::beat(&*self.store, &self.board, &me, self.options.lease);
            threads.spawn(move || pulse::run(&*self.store, &self.board, &me, self.options.lease, &is_over));
            let result = match known {
                Err(error) if !matches!(error, StoreError::Unreachable { .. }) => Err(error),
                _ => shift.work(),
            };
            if result.is_err() {
                self.board.stop(Stopping::Now);
            }
            self.board.close();
            drop(over);
            result
        })?;
        // The worker holds nothing any more; that it is not forgotten at once does no harm.
        let _ = self.store.retire(self.id());
        Ok(shift.into_summary())
    }

    fn row(&self) -> WorkerRow {
        let queues = match &self.options.scope {
            Scope::Queues(queues) => queues.clone(),
            Scope::Sweep(_) => Vec::new(),
        };
        WorkerRow {
            id: self.runner.worker.clone(),
            host: self.runner.host.clone(),
            pid: std::process::id(),
            queues,
            slots: self.options.slots,
            busy: 0,
            last_seen_ms: 0,
        }
    }
}
