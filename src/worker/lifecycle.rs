//! Owns the interface of a worker: create, run, stop. It starts and ends the worker's threads.

use std::sync::{Arc, Mutex, mpsc};
use std::thread;

use thiserror::Error;

use super::dispatcher::Dispatcher;
use super::events::{EventSink, WorkerEvent, WorkerStart};
use super::exclusions::ExcludedSweeps;
use super::heartbeat::HeartbeatSender;
use super::observing::SweepObservers;
use super::options::{WorkSummary, WorkerOptions};
use super::pace::Stopping;
use super::panics::catch;
use super::report::Runner;
use super::slot::{self, SlotContext};
use super::state::WorkerState;
use super::step_back::StepBack;
use super::work_notices::{self, WorkNotice};
use crate::process::{OrphanReaper, Stopper};
use crate::store::{Scope, Store, StoreError, StoreErrorKind, WorkWaiter, WorkerRow};
use crate::system::random;

/// A worker.
pub struct Worker {
    store: Arc<dyn Store>,
    options: WorkerOptions,
    state: Arc<WorkerState>,
    runner: Runner,
}

/// Why a worker ended before its work was done.
#[derive(Debug, Error)]
pub enum WorkerError {
    /// An error of the store that does not pass by itself.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A thread cannot be started.
    #[error("a thread cannot be started: {0}; use fewer slots (`-j`) or raise `ulimit -u`")]
    Thread(#[from] std::io::Error),
    /// A panic that no job can be charged with; its message.
    #[error("internal error in sweep ({0}); please report this")]
    Internal(String),
}

/// Starts a thread of the scope.
fn spawn<'scope, T: Send + 'scope>(
    threads: &'scope thread::Scope<'scope, '_>,
    name: String,
    run: impl FnOnce() -> T + Send + 'scope,
) -> std::io::Result<thread::ScopedJoinHandle<'scope, T>> {
    thread::Builder::new().name(name).spawn_scoped(threads, run)
}

/// Ends the worker's threads when it is dropped; ends the running jobs before that, unless the work is done.
struct EndThreads<'a> {
    state: &'a WorkerState,
    waiter: Option<&'a dyn WorkWaiter>,
    is_done: bool,
}

impl Drop for EndThreads<'_> {
    fn drop(&mut self) {
        if !self.is_done {
            self.state.stop(Stopping::Now);
        }
        self.state.close();
        if let Some(waiter) = self.waiter {
            waiter.stop();
        }
    }
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
    /// Creates a worker with a random id.
    ///
    /// # Errors
    /// If the machine has no file descriptors or randomness left.
    pub fn new(store: Arc<dyn Store>, options: WorkerOptions, events: Arc<dyn EventSink>) -> std::io::Result<Self> {
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

    /// Returns a handle that stops it.
    pub fn stop_handle(&self) -> StopHandle {
        StopHandle(self.state.clone())
    }

    /// The worker's id.
    pub fn id(&self) -> &str {
        &self.runner.worker
    }

    /// Runs jobs until stopped or, with [`WorkerOptions::until_empty`], until no job is left. While the store is away,
    /// running jobs continue, and their outcomes are delivered when it is back.
    ///
    /// # Errors
    /// If the store reports an error that does not pass by itself, or the system has no thread left for a slot. Running
    /// jobs are ended first.
    pub fn run(&self) -> Result<WorkSummary, WorkerError> {
        let orphans = OrphanReaper::adopt(self.id());
        let excluded = ExcludedSweeps::default();
        let heartbeats = HeartbeatSender {
            store: &*self.store,
            state: &self.state,
            me: self.row(),
            lease: self.options.lease,
            excluded: &excluded,
            turn: Mutex::new(()),
        };
        let step_back = StepBack::new(&heartbeats);
        let observers = SweepObservers::default();
        let context = SlotContext {
            state: &self.state,
            runner: &self.runner,
            orphans: &orphans,
            excluded: &excluded,
            heartbeats: &heartbeats,
            step_back: &step_back,
            observers: &observers,
        };
        let mut dispatcher = Dispatcher::new(&*self.store, &self.options, &self.state, &self.runner.worker, &step_back);
        // Without a waiter the worker reads the backlog more often.
        let waiter = self.store.work_waiter(&self.options.scope).ok();
        if waiter.is_none() {
            self.state.notify(WorkNotice::Failed);
        }
        let result = thread::scope(|threads| {
            // Any end of this closure, even a panic, ends the threads.
            let mut end = EndThreads { state: &self.state, waiter: waiter.as_deref(), is_done: false };
            let (over, is_over) = mpsc::channel::<()>();
            for slot in 0..self.options.slots as usize {
                let context = &context;
                spawn(threads, format!("slot {slot}"), move || slot::run(context, slot))?;
            }
            // The first heartbeat is sent before the first claim, so that `sweep status` lists the worker.
            let known = heartbeats.beat();
            let (heartbeats, orphans, step_back) = (&heartbeats, &orphans, &step_back);
            let beat = move || {
                catch(|| heartbeats.run(orphans, step_back, &is_over))
                    .inspect_err(|_| heartbeats.state.stop(Stopping::Now))
            };
            let beating = spawn(threads, "heartbeats".into(), beat)?;
            if let Some(waiter) = &waiter {
                let state = &self.state;
                spawn(threads, "work notices".into(), move || work_notices::listen(&**waiter, state))?;
            }
            let result = match known {
                Err(error) if !error.is_unreachable() && error.kind != StoreErrorKind::Full => Err(error),
                _ => {
                    self.state.emit(WorkerEvent::Started(self.start()));
                    dispatcher.work()
                }
            };
            match &result {
                Ok(()) => end.is_done = true,
                Err(_) => self.state.stop(Stopping::Now),
            }
            drop(over);
            match beating.join() {
                Ok(Err(panic)) => Err(WorkerError::Internal(panic)),
                _ => result.map_err(WorkerError::Store),
            }
        });
        orphans.end_all();
        result?;
        // The worker holds no claims any more, so an error does no harm.
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
            excluded_why: Vec::new(),
            last_seen_ms: 0,
        }
    }
}
