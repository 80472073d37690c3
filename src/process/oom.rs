//! Owns the question whether the kernel killed a process for lack of memory (an "OOM kill").
//!
//! The kernel counts such kills for each control group (`memory.events` of cgroup v2, `memory.oom_control` of v1) and for
//! the whole machine (`/proc/vmstat`, since Linux 4.13). A count that has grown while a job ran, and a job that SIGKILL
//! ended without our doing, together mean an OOM kill. Elsewhere than on Linux, and where no count can be read, the
//! answer is always no.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// The mount points of the memory controller: cgroup v2, v2 beside v1, v1.
const MOUNTS: [(&str, &str); 3] = [
    ("/sys/fs/cgroup", "memory.events"),
    ("/sys/fs/cgroup/unified", "memory.events"),
    ("/sys/fs/cgroup/memory", "memory.oom_control"),
];

/// The count for the whole machine, used where this process's group has none.
const WHOLE_MACHINE: &str = "/proc/vmstat";

/// The number of OOM kills when a job started. Costs nothing but for the first one: it is the last number that was read.
#[derive(Clone, Copy, Debug)]
pub(super) struct OomMark(u64);

impl OomMark {
    /// A job starts.
    pub(super) fn now() -> OomMark {
        OomMark(counter().last.load(Ordering::Relaxed))
    }

    /// Whether the kernel has killed a process of this worker's control group since. Reads one small file.
    pub(super) fn killed_since(self) -> bool {
        counter().read() > self.0
    }
}

/// The file with the count for this process, and the last count that was read from it.
struct Counter {
    file: Option<PathBuf>,
    last: AtomicU64,
}

impl Counter {
    fn read(&self) -> u64 {
        let now = self.file.as_deref().and_then(read_count).unwrap_or_default();
        self.last.fetch_max(now, Ordering::Relaxed);
        now
    }
}

fn counter() -> &'static Counter {
    static COUNTER: OnceLock<Counter> = OnceLock::new();
    COUNTER.get_or_init(|| {
        let file = candidates().into_iter().find(|file| read_count(file).is_some());
        let counter = Counter { file, last: AtomicU64::new(0) };
        counter.read();
        counter
    })
}

/// Files that may hold the count, the most specific one first.
fn candidates() -> Vec<PathBuf> {
    let groups = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let mut files = Vec::new();
    for (mount, name) in MOUNTS {
        let is_v2 = name == "memory.events";
        let path = groups.lines().find_map(|line| group_path(line, is_v2)).unwrap_or_default();
        // In a container the path may be one of the host's, and the mount point is the container's own group.
        files.extend([path, ""].map(|path| Path::new(mount).join(path.trim_start_matches('/')).join(name)));
    }
    files.push(WHOLE_MACHINE.into());
    files
}

/// The path of the memory controller's group in a line of `/proc/self/cgroup`: `0::PATH` (v2), `4:memory:PATH` (v1).
fn group_path(line: &str, is_v2: bool) -> Option<&str> {
    let mut fields = line.splitn(3, ':');
    let (number, controllers, path) = (fields.next()?, fields.next()?, fields.next()?);
    let is_it =
        if is_v2 { number == "0" && controllers.is_empty() } else { controllers.split(',').any(|c| c == "memory") };
    is_it.then_some(path)
}

fn read_count(file: &Path) -> Option<u64> {
    parse_count(&fs::read_to_string(file).ok()?)
}

/// The number after `oom_kill` at the start of a line.
fn parse_count(text: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix("oom_kill ")?.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_count_is_found_in_each_kind_of_file() {
        assert_eq!(parse_count("low 0\nhigh 3\nmax 4\noom 2\noom_kill 7\noom_group_kill 9\n"), Some(7));
        assert_eq!(parse_count("oom_kill_disable 0\nunder_oom 0\noom_kill 2\n"), Some(2));
        assert_eq!(parse_count("pgfault 5\noom_kill 11\n"), Some(11));
        assert_eq!(parse_count("oom_kill_disable 0\nunder_oom 0\n"), None);
    }

    #[test]
    fn the_group_of_either_version_is_found() {
        assert_eq!(group_path("0::/user.slice/a", true), Some("/user.slice/a"));
        assert_eq!(group_path("0::/user.slice/a", false), None);
        assert_eq!(group_path("4:cpu,memory:/slurm/job:7", false), Some("/slurm/job:7"));
        assert_eq!(group_path("3:cpuset:/x", false), None);
    }
}
