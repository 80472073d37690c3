//! Owns the tests of processes that jobs leave running: when jobs end, when they are ended, when their worker is killed.

use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::common::events::Event;
use crate::common::{Sandbox, until};

/// A job that starts a daemon (its own session, no parent, ignores signals), writes the process ids to a file, and then
/// runs `then`.
fn with_daemon(then: &str, job: &str) -> String {
    let daemon = "setsid sh -c 'trap \"\" TERM INT HUP; echo $$ >> pids; exec sleep 300 < /dev/null > /dev/null 2>&1'";
    let script = format!(
        "#!/bin/sh\necho $$ >> pids\n({daemon} &)\nsleep 300 > /dev/null 2>&1 &\necho $! >> pids\n\
         while [ $(wc -l < pids) -lt 3 ]; do sleep 0.02; done\ntouch ready\n{then}\n"
    );
    format!("command = \"sh job.sh\"\n[grid]\nx = 1\n[job]\n{job}\n#\n{script}")
}

/// A sandbox with that job submitted.
fn submitted(sandbox: &Sandbox, then: &str, job: &str) -> String {
    let text = with_daemon(then, job);
    let (file, script) = text.split_once("#\n").expect("both parts");
    sandbox.write("job.sh", script);
    sandbox.write("a.toml", file);
    sandbox.sweep(&["submit", "a.toml"]).code(0).stdout.trim().to_owned()
}

/// The living processes of the job, without zombies.
fn alive(sandbox: &Sandbox) -> Vec<i32> {
    let pids = std::fs::read_to_string(sandbox.path().join("pids")).unwrap_or_default();
    let is_alive = |pid: &i32| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        !stat.is_empty() && !stat.contains(") Z ")
    };
    pids.lines().map(|line| line.parse().expect("a process id")).filter(is_alive).collect()
}

fn wait_until_ready(sandbox: &Sandbox) {
    until("the job to say that all its processes are there", || {
        if sandbox.path().join("ready").exists() { Ok(()) } else { Err(alive(sandbox)) }
    });
    assert_eq!(alive(sandbox).len(), 3);
}

fn all_end(sandbox: &Sandbox) {
    until("all processes of the job to end", || match alive(sandbox) {
        none if none.is_empty() => Ok(()),
        some => Err(some),
    });
}

#[test]
#[cfg(target_os = "linux")]
fn a_killed_workers_jobs_end_with_it_daemons_included_and_run_again_at_once() {
    for sandbox in Sandbox::both() {
        let id = submitted(&sandbox, "if [ $SWEEP_ATTEMPT = 1 ]; then wait; fi", "");
        let worker = sandbox.start("first", &["worker", "-j", "1", "--lease", "1h"]);
        wait_until_ready(&sandbox);
        worker.signal(Signal::KILL);
        all_end(&sandbox);
        // The lease would last an hour, but the store was told that the worker is dead.
        let mut second = sandbox.start("second", &["worker", "-j", "1", "--until-empty"]);
        assert_eq!(second.end(), 0, "{}", second.log());
        assert_eq!(sandbox.status(&id)["succeeded"], 1);
        all_end(&sandbox);
    }
}

/// Nobody tells the store, and nothing ends the jobs: only the lease of 20 seconds helps.
#[test]
#[cfg(target_os = "linux")]
fn the_jobs_of_a_machine_that_is_gone_run_elsewhere_within_half_a_minute() {
    let sandbox = Sandbox::redis();
    let job = "sh -c 'echo $$ >> pids; if [ $SWEEP_ATTEMPT = 1 ]; then sleep 300; fi; echo y=1'";
    sandbox.write("a.toml", &format!("command = \"{job}\"\n[grid]\nx = 1\n"));
    let id = sandbox.sweep(&["submit", "a.toml"]).code(0).stdout.trim().to_owned();
    let gone = sandbox.start("gone", &["worker", "-j", "1"]);
    sandbox.until_known_to_run(&format!("{id}/0"));
    let idle = sandbox.start("idle", &["worker", "-j", "1"]);
    gone.signal(Signal::STOP);
    let supervisor = rustix::process::Pid::from_raw(supervisor(gone.pid())).expect("an id");
    rustix::process::kill_process(supervisor, Signal::KILL).expect("ours");
    gone.signal(Signal::KILL);
    let begun = Instant::now();
    until("the job to be done elsewhere", || match sandbox.status(&id) {
        status if status["succeeded"] == 1 => Ok(()),
        status => Err((status, idle.log())),
    });
    assert!(begun.elapsed() < Duration::from_secs(30), "it took {:?}", begun.elapsed());
    let shown = sandbox.job(&format!("{id}/0"));
    assert_eq!(shown["history"][0]["outcome"], "lost", "{shown}");
    for pid in alive(&sandbox) {
        // The processes that would have ended with the machine.
        let _ = rustix::process::kill_process_group(rustix::process::Pid::from_raw(pid).expect("an id"), Signal::KILL);
    }
}

#[test]
#[cfg(target_os = "linux")]
fn what_a_job_leaves_running_when_it_ends_well_is_ended() {
    let sandbox = Sandbox::embedded();
    let id = submitted(&sandbox, "echo y=1", "");
    let worker = sandbox.worker("worker", &["-j", "1"]);
    until("the job to end", || match sandbox.status(&id) {
        status if status["succeeded"] == 1 => Ok(()),
        status => Err(status),
    });
    all_end(&sandbox);
    worker.wait_for("the worker to report it", |event| *event == Event::LeftoversEnded { processes: 1 });
}

#[test]
#[cfg(target_os = "linux")]
fn what_a_shell_had_running_before_it_became_a_worker_is_left_alone() {
    let sandbox = Sandbox::embedded();
    sandbox.write("a.toml", "command = \"sleep 0.2\"\nrepeats = 12\n");
    sandbox.sweep(&["submit", "a.toml"]).code(0);
    let script = format!(
        "sleep 300 > /dev/null 2>&1 & echo $! > other; exec {} worker -j 1 --until-empty",
        env!("CARGO_BIN_EXE_sweep")
    );
    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", &script]).current_dir(sandbox.path()).env_remove("SWEEP_STORE");
    let output = shell.output().expect("sh runs");
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && told.contains("12 jobs succeeded"), "{told}");
    let other = rustix::process::Pid::from_raw(sandbox.read("other").trim().parse().expect("an id")).expect("an id");
    rustix::process::kill_process(other, Signal::KILL).expect("it is there");
}

#[test]
#[cfg(target_os = "linux")]
fn a_time_out_a_cancel_and_a_second_ctrl_c_end_the_whole_tree() {
    let time_out = Sandbox::embedded();
    let id = submitted(&time_out, "trap '' TERM INT; wait", "timeout = \"1s\"");
    let mut worker = time_out.start("worker", &["worker", "-j", "1", "--until-empty"]);
    wait_until_ready(&time_out);
    assert_eq!(worker.end(), 1, "a point failed: {}", worker.log());
    all_end(&time_out);
    assert_eq!(time_out.status(&id)["failed"], 1);

    let cancelled = Sandbox::embedded();
    let id = submitted(&cancelled, "trap '' TERM INT; wait", "");
    let _worker = cancelled.start("worker", &["worker", "-j", "1", "--lease", "2s"]);
    wait_until_ready(&cancelled);
    cancelled.sweep(&["cancel", &id]).code(0);
    all_end(&cancelled);

    let interrupted = Sandbox::embedded();
    submitted(&interrupted, "trap '' TERM INT; wait", "");
    let mut worker = interrupted.worker("worker", &["-j", "1"]);
    wait_until_ready(&interrupted);
    worker.interrupt_twice();
    assert_eq!(worker.end(), 130, "{}", worker.log());
    all_end(&interrupted);
}

#[test]
#[cfg(target_os = "linux")]
fn a_supervisor_that_is_killed_is_replaced() {
    let sandbox = Sandbox::embedded();
    submitted(&sandbox, "wait", "");
    let worker = sandbox.start("worker", &["worker", "-j", "1"]);
    wait_until_ready(&sandbox);
    let first = supervisor(worker.pid());
    rustix::process::kill_process(rustix::process::Pid::from_raw(first).expect("an id"), Signal::KILL).expect("ours");
    until("another one", || match supervisor(worker.pid()) {
        0 => Err(0),
        same if same == first => Err(same),
        _ => Ok(()),
    });
    worker.signal(Signal::KILL);
    all_end(&sandbox);
}

/// The process id of the supervisor of the worker; 0 if there is none.
pub fn supervisor(worker: u32) -> i32 {
    let entries = std::fs::read_dir("/proc").expect("Linux");
    let mut pids = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    let is_it = |pid: &i32| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let line = std::fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        stat.split_once(") ").is_some_and(|(_, rest)| rest.split(' ').nth(1) == Some(&worker.to_string()))
            && line.starts_with("sweep\0supervise\0")
    };
    pids.find(is_it).unwrap_or_default()
}

#[test]
#[cfg(target_os = "linux")]
fn a_job_that_takes_too_much_memory_fails_with_the_cause_and_the_others_go_on() {
    let sandbox = Sandbox::embedded();
    sandbox.write(
        "a.toml",
        "command = \"awk 'BEGIN { s = \\\"x\\\"; while (length(s) < {{ bytes }}) s = s s; system(\\\"sleep 0.5\\\"); print length(s) }'\"\n\
         [grid]\nbytes = [1000, 200000000]\n[job]\nmemory = \"60MB\"\n",
    );
    sandbox.sweep(&["run", "a.toml"]).code(1);
    let shown = sandbox.sweep(&["show", "a-1/1", "--json"]).code(0).json();
    let cause = shown["cause"].as_str().expect("a cause");
    assert!(cause.starts_with("used ") && cause.ends_with("of memory, more than its limit of 57.22 MiB"), "{cause}");
    assert_eq!(sandbox.sweep(&["show", "a-1/0", "--json"]).code(0).json()["state"], "succeeded");
}
