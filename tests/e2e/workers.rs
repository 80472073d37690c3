//! Owns the tests of worker processes: they are killed, told to stop, share a sweep, lose their store.

use std::os::unix::process::CommandExt;
use std::process::Stdio;

use rustix::process::Signal;
use sweep::store::open::{Open, open};

use crate::common::events::Event;
use crate::common::{Sandbox, until};

/// Jobs that log each run in a separate file, so that a second run is visible.
fn noting(points: u32, seconds: &str) -> String {
    format!(
        "command = \"sh -c 'echo $SWEEP_ATTEMPT >> runs/$SWEEP_JOB; sleep {seconds}; echo y=$SWEEP_JOB'\"\n\
         [grid]\nx = {{ from = 1, to = {points}, count = {points} }}\n[job]\nenv = {{ X = \"{{{{ x }}}}\" }}\n"
    )
}

fn submit(sandbox: &Sandbox, text: &str) -> String {
    sandbox.write("a.toml", text);
    std::fs::create_dir_all(sandbox.path().join("runs")).expect("a folder");
    sandbox.sweep(&["submit", "a.toml"]).code(0).stdout.trim().to_owned()
}

fn number(sandbox: &Sandbox, id: &str, field: &str) -> u64 {
    let status = sandbox.status(id);
    let sum: u64 = ["pending", "running", "succeeded", "failed", "cancelled"]
        .iter()
        .map(|state| status[*state].as_u64().expect("a count"))
        .sum();
    assert_eq!(sum, status["total"].as_u64().expect("a count"), "{status}");
    status[field].as_u64().expect("a count")
}

fn wait_for(sandbox: &Sandbox, id: &str, field: &str, least: u64) {
    until(&format!("{least} {field}"), || match number(sandbox, id, field) {
        enough if enough >= least => Ok(()),
        _ => Err(sandbox.status(id)),
    });
}

fn runs(sandbox: &Sandbox) -> Vec<String> {
    let folder = std::fs::read_dir(sandbox.path().join("runs")).expect("the folder");
    let read = |path| std::fs::read_to_string(path).expect("a note");
    folder.map(|entry| read(entry.expect("an entry").path())).collect()
}

#[test]
fn a_worker_is_killed_in_the_middle_and_a_second_one_finishes_without_a_row_twice() {
    for sandbox in Sandbox::both() {
        let id = submit(&sandbox, &noting(60, "0.05"));
        let first = sandbox.start("first", &["worker", "-j", "3", "--lease", "2s"]);
        wait_for(&sandbox, &id, "succeeded", 10);
        first.signal(Signal::KILL);
        let mut second = sandbox.worker("second", &["-j", "3", "--lease", "2s", "--until-empty"]);
        assert_eq!(second.end(), 0, "{}", second.log());
        sandbox.sweep(&["collect", &id, "--out", "t.csv"]).code(0);
        let jobs: Vec<usize> = sandbox.rows("t.csv").iter().map(|row| row["job"].parse().expect("an index")).collect();
        assert_eq!(jobs, (0..60).collect::<Vec<_>>());
        assert!(second.has(|event| matches!(event, Event::LostJobsRequeued { .. })), "{}", second.log());
        // Only jobs of the first worker ran twice: those that ran, and those that had just ended and were not recorded.
        let twice = runs(&sandbox).iter().filter(|notes| notes.lines().count() > 1).count();
        assert!(twice <= 2 * 3, "{twice} jobs ran twice");
        assert_eq!(number(&sandbox, &id, "succeeded"), 60);
    }
}

#[test]
fn a_frozen_workers_job_runs_elsewhere_and_its_late_outcome_is_refused() {
    for sandbox in Sandbox::both() {
        let id = submit(&sandbox, &noting(1, "2"));
        let frozen = sandbox.worker("frozen", &["-j", "1", "--lease", "1s"]);
        until("the job to run", || if runs(&sandbox) == ["1\n"] { Ok(()) } else { Err(runs(&sandbox)) });
        sandbox.until_known_to_run(&format!("{id}/0"));
        frozen.freeze();
        let mut other = sandbox.start("other", &["worker", "-j", "1", "--lease", "1s", "--until-empty"]);
        assert_eq!(other.end(), 0, "{}", other.log());
        frozen.signal(Signal::CONT);
        frozen.wait_for("the late outcome to be refused", |event| matches!(event, Event::OutcomesRefused { .. }));
        sandbox.sweep(&["collect", &id, "--out", "t.csv"]).code(0);
        let attempts: Vec<_> = sandbox.rows("t.csv").iter().map(|row| row["attempts"].clone()).collect();
        assert_eq!(attempts, ["2"]);
        let shown = sandbox.job(&format!("{id}/0"));
        let history = shown["history"].as_array().expect("a list");
        let outcomes: Vec<_> = history.iter().map(|one| one["outcome"].clone()).collect();
        assert_eq!(outcomes, ["lost", "succeeded"], "{shown}");
    }
}

#[test]
fn a_table_can_be_made_while_jobs_run() {
    for sandbox in Sandbox::both() {
        let id = submit(&sandbox, &noting(200, "0.02"));
        let mut worker = sandbox.start("worker", &["worker", "-j", "2", "--until-empty"]);
        wait_for(&sandbox, &id, "succeeded", 20);
        let mut seen = Vec::new();
        until("all rows", || {
            sandbox.sweep(&["collect", &id, "--out", "t.csv"]).code(0);
            let jobs: Vec<usize> =
                sandbox.rows("t.csv").iter().map(|row| row["job"].parse().expect("an index")).collect();
            assert!(jobs.windows(2).all(|pair| pair[0] < pair[1]), "{jobs:?}");
            seen.push(jobs.len());
            assert!(seen.windows(2).all(|pair| pair[0] <= pair[1]), "a row was lost: {seen:?}");
            if jobs.len() == 200 { Ok(()) } else { Err(jobs.len()) }
        });
        assert!(seen.len() > 1, "the table was made once only");
        assert_eq!(worker.end(), 0, "{}", worker.log());
    }
}

#[test]
fn the_first_ctrl_c_lets_jobs_finish_and_gives_the_rest_back() {
    for sandbox in Sandbox::both() {
        let id = submit(&sandbox, &noting(40, "0.3"));
        let mut worker = sandbox.start("worker", &["worker", "-j", "4"]);
        wait_for(&sandbox, &id, "succeeded", 1);
        worker.signal(Signal::INT);
        assert_eq!(worker.end(), 130, "{}", worker.log());
        assert_eq!(number(&sandbox, &id, "running"), 0, "a claim was not given back");
        let succeeded = number(&sandbox, &id, "succeeded");
        assert!(succeeded < 40);
        assert_eq!(runs(&sandbox).len() as u64, succeeded, "a job that had begun did not finish");
        let workers = sandbox.sweep(&["status", "--json"]).code(0).json()["workers"].clone();
        assert_eq!(workers, serde_json::json!([]), "the worker was not forgotten");
    }
}

#[test]
fn the_second_ctrl_c_ends_jobs_and_gives_their_claims_back() {
    for sandbox in Sandbox::both() {
        let id = submit(&sandbox, &noting(4, "300"));
        let mut worker = sandbox.worker("worker", &["-j", "2"]);
        until("two jobs to run", || if runs(&sandbox).len() >= 2 { Ok(()) } else { Err(runs(&sandbox)) });
        worker.interrupt_twice();
        assert_eq!(worker.end(), 130, "{}", worker.log());
        let counts = ["pending", "running", "failed"].map(|field| number(&sandbox, &id, field));
        assert_eq!(counts, [4, 0, 0]);
        let shown = sandbox.job(&format!("{id}/0"));
        assert_eq!(shown["history"][0]["outcome"], "given-back", "{shown}");
    }
}

#[test]
fn cancel_ends_running_jobs_within_a_heartbeat_and_retry_puts_them_back() {
    for sandbox in Sandbox::both() {
        let id = submit(&sandbox, &noting(6, "300"));
        let worker = sandbox.start("worker", &["worker", "-j", "2", "--lease", "4s"]);
        wait_for(&sandbox, &id, "running", 2);
        let told = sandbox.sweep(&["cancel", &id]).code(0).stderr;
        assert!(told.contains("cancelled"), "{told}");
        wait_for(&sandbox, &id, "cancelled", 6);
        drop(worker);
        let waited = sandbox.sweep(&["wait", &id]).code(1);
        assert!(waited.stderr.contains("6 cancelled"), "{}", waited.stderr);
        sandbox.sweep(&["retry", &format!("{id}/1")]).code(0);
        assert_eq!((number(&sandbox, &id, "pending"), number(&sandbox, &id, "cancelled")), (1, 5));
    }
}

#[test]
fn a_paused_sweep_gives_no_jobs_until_it_is_resumed() {
    for sandbox in Sandbox::both() {
        let id = submit(&sandbox, &noting(5, "0"));
        sandbox.sweep(&["pause", "--reason", "the licence is out"]).code(0);
        let worked = sandbox.sweep(&["worker", "--until-empty"]).code(4);
        assert!(worked.stderr.contains(&format!("{id} is paused and still has jobs")), "{}", worked.stderr);
        let status = sandbox.status(&id);
        assert_eq!((status["state"].as_str(), status["pending"].as_u64()), (Some("paused"), Some(5)));
        assert_eq!(status["reason"], "the licence is out");
        sandbox.sweep(&["wait"]).code(4);
        sandbox.sweep(&["resume"]).code(0);
        assert!(sandbox.sweep(&["resume"]).code(2).stderr.contains("is not paused"));
        sandbox.sweep(&["worker", "--until-empty"]).code(0);
        sandbox.sweep(&["wait"]).code(0);
        assert!(sandbox.sweep(&["pause"]).code(2).stderr.contains("no points left to run"));
    }
}

#[test]
fn rm_refuses_a_running_sweep_unless_forced_and_its_jobs_are_dropped() {
    for sandbox in Sandbox::both() {
        let id = submit(&sandbox, &noting(2, "300"));
        let worker = sandbox.start("worker", &["worker", "-j", "2", "--lease", "2s"]);
        wait_for(&sandbox, &id, "running", 2);
        let refused = sandbox.sweep(&["rm", &id]).code(2);
        assert!(refused.stderr.contains("--force"), "{}", refused.stderr);
        sandbox.sweep(&["rm", &id, "--force"]).code(0);
        sandbox.sweep(&["status", &id]).code(2);
        until("the worker's slots to be free", || {
            let status = sandbox.sweep(&["status", "--json"]).code(0).json();
            if status["workers"][0]["busy"] == 0 { Ok(()) } else { Err(status) }
        });
        drop(worker);
        assert_eq!(submit(&sandbox, &noting(1, "0")), "a-2", "a number was used again");
    }
}

#[test]
fn several_workers_share_a_sweep_and_every_job_runs_once() {
    for sandbox in Sandbox::both() {
        let id = submit(&sandbox, &noting(300, "0"));
        let mut workers: Vec<_> =
            ["w1", "w2", "w3"].map(|name| sandbox.start(name, &["worker", "-j", "2", "--until-empty"])).into();
        for worker in &mut workers {
            assert_eq!(worker.end(), 0, "{}", worker.log());
        }
        assert_eq!(number(&sandbox, &id, "succeeded"), 300);
        assert_eq!(runs(&sandbox), vec!["1\n"; 300]);
    }
}

#[test]
fn time_outs_and_retries_are_kept_in_the_history() {
    for sandbox in Sandbox::both() {
        sandbox.write(
            "a.toml",
            r#"
command = "sh -c 'if [ {{ attempt }} -lt {{ x }} ]; then sleep 300; fi; echo y=1'"
[grid]
x = [1, 2, 9]
[job]
timeout = "300ms"
retries = 1
retry-delay = "100ms"
"#,
        );
        let ran = sandbox.sweep(&["run", "a.toml", "-j", "3", "--out", "t.csv"]).code(1);
        assert!(ran.stderr.contains("1 failed"), "{}", ran.stderr);
        let attempts: Vec<_> = sandbox.rows("t.csv").iter().map(|row| row["attempts"].clone()).collect();
        assert_eq!(attempts, ["1", "2"]);
        let failed = sandbox.sweep(&["show", "a-1/2", "--json"]).code(0).json();
        assert_eq!((failed["state"].as_str(), failed["attempts"].as_u64()), (Some("failed"), Some(2)));
        let cause = failed["history"][1]["cause"].as_str().expect("a cause");
        assert!(cause.contains("time-out of 0.3 s"), "{cause}");
    }
}

#[test]
fn a_worker_outlives_a_restart_of_redis_and_delivers() {
    let mut sandbox = Sandbox::redis();
    let id = submit(&sandbox, &noting(6, "1"));
    let mut worker = sandbox.worker("worker", &["-j", "3", "--until-empty"]);
    wait_for(&sandbox, &id, "running", 3);
    sandbox.server().stop();
    worker.wait_for("the worker to notice", |event| matches!(event, Event::StoreAway { .. }));
    sandbox.server().start_again();
    assert_eq!(worker.end(), 0, "{}", worker.log());
    assert!(worker.has(|event| *event == Event::StoreBack), "{}", worker.log());
    assert_eq!(number(&sandbox, &id, "succeeded"), 6);
    assert_eq!(runs(&sandbox), vec!["1\n"; 6], "a job ran again");
}

#[test]
fn a_worker_delivers_to_a_full_redis_and_goes_on_when_there_is_room() {
    let mut sandbox = Sandbox::redis();
    let id = submit(&sandbox, &noting(9, "0.5"));
    let mut worker = sandbox.worker("worker", &["-j", "3", "--until-empty"]);
    wait_for(&sandbox, &id, "running", 3);
    sandbox.server().say("CONFIG SET maxmemory 1");
    wait_for(&sandbox, &id, "succeeded", 3);
    let refuses = |event: &Event| matches!(event, Event::StoreRefuses { .. });
    worker.wait_for("the worker to notice", refuses);
    sandbox.server().say("CONFIG SET maxmemory 0");
    assert_eq!(worker.end(), 0, "{}", worker.log());
    let reported = worker.events().iter().filter(|event| refuses(event)).count();
    assert_eq!(reported, 1, "{}", worker.log());
    assert_eq!(number(&sandbox, &id, "succeeded"), 9);
    assert_eq!(runs(&sandbox), vec!["1\n"; 9]);
}

#[test]
fn a_queue_is_served_only_by_its_workers() {
    for sandbox in Sandbox::both() {
        let id = submit(&sandbox, &(noting(3, "0") + "queue = \"gpu\"\n"));
        sandbox.sweep(&["worker", "--until-empty"]).code(0);
        assert_eq!(number(&sandbox, &id, "pending"), 3);
        let text = sandbox.sweep(&["status"]).code(0).stdout;
        assert!(text.contains("`sweep worker --queue gpu` starts one"), "{text}");
        sandbox.sweep(&["worker", "--until-empty", "--queue", "other,gpu"]).code(0);
        assert_eq!(number(&sandbox, &id, "succeeded"), 3);
    }
}

#[test]
fn what_a_crashed_redis_forgot_of_the_last_seconds_is_delivered_once_more() {
    let mut sandbox = Sandbox::redis();
    // One job ends while another keeps running, so that the worker stays.
    let command = "sh -c 'echo $SWEEP_ATTEMPT >> runs/$SWEEP_JOB; sleep {{ x }}; echo y=$SWEEP_JOB'";
    let id = submit(&sandbox, &format!("command = \"{command}\"\n[grid]\nx = [1, 6]\n"));
    let mut worker = sandbox.start("worker", &["worker", "-j", "2", "--until-empty"]);
    wait_for(&sandbox, &id, "running", 2);
    let with_claims_only = sandbox.server().log_length();
    wait_for(&sandbox, &id, "succeeded", 1);
    // The worker asks often, and would deliver before this test looks.
    worker.freeze();
    sandbox.server().cut_power(with_claims_only);
    sandbox.server().start_again();
    assert_eq!(number(&sandbox, &id, "succeeded"), 0, "nothing was forgotten");
    worker.signal(Signal::CONT);
    assert_eq!(worker.end(), 0, "{}", worker.log());
    assert_eq!(number(&sandbox, &id, "succeeded"), 2);
    assert_eq!(runs(&sandbox), vec!["1\n"; 2], "a job ran again");
}

#[test]
fn many_small_records_of_a_block_become_one() {
    for sandbox in Sandbox::both() {
        sandbox.write("a.toml", "command = \"sh -c 'sleep 0.05; echo y=$SWEEP_JOB'\"\nrepeats = 40\n");
        let id = sandbox.sweep(&["submit", "a.toml"]).code(0).stdout.trim().parse().expect("an id");
        sandbox.sweep(&["worker", "-j", "4", "--until-empty"]).code(0);
        let url = sandbox.port().map(|port| format!("redis://127.0.0.1:{port}"));
        let store = open(url.as_deref(), sandbox.path(), Open::Existing).expect("the store is there");
        let log = store.log(&id, 0..1).expect("the store answers");
        assert!(log[0].1.len() <= 8, "{} chunks", log[0].1.len());
        sandbox.sweep(&["collect", "a-1", "--out", "t.csv"]).code(0);
        let results: Vec<String> = sandbox.rows("t.csv").iter().map(|row| row["y"].clone()).collect();
        assert_eq!(results, (0..40).map(|job| job.to_string()).collect::<Vec<_>>());
    }
}

#[test]
fn ctrl_c_in_a_terminal_ends_no_job_that_is_just_being_started() {
    let sandbox = Sandbox::embedded();
    sandbox.write("a.toml", "command = \"/bin/true\"\nrepeats = 100000\n[results]\nformat = \"none\"\n");
    let id = sandbox.sweep(&["submit", "a.toml"]).code(0).stdout.trim().to_owned();
    for round in 0..8 {
        let before = number(&sandbox, &id, "succeeded");
        let mut worker = sandbox.command(&["worker", "-j", "8"]);
        // A terminal signals the whole process group.
        let mut worker =
            worker.process_group(0).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts");
        wait_for(&sandbox, &id, "succeeded", before + 1);
        let signal = [Signal::INT, Signal::TERM][round % 2];
        rustix::process::kill_process_group(rustix::process::Pid::from_child(&worker), signal).expect("it is there");
        worker.wait().expect("it is ours");
        assert_eq!(number(&sandbox, &id, "failed"), 0, "{}", sandbox.sweep(&["failures", &id]).stdout);
        assert_eq!(number(&sandbox, &id, "running"), 0);
    }
}

#[test]
fn a_worker_gives_back_what_it_claimed_ahead_when_jobs_turn_out_to_be_long() {
    for sandbox in Sandbox::both() {
        let slow = "sh -c 'while [ {{ i }} -ge 40 ] && [ ! -e go ]; do sleep 0.05; done; echo y=1'";
        let id = submit(&sandbox, &format!("command = \"{slow}\"\n[grid]\ni = {{ from = 0, to = 99, step = 1 }}\n"));
        let first = sandbox.start("first", &["worker", "-j", "2"]);
        wait_for(&sandbox, &id, "succeeded", 40);
        let second = sandbox.start("second", &["worker", "-j", "3"]);
        until("five jobs to run and none to be hoarded", || match number(&sandbox, &id, "running") {
            5 => Ok(()),
            _ => Err((sandbox.status(&id), first.log(), second.log())),
        });
        sandbox.write("go", "");
        wait_for(&sandbox, &id, "succeeded", 100);
    }
}

#[test]
fn pause_and_resume_reach_a_running_worker_within_a_heartbeat() {
    for sandbox in Sandbox::both() {
        let id = submit(&sandbox, &noting(500, "0.2"));
        let worker = sandbox.start("worker", &["worker", "-j", "2", "--lease", "2s"]);
        wait_for(&sandbox, &id, "succeeded", 2);
        sandbox.sweep(&["pause", &id]).code(0);
        // Claims that were not started yet are given back at the next heartbeat; jobs that run take 0.2 s.
        until("nothing to run", || match sandbox.status(&id) {
            status if status["running"] == 0 => Ok(()),
            status => Err(status),
        });
        let status = sandbox.status(&id);
        assert_eq!(status["state"], "paused", "{status}");
        let succeeded = status["succeeded"].as_u64().expect("a count");
        assert_eq!(runs(&sandbox).len() as u64, succeeded, "what was started has ended, and nothing else: {status}");
        sandbox.sweep(&["resume", &id]).code(0);
        wait_for(&sandbox, &id, "succeeded", succeeded + 1);
        assert_eq!(sandbox.status(&id)["state"], "running");
        drop(worker);
    }
}

#[test]
fn a_worker_uses_the_settings_of_an_edited_file_within_a_heartbeat() {
    for sandbox in Sandbox::both() {
        let text = noting(500, "0.2");
        let id = submit(&sandbox, &text);
        let worker = sandbox.start("worker", &["worker", "-j", "1", "--lease", "2s"]);
        wait_for(&sandbox, &id, "succeeded", 2);
        // The results stay the same, so the sweep continues.
        assert_eq!(submit(&sandbox, &format!("{text}timeout = \"50ms\"\n")), id);
        let before = sandbox.status(&id)["succeeded"].as_u64().expect("a count");
        wait_for(&sandbox, &id, "failed", 1);
        // A quarter of the lease, and what was claimed by then: jobs take 0.2 s each.
        let more = number(&sandbox, &id, "succeeded") - before;
        assert!(more <= 20, "{more} jobs ran with the old time-out\n{}", worker.log());
        drop(worker);
    }
}
