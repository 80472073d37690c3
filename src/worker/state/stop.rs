//! Owns the orders to stop: for single jobs, as the store answers a heartbeat, and for the whole worker.

use super::{Inner, StopReason, WorkerState};
use crate::job::{Outcome, SweepId};
use crate::store::{Claim, HeldClaim, LeaseStatus};
use crate::worker::WorkerEvent;
use crate::worker::pace::Stopping;
use crate::worker::report::FinishedAttempt;

impl WorkerState {
    /// Returns why the slot's job was told to stop, if it was.
    pub fn stop_reason(&self, slot: usize) -> Option<StopReason> {
        self.lock().slots.get(slot).and_then(|place| place.as_ref()).and_then(|running| running.stop)
    }

    /// Acts on what the store reported about claims. Queued claims are dropped, or returned to be reported as cancelled
    /// or given back. Running jobs are ended, except one that was started while the store paused its sweep.
    pub fn apply(&self, statuses: &[(HeldClaim, LeaseStatus)]) -> Vec<FinishedAttempt> {
        let mut state = self.lock();
        let mut to_report = Vec::new();
        for (held, status) in statuses {
            let is_it = |claim: &Claim| claim.token == held.token && claim.job == held.job;
            let queued = state.queue.iter().position(|task| is_it(&task.claim)).and_then(|at| state.queue.remove(at));
            let runs = state.slots.iter().flatten().any(|running| is_it(&running.claim));
            let (outcome, reason) = match status {
                LeaseStatus::Lost => {
                    // A claim that is neither queued nor running was perhaps recorded since the heartbeat was sent. If
                    // it was lost, the store refuses its outcome.
                    if queued.is_some() || runs {
                        self.emit(WorkerEvent::ClaimLost { job: held.job.clone() });
                    }
                    (None, Some(StopReason::Lost))
                }
                LeaseStatus::Cancelled => (Some(Outcome::Cancelled), Some(StopReason::Cancelled)),
                LeaseStatus::Paused => (Some(Outcome::GivenBack { started: false }), None),
            };
            match (queued, reason) {
                (Some(task), _) => {
                    to_report.extend(outcome.map(|outcome| FinishedAttempt::never_started(&task.claim, &outcome)));
                }
                (None, Some(reason)) => self.stop_running(&mut state, reason, is_it),
                (None, None) => {}
            }
        }
        to_report
    }

    /// Orders the worker to stop. A weaker order after a stronger one changes nothing.
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

    /// Ends the running jobs of a sweep, because an input changed while they ran. Returns how many.
    pub fn stop_jobs_of(&self, sweep: &SweepId) -> usize {
        let mut state = self.lock();
        let is_of = |claim: &Claim| claim.job.sweep == *sweep;
        let running =
            state.slots.iter().flatten().filter(|running| running.stop.is_none() && is_of(&running.claim)).count();
        self.stop_running(&mut state, StopReason::InputChanged, is_of);
        running
    }

    /// Ends the threads of the slots and of the notices.
    pub fn close(&self) {
        self.lock().closed = true;
        self.work.notify_all();
        self.idle.notify_all();
    }

    fn stop_running(&self, state: &mut Inner, reason: StopReason, which: impl Fn(&Claim) -> bool) {
        for (place, stopper) in state.slots.iter_mut().zip(&self.stoppers) {
            if let Some(running) = place.as_mut().filter(|running| which(&running.claim)) {
                // The first reason counts, except that a lost claim is lost whatever the reason was before.
                if running.stop.is_none() || reason == StopReason::Lost {
                    running.stop = Some(reason);
                }
                stopper.stop();
            }
        }
    }
}
