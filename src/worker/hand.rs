//! Owns a worker as others see it: made, run, stopped.

use std::sync::{Arc, Mutex, mpsc};
use std::thread;

use super::board::Board;
use super::pace::Stopping;
use super::pulse::Pulse;
use super::report::Runner;
use super::shift::{Shift, random};
use super::slot::{self, Crew};
use super::terms::{Notice, Options, Summary};
use super::unable::Unable;
use crate::process::{Orphans, Stopper};
use crate::store::{Scope, Store, StoreError, WorkerRow};

/// A worker, made but not yet running.
pub struct Worker {
    store: Arc<dyn Store>,
    options: Options,
    board: Arc<Board>,
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
        let orphans = Orphans::adopt(self.id());
        let unable = Unable::default();
        let pulse = Pulse {
            store: &*self.store,
            board: &self.board,
            me: self.row(),
            lease: self.options.lease,
            unable: &unable,
            turn: Mutex::new(()),
        };
        let crew = Crew { board: &self.board, runner: &self.runner, orphans: &orphans, unable: &unable, pulse: &pulse };
        let mut shift = Shift::new(&*self.store, &self.options, &self.board, &self.runner.worker, &unable, notify);
        thread::scope(|threads| {
            let (over, is_over) = mpsc::channel();
            for slot in 0..self.options.slots as usize {
                let crew = &crew;
                threads.spawn(move || slot::run(crew, slot));
            }
            // The first sign of life is given before the first claim, so that whoever looks sees the worker.
            let known = pulse.beat();
            let (pulse, orphans) = (&pulse, &orphans);
            threads.spawn(move || pulse.run(orphans, &is_over));
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
        orphans.end_all();
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
            unable: Vec::new(),
            last_seen_ms: 0,
        }
    }
}
