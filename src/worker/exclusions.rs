//! Owns the list of sweeps of which this worker takes no jobs, with the reason and what ends it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use crate::job::SweepId;
use crate::runtime::SweepRuntime;
use crate::store::{SweepRow, WorkerRow};

/// The sweeps of which this worker takes no jobs. The store knows them by the worker's heartbeat.
#[derive(Default)]
pub struct ExcludedSweeps {
    sweeps: Mutex<BTreeMap<SweepId, Exclusion>>,
}

/// Why a worker takes no jobs of a sweep, and until when.
#[derive(Clone)]
pub struct Exclusion {
    /// What is wrong, and what to do.
    pub why: String,
    /// When it ends.
    pub ends: Ends,
    /// What to do if no other worker may run the sweep.
    pub if_alone: IfAlone,
}

/// What ends an exclusion.
#[derive(Clone)]
pub enum Ends {
    /// The sweep's program is found.
    WhenFound {
        /// The sweep.
        sweep: Arc<SweepRuntime>,
        /// The program, as the sweep file names it.
        program: String,
    },
    /// A time has come.
    At(Instant),
}

/// What to do with a sweep that no other worker may run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IfAlone {
    /// Pause it: it cannot run here.
    Pause,
    /// Take its jobs again: it may run here.
    TakeAgain,
}

impl ExcludedSweeps {
    /// Adds a sweep. Returns false, and changes nothing, if it is excluded already.
    pub fn add(&self, sweep: &SweepId, exclusion: Exclusion) -> bool {
        let mut sweeps = self.lock();
        let is_new = !sweeps.contains_key(sweep);
        if is_new {
            sweeps.insert(sweep.clone(), exclusion);
        }
        is_new
    }

    /// Removes a sweep. Returns whether it was excluded.
    pub fn remove(&self, sweep: &SweepId) -> bool {
        self.lock().remove(sweep).is_some()
    }

    /// The sweeps.
    pub fn sweeps(&self) -> Vec<SweepId> {
        self.lock().keys().cloned().collect()
    }

    /// Why a sweep is excluded, if it is.
    pub fn get(&self, sweep: &SweepId) -> Option<Exclusion> {
        self.lock().get(sweep).cloned()
    }

    /// Whether a sweep is excluded.
    pub fn contains(&self, sweep: &SweepId) -> bool {
        self.lock().contains_key(sweep)
    }

    /// Removes and returns the sweeps whose time has come or whose program was found.
    pub fn take_ended(&self, now: Instant) -> Vec<SweepId> {
        let has_ended = |exclusion: &Exclusion| match &exclusion.ends {
            Ends::WhenFound { sweep, program } => sweep.program(program).is_ok(),
            Ends::At(time) => now >= *time,
        };
        let mut sweeps = self.lock();
        let ended: Vec<SweepId> =
            sweeps.iter().filter(|(_, one)| has_ended(one)).map(|(sweep, _)| sweep.clone()).collect();
        sweeps.retain(|sweep, _| !ended.contains(sweep));
        ended
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<SweepId, Exclusion>> {
        self.sweeps.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a worker other than `me` serves the sweep's queue and does not exclude the sweep.
pub fn may_run_elsewhere(workers: &[WorkerRow], me: &str, sweep: &SweepRow) -> bool {
    let serves = |worker: &WorkerRow| worker.queues.contains(&sweep.queue) && !worker.excluded.contains(&sweep.id);
    workers.iter().any(|worker| worker.id != me && serves(worker))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Counts;

    #[test]
    fn another_worker_may_run_it_if_it_serves_the_queue_and_has_not_found_otherwise() {
        let id = SweepId { name: "a".into(), number: 1 };
        let sweep = SweepRow {
            id: id.clone(),
            queue: "q".into(),
            user: "ada".into(),
            submitted_ms: 0,
            last_outcome_ms: None,
            paused: None,
            failed_at_resume: 0,
            counts: Counts::default(),
        };
        let worker = |name: &str, queue: &str, excluded: &[&SweepId]| WorkerRow {
            id: name.into(),
            host: "here".into(),
            pid: 1,
            queues: vec![queue.into()],
            slots: 1,
            busy: 0,
            excluded: excluded.iter().map(|id| (*id).clone()).collect(),
            last_seen_ms: 0,
        };
        let me = worker("me", "q", &[]);
        assert!(!may_run_elsewhere(std::slice::from_ref(&me), "me", &sweep));
        assert!(!may_run_elsewhere(&[me.clone(), worker("b", "other", &[])], "me", &sweep));
        assert!(!may_run_elsewhere(&[me.clone(), worker("b", "q", &[&id])], "me", &sweep));
        assert!(may_run_elsewhere(&[me, worker("b", "q", &[&id]), worker("c", "q", &[])], "me", &sweep));
    }
}
