//! Owns the look at the system's processes: all of them at one moment, as `/proc` tells. Only Linux has it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal};

/// The variable that marks every process of a run, and what it starts, as its own: `WORKER.RUN`.
pub const MARK: &str = "SWEEP_RUN";

/// A process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Process {
    pub(super) pid: i32,
    pub(super) parent: i32,
    pub(super) group: i32,
    /// It has ended and waits to be reaped.
    pub(super) is_dead: bool,
    /// When it started, in ticks of the system: with `pid` it names a process for ever.
    started: u64,
    /// Its resident set, bytes; what it shares with others is counted for each of them.
    rss: u64,
}

/// The processes at one moment.
#[derive(Debug)]
pub(super) struct Snapshot(Vec<Process>);

impl Snapshot {
    /// Looks now; none: this system does not tell. Some 10 µs for each process of the machine.
    pub(super) fn take() -> Option<Snapshot> {
        let entries = std::fs::read_dir("/proc").ok()?;
        let pids = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        let processes: Vec<Process> = pids.filter_map(Process::of).collect();
        (!processes.is_empty()).then_some(Snapshot(processes))
    }

    /// All of them.
    pub(super) fn all(&self) -> &[Process] {
        &self.0
    }

    /// A look that is at most so old: whoever asks often shares one with the others who do.
    pub(super) fn recent(oldest: Duration) -> Option<Arc<Snapshot>> {
        static LAST: Mutex<Option<(Instant, Arc<Snapshot>)>> = Mutex::new(None);
        let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((taken, snapshot)) = &*last
            && taken.elapsed() <= oldest
        {
            return Some(snapshot.clone());
        }
        let snapshot = Arc::new(Snapshot::take()?);
        *last = Some((Instant::now(), snapshot.clone()));
        Some(snapshot)
    }

    /// The processes for which `is_seed` holds, and all that descend from them, as far as nobody between has ended.
    pub(super) fn trees(&self, is_seed: impl Fn(&Process) -> bool) -> Vec<Process> {
        let mut found: Vec<Process> = self.0.iter().filter(|process| is_seed(process)).copied().collect();
        let mut next = 0;
        while let Some(parent) = found.get(next).map(|process| process.pid) {
            let children = self.0.iter().filter(|process| process.parent == parent);
            let new: Vec<Process> =
                children.filter(|child| found.iter().all(|one| one.pid != child.pid)).copied().collect();
            found.extend(new);
            next += 1;
        }
        found
    }
}

impl Process {
    /// The process of this id, as it is now.
    pub(super) fn of(pid: i32) -> Option<Process> {
        parse(&std::fs::read(format!("/proc/{pid}/stat")).ok()?)
    }

    /// The mark in the environment with which it was started; none: it has none, or is another user's.
    pub(super) fn mark(&self) -> Option<String> {
        let environment = std::fs::read(format!("/proc/{}/environ", self.pid)).ok()?;
        let prefix = format!("{MARK}=");
        let value =
            environment.split(|byte| *byte == 0).find_map(|variable| variable.strip_prefix(prefix.as_bytes()))?;
        Some(String::from_utf8_lossy(value).into_owned())
    }

    /// Sends it a signal, and nobody else: a process that was given its id since is not the one that was seen. Whether
    /// that was possible: not when it has ended, or is another user's.
    pub(super) fn signal(&self, signal: Signal) -> bool {
        Pid::from_raw(self.pid).is_some_and(|pid| send(pid, self, signal).is_ok())
    }

    /// Whether both are one process, at different times.
    pub(super) fn is_same(&self, other: &Process) -> bool {
        (self.pid, self.started) == (other.pid, other.started)
    }

    /// Whether the same process is still there, dead or not.
    fn is_still_there(&self) -> bool {
        Process::of(self.pid).is_some_and(|now| now.is_same(self))
    }
}

#[cfg(target_os = "linux")]
fn send(pid: Pid, process: &Process, signal: Signal) -> rustix::io::Result<()> {
    use rustix::process::{PidfdFlags, pidfd_open, pidfd_send_signal};
    match pidfd_open(pid, PidfdFlags::empty()) {
        // From here on the descriptor means one process, whatever becomes of its id.
        Ok(pidfd) if process.is_still_there() => pidfd_send_signal(&pidfd, signal),
        Ok(_) => Ok(()),
        // Kernels before 5.3.
        Err(rustix::io::Errno::NOSYS) if process.is_still_there() => rustix::process::kill_process(pid, signal),
        Err(error) => Err(error),
    }
}

#[cfg(not(target_os = "linux"))]
fn send(pid: Pid, process: &Process, signal: Signal) -> rustix::io::Result<()> {
    if process.is_still_there() { rustix::process::kill_process(pid, signal) } else { Ok(()) }
}

/// The memory that some processes have together, bytes, where it is more than `limit`; none: it is not. What they share
/// is counted once where the kernel tells (`smaps_rollup`, since 4.14), which is slow and so asked only when in doubt.
pub(super) fn memory_above(limit: u64, processes: &[Process]) -> Option<u64> {
    let resident: u64 = processes.iter().map(|process| process.rss).sum();
    if resident <= limit {
        return None;
    }
    let used = processes.iter().map(|process| proportional(process.pid).unwrap_or(process.rss)).sum();
    (used > limit).then_some(used)
}

/// A process's resident set, what it shares divided by the number of those who share it, bytes.
fn proportional(pid: i32) -> Option<u64> {
    let rollup = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
    let line = rollup.lines().find_map(|line| line.strip_prefix("Pss:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}

/// Reads `/proc/PID/stat`: "PID (NAME) STATE PPID PGRP …", where NAME may hold anything, also `)`, and need not be UTF-8.
fn parse(stat: &[u8]) -> Option<Process> {
    let stat = String::from_utf8_lossy(stat);
    let (pid, rest) = stat.split_once(" (")?;
    let (_, fields) = rest.rsplit_once(") ")?;
    let fields: Vec<&str> = fields.split(' ').collect();
    let number = |at: usize| fields.get(at)?.parse::<i64>().ok();
    Some(Process {
        pid: pid.parse().ok()?,
        parent: i32::try_from(number(1)?).ok()?,
        group: i32::try_from(number(2)?).ok()?,
        is_dead: matches!(fields.first(), Some(&("Z" | "X"))),
        started: u64::try_from(number(19)?).ok()?,
        rss: u64::try_from(number(21)?).ok()?.saturating_mul(rustix::param::page_size() as u64),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn stat(pid: i32, name: &str, state: &str, parent: i32) -> String {
        format!("{pid} ({name}) {state} {parent} {parent} 0 0 -1 0 0 0 0 0 1 1 0 0 20 0 1 0 777 1000 5 0\n")
    }

    #[test]
    fn names_may_hold_anything() {
        for name in ["sh", "a) Z 1 (b", "", "x y"] {
            let process = parse(stat(7, name, "S", 3).as_bytes()).unwrap();
            assert_eq!((process.pid, process.parent, process.is_dead, process.started), (7, 3, false, 777));
            assert_eq!(process.rss, 5 * rustix::param::page_size() as u64);
        }
        assert!(parse(stat(7, "sh", "Z", 3).as_bytes()).unwrap().is_dead);
    }

    #[test]
    fn trees_hold_seeds_and_what_descends_from_them() {
        let process = |(pid, parent)| parse(stat(pid, "x", "S", parent).as_bytes()).unwrap();
        let snapshot = Snapshot([(1, 0), (2, 1), (3, 2), (4, 3), (5, 1), (6, 6)].map(process).into());
        let pids = |is_seed: fn(&Process) -> bool| -> Vec<i32> {
            snapshot.trees(is_seed).iter().map(|process| process.pid).collect()
        };
        assert_eq!(pids(|process| process.pid == 2), [2, 3, 4]);
        assert_eq!(pids(|process| process.pid >= 3), [3, 4, 5, 6]);
        assert_eq!(pids(|_| false), [0_i32; 0]);
    }

    proptest! {
        #[test]
        fn whatever_stands_there_is_read_or_left(bytes in prop::collection::vec(any::<u8>(), 0..200), text in "[0-9]{1,20} \\([a-z )]{0,9}\\) [A-Z]( -?[0-9]{1,20}){0,30}") {
            let _ = parse(&bytes);
            let _ = parse(text.as_bytes());
        }
    }
}
