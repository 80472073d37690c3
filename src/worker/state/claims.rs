//! Owns the claims of a worker in each stage: queued, running in a slot, unverified, done, in delivery.

use std::collections::{BTreeSet, VecDeque};
use std::sync::PoisonError;
use std::time::Instant;

use super::{ClaimedJob, FoundByAttempt, Running, UnverifiedAttempt, WorkerState};
use crate::job::SweepId;
use crate::model::FoundInputs;
use crate::store::{Claim, HeldClaim};
use crate::worker::inputs::AttemptInputs;
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

    /// Notes that a slot's job has ended; `finished` is what to report, if anything. The outcome waits until its inputs
    /// were looked at, if it rests on them.
    pub fn finish(&self, slot: usize, task: &ClaimedJob, finished: Option<FinishedAttempt>, attempt: AttemptInputs) {
        let mut state = self.lock();
        if let Some(place) = state.slots.get_mut(slot) {
            *place = None;
        }
        let is_first = match finished {
            None => false,
            Some(finished) if finished.rests_on_inputs() => state.push_unverified(UnverifiedAttempt {
                claim: task.claim.clone(),
                finished,
                attempt,
                inputs: task.inputs.clone(),
                since: Instant::now(),
            }),
            Some(finished) => state.push_done(finished),
        };
        // Jobs may be short, so only the first outcome of a batch wakes the dispatcher. A slot without work wakes it,
        // too.
        if is_first || state.stopping != Stopping::No {
            state.woken = true;
            drop(state);
            self.wake.notify_one();
        }
    }

    /// The number of outcomes that are not verified yet, and what is to be added to the inputs of their sweeps before
    /// they are reported.
    pub fn unverified(&self) -> (usize, Vec<FoundByAttempt>) {
        let state = self.lock();
        let has_found = |one: &&UnverifiedAttempt| one.attempt.found != FoundInputs::default();
        let found = state.unverified.iter().filter(has_found);
        let found = found.map(|one| FoundByAttempt {
            claim: one.claim.clone(),
            epoch: one.attempt.epoch,
            found: one.attempt.found.clone(),
        });
        let found = found.collect();
        (state.unverified.len(), found)
    }

    /// The number of outcomes of a sweep that are not verified yet.
    pub fn count_unverified(&self, sweep: &SweepId) -> usize {
        self.lock().unverified.iter().filter(|one| one.claim.job.sweep == *sweep).count()
    }

    /// The sweeps of outcomes that are not verified yet.
    pub fn unverified_sweeps(&self) -> BTreeSet<SweepId> {
        self.lock().unverified.iter().map(|one| one.claim.job.sweep.clone()).collect()
    }

    /// Decides about the `first` outcomes that are not verified yet; none: not yet. Those that do not count are given
    /// back.
    pub fn verify(&self, first: usize, counts: &mut dyn FnMut(&UnverifiedAttempt) -> Option<bool>) {
        let mut state = self.lock();
        let mut unverified = std::mem::take(&mut state.unverified);
        let later = unverified.split_off(first.min(unverified.len()));
        for one in unverified {
            match counts(&one) {
                Some(true) => drop(state.push_done(one.finished)),
                Some(false) => drop(state.push_done(one.finished.taken_back(&one.claim))),
                None => state.unverified.push(one),
            }
        }
        state.unverified.extend(later);
    }

    /// Adds outcomes of jobs that no slot ran: claims to give back, and lost claims of other workers.
    pub fn add_done(&self, finished: Vec<FinishedAttempt>) {
        let mut state = self.lock();
        for one in finished {
            state.push_done(one);
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
        let unverified = state.unverified.iter().map(|one| one.finished.held());
        let done = state.done.iter().filter(|finished| !finished.is_foreign()).map(FinishedAttempt::held);
        let claims =
            queued.chain(running).chain(unverified).chain(done).chain(state.in_delivery.iter().cloned()).collect();
        (claims, state.running())
    }
}

fn held(claim: &Claim, started: bool) -> HeldClaim {
    HeldClaim { job: claim.job.clone(), token: claim.token, started }
}
