//! Owns the list of sweeps of which this worker takes no jobs, with the reason and what ends it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use crate::job::SweepId;
use crate::runtime::SweepRuntime;
use crate::store::{SweepRow, WorkerRow};

/// The most characters of a reason that the store is told.
const LONGEST_WHY: usize = 400;

/// The sweeps of which this worker takes no jobs. Heartbeats tell the store.
#[derive(Default)]
pub struct ExcludedSweeps {
    sweeps: Mutex<BTreeMap<SweepId, Exclusion>>,
}

/// Why a worker takes no jobs of a sweep, and until when.
#[derive(Clone)]
pub struct Exclusion {
    /// What is wrong.
    pub why: String,
    /// What to do if no worker can run the sweep.
    pub remedy: String,
    /// What ends it.
    pub ends: ExclusionEnd,
    /// What to do if no other worker may run the sweep.
    pub if_alone: IfAlone,
}

/// What ends an exclusion.
#[derive(Clone)]
pub enum ExclusionEnd {
    /// The sweep's program is found.
    WhenFound {
        /// The sweep.
        sweep: Arc<SweepRuntime>,
        /// The program, as the sweep file names it.
        program: String,
    },
    /// A time has come.
    At(Instant),
    /// The dispatcher finds that the inputs are as the sweep declares them.
    WhenTold,
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

    /// The sweeps, and why each is excluded, cut to [`LONGEST_WHY`] characters.
    pub fn with_reasons(&self) -> (Vec<SweepId>, Vec<String>) {
        let cut = |exclusion: &Exclusion| exclusion.why.chars().take(LONGEST_WHY).collect();
        self.lock().iter().map(|(sweep, exclusion)| (sweep.clone(), cut(exclusion))).unzip()
    }

    /// Why a sweep is excluded, if it is.
    pub fn get(&self, sweep: &SweepId) -> Option<Exclusion> {
        self.lock().get(sweep).cloned()
    }

    /// Whether a sweep is excluded until the dispatcher ends that.
    pub fn ends_when_told(&self, sweep: &SweepId) -> bool {
        self.lock().get(sweep).is_some_and(|exclusion| matches!(exclusion.ends, ExclusionEnd::WhenTold))
    }

    /// Whether a sweep is excluded.
    pub fn contains(&self, sweep: &SweepId) -> bool {
        self.lock().contains_key(sweep)
    }

    /// Removes and returns the sweeps whose time has come or whose program was found.
    pub fn take_ended(&self, now: Instant) -> Vec<SweepId> {
        let has_ended = |exclusion: &Exclusion| match &exclusion.ends {
            ExclusionEnd::WhenFound { sweep, program } => sweep.program(program).is_ok(),
            ExclusionEnd::At(time) => now >= *time,
            ExclusionEnd::WhenTold => false,
        };
        // Without the lock: to find a program takes long on a file system that hangs, and slots ask for exclusions.
        let all = self.lock().clone();
        let ended: Vec<SweepId> = all.into_iter().filter(|(_, one)| has_ended(one)).map(|(sweep, _)| sweep).collect();
        self.lock().retain(|sweep, _| !ended.contains(sweep));
        ended
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<SweepId, Exclusion>> {
        self.sweeps.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a worker other than `me` may run a sweep. `held`: how many claims of the sweep `me` holds.
///
/// A worker that serves the sweep's queue may, unless it excludes the sweep. A worker of `sweep run` serves no queue
/// but one sweep, and the store does not say which. It counts while claims of the sweep are held that are not those of
/// `me`.
pub fn may_run_elsewhere(workers: &[WorkerRow], me: &str, sweep: &SweepRow, held: u64) -> bool {
    let is_run_elsewhere = sweep.counts.running > held;
    let serves = |worker: &WorkerRow| match worker.queues.as_slice() {
        [] => is_run_elsewhere,
        queues => queues.contains(&sweep.queue),
    };
    workers.iter().any(|worker| worker.id != me && !worker.excluded.contains(&sweep.id) && serves(worker))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Counts;

    fn row(id: &SweepId) -> SweepRow {
        SweepRow {
            id: id.clone(),
            queue: "q".into(),
            user: "ada".into(),
            submitted_ms: 0,
            last_outcome_ms: None,
            paused: None,
            failed_at_resume: 0,
            counts: Counts::default(),
        }
    }

    fn worker(name: &str, queue: &str, excluded: &[&SweepId]) -> WorkerRow {
        WorkerRow {
            id: name.into(),
            host: "here".into(),
            pid: 1,
            queues: vec![queue.into()],
            slots: 1,
            busy: 0,
            excluded: excluded.iter().map(|id| (*id).clone()).collect(),
            excluded_why: Vec::new(),
            last_seen_ms: 0,
        }
    }

    #[test]
    fn another_worker_may_run_it_if_it_serves_the_queue_and_has_not_found_otherwise() {
        let id = SweepId { name: "a".into(), number: 1 };
        let sweep = row(&id);
        let me = worker("me", "q", &[]);
        let may_run_elsewhere = |workers: &[WorkerRow]| may_run_elsewhere(workers, "me", &sweep, 0);
        assert!(!may_run_elsewhere(std::slice::from_ref(&me)));
        assert!(!may_run_elsewhere(&[me.clone(), worker("b", "other", &[])]));
        assert!(!may_run_elsewhere(&[me.clone(), worker("b", "q", &[&id])]));
        assert!(may_run_elsewhere(&[me, worker("b", "q", &[&id]), worker("c", "q", &[])]));
    }

    #[test]
    fn a_worker_of_one_sweep_may_run_it_while_others_hold_claims_of_it() {
        let id = SweepId { name: "a".into(), number: 1 };
        let sweep = |running| SweepRow { counts: Counts { running, ..Counts::default() }, ..row(&id) };
        let may = |sweep: &SweepRow, excluded: &[&SweepId]| {
            let of_one_sweep = WorkerRow { queues: vec![], ..worker("run", "", excluded) };
            may_run_elsewhere(&[worker("me", "q", &[]), of_one_sweep], "me", sweep, 3)
        };
        assert!(may(&sweep(4), &[]));
        assert!(!may(&sweep(3), &[]), "all claims are mine: it may work for another sweep");
        assert!(!may(&sweep(4), &[&id]), "it cannot run it either");
    }
}
