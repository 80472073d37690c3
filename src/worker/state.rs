//! Owns what a worker's threads share: the claims that it holds, in every stage, and the order to stop.
//!
//! A claim is queued, then runs in a slot, then is unverified until its inputs were looked at, then is done and waits for
//! delivery, then is in delivery. One lock guards all stages, so that a heartbeat names each claim exactly once, and an
//! order to stop one job never stops another.
//! `claims` moves claims from stage to stage; `stop` gives the orders to stop.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::events::{EventSink, WorkerEvent};
use super::inputs::{AttemptInputs, SweepInputs};
use super::pace::{StateSnapshot, Stopping};
use super::report::FinishedAttempt;
use super::work_notices::WorkNotice;
use crate::model::FoundInputs;
use crate::process::Stopper;
use crate::runtime::SweepRuntime;
use crate::store::{Claim, HeldClaim};

mod claims;
mod stop;

/// A claim with the sweep that it belongs to, loaded on this machine.
#[derive(Clone)]
pub struct ClaimedJob {
    /// The claim.
    pub claim: Claim,
    /// Its sweep.
    pub sweep: Arc<SweepRuntime>,
    /// The inputs of its sweep.
    pub inputs: Arc<SweepInputs>,
}

/// An attempt whose outcome counts only if its inputs were the same from its start to its end.
pub struct UnverifiedAttempt {
    /// The claim.
    pub claim: Claim,
    /// What to report.
    pub finished: FinishedAttempt,
    /// What is known of its inputs.
    pub attempt: AttemptInputs,
    /// The inputs of its sweep.
    pub inputs: Arc<SweepInputs>,
    since: Instant,
}

/// Inputs that an attempt has found.
pub struct FoundByAttempt {
    /// Its claim.
    pub claim: Claim,
    /// The epoch in which it began.
    pub epoch: u64,
    /// The inputs.
    pub found: FoundInputs,
}

/// Why a running job was told to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopReason {
    /// The worker stops: the claim goes back.
    WorkerStops,
    /// The sweep was cancelled.
    Cancelled,
    /// An input changed while it ran: the claim goes back.
    InputChanged,
    /// The claim is another's, or the sweep is gone: nothing is reported.
    Lost,
}

struct Running {
    claim: Claim,
    stop: Option<StopReason>,
}

struct Inner {
    queue: VecDeque<ClaimedJob>,
    last_taken: Option<Instant>,
    slots: Vec<Option<Running>>,
    unverified: Vec<UnverifiedAttempt>,
    done: Vec<FinishedAttempt>,
    oldest_done: Option<Instant>,
    /// Claims whose outcomes are in a request that the store has not answered yet.
    in_delivery: Vec<HeldClaim>,
    stopping: Stopping,
    /// Whether the worker has ended: its threads end.
    closed: bool,
    /// Whether the dispatcher has something to react to; cleared when it does.
    woken: bool,
    /// Whether the dispatcher has nothing to do and waits for new work.
    idle: bool,
    /// The newest notice that the dispatcher has not read.
    notice: Option<WorkNotice>,
}

/// What a worker's threads share.
pub struct WorkerState {
    state: Mutex<Inner>,
    work: Condvar,
    wake: Condvar,
    idle: Condvar,
    stoppers: Vec<Stopper>,
    events: Arc<dyn EventSink>,
    every_job: bool,
}

impl WorkerState {
    /// Makes the state of a worker with as many slots as there are stoppers.
    pub fn new(stoppers: Vec<Stopper>, events: Arc<dyn EventSink>) -> Self {
        let state = Inner {
            queue: VecDeque::new(),
            last_taken: None,
            slots: stoppers.iter().map(|_| None).collect(),
            unverified: Vec::new(),
            done: Vec::new(),
            oldest_done: None,
            in_delivery: Vec::new(),
            stopping: Stopping::No,
            closed: false,
            woken: false,
            idle: false,
            notice: None,
        };
        WorkerState {
            state: Mutex::new(state),
            work: Condvar::new(),
            wake: Condvar::new(),
            idle: Condvar::new(),
            stoppers,
            every_job: events.wants_every_job(),
            events,
        }
    }

    /// Reports an event.
    pub fn emit(&self, event: WorkerEvent) {
        self.events.emit(event);
    }

    /// Reports an event of every job. The event is not built if nobody wants these events.
    pub fn emit_of_every_job(&self, event: impl FnOnce() -> WorkerEvent) {
        if self.every_job {
            self.events.emit(event());
        }
    }

    /// Whether somebody wants the events of every job.
    pub fn reports_every_job(&self) -> bool {
        self.every_job
    }

    /// The stopper of a slot.
    pub fn stopper(&self, slot: usize) -> Option<&Stopper> {
        self.stoppers.get(slot)
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // A thread that panicked while it held the lock has at worst left out one push. It is better to deliver what is
        // there than to lose all of it.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns what the pace decides by. `verifies`: whether outcomes that are not verified yet can be verified now, and
    /// so be delivered.
    pub fn view(&self, verifies: bool) -> StateSnapshot {
        let state = self.lock();
        let unverified = state.unverified.len() as u32;
        let oldest_unverified = state.unverified.first().filter(|_| verifies).map(|one| one.since);
        StateSnapshot {
            slots: state.slots.len() as u32,
            running: state.running(),
            queued: state.queue.len() as u32,
            last_taken: state.last_taken,
            done: state.done.len() as u32 + if verifies { unverified } else { 0 },
            oldest_done: [state.oldest_done, oldest_unverified].into_iter().flatten().min(),
            unverified: if verifies { 0 } else { unverified },
            stopping: state.stopping,
        }
    }

    /// Blocks the dispatcher until another thread wakes it or a time has come.
    pub fn wait(&self, until: Instant) {
        let mut state = self.lock();
        while !state.woken {
            let Some(left) = until.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()) else { break };
            state = match self.wake.wait_timeout(state, left) {
                Ok((state, _)) => state,
                Err(poisoned) => poisoned.into_inner().0,
            };
        }
        state.woken = false;
    }

    /// Wakes the dispatcher.
    pub fn wake(&self) {
        self.lock().woken = true;
        self.wake.notify_one();
    }

    /// Notes whether the dispatcher waits for new work.
    pub fn set_idle(&self, idle: bool) {
        let mut state = self.lock();
        if state.idle != idle {
            state.idle = idle;
            self.idle.notify_all();
        }
    }

    /// Blocks until the dispatcher waits for new work. Returns false if the worker has ended.
    pub fn wait_until_idle(&self) -> bool {
        let mut state = self.lock();
        while !state.idle && !state.closed {
            state = self.idle.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        !state.closed
    }

    /// Blocks for a time, or until the worker has ended.
    pub fn wait_until_closed(&self, length: Duration) {
        let state = self.lock();
        // A poisoned lock ends the pause early, which does no harm.
        let _ = self.idle.wait_timeout_while(state, length, |state| !state.closed);
    }

    /// Passes a notice to the dispatcher.
    pub fn notify(&self, notice: WorkNotice) {
        self.lock().notice = Some(notice);
        self.wake();
    }

    /// Takes the newest notice.
    pub fn take_notice(&self) -> Option<WorkNotice> {
        self.lock().notice.take()
    }
}

impl Inner {
    fn running(&self) -> u32 {
        self.slots.iter().flatten().count() as u32
    }

    /// Adds an outcome. Returns whether it is the first one of a batch.
    fn push_done(&mut self, finished: FinishedAttempt) -> bool {
        self.done.push(finished);
        let is_first = self.oldest_done.is_none();
        if is_first {
            self.oldest_done = Some(Instant::now());
        }
        is_first && self.unverified.is_empty()
    }

    /// Adds an outcome that is not verified yet. Returns whether it is the first one of a batch.
    fn push_unverified(&mut self, unverified: UnverifiedAttempt) -> bool {
        self.unverified.push(unverified);
        self.unverified.len() == 1 && self.oldest_done.is_none()
    }
}
