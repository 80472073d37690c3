//! Owns all processes of one run: its leader's group, what descends from the leader, and what was adopted from it by us
//! and carries its mark (a daemon, a process that called `setsid`). Where the system does not tell of processes, the
//! group is all that is known.

use rustix::process::{Pid, Signal, getpid, kill_process_group};

use super::snapshot::{self, Process, Snapshot};

/// How often it is looked again for what was started since; each round finds and kills one generation at least.
const ROUNDS: u32 = 20;

/// The processes of a run.
#[derive(Debug)]
pub(super) struct Tree {
    leader: Pid,
    mark: String,
}

impl Tree {
    /// Of the run that is marked so, with this leader, who is not reaped while the tree is asked for anything.
    pub(super) fn new(leader: Pid, mark: String) -> Tree {
        Tree { leader, mark }
    }

    /// Asks all to end. Those that are stopped (`SIGSTOP`, terminal access) are woken, so that they can.
    pub(super) fn terminate(&self) {
        self.signal(Signal::TERM);
        self.signal(Signal::CONT);
    }

    /// Kills all, and what they start meanwhile.
    pub(super) fn kill(&self) {
        for _ in 0..ROUNDS {
            self.signal(Signal::KILL);
            if self.others_alive() != Some(true) {
                return;
            }
        }
    }

    /// Kills the group alone, which costs nothing: what a job that ended by itself usually leaves behind.
    pub(super) fn kill_group(&self) {
        self.signal_group(Signal::KILL);
    }

    /// Whether another process than the leader is alive; none: this system does not tell.
    pub(super) fn others_alive(&self) -> Option<bool> {
        let leader = self.leader.as_raw_nonzero().get();
        let members = self.members(&Snapshot::take()?);
        Some(members.iter().any(|process| process.pid != leader && !process.is_dead))
    }

    /// What they have of memory together, bytes, where it is more than the limit. It may have been looked a moment ago.
    pub(super) fn memory_above(&self, limit: u64) -> Option<u64> {
        let snapshot = Snapshot::recent(super::run::MEMORY_LOOK / 2)?;
        snapshot::memory_above(limit, &self.members(&snapshot))
    }

    fn signal(&self, signal: Signal) {
        // Before the group, so that nobody escapes by losing the parent that ties it to the run.
        let others = Snapshot::take().map(|snapshot| self.members(&snapshot)).unwrap_or_default();
        let group = self.leader.as_raw_nonzero().get();
        let outside = others.iter().filter(|process| process.group != group && !process.is_dead);
        let outside: Vec<&Process> = outside.collect();
        self.signal_group(signal);
        for process in outside {
            process.signal(signal);
        }
    }

    fn signal_group(&self, signal: Signal) {
        // It fails when there is nobody left to signal, which is just as well (on macOS also when the leader has exited
        // and nobody else is there).
        let _ = kill_process_group(self.leader, signal);
    }

    fn members(&self, snapshot: &Snapshot) -> Vec<Process> {
        let (leader, me) = (self.leader.as_raw_nonzero().get(), getpid().as_raw_nonzero().get());
        snapshot.trees(|process| {
            let is_adopted = || process.parent == me && process.mark().is_some_and(|mark| mark == self.mark);
            process.pid == leader || process.group == leader || is_adopted()
        })
    }
}

/// Ends every process whose mark begins so, and what descends from them: those of a worker that is gone. They are
/// stopped first, so that none starts another while we look. Returns how many there were; gives up after some seconds on
/// those that the system does not let go.
pub fn end_marked(prefix: &str) -> usize {
    let me = getpid().as_raw_nonzero().get();
    let alive = || -> Vec<Process> {
        let Some(snapshot) = Snapshot::take() else { return Vec::new() };
        let marked = snapshot.trees(|process| process.mark().is_some_and(|mark| mark.starts_with(prefix)));
        marked.into_iter().filter(|process| !process.is_dead && process.pid != me).collect()
    };
    let mut ended = 0;
    for _ in 0..ROUNDS * 10 {
        let mut found = alive();
        if found.is_empty() {
            break;
        }
        for _ in 0..ROUNDS {
            for process in &found {
                process.signal(Signal::STOP);
            }
            let again = alive();
            let settled = again.iter().all(|process| found.iter().any(|one| one.pid == process.pid));
            found = again;
            if settled {
                break;
            }
        }
        ended = ended.max(found.len());
        for process in &found {
            process.signal(Signal::KILL);
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    ended
}
