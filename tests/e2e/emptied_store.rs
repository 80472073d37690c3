//! Owns the tests of a Redis that is emptied (FLUSHALL) while workers use it: ids are given again and mean new sweeps.

use crate::common::events::Event;
use crate::common::{Background, Sandbox, until};

/// Submits a sweep whose jobs print `x=WORD` when the file `go` exists.
fn submit(sandbox: &Sandbox, word: &str) {
    let job = "sh -c 'touch {{ word }}-$SWEEP_JOB; until [ -e go ]; do sleep 0.05; done; echo x={{ word }}'";
    sandbox.write("a.toml", &format!("command = \"{job}\"\nrepeats = 3\n[grid]\nword = \"{word}\"\n"));
    assert_eq!(sandbox.sweep(&["submit", "a.toml"]).code(0).stdout, "a-1\n");
}

fn until_started(sandbox: &Sandbox, job: &str) {
    let file = sandbox.path().join(job);
    until("the job to start", || if file.exists() { Ok(()) } else { Err(sandbox.status("a-1")) });
}

/// Waits until all points have succeeded, and asserts that their results come from the jobs of the new sweep.
fn all_are_new(sandbox: &Sandbox, worker: &Background) {
    until("all points to succeed", || match sandbox.status("a-1") {
        status if status["succeeded"] == 3 => Ok(()),
        status => Err((status, worker.events())),
    });
    sandbox.sweep(&["collect", "a-1", "--out", "t.csv"]).code(0);
    let found: Vec<String> = sandbox.rows("t.csv").iter().map(|row| row["x"].clone()).collect();
    assert_eq!(found, ["new"; 3], "{}", worker.log());
}

#[test]
fn an_idle_worker_runs_what_an_id_means_now() {
    let mut sandbox = Sandbox::redis();
    sandbox.write("go", "");
    let worker = sandbox.worker("worker", &["-j", "2"]);
    submit(&sandbox, "old");
    until("all points to succeed", || match sandbox.status("a-1") {
        status if status["succeeded"] == 3 => Ok(()),
        status => Err((status, worker.events())),
    });
    sandbox.server().say("FLUSHALL");
    submit(&sandbox, "new");
    all_are_new(&sandbox, &worker);
}

#[test]
fn jobs_that_run_while_the_store_is_emptied_are_ended_and_the_worker_goes_on() {
    let mut sandbox = Sandbox::redis();
    let worker = sandbox.worker("worker", &["-j", "2", "--lease", "2s"]);
    submit(&sandbox, "old");
    until_started(&sandbox, "old-0");
    until_started(&sandbox, "old-1");
    sandbox.server().say("FLUSHALL");
    worker.wait_for("the claims to be lost", |event| matches!(event, Event::ClaimLost { .. }));
    submit(&sandbox, "new");
    until_started(&sandbox, "new-0");
    sandbox.write("go", "");
    all_are_new(&sandbox, &worker);
}

#[test]
fn outcomes_of_jobs_that_ran_while_the_store_was_emptied_count_for_no_new_sweep() {
    let mut sandbox = Sandbox::redis();
    // No heartbeat tells the worker that its claims are lost before its jobs end.
    let worker = sandbox.worker("worker", &["-j", "2", "--lease", "10m"]);
    submit(&sandbox, "old");
    until_started(&sandbox, "old-0");
    until_started(&sandbox, "old-1");
    sandbox.server().say("FLUSHALL");
    // The new sweep has the same id, its points are pending, and their next attempts have the same numbers.
    submit(&sandbox, "new");
    sandbox.write("go", "");
    worker.wait_for("the old outcomes to be refused", |event| matches!(event, Event::OutcomesRefused { .. }));
    all_are_new(&sandbox, &worker);
    let runs = |word: &str| (0..3).filter(|job| sandbox.path().join(format!("{word}-{job}")).exists()).count();
    assert_eq!(runs("new"), 3, "{}", worker.log());
}
