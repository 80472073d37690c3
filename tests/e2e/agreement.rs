//! Owns the tests that a running worker and the store agree within one heartbeat after a command has changed a sweep.

use crate::common::events::Event;
use crate::common::{Sandbox, holds_for, until};

/// A quarter of the lease of the workers, with some time for a slow machine.
const HEARTBEAT: std::time::Duration = std::time::Duration::from_secs(2);

/// Jobs that run until a file named after them exists.
const TEXT: &str = "command = \"sh -c 'until [ -e go-$SWEEP_JOB ]; do sleep 0.05; done; echo y=1'\"\nrepeats = 6\n";

fn submit(sandbox: &Sandbox, more: &str) {
    sandbox.write("a.toml", &format!("{TEXT}{more}"));
    sandbox.sweep(&["submit", "a.toml"]).code(0);
}

/// Whether a job was started.
fn starts(job: &str) -> impl Fn(&Event) -> bool {
    move |event| matches!(event, Event::JobStarted { job: other, .. } if other == job)
}

fn until_counts(sandbox: &Sandbox, counts: [(&str, u64); 2]) {
    until(&format!("{counts:?}"), || match sandbox.status("a-1") {
        status if counts.iter().all(|(state, count)| status[*state] == *count) => Ok(()),
        status => Err(status),
    });
}

#[test]
fn a_paused_sweep_starts_no_job_and_a_resumed_one_does() {
    for sandbox in Sandbox::both() {
        submit(&sandbox, "");
        let worker = sandbox.worker("worker", &["-j", "1", "--lease", "4s"]);
        worker.wait_for("the first job to start", starts("a-1/0"));
        sandbox.sweep(&["pause", "a-1"]).code(0);
        // The job that runs may end, and its outcome is recorded.
        sandbox.write("go-0", "");
        until_counts(&sandbox, [("succeeded", 1), ("running", 0)]);
        holds_for(HEARTBEAT, || assert!(!worker.has(starts("a-1/1")), "{}", worker.log()));
        sandbox.sweep(&["resume", "a-1"]).code(0);
        worker.wait_for("the next job to start", starts("a-1/1"));
        until_counts(&sandbox, [("pending", 4), ("running", 1)]);
    }
}

#[test]
fn a_cancelled_sweep_has_no_running_job_and_a_retried_one_has() {
    for sandbox in Sandbox::both() {
        submit(&sandbox, "");
        let worker = sandbox.worker("worker", &["-j", "1", "--lease", "4s"]);
        worker.wait_for("the first job to start", starts("a-1/0"));
        sandbox.sweep(&["cancel", "a-1"]).code(0);
        let cancelled = |event: &Event| matches!(event, Event::JobEnded { outcome, .. } if outcome == "cancelled");
        worker.wait_for("the job to be ended", cancelled);
        until_counts(&sandbox, [("cancelled", 6), ("running", 0)]);
        sandbox.sweep(&["retry", "a-1/5"]).code(0);
        worker.wait_for("the retried job to start", starts("a-1/5"));
        until_counts(&sandbox, [("cancelled", 5), ("running", 1)]);
    }
}

#[test]
fn an_edited_file_moves_a_sweep_to_another_queue() {
    for sandbox in Sandbox::both() {
        submit(&sandbox, "");
        let worker = sandbox.worker("worker", &["-j", "1", "--lease", "4s"]);
        worker.wait_for("the first job to start", starts("a-1/0"));
        submit(&sandbox, "[job]\nqueue = \"other\"\n");
        sandbox.write("go-0", "");
        until_counts(&sandbox, [("succeeded", 1), ("running", 0)]);
        holds_for(HEARTBEAT, || assert!(!worker.has(starts("a-1/1")), "{}", worker.log()));
        let other = sandbox.worker("other", &["-j", "1", "--lease", "4s", "--queue", "other"]);
        other.wait_for("the next job to start on the other queue", starts("a-1/1"));
        until_counts(&sandbox, [("pending", 4), ("running", 1)]);
    }
}
