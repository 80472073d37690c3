//! Owns what a worker's threads share: the claims it holds, in every stage, and the order to stop.
//!
//! A claim is queued, then running in a slot, then done and waiting for delivery, then with the store again. One lock
//! guards all of it, so that a heartbeat names each claim exactly once, and no stop meant for one job hits another.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::doorbell::Ring;
use super::events::{EventSink, WorkerEvent};
use super::pace::{Stopping, View};
use super::report::Finished;
use crate::job::{Outcome, SweepId};
use crate::process::Stopper;
use crate::runtime::SweepRuntime;
use crate::store::{Claim, HeldClaim, LeaseStatus};

/// A claim with the sweep that it belongs to, made ready.
#[derive(Clone)]
pub struct Task {
    /// The claim.
    pub claim: Claim,
    /// Its sweep.
    pub sweep: Arc<SweepRuntime>,
}

/// Why a running job was told to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopReason {
    /// The worker stops: the claim goes back.
    WorkerStops,
    /// The sweep was cancelled.
    Cancelled,
    /// The claim is another's, or the sweep is gone: nothing is reported.
    Lost,
}

struct Running {
    claim: Claim,
    stop: Option<StopReason>,
}

struct Inner {
    queue: VecDeque<Task>,
    last_taken: Option<Instant>,
    slots: Vec<Option<Running>>,
    done: Vec<Finished>,
    oldest_done: Option<Instant>,
    /// Claims whose outcomes are in a request that the store has not answered yet.
    in_delivery: Vec<HeldClaim>,
    stopping: Stopping,
    /// Set when the worker is over: slots go home.
    closed: bool,
    /// Set by whatever the loop should look at, cleared when it does.
    woken: bool,
    /// Whether the loop has nothing to do and waits to be told of new work.
    idle: bool,
    /// What the doorbell has said last.
    ring: Option<Ring>,
}

/// See the module.
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
    /// A state for as many slots as there are stoppers.
    pub fn new(stoppers: Vec<Stopper>, events: Arc<dyn EventSink>) -> Self {
        let state = Inner {
            queue: VecDeque::new(),
            last_taken: None,
            slots: stoppers.iter().map(|_| None).collect(),
            done: Vec::new(),
            oldest_done: None,
            in_delivery: Vec::new(),
            stopping: Stopping::No,
            closed: false,
            woken: false,
            idle: false,
            ring: None,
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

    /// Reports an event that only who wants the events of every job receives; otherwise it is not built.
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
        // A thread that panicked while it held the lock left a list half changed at worst by one push; going on and
        // delivering what there is beats losing all of it.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the pace needs to know.
    pub fn view(&self) -> View {
        let state = self.lock();
        View {
            slots: state.slots.len() as u32,
            running: state.running(),
            queued: state.queue.len() as u32,
            last_taken: state.last_taken,
            done: state.done.len() as u32,
            oldest_done: state.oldest_done,
            stopping: state.stopping,
        }
    }

    /// Waits until something rings or the time has come.
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

    /// Wakes the loop.
    pub fn wake(&self) {
        self.lock().woken = true;
        self.wake.notify_one();
    }

    /// Notes whether the loop waits to be told of new work.
    pub fn set_idle(&self, idle: bool) {
        let mut state = self.lock();
        if state.idle != idle {
            state.idle = idle;
            self.idle.notify_all();
        }
    }

    /// Blocks until the loop waits to be told of new work. False: the worker is over.
    pub fn wait_until_idle(&self) -> bool {
        let mut state = self.lock();
        while !state.idle && !state.closed {
            state = self.idle.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        !state.closed
    }

    /// Blocks for a time, or until the worker is over.
    pub fn wait_until_closed(&self, length: Duration) {
        let state = self.lock();
        // A poisoned lock ends the pause early, which does no harm.
        let _ = self.idle.wait_timeout_while(state, length, |state| !state.closed);
    }

    /// Passes on what the doorbell says.
    pub fn ring(&self, ring: Ring) {
        self.lock().ring = Some(ring);
        self.wake();
    }

    /// What the doorbell has said.
    pub fn take_ring(&self) -> Option<Ring> {
        self.lock().ring.take()
    }

    /// Gives the slots more to do.
    pub fn queue(&self, tasks: Vec<Task>) {
        let many = tasks.len() > 1;
        self.lock().queue.extend(tasks);
        if many {
            self.work.notify_all();
        } else {
            self.work.notify_one();
        }
    }

    /// A slot's next task; blocks until there is one. `None`: the worker has ended.
    ///
    /// A worker that was told to stop starts nothing: what is queued stays there for the dispatcher to give back, which
    /// may take a while when the store is away.
    pub fn take(&self, slot: usize) -> Option<Task> {
        let mut state = self.lock();
        loop {
            if state.closed {
                return None;
            }
            let next = if state.stopping == Stopping::No { state.queue.pop_front() } else { None };
            if let Some(task) = next {
                state.last_taken = Some(Instant::now());
                // Under the lock: a stop from now on is meant for this job, one before was meant for another.
                if let Some(stopper) = self.stoppers.get(slot) {
                    stopper.reset();
                }
                if let Some(place) = state.slots.get_mut(slot) {
                    *place = Some(Running { claim: task.claim.clone(), stop: None });
                }
                return Some(task);
            }
            if !state.woken {
                state.woken = true;
                self.wake.notify_one();
            }
            state = self.work.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Why the slot's job was told to stop, if it was.
    pub fn stop_reason(&self, slot: usize) -> Option<StopReason> {
        self.lock().slots.get(slot).and_then(|place| place.as_ref()).and_then(|running| running.stop)
    }

    /// A slot's job has ended, with something to report or with nothing.
    pub fn finish(&self, slot: usize, finished: Option<Finished>) {
        let mut state = self.lock();
        if let Some(place) = state.slots.get_mut(slot) {
            *place = None;
        }
        let first = state.push_done(finished);
        // Short jobs: the loop is woken for the first outcome of a batch; a slot that finds no work rings by itself.
        if first || state.stopping != Stopping::No {
            state.woken = true;
            drop(state);
            self.wake.notify_one();
        }
    }

    /// Something to report that no slot ran: a claim given back, or another worker's that was lost.
    pub fn add_done(&self, finished: Vec<Finished>) {
        let mut state = self.lock();
        for one in finished {
            state.push_done(Some(one));
        }
        state.woken = true;
        drop(state);
        self.wake.notify_one();
    }

    /// Takes all outcomes for a request; their claims are still held until [`WorkerState::delivered`].
    pub fn take_done(&self) -> Vec<Finished> {
        let mut state = self.lock();
        state.oldest_done = None;
        let done = std::mem::take(&mut state.done);
        state.in_delivery.extend(done.iter().filter(|finished| !finished.is_foreign()).map(Finished::held));
        done
    }

    /// The store has answered the request.
    pub fn delivered(&self) {
        self.lock().in_delivery.clear();
    }

    /// The claims that wait for a slot, taken off the queue and given back.
    pub fn take_queue(&self) -> Vec<Finished> {
        self.lock().queue.drain(..).map(|task| Finished::given_back(&task.claim)).collect()
    }

    /// The claims of one sweep that wait for a slot, taken off the queue and given back.
    pub fn take_queue_of(&self, sweep: &SweepId) -> Vec<Finished> {
        let mut state = self.lock();
        let (taken, left) = state.queue.drain(..).partition(|task| task.claim.job.sweep == *sweep);
        state.queue = left;
        let taken: VecDeque<Task> = taken;
        taken.iter().map(|task| Finished::given_back(&task.claim)).collect()
    }

    /// Takes the last of the queue out, to be given back.
    pub fn take_last(&self, most: u32) -> Vec<Finished> {
        let mut state = self.lock();
        let kept = state.queue.len().saturating_sub(most as usize);
        state.queue.split_off(kept).iter().map(|task| Finished::given_back(&task.claim)).collect()
    }

    /// How many claims of a sweep are held, in every stage.
    pub fn count_held(&self, sweep: &SweepId) -> u64 {
        self.held().0.iter().filter(|held| held.job.sweep == *sweep).count() as u64
    }

    /// Whether a slot holds the claim and was not told to stop.
    pub fn holds_unstopped(&self, claim: &Claim) -> bool {
        self.lock().slots.iter().flatten().any(|running| running.claim == *claim && running.stop.is_none())
    }

    /// Every claim that is held, for a heartbeat, and the number of busy slots.
    pub fn held(&self) -> (Vec<HeldClaim>, u32) {
        let state = self.lock();
        let queued = state.queue.iter().map(|task| held(&task.claim, false));
        let running = state.slots.iter().flatten().map(|running| held(&running.claim, true));
        let done = state.done.iter().filter(|finished| !finished.is_foreign()).map(Finished::held);
        let claims = queued.chain(running).chain(done).chain(state.in_delivery.iter().cloned()).collect();
        (claims, state.running())
    }

    /// Acts on what the store said of claims: queued ones are dropped, or given to the caller to be reported cancelled or
    /// given back; running ones are ended, but for one that was started while the store said it need not be.
    pub fn apply(&self, statuses: &[(HeldClaim, LeaseStatus)]) -> Vec<Finished> {
        let mut state = self.lock();
        let mut to_report = Vec::new();
        for (held, status) in statuses {
            let is_it = |claim: &Claim| claim.token == held.token && claim.job == held.job;
            let queued = state.queue.iter().position(|task| is_it(&task.claim)).and_then(|at| state.queue.remove(at));
            let (outcome, reason) = match status {
                LeaseStatus::Lost => {
                    self.emit(WorkerEvent::ClaimLost { job: held.job.clone() });
                    (None, Some(StopReason::Lost))
                }
                LeaseStatus::Cancelled => (Some(Outcome::Cancelled), Some(StopReason::Cancelled)),
                LeaseStatus::Paused => (Some(Outcome::GivenBack { started: false }), None),
            };
            match (queued, reason) {
                (Some(task), _) => {
                    to_report.extend(outcome.map(|outcome| Finished::never_started(&task.claim, &outcome)));
                }
                (None, Some(reason)) => self.stop_running(&mut state, reason, is_it),
                (None, None) => {}
            }
        }
        to_report
    }

    /// Raises the order to stop; it is never lowered.
    pub fn stop(&self, how: Stopping) {
        let mut state = self.lock();
        if how > state.stopping {
            state.stopping = how;
            self.emit(WorkerEvent::Stopping { how });
        }
        if state.stopping == Stopping::Now {
            self.stop_running(&mut state, StopReason::WorkerStops, |_| true);
        }
        state.woken = true;
        drop(state);
        self.wake.notify_one();
    }

    /// Sends the slots home.
    pub fn close(&self) {
        self.lock().closed = true;
        self.work.notify_all();
        self.idle.notify_all();
    }

    fn stop_running(&self, state: &mut Inner, reason: StopReason, which: impl Fn(&Claim) -> bool) {
        for (place, stopper) in state.slots.iter_mut().zip(&self.stoppers) {
            if let Some(running) = place.as_mut().filter(|running| which(&running.claim)) {
                // The first reason stands, but a claim that is lost is lost whatever was said before.
                if running.stop.is_none() || reason == StopReason::Lost {
                    running.stop = Some(reason);
                }
                stopper.stop();
            }
        }
    }
}

impl Inner {
    fn running(&self) -> u32 {
        self.slots.iter().flatten().count() as u32
    }

    /// Returns whether it is the first one of a batch.
    fn push_done(&mut self, finished: Option<Finished>) -> bool {
        let Some(finished) = finished else { return false };
        self.done.push(finished);
        let first = self.oldest_done.is_none();
        if first {
            self.oldest_done = Some(Instant::now());
        }
        first
    }
}

fn held(claim: &Claim, started: bool) -> HeldClaim {
    HeldClaim { job: claim.job.clone(), token: claim.token, started }
}
