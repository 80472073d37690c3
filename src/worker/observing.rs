//! Owns which attempts of a worker are observed, to find the inputs of their sweeps, and what is known of each sweep for
//! it.
//!
//! The first two attempts of a sweep are observed (what both look for in vain counts), and later ones while the
//! observation costs less than one per cent of the time of the sweep's jobs here. One attempt of a sweep at a time.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::ffi::OsString;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::bounded::BoundedMap;
use super::state::ClaimedJob;
use crate::job::SweepId;
use crate::model::{FoundBy, FoundInputs, Hash, Input, InputState};
use crate::process::{Observation, ObservationError, Observer, file_stamp};
use crate::project::names::hash_digits;
use crate::project::python::{PythonFiles, python_files, python_starts};
use crate::project::{
    Circumstances, Conclusion, FileStamp, ObservedSweep, ProjectDisk, ProjectRules, conclude, job_dirs, project_root,
};
use crate::runtime::{PreparedJob, SweepRuntime};
use crate::store::Store;

/// The most sweeps that are remembered.
const MOST_SWEEPS: usize = 64;

/// How many attempts of a sweep are observed whatever it costs, if nothing was known of its inputs.
const FIRST_ATTEMPTS: u32 = 2;

/// Observation may cost one part in so many of the time of jobs.
const SHARE: u32 = 100;

/// What the start of an observed process costs more than that of another: a thread, a socket, two switches.
const FIXED_COST: Duration = Duration::from_millis(1);

/// What the first observation is expected to cost.
const EXPECTED_COST: Duration = Duration::from_millis(20);

/// The most Python programs of a sweep whose imports are read.
const MOST_PROGRAMS: usize = 100;

/// The sweeps of which a worker runs jobs, for their observation.
pub(super) struct SweepObservers {
    sweeps: Mutex<BoundedMap<SweepId, Arc<SweepObserver>>>,
}

impl Default for SweepObservers {
    fn default() -> Self {
        SweepObservers { sweeps: Mutex::new(BoundedMap::new(MOST_SWEEPS)) }
    }
}

/// One sweep.
pub(super) struct SweepObserver {
    submission: u64,
    state: Mutex<State>,
}

struct State {
    memory: ObservedSweep,
    schedule: Schedule,
    /// When the first job started here, nanoseconds since 1970.
    jobs_began: i128,
    /// Whether the store had observed inputs of the sweep before.
    known_before: bool,
    /// The rules, and the loaded sweep that they are of: it is replaced when its sweep file changes.
    rules: Option<(Weak<SweepRuntime>, Arc<ProjectRules>)>,
    /// Python programs whose imports are known.
    programs: HashSet<String>,
    /// Hashes of files that were computed here.
    hashes: HashMap<PathBuf, (FileStamp, Hash)>,
}

/// When to observe an attempt.
#[derive(Clone, Debug, Default)]
struct Schedule {
    /// How many attempts must be observed, whatever it costs.
    due: u32,
    observed: u32,
    is_observing: bool,
    /// Observation is not possible, or makes jobs fail.
    is_off: bool,
    /// The sweep file says so.
    is_disabled: bool,
    /// The time of all jobs here.
    jobs: Duration,
    /// What observation has cost of it.
    cost: Duration,
}

impl Schedule {
    fn is_due(&self) -> bool {
        let expected = self.cost.checked_div(self.observed).unwrap_or(EXPECTED_COST);
        let is_cheap = (self.cost + expected).saturating_mul(SHARE) <= self.jobs;
        self.is_possible() && !self.is_observing && (self.due > 0 || is_cheap)
    }

    fn is_possible(&self) -> bool {
        !self.is_off && !self.is_disabled
    }

    fn begin(&mut self) {
        self.is_observing = true;
    }

    fn end(&mut self, cost: Option<Duration>) {
        self.is_observing = false;
        if let Some(cost) = cost {
            self.due = self.due.saturating_sub(1);
            self.observed += 1;
            self.cost += cost;
        }
    }
}

/// An attempt that is observed.
pub(super) struct ObservedAttempt {
    sweep: Arc<SweepObserver>,
    rules: Arc<ProjectRules>,
    /// For the launch of its process.
    pub(super) observer: Arc<Observer>,
    is_only_point: bool,
    is_over: bool,
}

/// What an observed attempt has shown.
#[derive(Debug, Default)]
pub(super) struct FoundByAttempt {
    /// Inputs to record before its outcome.
    pub(super) found: FoundInputs,
    /// Files that the attempt wrote, by their names as inputs.
    pub(super) written: Vec<String>,
    /// Files that somebody changed while the attempt had read them, so that it is unknown what it has read.
    pub(super) changed: Vec<String>,
}

impl SweepObservers {
    /// The sweep of a job that is about to start. `store` is asked once for each sweep whether its inputs were observed.
    pub(super) fn sweep(&self, task: &ClaimedJob, store: &dyn Store) -> Arc<SweepObserver> {
        let (id, submission) = (&task.claim.job.sweep, task.claim.submission);
        if let Some(known) = self.lock().get(id).filter(|known| known.submission == submission) {
            return known.clone();
        }
        // If the store is away, what is found is compared when it is sent.
        let known_before = store.inputs(id).is_ok_and(|found| found.observed);
        let mut sweeps = self.lock();
        // Another slot may have been faster meanwhile.
        if let Some(known) = sweeps.get(id).filter(|known| known.submission == submission) {
            return known.clone();
        }
        let new = Arc::new(SweepObserver::new(submission, known_before));
        sweeps.insert(id.clone(), new.clone());
        new
    }

    fn lock(&self) -> MutexGuard<'_, BoundedMap<SweepId, Arc<SweepObserver>>> {
        self.sweeps.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SweepObserver {
    fn new(submission: u64, known_before: bool) -> SweepObserver {
        let due = if known_before { 0 } else { FIRST_ATTEMPTS };
        let state = State {
            memory: ObservedSweep::default(),
            schedule: Schedule { due, ..Schedule::default() },
            jobs_began: SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos() as i128),
            known_before,
            rules: None,
            programs: HashSet::new(),
            hashes: HashMap::new(),
        };
        SweepObserver { submission, state: Mutex::new(state) }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins to observe an attempt, if it is time for one. None: it runs unobserved.
    ///
    /// # Errors
    /// If it was time and cannot be done; once.
    pub(super) fn begin(
        self: &Arc<Self>,
        sweep: &Arc<SweepRuntime>,
    ) -> Result<Option<ObservedAttempt>, ObservationError> {
        let rules = {
            let mut state = self.lock();
            state.schedule.is_disabled = !sweep.spec.files.observe;
            if !state.schedule.is_due() {
                return Ok(None);
            }
            state.schedule.begin();
            state.rules(sweep)
        };
        match Observer::new(rules.clone()) {
            Ok(observer) => Ok(Some(ObservedAttempt {
                sweep: self.clone(),
                rules,
                observer: Arc::new(observer),
                is_only_point: sweep.space.len() == 1,
                is_over: false,
            })),
            Err(error) => {
                let mut state = self.lock();
                state.schedule.end(None);
                state.schedule.is_off = true;
                Err(error)
            }
        }
    }

    /// Notes that a job has run for a time, in which observation may have its share.
    pub(super) fn job_ran(&self, time: Duration) {
        self.lock().schedule.jobs += time;
    }

    /// The modules of the project that the Python programs of a job import, as far as their syntax tells, if the sweep is
    /// not observed here. Each program is read once.
    pub(super) fn imports(&self, sweep: &Arc<SweepRuntime>, prepared: &PreparedJob) -> Vec<Input> {
        let mut state = self.lock();
        if state.schedule.is_possible() {
            return Vec::new();
        }
        let mut starts = python_starts(&prepared.argv, &prepared.dir);
        starts.retain(|start| state.programs.len() < MOST_PROGRAMS && state.programs.insert(format!("{start:?}")));
        if starts.is_empty() {
            return Vec::new();
        }
        let rules = state.rules(sweep);
        let disk = DiskNow { hashes: RefCell::new(&mut state.hashes) };
        let search = python_path(prepared);
        let files = CoveredFiles(&rules);
        let found = starts.iter().flat_map(|start| python_files(start, &prepared.dir, &search, &files));
        let found: BTreeSet<PathBuf> = found.filter_map(|path| rules.inside(&path)).collect();
        let input = |path: PathBuf| {
            let state = InputState::File(disk.hash(&path)?);
            Some(Input { path: rules.name(&path)?, state, found_by: FoundBy::Import })
        };
        found.into_iter().filter_map(input).collect()
    }

    /// Observes no more attempts.
    pub(super) fn stop(&self) {
        self.lock().schedule.is_off = true;
    }
}

impl State {
    fn rules(&mut self, sweep: &Arc<SweepRuntime>) -> Arc<ProjectRules> {
        if let Some((of, rules)) = &self.rules
            && std::ptr::eq(of.as_ptr(), Arc::as_ptr(sweep))
        {
            return rules.clone();
        }
        let rules = Arc::new(rules_of(sweep));
        self.rules = Some((Arc::downgrade(sweep), rules.clone()));
        rules
    }
}

/// The rules of a sweep on this machine.
pub(super) fn rules_of(sweep: &SweepRuntime) -> ProjectRules {
    let here = sweep.here.canonicalize().unwrap_or_else(|_| sweep.here.clone());
    if let Some(root) = sweep.spec.files.root.as_ref().and_then(|root| here.join(root).canonicalize().ok()) {
        return ProjectRules::new(&sweep.spec.files.ignore, job_dirs(&sweep.spec), &root, &here, &sweep.here);
    }
    let home = std::env::var_os("HOME").map(PathBuf::from).and_then(|home| home.canonicalize().ok());
    let root = project_root(&here, home.as_deref(), Path::exists);
    ProjectRules::new(&sweep.spec.files.ignore, job_dirs(&sweep.spec), root, &here, &sweep.here)
}

impl ObservedAttempt {
    /// Ends the observation, when the attempt's process has ended.
    ///
    /// # Errors
    /// If it was not observed, and why. The sweep is not observed here any more.
    pub(super) fn finish(mut self) -> Result<FoundByAttempt, ObservationError> {
        self.is_over = true;
        let observation = self.observer.finish();
        let mut state = self.sweep.lock();
        match observation {
            Ok(Observation { log, cost, .. }) => {
                let began = Instant::now();
                let is_first = !state.known_before && state.schedule.observed == 0;
                let circumstances = Circumstances {
                    jobs_began: (!is_first).then_some(state.jobs_began),
                    is_only_point: self.is_only_point,
                };
                let State { memory, hashes, .. } = &mut *state;
                let disk = DiskNow { hashes: RefCell::new(hashes) };
                let Conclusion { inputs, changed, written, missed } =
                    conclude(&log, &self.rules, &disk, memory, circumstances);
                state.schedule.end(Some(FIXED_COST + cost + began.elapsed()));
                let found = FoundInputs { inputs, observed: true, omitted: missed };
                Ok(FoundByAttempt { found, written, changed })
            }
            Err(error) => {
                state.schedule.end(None);
                state.schedule.is_off |= error.is_lasting();
                Err(error)
            }
        }
    }
}

impl Drop for ObservedAttempt {
    fn drop(&mut self) {
        if !self.is_over {
            self.sweep.lock().schedule.end(None);
        }
    }
}

/// The folders of the job's PYTHONPATH.
fn python_path(prepared: &PreparedJob) -> Vec<PathBuf> {
    let own = prepared.env.iter().rev().find(|(name, _)| name == "PYTHONPATH").map(|(_, value)| value.into());
    let path: OsString = own.or_else(|| std::env::var_os("PYTHONPATH")).unwrap_or_default();
    std::env::split_paths(&path).map(|folder| prepared.dir.join(folder)).collect()
}

/// The files that the rules of a project cover.
struct CoveredFiles<'a>(&'a ProjectRules);

impl PythonFiles for CoveredFiles<'_> {
    fn text(&self, path: &Path) -> Option<String> {
        let inside = self.0.inside(path).filter(|inside| self.0.covers(inside))?;
        std::fs::read_to_string(inside).ok()
    }
}

/// The disk. Keeps the hashes of files that do not change.
struct DiskNow<'a> {
    hashes: RefCell<&'a mut HashMap<PathBuf, (FileStamp, Hash)>>,
}

/// The most hashes that are kept for a sweep.
const MOST_HASHES: usize = 20_000;

impl ProjectDisk for DiskNow<'_> {
    fn stamp(&self, path: &Path) -> Option<FileStamp> {
        file_stamp(path)
    }

    fn hash(&self, path: &Path) -> Option<Hash> {
        let stamp = file_stamp(path)?;
        if let Some((_, hash)) = self.hashes.borrow().get(path).filter(|(known, _)| *known == stamp) {
            return Some(hash.clone());
        }
        let mut hasher = blake3::Hasher::new();
        hasher.update_reader(File::open(path).ok()?).ok()?;
        let hash = hash_digits(&hasher.finalize());
        let mut hashes = self.hashes.borrow_mut();
        if file_stamp(path) == Some(stamp) && hashes.len() < MOST_HASHES {
            hashes.insert(path.to_owned(), (stamp, hash.clone()));
        }
        Some(hash)
    }

    fn is_there(&self, path: &Path) -> bool {
        path.symlink_metadata().is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn the_first_attempts_are_observed_and_later_ones_for_one_per_cent_of_the_time() {
        let mut schedule = Schedule { due: FIRST_ATTEMPTS, ..Schedule::default() };
        let mut observed = Vec::new();
        for number in 0..2000 {
            if schedule.is_due() {
                schedule.begin();
                assert!(!schedule.is_due(), "one at a time");
                schedule.end(Some(ms(10)));
                observed.push(number);
            }
            schedule.jobs += ms(10);
        }
        assert_eq!(observed.iter().take(3).collect::<Vec<_>>(), [&0, &1, &300]);
        assert!(schedule.cost * SHARE <= schedule.jobs, "{schedule:?}");
        assert!(observed.len() > 15, "{observed:?}");
    }

    #[test]
    fn a_sweep_whose_inputs_are_known_is_observed_when_its_jobs_have_taken_some_time() {
        let mut schedule = Schedule::default();
        assert!(!schedule.is_due());
        schedule.jobs += ms(2000);
        assert!(schedule.is_due());
        schedule.begin();
        schedule.end(None);
        schedule.is_off = true;
        assert!(!schedule.is_due());
    }
}
