//! Owns stepping back: the worker takes no jobs of a sweep that cannot run here, or of which jobs fail here and not
//! elsewhere. [`health`](super::health) decides, this acts: it tells the store and the other threads.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::events::WorkerEvent;
use super::exclusions::{ExcludedSweeps, Exclusion, ExclusionEnd, IfAlone, may_run_elsewhere};
use super::health::{FailureKind, Judgement, SweepHealth};
use super::heartbeat::HeartbeatSender;
use super::state::{ClaimedJob, WorkerState};
use crate::job::{JobState, SweepId};
use crate::store::{Result, Store, SweepRow};

/// The most sweeps whose failures are remembered.
const MOST_SWEEPS: usize = 64;

/// How long a sweep that this version of sweep cannot read is excluded.
const UNREADABLE: Duration = Duration::from_secs(600);

/// After this time a sweep that was not signed is looked at again: a signature may have been added.
const UNTRUSTED: Duration = Duration::from_secs(60);

/// What a worker knows about failures of one sweep here.
#[derive(Default)]
struct SweepFailures {
    health: SweepHealth,
    /// The point that was put back when the worker stepped back.
    probe: Option<u64>,
}

/// Decides for all slots from which sweeps the worker steps back.
pub(super) struct StepBack<'a> {
    pub(super) store: &'a dyn Store,
    pub(super) state: &'a WorkerState,
    pub(super) excluded: &'a ExcludedSweeps,
    pub(super) heartbeats: &'a HeartbeatSender<'a>,
    sweeps: Mutex<HashMap<SweepId, SweepFailures>>,
    /// Whether something has failed yet: without failures a job costs no lock.
    is_any: AtomicBool,
}

/// Where a sweep can run whose program is not on this machine.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Elsewhere {
    /// Another slot has found that out already.
    AlreadyKnown,
    /// Another worker may run it.
    Possible,
    /// No other worker may run it: the sweep was paused.
    Impossible,
}

impl<'a> StepBack<'a> {
    /// Nothing has failed yet.
    pub(super) fn new(heartbeats: &'a HeartbeatSender<'a>) -> Self {
        let HeartbeatSender { store, state, excluded, .. } = heartbeats;
        let (sweeps, is_any) = (Mutex::default(), AtomicBool::new(false));
        StepBack { store: *store, state, excluded, heartbeats, sweeps, is_any }
    }

    /// A job has succeeded here.
    pub(super) fn succeeded(&self, sweep: &SweepId) {
        if self.is_any.load(Ordering::Relaxed) {
            let mut sweeps = self.sweeps.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(entry) = sweeps.get_mut(sweep) {
                entry.health.succeeded();
            }
        }
    }

    /// A job has failed here; `why` in words. Returns whether its point is to be put back without a charge. It may talk
    /// to the store.
    pub(super) fn failed(&self, task: &ClaimedJob, kind: FailureKind, why: &str) -> bool {
        let (id, now) = (&task.sweep.id, Instant::now());
        let mut judgement = self.of(id, |entry| entry.health.failed(kind, now));
        if judgement == Judgement::ReadCounts {
            // The store is away: later failures are compared.
            let Ok(row) = self.store.sweep(id) else { return false };
            let held = self.state.count_held(id);
            judgement = self.of(id, |entry| entry.health.compare(&row.counts, held, now));
        }
        match judgement {
            Judgement::Charge | Judgement::ReadCounts => false,
            Judgement::PutBack => true,
            Judgement::Suspect => self.step_back(task, kind, why),
        }
    }

    fn step_back(&self, task: &ClaimedJob, kind: FailureKind, why: &str) -> bool {
        let (id, job) = (&task.sweep.id, &task.claim.job);
        let pause = self.of(id, |entry| {
            if entry.health.is_back() {
                return None;
            }
            entry.probe = Some(job.index);
            Some(entry.health.step_back())
        });
        // Another slot has stepped back already.
        let Some(pause) = pause else { return true };
        let why = format!("{job} failed, perhaps because of this machine: {why}");
        let ends = ExclusionEnd::At(Instant::now() + pause);
        self.excluded.add(id, Exclusion { why: why.clone(), remedy: remedy(id), ends, if_alone: IfAlone::TakeAgain });
        self.leave_to_others(id);
        match self.others_may_run(id) {
            Ok((_, false)) if kind == FailureKind::CannotStart && self.pause_unstartable(task, &why) => false,
            Ok((_, false)) => {
                self.excluded.remove(id);
                self.of(id, |entry| entry.health.is_alone(Instant::now()));
                false
            }
            // The store is away: nothing is known about other workers.
            Ok((_, true)) | Err(_) => {
                self.state.emit(WorkerEvent::SteppedBack { sweep: id.clone(), why, pause: Some(pause) });
                true
            }
        }
    }

    /// Pauses a sweep whose first jobs cannot be started and that no other worker may run, before all its points have
    /// failed. Returns whether it is paused.
    fn pause_unstartable(&self, task: &ClaimedJob, why: &str) -> bool {
        let Ok(row) = self.store.sweep(&task.sweep.id) else { return false };
        let counts = &row.counts;
        let has_run = counts.succeeded > counts.reused;
        if task.sweep.spec.job.keep_going || has_run || counts.pending + counts.running <= 1 {
            return false;
        }
        let id = &task.sweep.id;
        self.pause(&row, &format!("its jobs cannot be started: {why}; fix this, then run `sweep resume {id}`"))
    }

    /// The program of all jobs of a sweep is not on this machine.
    pub(super) fn program_missing(&self, task: &ClaimedJob, program: &str, why: &str) -> Elsewhere {
        let sweep = &task.sweep;
        let ends = ExclusionEnd::WhenFound { sweep: sweep.clone(), program: program.to_owned() };
        let remedy = remedy(&sweep.id);
        self.leave(&sweep.id, Exclusion { why: why.to_owned(), remedy, ends, if_alone: IfAlone::Pause })
    }

    /// An input of a sweep is not as the sweep declares it. The dispatcher ends the exclusion.
    pub(super) fn inputs_differ(&self, sweep: &SweepId, why: String, remedy: String) -> Elsewhere {
        self.leave(sweep, Exclusion { why, remedy, ends: ExclusionEnd::WhenTold, if_alone: IfAlone::Pause })
    }

    /// Leaves a sweep that cannot run here to other workers.
    fn leave(&self, sweep: &SweepId, exclusion: Exclusion) -> Elsewhere {
        let why = exclusion.why.clone();
        if !self.excluded.add(sweep, exclusion) {
            return Elsewhere::AlreadyKnown;
        }
        self.leave_to_others(sweep);
        if matches!(self.check(sweep), Ok(false)) {
            return Elsewhere::Impossible;
        }
        self.state.emit(WorkerEvent::SteppedBack { sweep: sweep.clone(), why, pause: None });
        Elsewhere::Possible
    }

    /// Gives back the queued claims of a sweep that is now excluded, and tells the store. If the store is away, the
    /// next heartbeat tells it.
    fn leave_to_others(&self, sweep: &SweepId) {
        let back = self.state.take_queue_of(sweep);
        self.state.add_done(back);
        let _ = self.heartbeats.beat();
    }

    fn others_may_run(&self, sweep: &SweepId) -> Result<(SweepRow, bool)> {
        let row = self.store.sweep(sweep)?;
        let held = self.state.count_held(sweep);
        let may = may_run_elsewhere(&self.store.workers()?, &self.heartbeats.me.id, &row, held);
        Ok((row, may))
    }

    /// Whether another worker may run an excluded sweep; if not, the sweep is paused, or the exclusion ends.
    fn check(&self, sweep: &SweepId) -> Result<bool> {
        let (row, others) = self.others_may_run(sweep)?;
        let Some(Exclusion { why, remedy, if_alone, .. }) = self.excluded.get(sweep).filter(|_| !others) else {
            return Ok(others);
        };
        match if_alone {
            IfAlone::TakeAgain => self.take_again(sweep),
            IfAlone::Pause if row.paused.is_none() && !row.counts.is_settled() => {
                self.pause(&row, &format!("no worker can run it: {why}; {remedy}"));
            }
            IfAlone::Pause => {}
        }
        Ok(false)
    }

    fn pause(&self, row: &SweepRow, reason: &str) -> bool {
        let paused = self.store.pause_unless_resumed(&row.id, row.failed_at_resume, reason).unwrap_or(false);
        if paused {
            self.state.emit(WorkerEvent::Paused { sweep: row.id.clone(), reason: reason.to_owned() });
        }
        paused
    }

    /// Ends the exclusions whose time has come. Returns whether there were any: then a heartbeat must report it.
    pub(super) fn end_exclusions(&self) -> bool {
        let ended = self.excluded.take_ended(Instant::now());
        ended.iter().for_each(|sweep| self.take_again(sweep));
        !ended.is_empty()
    }

    /// Checks all excluded sweeps: other workers may have gone, and sweeps may have ended.
    pub(super) fn check_all(&self) {
        for sweep in self.excluded.sweeps() {
            match self.store.sweep(&sweep) {
                Err(error) if error.is_no_such_sweep() => self.forget(&sweep),
                Ok(row) if row.counts.is_settled() => self.forget(&sweep),
                // If the store is away, the next heartbeat checks again.
                Ok(_) | Err(_) => {
                    let _ = self.check(&sweep);
                }
            }
        }
    }

    /// Forgets a sweep that has ended. If points are retried, the worker starts anew with it.
    fn forget(&self, sweep: &SweepId) {
        self.excluded.remove(sweep);
        self.sweeps.lock().unwrap_or_else(PoisonError::into_inner).remove(sweep);
    }

    /// Takes jobs of an excluded sweep again.
    pub(super) fn take_again(&self, sweep: &SweepId) {
        self.excluded.remove(sweep);
        let probe = self.of(sweep, |entry| entry.probe.take());
        let state = probe.and_then(|index| self.store.point(sweep, index).ok());
        self.of(sweep, |entry| {
            entry.health.take_again();
            if matches!(state, Some((JobState::Failed, _))) {
                entry.health.fails_everywhere(Instant::now());
            }
        });
        self.state.emit(WorkerEvent::TakesAgain { sweep: sweep.clone() });
        self.state.wake();
    }

    fn of<T>(&self, sweep: &SweepId, change: impl FnOnce(&mut SweepFailures) -> T) -> T {
        self.is_any.store(true, Ordering::Relaxed);
        let mut sweeps = self.sweeps.lock().unwrap_or_else(PoisonError::into_inner);
        if sweeps.len() >= MOST_SWEEPS && !sweeps.contains_key(sweep) {
            sweeps.retain(|_, entry| entry.health.is_back());
        }
        change(sweeps.entry(sweep.clone()).or_default())
    }
}

/// Excludes a sweep that this version of sweep cannot read, or that no trusted key has signed (`by_trust`). Returns whether
/// that is new.
pub(super) fn exclude_unreadable(excluded: &ExcludedSweeps, sweep: &SweepId, why: &str, by_trust: bool) -> bool {
    let ends = ExclusionEnd::At(Instant::now() + if by_trust { UNTRUSTED } else { UNREADABLE });
    excluded.add(sweep, Exclusion { why: why.to_owned(), remedy: remedy(sweep), ends, if_alone: IfAlone::Pause })
}

/// What to do if no worker can run a sweep.
fn remedy(sweep: &SweepId) -> String {
    format!("fix this, then run `sweep resume {sweep}`")
}
