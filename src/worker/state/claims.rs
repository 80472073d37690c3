//! Owns the claims of a worker in each stage: queued, running in a slot, done, in delivery.

use std::collections::VecDeque;
use std::sync::PoisonError;
use std::time::Instant;

use super::{ClaimedJob, Running, WorkerState};
use crate::job::SweepId;
use crate::store::{Claim, HeldClaim};
use crate::worker::pace::Stopping;
use crate::worker::report::FinishedAttempt;

impl WorkerState {
    /// Queues jobs for the slots.
    pub fn queue(&self, tasks: Vec<ClaimedJob>) {
        let many = tasks.len() > 1;
        self.lock().queue.extend(tasks);
        if many {
            self.work.notify_all();
        } else {
            self.work.notify_one();
        }
    }

    /// Returns a slot's next job; blocks until there is one. None: the worker has ended.
    ///
    /// A worker that was told to stop starts nothing. Queued jobs stay queued until the dispatcher gives them back,
    /// which may take a while when the store is away.
    pub fn take(&self, slot: usize) -> Option<ClaimedJob> {
        let mut state = self.lock();
        loop {
            if state.closed {
                return None;
            }
            let next = if state.stopping == Stopping::No { state.queue.pop_front() } else { None };
            if let Some(task) = next {
                state.last_taken = Some(Instant::now());
                // Under the lock: an order to stop before this point was for an earlier job, one after it is for this
                // job.
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

    /// Notes that a slot's job has ended; `finished` is what to report, if anything.
    pub fn finish(&self, slot: usize, finished: Option<FinishedAttempt>) {
        let mut state = self.lock();
        if let Some(place) = state.slots.get_mut(slot) {
            *place = None;
        }
        let first = state.push_done(finished);
        // Jobs may be short, so only the first outcome of a batch wakes the dispatcher. A slot without work wakes it,
        // too.
        if first || state.stopping != Stopping::No {
            state.woken = true;
            drop(state);
            self.wake.notify_one();
        }
    }

    /// Adds outcomes of jobs that no slot ran: claims to give back, and lost claims of other workers.
    pub fn add_done(&self, finished: Vec<FinishedAttempt>) {
        let mut state = self.lock();
        for one in finished {
            state.push_done(Some(one));
        }
        state.woken = true;
        drop(state);
        self.wake.notify_one();
    }

    /// Takes all outcomes for a request. Their claims are held until [`WorkerState::delivered`].
    pub fn take_done(&self) -> Vec<FinishedAttempt> {
        let mut state = self.lock();
        state.oldest_done = None;
        let done = std::mem::take(&mut state.done);
        state.in_delivery.extend(done.iter().filter(|finished| !finished.is_foreign()).map(FinishedAttempt::held));
        done
    }

    /// Notes that the store has answered the request.
    pub fn delivered(&self) {
        self.lock().in_delivery.clear();
    }

    /// Takes all claims from the queue, to be given back.
    pub fn take_queue(&self) -> Vec<FinishedAttempt> {
        self.lock().queue.drain(..).map(|task| FinishedAttempt::given_back(&task.claim)).collect()
    }

    /// Takes the claims of one sweep from the queue, to be given back.
    pub fn take_queue_of(&self, sweep: &SweepId) -> Vec<FinishedAttempt> {
        let mut state = self.lock();
        let (taken, left) = state.queue.drain(..).partition(|task| task.claim.job.sweep == *sweep);
        state.queue = left;
        let taken: VecDeque<ClaimedJob> = taken;
        taken.iter().map(|task| FinishedAttempt::given_back(&task.claim)).collect()
    }

    /// Takes at most `most` claims from the end of the queue, to be given back.
    pub fn take_last(&self, most: u32) -> Vec<FinishedAttempt> {
        let mut state = self.lock();
        let kept = state.queue.len().saturating_sub(most as usize);
        state.queue.split_off(kept).iter().map(|task| FinishedAttempt::given_back(&task.claim)).collect()
    }

    /// Counts the claims of a sweep that are held, in all stages. O(n) of all claims held.
    pub fn count_held(&self, sweep: &SweepId) -> u64 {
        self.held().0.iter().filter(|held| held.job.sweep == *sweep).count() as u64
    }

    /// Whether a slot runs the claim's job and was not told to stop it.
    pub fn holds_unstopped(&self, claim: &Claim) -> bool {
        self.lock().slots.iter().flatten().any(|running| running.claim == *claim && running.stop.is_none())
    }

    /// Returns all claims that are held, for a heartbeat, and the number of busy slots.
    pub fn held(&self) -> (Vec<HeldClaim>, u32) {
        let state = self.lock();
        let queued = state.queue.iter().map(|task| held(&task.claim, false));
        let running = state.slots.iter().flatten().map(|running| held(&running.claim, true));
        let done = state.done.iter().filter(|finished| !finished.is_foreign()).map(FinishedAttempt::held);
        let claims = queued.chain(running).chain(done).chain(state.in_delivery.iter().cloned()).collect();
        (claims, state.running())
    }
}

fn held(claim: &Claim, started: bool) -> HeldClaim {
    HeldClaim { job: claim.job.clone(), token: claim.token, started }
}
