//! Owns the question how many slots the limits of this process and of its user allow: open files, processes, threads,
//! address space.
//!
//! A slot needs a thread with its stack and buffers, a few open files, and at least one process for its job. A worker that
//! takes more slots than that claims jobs that it cannot start, or ends when it cannot allocate memory.

use std::fs;
use std::sync::mpsc;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::thread;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Open files of a slot: its stopper, the job's pidfd and the ends of three pipes, both of them while the job is started.
const FILES_PER_SLOT: u64 = 8;

/// Open files for everything else: the store's connections and files, tables, directories.
const OTHER_FILES: u64 = 24;

/// Threads and processes of a slot: its thread, and one process.
const TASKS_PER_SLOT: usize = 2;

/// Threads and processes for everything else: heartbeats, the supervisor, signals, waiting for work.
const OTHER_TASKS: usize = 10;

/// Bytes of address space of a slot: the stack of its thread, and buffers of a job's output (4 MiB in the worst case).
const ADDRESSES_PER_SLOT: u64 = 8 << 20;

/// Bytes of address space for everything else: other threads, the store, the allocator's pool.
const OTHER_ADDRESSES: u64 = 256 << 20;

/// A limit this many times as high as what is needed is not tested.
const AMPLE: u64 = 100;

/// The stack of a thread that only waits.
const SMALL_STACK: usize = 64 * 1024;

/// How many slots are possible.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capacity {
    /// Slots; at most as many as asked for; 0: not one.
    pub slots: u32,
    /// Why there are fewer than asked for, and what to do.
    pub reason: Option<String>,
}

/// Finds how many slots are possible, at most `wanted`. Raises the soft limit of open files as far as that needs and the
/// hard limit allows; jobs do not inherit the raised one on Linux. Where the limit of processes is low, threads are started
/// for a moment to find what is left of it.
pub fn capacity(wanted: u32) -> Capacity {
    let files = slots_for_files(wanted);
    let addresses = slots_for_addresses(wanted.min(files));
    let tasks = slots_for_tasks(wanted.min(files).min(addresses));
    let slots = wanted.min(files).min(addresses).min(tasks);
    let reason = (slots < wanted).then(|| {
        if tasks < files.min(addresses) {
            "no more processes and threads are allowed; raise `ulimit -u`, or the limit of the container".to_owned()
        } else if addresses < files {
            let limit = getrlimit(Resource::As).current.unwrap_or_default() >> 20;
            format!("only {limit} MiB of address space are allowed; raise `ulimit -v`")
        } else {
            let limit = getrlimit(Resource::Nofile).maximum.unwrap_or_default();
            format!("only {limit} files may be open at once; raise `ulimit -Hn`")
        }
    });
    Capacity { slots, reason }
}

/// How many slots fit into the address space that is left. Without a limit, or where the system does not tell how much
/// this process uses: all.
fn slots_for_addresses(wanted: u32) -> u32 {
    let Some(limit) = getrlimit(Resource::As).current else { return wanted };
    use_one_pool();
    let pages = fs::read_to_string("/proc/self/statm").ok();
    let pages = pages.and_then(|text| text.split(' ').next()?.parse::<u64>().ok());
    let Some(pages) = pages else { return wanted };
    let used = pages * rustix::param::page_size() as u64;
    // One slot is always tried.
    let slots = (limit.saturating_sub(used + OTHER_ADDRESSES) / ADDRESSES_PER_SLOT).max(1);
    wanted.min(u32::try_from(slots).unwrap_or(u32::MAX))
}

/// The limit of open files as it was before it was raised, if it was. Jobs get it back: programs that use `select`, or
/// close all numbers up to the limit, depend on a low one.
#[cfg(target_os = "linux")]
pub(super) fn original_file_limit() -> Option<&'static Rlimit> {
    ORIGINAL.get()
}

static ORIGINAL: OnceLock<Rlimit> = OnceLock::new();

fn slots_for_files(wanted: u32) -> u32 {
    let limit = getrlimit(Resource::Nofile);
    let Some(soft) = limit.current else { return wanted };
    // Each descriptor has an entry; a system without the folder has few of them open.
    let open = fs::read_dir("/dev/fd").map_or(16, |entries| entries.count() as u64) + OTHER_FILES;
    let needed = open + FILES_PER_SLOT * u64::from(wanted);
    let reached = if needed > soft { raise(&limit, soft, needed) } else { soft };
    let slots = reached.saturating_sub(open) / FILES_PER_SLOT;
    wanted.min(u32::try_from(slots).unwrap_or(u32::MAX))
}

/// From now on all threads allocate from one pool. glibc gives threads pools of their own, and each reserves 64 MiB of
/// address space, until nothing is left for anything else.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn use_one_pool() {
    // SAFETY: it only sets a number that the allocator reads.
    unsafe { libc::mallopt(libc::M_ARENA_MAX, 1) };
}

/// Other allocators reserve little address space.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn use_one_pool() {}

/// Raises the soft limit. Returns what it is then.
fn raise(limit: &Rlimit, soft: u64, needed: u64) -> u64 {
    let target = limit.maximum.map_or(needed, |hard| needed.min(hard));
    let raised = Rlimit { current: Some(target), maximum: limit.maximum };
    match target > soft && setrlimit(Resource::Nofile, raised).is_ok() {
        true => {
            ORIGINAL.get_or_init(|| *limit);
            target
        }
        false => soft,
    }
}

fn slots_for_tasks(wanted: u32) -> u32 {
    let needed = wanted as usize * TASKS_PER_SLOT + OTHER_TASKS;
    if task_limit().is_some_and(|limit| limit / AMPLE >= needed as u64) {
        return wanted;
    }
    let slots = startable_threads(needed).saturating_sub(OTHER_TASKS) / TASKS_PER_SLOT;
    wanted.min(u32::try_from(slots).unwrap_or(u32::MAX))
}

/// The lowest of the limits of processes and threads that are known: the user's, the control group's, the system's.
fn task_limit() -> Option<u64> {
    let number = |path: &str| fs::read_to_string(path).ok()?.trim().parse::<u64>().ok();
    let files = ["/sys/fs/cgroup/pids.max", "/sys/fs/cgroup/pids/pids.max", "/proc/sys/kernel/threads-max"];
    let group = group_limit();
    files.iter().filter_map(|path| number(path)).chain(getrlimit(Resource::Nproc).current).chain(group).min()
}

/// The limit of this process's own control group, where its path is that of the mounted tree.
fn group_limit() -> Option<u64> {
    let groups = fs::read_to_string("/proc/self/cgroup").ok()?;
    let file = |line: &str| {
        let mut fields = line.splitn(3, ':').skip(1);
        let (controllers, path) = (fields.next()?, fields.next()?);
        let mount = if controllers.is_empty() { "/sys/fs/cgroup" } else { "/sys/fs/cgroup/pids" };
        let is_it = controllers.is_empty() || controllers.split(',').any(|controller| controller == "pids");
        let text = fs::read_to_string(format!("{mount}{path}/pids.max")).ok().filter(|_| is_it)?;
        text.trim().parse().ok()
    };
    groups.lines().filter_map(file).min()
}

/// How many threads can be started at once, at most `most`. They end before this returns.
fn startable_threads(most: usize) -> usize {
    let (hold, released) = mpsc::channel::<()>();
    let released = Mutex::new(released);
    thread::scope(|threads| {
        let wait = || {
            // Fails, and so returns, when the other end is dropped. One thread waits for that, the others for the lock.
            let _ = released.lock().unwrap_or_else(PoisonError::into_inner).recv();
        };
        let start = || thread::Builder::new().stack_size(SMALL_STACK).spawn_scoped(threads, wait);
        let started = (0..most).take_while(|_| start().is_ok()).count();
        drop(hold);
        started
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_slots_are_always_possible() {
        assert_eq!(capacity(1), Capacity { slots: 1, reason: None });
    }

    #[test]
    fn as_many_threads_as_asked_for_are_started_where_nothing_prevents_it() {
        assert_eq!(startable_threads(50), 50);
    }
}
