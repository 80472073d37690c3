//! Owns the set of all processes of one run: the group of the job's own process, what descends from it, and what this
//! process adopted from the job and carries its mark (a daemon, a process that called `setsid`). Where the system does
//! not tell of processes, the group is all that is known.

use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

use super::process_table::{ProcessInfo, ProcessTable, memory_above};

/// How often the list is read again for what was started meanwhile; each round kills one generation at least.
const ROUNDS: u32 = 20;

/// How often the memory of a job with a limit is measured.
pub(super) const MEMORY_INTERVAL: Duration = Duration::from_millis(100);

/// How old a list may be in which others of an ended job are looked for.
const OTHERS_AGE: Duration = Duration::from_millis(20);

/// The processes of a run.
#[derive(Debug)]
pub(super) struct ProcessTree {
    leader: Pid,
    mark: String,
}

impl ProcessTree {
    /// The tree of the run with this mark. `leader` is the job's own process, which leads its process group; it must
    /// not be reaped while this value is used.
    pub(super) fn new(leader: Pid, mark: String) -> ProcessTree {
        ProcessTree { leader, mark }
    }

    /// Asks all to end (SIGTERM). Those that are stopped (SIGSTOP, terminal access) are woken, so that they can.
    pub(super) fn terminate(&self) {
        let outside = self.outside_group();
        for signal in [Signal::TERM, Signal::CONT] {
            self.signal_group(signal);
            for process in &outside {
                process.signal(signal);
            }
        }
    }

    /// Kills all, and what they start meanwhile.
    pub(super) fn kill(&self) {
        for _ in 0..ROUNDS {
            // The list is read before the group is killed, so that nobody escapes by losing the parent that ties it to
            // the run.
            let others = ProcessTable::now().map(|table| self.others(&table)).unwrap_or_default();
            self.signal_group(Signal::KILL);
            for process in others.iter().filter(|process| !self.is_in_group(process)) {
                process.signal(Signal::KILL);
            }
            if others.is_empty() {
                return;
            }
        }
    }

    /// Kills the group alone, which costs one system call: it is what a job that ended by itself may leave behind.
    pub(super) fn kill_group(&self) {
        self.signal_group(Signal::KILL);
    }

    /// Whether another process than the leader was alive at some moment after `since`. None: this system does not tell.
    pub(super) fn others_alive(&self, since: Instant) -> Option<bool> {
        let a_moment_ago = Instant::now().checked_sub(OTHERS_AGE).unwrap_or(since);
        let table = ProcessTable::since(since.max(a_moment_ago))?;
        Some(!self.others(&table).is_empty())
    }

    /// The memory that they have together, bytes, where it is more than `limit`. It may be some 50 ms old.
    pub(super) fn memory_above(&self, limit: u64) -> Option<u64> {
        let table = ProcessTable::recent(MEMORY_INTERVAL / 2)?;
        memory_above(limit, &self.members(&table))
    }

    fn signal_group(&self, signal: Signal) {
        // It fails when nobody is left to signal (on macOS also when only an ended leader is left), which is fine.
        let _ = kill_process_group(self.leader, signal);
    }

    fn is_in_group(&self, process: &ProcessInfo) -> bool {
        process.group == self.leader.as_raw_nonzero().get()
    }

    fn outside_group(&self) -> Vec<ProcessInfo> {
        let mut others = ProcessTable::now().map(|table| self.others(&table)).unwrap_or_default();
        others.retain(|process| !self.is_in_group(process));
        others
    }

    /// The living ones without the leader.
    fn others(&self, table: &ProcessTable) -> Vec<ProcessInfo> {
        let leader = self.leader.as_raw_nonzero().get();
        let mut others = self.members(table);
        others.retain(|process| process.pid != leader && !process.is_dead);
        others
    }

    fn members(&self, table: &ProcessTable) -> Vec<ProcessInfo> {
        let leader = self.leader.as_raw_nonzero().get();
        let seeds = table.get(leader).into_iter().chain(table.group(leader)).chain(table.marked_children(&self.mark));
        table.with_descendants(seeds.copied())
    }
}
