//! Owns a worker as others see it: made, run, stopped.

use std::sync::{Arc, Mutex, mpsc};
use std::thread;

use super::dispatcher::{Dispatcher, random};
use super::doorbell::{self, Ring};
use super::events::{EventSink, WorkerEvent, WorkerStart};
use super::exclusions::ExcludedSweeps;
use super::heartbeat::HeartbeatSender;
use super::options::{Options, Summary};
use super::pace::Stopping;
use super::report::Runner;
use super::slot::{self, SlotContext};
use super::state::WorkerState;
use crate::process::{Orphans, Stopper};
use crate::store::{Scope, Store, StoreError, StoreErrorKind, WorkerRow};

/// A worker, made but not yet running.
pub struct Worker {
    store: Arc<dyn Store>,
    options: Options,
    state: Arc<WorkerState>,
    runner: Runner,
}

/// Stops a worker from another thread.
#[derive(Clone)]
pub struct StopHandle(Arc<WorkerState>);

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
    pub fn new(store: Arc<dyn Store>, options: Options, events: Arc<dyn EventSink>) -> std::io::Result<Self> {
        let stoppers: Vec<_> = (0..options.slots).map(|_| Stopper::new()).collect::<Result<_, _>>()?;
        let id = format!("{:016x}", random()?);
        let host = crate::process::host_name();
        Ok(Worker {
            store,
            options,
            state: Arc::new(WorkerState::new(stoppers, events)),
            runner: Runner { host, worker: id },
        })
    }

    /// What stops it.
    pub fn stop_handle(&self) -> StopHandle {
        StopHandle(self.state.clone())
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
    pub fn run(&self) -> Result<Summary, StoreError> {
        let orphans = Orphans::adopt(self.id());
        let excluded = ExcludedSweeps::default();
        let heartbeats = HeartbeatSender {
            store: &*self.store,
            state: &self.state,
            me: self.row(),
            lease: self.options.lease,
            excluded: &excluded,
            turn: Mutex::new(()),
        };
        let context = SlotContext {
            state: &self.state,
            runner: &self.runner,
            orphans: &orphans,
            excluded: &excluded,
            heartbeats: &heartbeats,
        };
        let mut dispatcher = Dispatcher::new(&*self.store, &self.options, &self.state, &self.runner.worker, &excluded);
        // Without one the worker looks for new work by itself, more often.
        let waiter = self.store.work_waiter(&self.options.scope).ok();
        if waiter.is_none() {
            self.state.ring(Ring::Failed);
        }
        thread::scope(|threads| {
            let (over, is_over) = mpsc::channel();
            for slot in 0..self.options.slots as usize {
                let context = &context;
                threads.spawn(move || slot::run(context, slot));
            }
            // The first sign of life is given before the first claim, so that whoever looks sees the worker.
            let known = heartbeats.beat();
            let (heartbeats, orphans) = (&heartbeats, &orphans);
            threads.spawn(move || heartbeats.run(orphans, &is_over));
            if let Some(waiter) = &waiter {
                let state = &self.state;
                threads.spawn(move || doorbell::listen(&**waiter, state));
            }
            let result = match known {
                Err(error) if !error.is_unreachable() && error.kind != StoreErrorKind::Full => Err(error),
                _ => {
                    self.state.emit(WorkerEvent::Started(self.start()));
                    dispatcher.work()
                }
            };
            if result.is_err() {
                self.state.stop(Stopping::Now);
            }
            self.state.close();
            waiter.iter().for_each(|waiter| waiter.stop());
            drop(over);
            result
        })?;
        orphans.end_all();
        // The worker holds nothing any more; that it is not forgotten at once does no harm.
        let _ = self.store.unregister(self.id());
        let summary = dispatcher.into_summary();
        self.state.emit(WorkerEvent::Ended(summary.clone()));
        Ok(summary)
    }

    fn start(&self) -> WorkerStart {
        let WorkerRow { id, host, pid, queues, slots, .. } = self.row();
        let sweep = match &self.options.scope {
            Scope::Queues(_) => None,
            Scope::Sweep(sweep) => Some(sweep.clone()),
        };
        WorkerStart { worker: id, host, pid, slots, queues, sweep, store: self.store.describe() }
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
            excluded: Vec::new(),
            last_seen_ms: 0,
        }
    }
}
