//! Owns which sweeps this worker cannot run, because their program is not on this machine, and whether somebody else may.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::job::SweepId;
use crate::runtime::SweepRuntime;
use crate::store::{SweepRow, WorkerRow};

/// The sweeps that cannot be run here.
#[derive(Default)]
pub struct ExcludedSweeps {
    sweeps: Mutex<BTreeMap<SweepId, Missing>>,
}

/// A program that is not there.
struct Missing {
    sweep: Arc<SweepRuntime>,
    /// The program, as the sweep file names it.
    word: String,
    /// What is wrong, and what to do.
    why: String,
}

impl ExcludedSweeps {
    /// Notes that a sweep's program cannot be started. Returns false if that was known.
    pub fn add(&self, sweep: &Arc<SweepRuntime>, word: &str, why: &str) -> bool {
        let missing = Missing { sweep: sweep.clone(), word: word.to_owned(), why: why.to_owned() };
        self.lock().insert(sweep.id.clone(), missing).is_none()
    }

    /// Which they are.
    pub fn sweeps(&self) -> Vec<SweepId> {
        self.lock().keys().cloned().collect()
    }

    /// Why a sweep cannot be run.
    pub fn why(&self, sweep: &SweepId) -> Option<String> {
        self.lock().get(sweep).map(|missing| missing.why.clone())
    }

    /// Looks for the programs again: one that has come makes its sweep runnable.
    pub fn recheck(&self) {
        self.lock().retain(|_, missing| missing.sweep.program(&missing.word).is_err());
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<SweepId, Missing>> {
        self.sweeps.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a worker other than `me` serves the sweep's queue and has not found that it cannot run it.
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
