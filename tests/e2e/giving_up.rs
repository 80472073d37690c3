//! Owns the tests of when a job is tried again, when it is given up, and when a whole sweep is paused.

use crate::common::events::Event;
use crate::common::{Sandbox, until};

fn submit(sandbox: &Sandbox, text: &str) -> String {
    sandbox.write("a.toml", text);
    sandbox.sweep(&["submit", "a.toml"]).code(0).stdout.trim().to_owned()
}

#[test]
fn a_job_that_kills_its_worker_every_time_is_given_up_and_says_so() {
    for sandbox in Sandbox::both() {
        // The worker is the parent of the job.
        let text = "command = \"sh -c 'echo $$ >> runs; kill -KILL $PPID; sleep 60'\"\n[grid]\nx = 1\n";
        let id = submit(&sandbox, text);
        let mut deaths = 0;
        until("the job to be given up", || {
            let mut worker = sandbox.start("worker", &["worker", "-j", "1", "--lease", "2s", "--until-empty"]);
            deaths += u32::from(worker.end() != 0);
            let status = sandbox.status(&id);
            if status["failed"] == 1 { Ok(()) } else { Err(status) }
        });
        let runs = sandbox.read("runs").lines().count();
        assert!((3..=4).contains(&runs), "it ran {runs} times");
        assert_eq!(deaths as usize, runs);
        let shown = sandbox.job(&format!("{id}/0"));
        assert_eq!((&shown["outcome"], &shown["cause_code"]), (&"failed".into(), &"lost".into()), "{shown}");
        assert_eq!(shown["cause"], "its workers were lost 3 times while it ran");
    }
}

#[test]
fn a_sweep_whose_first_jobs_all_fail_is_paused_with_the_first_ones_last_words() {
    for sandbox in Sandbox::both() {
        sandbox.write(
            "a.toml",
            "command = \"sh -c 'echo starting {{ x }}; echo no licence for {{ x }} >&2; sleep 0.02; exit 3'\"\n\
             [grid]\nx = { from = 1, to = 300, count = 300 }\n",
        );
        let ran = sandbox.sweep(&["run", "a.toml", "-j", "2"]).code(4);
        for told in ["a-1 is paused: the first", "exit code 3", "no licence for ", "`sweep resume a-1`", "--keep-going"]
        {
            assert!(ran.stderr.contains(told), "{told}: {}", ran.stderr);
        }
        let status = sandbox.status("a-1");
        let failed = status["failed"].as_u64().expect("a count");
        assert!((20..150).contains(&failed), "{status}");
        assert_eq!(status["running"], 0);
        assert!(sandbox.sweep(&["wait", "a-1"]).code(4).stderr.contains("no licence for "));
        // After `resume`, the next failure does not pause the sweep again.
        sandbox.sweep(&["resume", "a-1"]).code(0);
        sandbox.sweep(&["worker", "--until-empty", "-j", "2"]).code(4);
        let again = sandbox.status("a-1")["failed"].as_u64().expect("a count");
        assert!((failed + 20..300).contains(&again), "{failed}, then {again}");
    }
}

#[test]
fn keep_going_and_max_failures_override_it() {
    let sandbox = Sandbox::embedded();
    let text = "command = \"sh -c 'exit {{ x }}'\"\n[grid]\nx = { from = 1, to = 60, count = 60 }\n";
    sandbox.write("a.toml", text);
    sandbox.sweep(&["run", "a.toml", "--keep-going"]).code(1);
    assert_eq!(sandbox.status("a-1")["failed"], 60);
    sandbox.write("b.toml", &format!("{text}[job]\nmax-failures = 60\n"));
    sandbox.sweep(&["run", "b.toml"]).code(1);
    assert_eq!(sandbox.status("b-1")["failed"], 60);
    sandbox.write("c.toml", &format!("{text}[job]\nmax-failures = 3\n").replace("'exit", "'sleep 0.05; exit"));
    let ran = sandbox.sweep(&["run", "c.toml", "-j", "1"]).code(4);
    assert!(ran.stderr.contains("(max-failures = 3)"), "{}", ran.stderr);
    let status = sandbox.status("c-1");
    assert!((3..10).contains(&status["failed"].as_u64().expect("a count")), "{status}");
}

#[test]
fn a_program_that_is_not_here_pauses_the_sweep_after_one_job_and_resuming_goes_on_when_it_is() {
    for sandbox in Sandbox::both() {
        sandbox.write("sovler", "#!/bin/sh\n");
        let text = "command = \"./solver {{ x }}\"\n[grid]\nx = { from = 1, to = 50, count = 50 }\n";
        sandbox.write("a.toml", text);
        let ran = sandbox.sweep(&["run", "a.toml", "-j", "4"]).code(4);
        for told in ["a-1 is paused: no worker can run it", "there is no program", "solver", "`sweep resume a-1`"] {
            assert!(ran.stderr.contains(told), "{told}: {}", ran.stderr);
        }
        let status = sandbox.status("a-1");
        assert_eq!((&status["failed"], &status["pending"]), (&1.into(), &49.into()), "{status}");
        let worker = sandbox.start("worker", &["worker", "-j", "2", "--lease", "2s"]);
        sandbox.sweep(&["resume", "a-1"]).code(0);
        until("the worker to find that it cannot run it either", || match sandbox.status("a-1") {
            status if status["state"] == "paused" => Ok(()),
            status => Err(status),
        });
        // The program is installed; the running worker finds it.
        let program = sandbox.write("solver", "#!/bin/sh\necho y=$1\n");
        std::fs::set_permissions(program, std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("its mode");
        sandbox.sweep(&["resume", "a-1"]).code(0);
        sandbox.sweep(&["retry", "a-1"]).code(0);
        until("all points to succeed", || match sandbox.status("a-1") {
            status if status["succeeded"] == 50 => Ok(()),
            status => Err((status, worker.log())),
        });
    }
}

#[test]
fn a_worker_without_the_program_leaves_the_sweep_to_one_that_has_it() {
    for sandbox in Sandbox::both() {
        let path = std::env::var("PATH").expect("a path");
        let program = sandbox.write("bin/solver-here", "#!/bin/sh\nsleep 0.05\necho y=$1\n");
        std::fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("its mode");
        let id = submit(&sandbox, "command = \"solver-here {{ x }}\"\n[grid]\nx = { from = 1, to = 60, count = 60 }\n");
        let start = |name: &str, path: String| {
            let args = ["worker", "-j", "2", "--lease", "2s", "--log-format", "json"];
            sandbox.start_with(name, &args, &[("PATH", path)])
        };
        let able = start("able", format!("{}:{path}", sandbox.path().join("bin").display()));
        until("the first worker to work", || match sandbox.status(&id) {
            status if status["succeeded"].as_u64() >= Some(1) => Ok(()),
            status => Err((status, able.log())),
        });
        let unable = start("unable", path);
        until("all points to succeed", || match sandbox.status(&id) {
            status if status["succeeded"] == 60 => Ok(()),
            status => Err((status, able.log(), unable.log())),
        });
        let steps_back = |event: &&Event| matches!(event, Event::SteppedBack { .. });
        let told = unable.events().iter().filter(steps_back).count();
        assert!(told <= 1, "{}", unable.log());
    }
}

#[test]
fn only_the_causes_that_the_file_names_are_tried_again() {
    let sandbox = Sandbox::embedded();
    sandbox.write(
        "a.toml",
        "command = \"sh -c 'exit {{ x }}'\"\n[grid]\nx = [75, 1]\n\
         [job]\nretries = 2\nretry-delay = \"20ms\"\nretry-on = [\"exit:75\", \"timeout\"]\n",
    );
    sandbox.sweep(&["run", "a.toml"]).code(1);
    let attempts = |index: u32| sandbox.sweep(&["show", &format!("a-1/{index}"), "--json"]).json()["attempts"].clone();
    assert_eq!((attempts(0), attempts(1)), (3.into(), 1.into()));
    let history = sandbox.sweep(&["show", "a-1/0", "--json"]).json()["history"].clone();
    assert_eq!(history.as_array().map(Vec::len), Some(3), "each attempt is kept: {history}");
}
