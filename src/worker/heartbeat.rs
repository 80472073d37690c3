//! Owns heartbeats, which renew the worker's claims, and the checks of the same thread: for expired claims of other
//! workers, for processes that jobs left running, and for sweeps from which the worker had stepped back.

use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::events::WorkerEvent;
use super::exclusions::ExcludedSweeps;
use super::report::FinishedAttempt;
use super::state::WorkerState;
use super::step_back::StepBack;
use crate::process::OrphanReaper;
use crate::store::{Claim, Heartbeat, HeldClaim, Result, Store, WorkerRow};

/// How often this thread checks what is due.
const TICK: Duration = Duration::from_secs(1);

/// Time between two checks for lost claims. One check a second is enough for all workers together: the worker whose
/// check the store accepted waits the first time, the others up to the second. Both are shorter than the silence that a
/// store treats as its own absence.
const CHECK: (Duration, Duration) = (TICK, Duration::from_secs(3));

/// The least time between two heartbeats of a worker without claims. Much less than the minute after which a worker is
/// no longer listed.
const IDLE_BEAT: Duration = Duration::from_secs(15);

/// Time between two attempts to announce a job while the store is away.
const AWAY: Duration = Duration::from_millis(200);

/// Sends heartbeats, from any of the worker's threads.
pub(super) struct HeartbeatSender<'a> {
    /// The store.
    pub(super) store: &'a dyn Store,
    /// The worker's claims.
    pub(super) state: &'a WorkerState,
    /// Who it is.
    pub(super) me: WorkerRow,
    /// How long its claims hold without a heartbeat.
    pub(super) lease: Duration,
    /// Sweeps that cannot be run here.
    pub(super) excluded: &'a ExcludedSweeps,
    /// One heartbeat at a time: an older one must not overtake a newer one.
    pub(super) turn: Mutex<()>,
}

impl HeartbeatSender<'_> {
    /// Runs until the other end of `over` is dropped. Errors of the store are ignored, because the dispatcher gets and
    /// reports them, too. A failed heartbeat is sent again after [`TICK`].
    pub(super) fn run(&self, orphans: &OrphanReaper, step_back: &StepBack<'_>, over: &Receiver<()>) {
        let every = self.lease / 4;
        let (mut last_beat, mut next_check, mut check_after) = (None::<Instant>, Instant::now(), CHECK.0);
        while over.recv_timeout(TICK.min(every)) == Err(RecvTimeoutError::Timeout) {
            let is_idle = self.state.held().0.is_empty() && self.excluded.sweeps().is_empty();
            let due = if is_idle { every.max(IDLE_BEAT) } else { every };
            let has_changed = step_back.end_exclusions();
            if has_changed || last_beat.is_none_or(|last| last.elapsed() >= due) {
                if self.beat().is_ok() {
                    last_beat = Some(Instant::now());
                }
                step_back.check_all();
            }
            if Instant::now() >= next_check {
                check_after = if self.find_lost() { CHECK.0 } else { (check_after * 2).min(CHECK.1) };
                next_check = Instant::now() + check_after;
            }
            let ended = orphans.reap();
            if ended > 0 {
                self.state.emit(WorkerEvent::LeftoversEnded { processes: ended });
            }
        }
    }

    /// Sends one heartbeat. The first one registers the worker.
    ///
    /// # Errors
    /// As [`Store::heartbeat`].
    pub(super) fn beat(&self) -> Result<()> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let (held, busy) = self.state.held();
        let (excluded, excluded_why) = self.excluded.with_reasons();
        let worker = WorkerRow { busy, excluded, excluded_why, ..self.me.clone() };
        let statuses = self.store.heartbeat(&Heartbeat { worker, lease: self.lease, held })?;
        let to_report = self.state.apply(&statuses);
        if !to_report.is_empty() {
            self.state.add_done(to_report);
        }
        Ok(())
    }

    /// Tells the store that a job is about to start, so that a loss is charged if the job kills this worker. This is
    /// needed only if earlier attempts were lost; the next heartbeat announces the other jobs early enough.
    pub(super) fn announce(&self, claim: &Claim) {
        let suspicious = claim.tries.attempts > claim.tries.failures + 1;
        while suspicious && self.state.holds_unstopped(claim) {
            match self.beat() {
                Err(error) if error.is_unreachable() => std::thread::sleep(AWAY),
                // The dispatcher gets and reports the same error.
                Ok(()) | Err(_) => return,
            }
        }
    }

    /// Reports the lost claims of other workers. Returns whether the store accepted this worker's check.
    fn find_lost(&self) -> bool {
        let Ok(Some(expired)) = self.store.check_leases() else { return false };
        let (mine, _) = self.state.held();
        let is_mine = |claim: &Claim| mine.iter().any(|held| is_of(held, claim));
        let lost: Vec<_> = expired.iter().filter(|one| !is_mine(&one.claim)).map(FinishedAttempt::expired).collect();
        if !lost.is_empty() {
            self.state.add_done(lost);
        }
        true
    }
}

fn is_of(held: &HeldClaim, claim: &Claim) -> bool {
    held.token == claim.token && held.job == claim.job
}
