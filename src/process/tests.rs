//! Owns the tests with real processes, one file for each topic, and what they share.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rustix::process::{Pid, test_kill_process};

use super::*;

mod ending;
mod finding;
mod leaving;
mod machine;
#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
mod observing;
mod output;
mod together;

/// More than anything here takes on a busy machine, and less than what a test must not wait for.
pub(super) const BRIEF: Duration = Duration::from_secs(20);

/// Seconds that are clearly longer than [`BRIEF`].
const LONG: &str = "300";

/// The number of the next run; each is used once.
static NEXT: AtomicU64 = AtomicU64::new(0);

/// A shell script as a job, without limits.
pub(super) fn sh(script: &str) -> Launch {
    Launch {
        program: "/bin/sh".into(),
        argv: vec!["sh".into(), "-c".into(), script.into()],
        env: Vec::new(),
        dir: "/".into(),
        mark: format!("tests.{}", NEXT.fetch_add(1, Ordering::Relaxed)),
        stdin: Vec::new(),
        observer: None,
        limits: Limits { timeout: None, memory: None, grace: Duration::from_secs(60), keep: 64 * 1024 },
    }
}

/// The same, with a time-out and a grace in milliseconds.
fn limited(script: &str, timeout: u64, grace: u64) -> Launch {
    let mut launch = sh(script);
    launch.limits.timeout = Some(Duration::from_millis(timeout));
    launch.limits.grace = Duration::from_millis(grace);
    launch
}

fn run_it(launch: &Launch) -> Ended {
    run(launch, &Stopper::new().unwrap(), &mut |_| {}).unwrap()
}

fn stdout(ended: &Ended) -> String {
    String::from_utf8(ended.output.stdout.tail.clone()).unwrap()
}

/// Whether a process runs. One that has ended and waits to be reaped does not: another test of this process may have
/// adopted it.
fn is_there(pid: i32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    test_kill_process(Pid::from_raw(pid).unwrap()).is_ok() && !stat.contains(") Z ")
}

/// Waits until something holds.
fn eventually(what: &str, holds: impl Fn() -> bool) {
    let until = Instant::now() + BRIEF;
    while !holds() {
        assert!(Instant::now() < until, "waited {BRIEF:?} in vain: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Waits until the processes whose ids the job printed, one a line, are gone.
fn all_gone(ended: &Ended) {
    let pids: Vec<i32> = stdout(ended).lines().map(|line| line.trim().parse().unwrap()).collect();
    assert!(!pids.is_empty());
    for pid in pids {
        eventually("a process of the group ends", || !is_there(pid));
    }
}

/// Waits until a file is there.
fn appears(path: &Path) {
    eventually("the job says that it runs", || path.exists());
}
