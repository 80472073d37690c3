//! Owns the processes that jobs leave running: this process adopts them (it is a *child subreaper*), and ends them when
//! their run is over.
//!
//! A process whose parent has ended is given to its nearest ancestor that is a subreaper: to us, and there to our first
//! thread. The mark in its environment tells to which run it belongs. A process without a mark (a cleared environment)
//! may belong to any run that was going on when it was first seen, and is left alone until all of these are over. A
//! process with the mark of another worker, which a job has started, is for that worker's supervisor. Slots have threads
//! of their own, so that their jobs' own processes are never among the children of the first thread.
//!
//! Only Linux has this; elsewhere nothing is adopted, and what leaves the job's process group is not found.

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitOptions, getpid, waitpid};

use super::process_table::ProcessInfo;

/// How long [`OrphanReaper::end_all`] waits for processes that the system does not end at once.
const PATIENCE: Duration = Duration::from_secs(2);

/// A worker's runs, and what they leave behind.
#[derive(Debug)]
pub struct OrphanReaper {
    worker: String,
    /// Children that were there before: of a shell that became this program (`server & exec sweep worker`).
    earlier: Vec<ProcessInfo>,
    runs: AtomicU64,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    running: BTreeSet<u64>,
    /// Processes without a mark, and the runs that were going on when they were first seen.
    unmarked: HashMap<i32, BTreeSet<u64>>,
    /// Processes that were killed, and may need a moment to be gone.
    killed: BTreeSet<i32>,
}

/// To whom an adopted process belongs.
#[derive(PartialEq, Eq)]
enum OrphanOwner {
    /// A run that is going on.
    Run,
    /// A worker that a job has started.
    OtherWorker,
    /// Every run to which it can belong is over.
    Nobody,
}

/// A run that is going on; it is over when this is dropped.
#[derive(Debug)]
pub struct RunGuard<'a> {
    reaper: &'a OrphanReaper,
    number: u64,
}

impl OrphanReaper {
    /// Adopts from now on whatever a descendant of this process leaves behind.
    pub fn adopt(worker: &str) -> OrphanReaper {
        #[cfg(target_os = "linux")]
        // It fails on no kernel since 3.4; on an older one nothing is adopted.
        let _ = rustix::process::set_child_subreaper(Some(getpid()));
        OrphanReaper {
            worker: worker.to_owned(),
            earlier: children(),
            runs: AtomicU64::new(0),
            state: Mutex::default(),
        }
    }

    /// Begins a run.
    pub fn begin(&self) -> RunGuard<'_> {
        let number = self.runs.fetch_add(1, Ordering::Relaxed);
        self.lock().running.insert(number);
        RunGuard { reaper: self, number }
    }

    /// Ends adopted processes whose runs are over, and reaps those that have ended. Returns how many it has killed now.
    /// Costs a few system calls when there are none.
    pub fn reap(&self) -> usize {
        let adopted = self.adopted();
        let mut state = self.lock();
        let is_there = |pid: &i32| adopted.iter().any(|process| process.pid == *pid);
        state.unmarked.retain(|pid, _| is_there(pid));
        state.killed.retain(is_there);
        let mut killed = 0;
        for process in &adopted {
            if process.is_dead {
                reap_one(process.pid);
                state.killed.remove(&process.pid);
            } else if self.owner(&mut state, process) == OrphanOwner::Nobody && process.signal(Signal::KILL) {
                killed += usize::from(state.killed.insert(process.pid));
            }
        }
        killed
    }

    /// Ends all that was left behind, at the end of the worker, when no run is going on. Another user's processes cannot
    /// be ended. Waits for at most two seconds.
    pub fn end_all(&self) -> usize {
        let until = Instant::now() + PATIENCE;
        let mut killed = 0;
        loop {
            killed += self.reap();
            if self.lock().killed.is_empty() || Instant::now() >= until {
                return killed;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// The children of this process's first thread that were not there before.
    fn adopted(&self) -> Vec<ProcessInfo> {
        let mut children = children();
        children.retain(|child| self.earlier.iter().all(|earlier| !earlier.is_same(child)));
        children
    }

    fn owner(&self, state: &mut State, process: &ProcessInfo) -> OrphanOwner {
        let State { running, unmarked, .. } = state;
        let is_running = match process.mark() {
            None => !unmarked.entry(process.pid).or_insert_with(|| running.clone()).is_disjoint(running),
            Some(mark) => match self.number(&mark) {
                None => return OrphanOwner::OtherWorker,
                Some(number) => running.contains(&number),
            },
        };
        if is_running { OrphanOwner::Run } else { OrphanOwner::Nobody }
    }

    /// The number of one of our runs, from its mark.
    fn number(&self, mark: &str) -> Option<u64> {
        mark.strip_prefix(&self.worker)?.strip_prefix('.')?.parse().ok()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl RunGuard<'_> {
    /// What its processes carry in their environment under [`RUN_VARIABLE`](super::RUN_VARIABLE).
    pub fn mark(&self) -> String {
        format!("{}.{}", self.reaper.worker, self.number)
    }
}

impl Drop for RunGuard<'_> {
    fn drop(&mut self) {
        self.reaper.lock().running.remove(&self.number);
    }
}

/// The children of this process's first thread. None where there is no such list.
fn children() -> Vec<ProcessInfo> {
    let me = getpid().as_raw_nonzero();
    // It exists since Linux 4.2, if the kernel was built with it, as all usual ones are.
    let children = std::fs::read_to_string(format!("/proc/{me}/task/{me}/children")).unwrap_or_default();
    children.split_whitespace().filter_map(|pid| ProcessInfo::of(pid.parse().ok()?)).collect()
}

fn reap_one(pid: i32) {
    if let Some(pid) = Pid::from_raw(pid) {
        // Nobody else waits for it; if it cannot be reaped now, then the next time.
        let _ = waitpid(Some(pid), WaitOptions::NOHANG);
    }
}
