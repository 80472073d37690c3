//! Owns the tests of commands after the last worker and its supervisor were killed: no worker is left to put jobs back.

#![cfg(target_os = "linux")]

use rustix::process::{Pid, Signal, kill_process};

use crate::common::events::Event;
use crate::common::{Sandbox, until};
use crate::leftovers::supervisor;

/// The jobs that outlive their worker; ended when dropped.
struct Jobs<'a>(&'a Sandbox);

impl Drop for Jobs<'_> {
    fn drop(&mut self) {
        for index in 0..2 {
            let path = self.0.path().join(format!("{index}.pid"));
            let pid = std::fs::read_to_string(path).ok().and_then(|text| text.trim().parse().ok());
            if let Some(pid) = pid.and_then(Pid::from_raw) {
                let _ = kill_process(pid, Signal::KILL);
            }
        }
    }
}

/// Two jobs run, and nobody is left who looks after them.
fn abandoned<'a>(sandbox: &'a Sandbox, lease: &str) -> Jobs<'a> {
    let text = "command = \"sh -c 'echo $$ > $SWEEP_JOB.pid; exec sleep 300'\"\nrepeats = 2\n";
    sandbox.write("a.toml", text);
    sandbox.sweep(&["submit", "a.toml"]).code(0);
    let worker = sandbox.start("worker", &["worker", "-j", "2", "--lease", lease]);
    until("both jobs to run", || {
        let written = |index| std::fs::read_to_string(sandbox.path().join(format!("{index}.pid"))).unwrap_or_default();
        if (0..2).all(|index| written(index).ends_with('\n')) { Ok(()) } else { Err(worker.log()) }
    });
    let jobs = Jobs(sandbox);
    // A worker that runs would start another supervisor.
    worker.freeze();
    let supervisor = Pid::from_raw(supervisor(worker.pid())).expect("the worker has a supervisor");
    kill_process(supervisor, Signal::KILL).expect("the supervisor is killed");
    worker.signal(Signal::KILL);
    jobs
}

#[test]
fn status_shows_that_nobody_runs_the_jobs_and_cancel_and_wait_end() {
    for sandbox in Sandbox::both() {
        let _jobs = abandoned(&sandbox, "2s");
        until("the status to show that no worker runs the jobs", || match sandbox.status("a-1") {
            status if status["state"] == "pending" && status["expired"] == 2 => Ok(()),
            status => Err(status),
        });
        let status = sandbox.status("a-1");
        assert_eq!((&status["running"], &status["seconds_left"]), (&2.into(), &serde_json::Value::Null), "{status}");
        assert!(status["reason"].as_str().is_some_and(|reason| reason.contains("sweep worker")), "{status}");
        sandbox.sweep(&["cancel", "a-1"]).code(0);
        let mut wait = sandbox.start("wait", &["wait", "a-1"]);
        assert_eq!(wait.end(), 1, "{}", wait.log());
        assert_eq!(sandbox.status("a-1")["cancelled"], 2);
        sandbox.sweep(&["rm", "a-1"]).code(0);
    }
}

#[test]
fn status_of_an_embedded_store_knows_at_once_that_the_process_of_a_worker_has_ended() {
    let sandbox = Sandbox::embedded();
    let _jobs = abandoned(&sandbox, "1h");
    let status = sandbox.sweep(&["status", "--json"]).code(0).json();
    let sweep = &status["sweeps"][0];
    assert_eq!((&sweep["state"], &sweep["running"], &sweep["expired"]), (&"pending".into(), &2.into(), &2.into()));
    assert_eq!(status["workers"], serde_json::json!([]));
    let doctor = sandbox.sweep(&["doctor", "--json"]).code(0).json();
    let is_leases = |check: &&serde_json::Value| check["name"] == "leases";
    let leases = doctor["checks"].as_array().and_then(|checks| checks.iter().find(is_leases));
    assert_eq!(leases.map(|check| &check["finding"]), Some(&"warning".into()), "{doctor}");
}

#[test]
fn rm_removes_a_sweep_whose_jobs_nobody_runs() {
    for sandbox in Sandbox::both() {
        let _jobs = abandoned(&sandbox, "2s");
        until("the leases to run out", || match sandbox.status("a-1") {
            status if status["expired"] == 2 => Ok(()),
            status => Err(status),
        });
        sandbox.sweep(&["rm", "a-1"]).code(0);
        sandbox.sweep(&["status", "a-1"]).code(2);
    }
}

#[test]
fn wait_puts_the_jobs_back_and_the_next_worker_runs_them() {
    for sandbox in Sandbox::both() {
        let _jobs = abandoned(&sandbox, "2s");
        let mut wait = sandbox.start("wait", &["wait", "a-1"]);
        until("the jobs to be pending", || match sandbox.status("a-1") {
            status if status["pending"] == 2 => Ok(()),
            status => Err(status),
        });
        sandbox.sweep(&["cancel", "a-1"]).code(0);
        assert_eq!(wait.end(), 1, "{}", wait.log());
    }
}

#[test]
fn retry_puts_the_jobs_back_and_a_new_worker_runs_them() {
    for sandbox in Sandbox::both() {
        let _jobs = abandoned(&sandbox, "2s");
        until("the leases to run out", || match sandbox.status("a-1") {
            status if status["expired"] == 2 => Ok(()),
            status => Err(status),
        });
        sandbox.sweep(&["retry", "a-1"]);
        let status = sandbox.status("a-1");
        assert_eq!((&status["pending"], &status["running"]), (&2.into(), &0.into()), "{status}");
        let worker = sandbox.worker("next", &["-j", "2", "--lease", "2s"]);
        for job in ["a-1/0", "a-1/1"] {
            let starts = |event: &Event| matches!(event, Event::JobStarted { job: other, .. } if other == job);
            worker.wait_for("the job to start again", starts);
        }
        sandbox.sweep(&["cancel", "a-1"]).code(0);
    }
}
