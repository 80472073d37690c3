//! Owns the list of the system's processes at one moment, as `/proc` tells it, and shares one reading among all who ask.
//!
//! A reading costs some 10 µs for each process of the machine. When many jobs end together, each of them needs a list
//! that is not older than its question. The first one reads; the others wait for it and share the next reading, so that
//! the cost grows with the number of processes and not with its product with the number of jobs. Those who look again
//! and again (memory limits, the grace time) take a list that is a little older, see [`ProcessTable::recent`].
//!
//! Only Linux has `/proc`; elsewhere there is no list, and callers do without.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::Read;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, getpid};

mod stat;

pub(super) use stat::{ProcessInfo, memory_above};

/// The environment variable that marks every process of a run, and what it starts, as its own: `WORKER.RUN`.
pub const RUN_VARIABLE: &str = "SWEEP_RUN";

/// Reading the list takes at most this part of the time of one core, for callers of [`ProcessTable::recent`].
const MOST_OF_A_CORE: u32 = 5;

/// The processes at one moment.
#[derive(Debug, Default)]
pub(super) struct ProcessTable {
    by_pid: Vec<ProcessInfo>,
    by_parent: Vec<ProcessInfo>,
    by_group: Vec<ProcessInfo>,
    /// The children of this process, by the mark in their environment.
    marked_children: HashMap<Arc<str>, Vec<ProcessInfo>>,
}

/// The marks of this process's children, so that each environment is read once. None: a child without a mark.
type KnownMarks = HashMap<ProcessKey, Option<Arc<str>>>;

/// A process id with the time when it started: together they name one process.
type ProcessKey = (i32, u64);

/// The last reading, and what is kept from one to the next.
#[derive(Default)]
struct Shared {
    last: Option<LastReading>,
    /// Somebody reads now.
    is_reading: bool,
    marks: Option<KnownMarks>,
}

struct LastReading {
    table: Arc<ProcessTable>,
    begun: Instant,
    cost: Duration,
}

static SHARED: Mutex<Shared> = Mutex::new(Shared { last: None, is_reading: false, marks: None });

/// Told when a reading ends. All that wait are served at once by it: with a lock that is held while reading they would be
/// served one by one, with new readings in between.
static READ: Condvar = Condvar::new();

impl ProcessTable {
    /// The processes as they are now: a reading that began after this call. Calls at the same time share one.
    /// None: this system does not tell.
    pub(super) fn now() -> Option<Arc<ProcessTable>> {
        ProcessTable::since(Instant::now())
    }

    /// A reading that began at `moment` or later.
    pub(super) fn since(moment: Instant) -> Option<Arc<ProcessTable>> {
        shared(|last| last.begun >= moment)
    }

    /// A reading that is at most so old; or older where a reading takes long, so that looking again and again costs at
    /// most a fifth of a core.
    pub(super) fn recent(max_age: Duration) -> Option<Arc<ProcessTable>> {
        shared(|last| last.begun.elapsed() <= max_age.max(last.cost * MOST_OF_A_CORE))
    }

    /// Reads the list, for this caller alone.
    fn read(marks: &mut KnownMarks) -> Option<ProcessTable> {
        let entries = fs::read_dir("/proc").ok()?;
        let pids = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        let mut buffer = [0; stat::LONGEST];
        let processes: Vec<ProcessInfo> = pids.filter_map(|pid| ProcessInfo::read(pid, &mut buffer)).collect();
        if processes.is_empty() {
            return None;
        }
        let mut table = ProcessTable::of(processes);
        table.find_marked_children(marks);
        Some(table)
    }

    fn of(mut processes: Vec<ProcessInfo>) -> ProcessTable {
        processes.sort_unstable_by_key(|process| process.pid);
        let mut by_parent = processes.clone();
        by_parent.sort_by_key(|process| process.parent);
        let mut by_group = processes.clone();
        by_group.sort_by_key(|process| process.group);
        ProcessTable { by_pid: processes, by_parent, by_group, marked_children: HashMap::new() }
    }

    fn find_marked_children(&mut self, known: &mut KnownMarks) {
        let me = getpid().as_raw_nonzero().get();
        let mut present = HashMap::new();
        let mut children: HashMap<Arc<str>, Vec<ProcessInfo>> = HashMap::new();
        for child in self.children(me).iter().filter(|child| !child.is_dead) {
            let key = (child.pid, child.started);
            let mark = known.remove(&key).unwrap_or_else(|| child.mark().map(Arc::from));
            if let Some(mark) = &mark {
                children.entry(mark.clone()).or_default().push(*child);
            }
            present.insert(key, mark);
        }
        *known = present;
        self.marked_children = children;
    }

    /// All of them.
    pub(super) fn all(&self) -> &[ProcessInfo] {
        &self.by_pid
    }

    /// The process with this id.
    pub(super) fn get(&self, pid: i32) -> Option<&ProcessInfo> {
        equal_range(&self.by_pid, |process| process.pid, pid).first()
    }

    /// The children of a process.
    pub(super) fn children(&self, parent: i32) -> &[ProcessInfo] {
        equal_range(&self.by_parent, |process| process.parent, parent)
    }

    /// The members of a process group.
    pub(super) fn group(&self, group: i32) -> &[ProcessInfo] {
        equal_range(&self.by_group, |process| process.group, group)
    }

    /// The living children of this process that carry a mark: jobs, and what this process adopted from them.
    pub(super) fn marked_children(&self, mark: &str) -> &[ProcessInfo] {
        self.marked_children.get(mark).map(Vec::as_slice).unwrap_or_default()
    }

    /// These processes and all that descend from them, each one once. A descendant whose ancestor in between has ended is
    /// not found. O(processes found × log of all).
    pub(super) fn with_descendants(&self, processes: impl IntoIterator<Item = ProcessInfo>) -> Vec<ProcessInfo> {
        let mut pending: Vec<ProcessInfo> = processes.into_iter().collect();
        let mut found: HashMap<i32, ProcessInfo> = HashMap::new();
        while let Some(process) = pending.pop() {
            if found.insert(process.pid, process).is_none() {
                pending.extend(self.children(process.pid));
            }
        }
        let mut found: Vec<ProcessInfo> = found.into_values().collect();
        found.sort_unstable_by_key(|process| process.pid);
        found
    }
}

/// The last reading if it is good enough, or a new one. Whoever comes while somebody reads waits, and then judges that.
fn shared(is_good: impl Fn(&LastReading) -> bool) -> Option<Arc<ProcessTable>> {
    let mut shared = lock();
    loop {
        if let Some(last) = shared.last.as_ref().filter(|last| is_good(last)) {
            return Some(last.table.clone());
        }
        if !shared.is_reading {
            break;
        }
        shared = READ.wait(shared).unwrap_or_else(PoisonError::into_inner);
    }
    shared.is_reading = true;
    let mut marks = shared.marks.take().unwrap_or_default();
    drop(shared);
    let _end = EndReading;
    let begun = Instant::now();
    let table = Arc::new(ProcessTable::read(&mut marks)?);
    let mut shared = lock();
    shared.marks = Some(marks);
    shared.last = Some(LastReading { table: table.clone(), begun, cost: begun.elapsed() });
    drop(shared);
    Some(table)
}

/// Lets the others go on when it is dropped, also after a failure.
struct EndReading;

impl Drop for EndReading {
    fn drop(&mut self) {
        lock().is_reading = false;
        READ.notify_all();
    }
}

fn lock() -> MutexGuard<'static, Shared> {
    SHARED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The part of a list, sorted by `key`, where it is `value`.
fn equal_range(sorted: &[ProcessInfo], key: impl Fn(&ProcessInfo) -> i32, value: i32) -> &[ProcessInfo] {
    let begin = sorted.partition_point(|process| key(process) < value);
    let end = sorted.partition_point(|process| key(process) <= value);
    sorted.get(begin..end).unwrap_or_default()
}

impl ProcessInfo {
    /// The process with this id, as it is now.
    pub(super) fn of(pid: i32) -> Option<ProcessInfo> {
        ProcessInfo::read(pid, &mut [0; stat::LONGEST])
    }

    fn read(pid: i32, buffer: &mut [u8]) -> Option<ProcessInfo> {
        // The kernel gives the whole line at the first read.
        let length = File::open(format!("/proc/{pid}/stat")).ok()?.read(buffer).ok()?;
        stat::parse(buffer.get(..length)?)
    }

    /// The mark in the environment with which its program was started. None: it has none, or is another user's.
    pub(super) fn mark(&self) -> Option<String> {
        let environment = fs::read(format!("/proc/{}/environ", self.pid)).ok()?;
        let prefix = format!("{RUN_VARIABLE}=");
        let value =
            environment.split(|byte| *byte == 0).find_map(|variable| variable.strip_prefix(prefix.as_bytes()))?;
        Some(String::from_utf8_lossy(value).into_owned())
    }

    /// Sends it a signal, and to nobody else: a process that got its id since is another one. Whether that was possible:
    /// not when it has ended, or is another user's.
    pub(super) fn signal(&self, signal: Signal) -> bool {
        Pid::from_raw(self.pid).is_some_and(|pid| send(pid, self, signal).is_ok())
    }

    /// Whether both are one process, at different times.
    pub(super) fn is_same(&self, other: &ProcessInfo) -> bool {
        (self.pid, self.started) == (other.pid, other.started)
    }

    /// Whether the same process is still there, dead or not.
    fn is_still_there(&self) -> bool {
        ProcessInfo::of(self.pid).is_some_and(|now| now.is_same(self))
    }
}

#[cfg(target_os = "linux")]
fn send(pid: Pid, process: &ProcessInfo, signal: Signal) -> rustix::io::Result<()> {
    use rustix::process::{PidfdFlags, pidfd_open, pidfd_send_signal};
    match pidfd_open(pid, PidfdFlags::empty()) {
        // From here on the descriptor means one process, whatever becomes of its id.
        Ok(pidfd) if process.is_still_there() => pidfd_send_signal(&pidfd, signal),
        Ok(_) => Ok(()),
        // Kernels before 5.3, and sandboxes: a moment in which the id could change its owner remains.
        Err(_) if process.is_still_there() => rustix::process::kill_process(pid, signal),
        Err(error) => Err(error),
    }
}

#[cfg(not(target_os = "linux"))]
fn send(pid: Pid, process: &ProcessInfo, signal: Signal) -> rustix::io::Result<()> {
    if process.is_still_there() { rustix::process::kill_process(pid, signal) } else { Ok(()) }
}

#[cfg(test)]
mod tests;
