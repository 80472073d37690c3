//! Owns what jobs leave running: this process adopts it (it is a *child subreaper*), and ends it when its run is over.
//!
//! A process whose parent has ended is given to the nearest ancestor that asked for such: us, and there to our first
//! thread. Which run it belongs to is told by the mark in its environment. One without a mark (a cleared environment) may
//! belong to any run that was going on when it was first seen, and is left alone until all of these are over. One with
//! the mark of another worker, that a job has started, is for that worker's supervisor. Slots have threads of their own,
//! so that their jobs' leaders are never among the children of the first thread.
//!
//! Only Linux has this; elsewhere nothing is adopted, and what leaves the job's process group is not found.

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitOptions, getpid, waitpid};

use super::snapshot::Process;

/// How long [`Orphans::end_all`] waits for those that the system does not let go.
const PATIENCE: Duration = Duration::from_secs(2);

/// A worker's runs, and what they leave behind.
#[derive(Debug)]
pub struct Orphans {
    worker: String,
    /// Children that were there before: of a shell that became this program (`server & exec sweep worker`).
    others: Vec<Process>,
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

/// Whose an adopted process is.
#[derive(PartialEq, Eq)]
enum Owner {
    /// A run's that is going on.
    Run,
    /// A worker's that a job has started.
    OtherWorker,
    /// All that it can belong to is over.
    Nobody,
}

/// A run that is going on; over when dropped.
#[derive(Debug)]
pub struct Run<'a> {
    orphans: &'a Orphans,
    number: u64,
}

impl Orphans {
    /// Adopts from now on whatever a descendant of this process leaves behind.
    pub fn adopt(worker: &str) -> Orphans {
        #[cfg(target_os = "linux")]
        // It fails on no kernel since 3.4; on an older one nothing is adopted.
        let _ = rustix::process::set_child_subreaper(Some(getpid()));
        Orphans { worker: worker.to_owned(), others: children(), runs: AtomicU64::new(0), state: Mutex::default() }
    }

    /// Begins a run.
    pub fn begin(&self) -> Run<'_> {
        let number = self.runs.fetch_add(1, Ordering::Relaxed);
        self.lock().running.insert(number);
        Run { orphans: self, number }
    }

    /// Ends adopted processes whose runs are over, and reaps those that have ended. Returns how many it has killed now.
    /// Costs a few system calls when there are none.
    pub fn look(&self) -> usize {
        let adopted = self.adopted();
        let mut state = self.lock();
        let is_there = |pid: &i32| adopted.iter().any(|process| process.pid == *pid);
        state.unmarked.retain(|pid, _| is_there(pid));
        state.killed.retain(is_there);
        let mut killed = 0;
        for process in &adopted {
            if process.is_dead {
                reap(process.pid);
                state.killed.remove(&process.pid);
            } else if self.owner(&mut state, process) == Owner::Nobody && process.signal(Signal::KILL) {
                killed += usize::from(state.killed.insert(process.pid));
            }
        }
        killed
    }

    /// Ends all that was left behind, at the end of the worker: no run is going on any more. Another user's processes
    /// are not ours to end.
    pub fn end_all(&self) -> usize {
        let until = Instant::now() + PATIENCE;
        let mut killed = 0;
        loop {
            killed += self.look();
            if self.lock().killed.is_empty() || Instant::now() >= until {
                return killed;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// The children of this process's first thread that were not there before.
    fn adopted(&self) -> Vec<Process> {
        let mut children = children();
        children.retain(|child| self.others.iter().all(|other| !other.is_same(child)));
        children
    }

    fn owner(&self, state: &mut State, process: &Process) -> Owner {
        let State { running, unmarked, .. } = state;
        let goes_on = match process.mark() {
            None => !unmarked.entry(process.pid).or_insert_with(|| running.clone()).is_disjoint(running),
            Some(mark) => match self.number(&mark) {
                None => return Owner::OtherWorker,
                Some(number) => running.contains(&number),
            },
        };
        if goes_on { Owner::Run } else { Owner::Nobody }
    }

    /// The number of one of our runs, from its mark.
    fn number(&self, mark: &str) -> Option<u64> {
        mark.strip_prefix(&self.worker)?.strip_prefix('.')?.parse().ok()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Run<'_> {
    /// What its processes carry in their environment under [`MARK`](super::MARK).
    pub fn mark(&self) -> String {
        format!("{}.{}", self.orphans.worker, self.number)
    }
}

impl Drop for Run<'_> {
    fn drop(&mut self) {
        self.orphans.lock().running.remove(&self.number);
    }
}

/// The children of this process's first thread.
fn children() -> Vec<Process> {
    let me = getpid().as_raw_nonzero();
    // There since Linux 4.2, where the kernel was built with it, as all usual ones are.
    let children = std::fs::read_to_string(format!("/proc/{me}/task/{me}/children")).unwrap_or_default();
    children.split_whitespace().filter_map(|pid| Process::of(pid.parse().ok()?)).collect()
}

fn reap(pid: i32) {
    if let Some(pid) = Pid::from_raw(pid) {
        // Nobody else waits for it; if it cannot be reaped now, then at the next look.
        let _ = waitpid(Some(pid), WaitOptions::NOHANG);
    }
}
