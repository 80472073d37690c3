//! Owns the tests of the signals that a worker gets: ignored ones, and a stop while the store is away.

use std::process::{Command, Stdio};

use rustix::process::Signal;

use crate::common::events::{Event, Stop};
use crate::common::{Background, Sandbox, until};

/// A number that the sweep's status shows.
fn number(sandbox: &Sandbox, id: &str, field: &str) -> u64 {
    sandbox.status(id)[field].as_u64().expect("a count")
}

/// A worker that a shell starts with signals ignored, as `nohup` and shell scripts do.
fn worker_ignoring(sandbox: &Sandbox, signals: &str) -> Background {
    let worker = format!("{} worker -j 1 --until-empty --log-format json", env!("CARGO_BIN_EXE_sweep"));
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("trap '' {signals}; exec {worker}")]);
    shell.current_dir(sandbox.path()).env_remove("SWEEP_STORE").stdin(Stdio::null());
    sandbox.start_command("worker", &mut shell)
}

#[test]
fn signals_that_were_ignored_at_the_start_stay_ignored() {
    let sandbox = Sandbox::embedded();
    sandbox
        .write("a.toml", "command = \"sh -c 'touch started; while [ ! -e go ]; do sleep 0.05; done'\"\nrepeats = 2\n");
    let id = sandbox.sweep(&["submit", "a.toml"]).code(0).stdout.trim().to_owned();
    let mut worker = worker_ignoring(&sandbox, "HUP INT");
    until("the first job to run", || if sandbox.path().join("started").exists() { Ok(()) } else { Err(worker.log()) });
    for signal in [Signal::HUP, Signal::INT, Signal::INT] {
        worker.signal(signal);
    }
    sandbox.write("go", "");
    assert_eq!(worker.end(), 0, "{}", worker.log());
    assert_eq!(number(&sandbox, &id, "succeeded"), 2, "{}", worker.log());
}

#[test]
fn a_signal_that_was_not_ignored_still_drains_the_worker() {
    let sandbox = Sandbox::embedded();
    sandbox
        .write("a.toml", "command = \"sh -c 'touch started; while [ ! -e go ]; do sleep 0.05; done'\"\nrepeats = 2\n");
    let id = sandbox.sweep(&["submit", "a.toml"]).code(0).stdout.trim().to_owned();
    let mut worker = worker_ignoring(&sandbox, "INT");
    until("the first job to run", || if sandbox.path().join("started").exists() { Ok(()) } else { Err(worker.log()) });
    worker.signal(Signal::HUP);
    // The claim of the second job is not taken once the worker drains; the first one finishes.
    worker.wait_for("the worker to drain", |event| *event == Event::Stopping { how: Stop::Drain });
    sandbox.write("go", "");
    assert_eq!(worker.end(), 130, "{}", worker.log());
    assert_eq!(number(&sandbox, &id, "pending"), 1);
}

#[test]
fn a_stopping_worker_starts_nothing_while_the_store_is_away() {
    let mut sandbox = Sandbox::redis();
    // Short jobs first, so that claims are taken ahead; then every job waits.
    let job = "sh -c 'echo >> runs/$SWEEP_JOB; while [ -e hold ]; do sleep 0.05; done'";
    sandbox.write("a.toml", &format!("command = \"{job}\"\nrepeats = 5000\n[results]\nformat = \"none\"\n"));
    std::fs::create_dir_all(sandbox.path().join("runs")).expect("a folder");
    let id = sandbox.sweep(&["submit", "a.toml"]).code(0).stdout.trim().to_owned();
    let mut worker = sandbox.worker("worker", &["-j", "2"]);
    until("short jobs to be done", || match number(&sandbox, &id, "succeeded") {
        done if done > 50 => Ok(()),
        done => Err(done),
    });
    sandbox.write("hold", "");
    sandbox.server().stop();
    let runs = || std::fs::read_dir(sandbox.path().join("runs")).expect("the folder").count();
    until("two jobs to wait", || match children(worker.pid()) {
        2 => Ok(()),
        other => Err(other),
    });
    let before = runs();
    worker.interrupt_twice();
    worker.end();
    assert_eq!(runs(), before, "a job was started after the second Ctrl-C: {}", worker.log());
}

/// How many children of a process are shells that run a job.
fn children(worker: u32) -> usize {
    let entries = std::fs::read_dir("/proc").expect("Linux");
    let pids = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let is_job = |pid: &u32| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let line = std::fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let parent = stat.rsplit_once(") ").and_then(|(_, rest)| rest.split(' ').nth(1).map(str::to_owned));
        parent == Some(worker.to_string()) && line.contains("hold")
    };
    pids.filter(is_job).count()
}
