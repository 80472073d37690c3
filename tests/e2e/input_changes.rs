//! Owns the tests of inputs that change, or differ between machines, while a sweep runs: no table mixes results of
//! different inputs.

use std::collections::BTreeSet;
use std::fs::{File, FileTimes};
use std::process::Command;
use std::time::SystemTime;

use crate::common::events::Event;
use crate::common::{Background, Sandbox, until};

/// A program whose result tells which version of it ran. It runs until the file `go` is there, if `waits`.
fn program(version: u32, waits: bool) -> String {
    let wait = if waits { "while [ ! -e go ]; do sleep 0.02; done\n" } else { "sleep 0.02\n" };
    format!("{wait}echo \"v = {version}\"\n")
}

const SWEEP: &str = "command = \"sh job.sh {{ x }}\"\n[grid]\nx = { from = 1, to = 40, step = 1 }\n";

/// A folder `p` with the sweep file and its program; the store is beside it.
fn study(version: u32, waits: bool) -> [Sandbox; 2] {
    let both = Sandbox::both();
    for sandbox in &both {
        sandbox.write("p/a.toml", SWEEP);
        sandbox.write("p/job.sh", &program(version, waits));
    }
    both
}

fn submit(sandbox: &Sandbox) -> String {
    sandbox.sweep(&["submit", "p/a.toml"]).code(0).stdout.trim().to_owned()
}

/// The versions of the program in the table of a sweep, and the number of its rows.
fn versions(sandbox: &Sandbox, id: &str) -> (BTreeSet<String>, usize) {
    sandbox.sweep(&["collect", id, "--out", "t.csv"]).code(0);
    let rows = sandbox.rows("t.csv");
    (rows.iter().map(|row| row["v"].clone()).collect(), rows.len())
}

fn only(version: u32) -> BTreeSet<String> {
    BTreeSet::from([version.to_string()])
}

#[track_caller]
fn wait_for_success(sandbox: &Sandbox, id: &str, least: u64) {
    until("points to succeed", || match sandbox.status(id) {
        status if status["succeeded"].as_u64() >= Some(least) => Ok(()),
        status => Err(status),
    });
}

#[track_caller]
fn reason(sandbox: &Sandbox, id: &str) -> String {
    let status = sandbox.status(id);
    assert_eq!(status["state"], "paused", "{status}");
    status["reason"].as_str().expect("a reason").to_owned()
}

#[test]
fn a_program_edited_between_submit_and_worker_runs_nothing_until_the_edit_is_undone() {
    for sandbox in study(1, false) {
        let id = submit(&sandbox);
        sandbox.write("p/job.sh", &program(2, false));
        let mut worker = sandbox.worker("worker", &["-j", "2", "--until-empty"]);
        assert_eq!(worker.end(), 4, "{}", worker.log());
        let reason = reason(&sandbox, &id);
        for part in ["job.sh", "`sweep run a.toml`", "`sweep resume a-1`"] {
            assert!(reason.contains(part), "{part} is missing: {reason}");
        }
        assert_eq!(sandbox.status(&id)["pending"], 40);
        sandbox.write("p/job.sh", &program(1, false));
        sandbox.sweep(&["resume", &id]).code(0);
        sandbox.sweep(&["worker", "-j", "2", "--until-empty"]).code(0);
        assert_eq!(versions(&sandbox, &id), (only(1), 40));
    }
}

#[test]
fn a_program_edited_while_it_runs_pauses_the_sweep_and_mixes_nothing() {
    for sandbox in study(1, false) {
        let mut run = sandbox.start("run", &["run", "p/a.toml", "-j", "2", "--log-format", "json"]);
        run.wait_for("a row", |event| matches!(event, Event::Recorded { .. }));
        sandbox.write("p/job.sh", &program(2, false));
        assert_eq!(run.end(), 4, "{}", run.log());
        let reason = reason(&sandbox, "a-1");
        for part in ["job.sh changed while a-1 was running", "`sweep run a.toml`", "`sweep resume a-1`"] {
            assert!(reason.contains(part), "{part} is missing: {reason}");
        }
        let changed = |event: &Event| matches!(event, Event::InputChanged { path, .. } if path == "job.sh");
        assert!(run.has(changed), "{}", run.log());
        let (found, rows) = versions(&sandbox, "a-1");
        assert_eq!(found, only(1), "{rows} rows");
        assert!(rows < 40, "nothing was left to run");
        assert_eq!(sandbox.status("a-1")["failed"], 0);
        // The new program makes a new sweep, the old one continues the old sweep.
        sandbox.sweep(&["run", "p/a.toml", "-j", "2"]).code(0);
        assert_eq!(versions(&sandbox, "a-2"), (only(2), 40));
        sandbox.write("p/job.sh", &program(1, false));
        sandbox.sweep(&["resume", "a-1"]).code(0);
        sandbox.sweep(&["worker", "-j", "2", "--until-empty"]).code(0);
        assert_eq!(versions(&sandbox, "a-1"), (only(1), 40));
    }
}

#[test]
fn jobs_that_run_while_an_input_is_edited_and_restored_run_again() {
    for sandbox in study(1, true) {
        let id = submit(&sandbox);
        let worker = sandbox.worker("worker", &["-j", "2"]);
        worker.wait_for("a job", |event| matches!(event, Event::JobStarted { .. }));
        let path = sandbox.path().join("p/job.sh");
        let modified = path.metadata().and_then(|metadata| metadata.modified()).expect("it has a time");
        sandbox.write("p/job.sh", &program(2, false));
        sandbox.write("p/job.sh", &program(1, true));
        // As `cp -p` and `rsync -t` do.
        let file = File::options().write(true).open(&path).expect("it is there");
        file.set_times(FileTimes::new().set_modified(modified)).expect("the time is set");
        worker.wait_for("the worker to see it", |event| {
            matches!(event, Event::InputRewritten { path, .. } | Event::InputChanged { path, .. } if path == "job.sh")
        });
        sandbox.write("p/go", "");
        // If a look has met the other version for long enough, the sweep is paused.
        until("the points to succeed", || match sandbox.status(&id) {
            status if status["succeeded"] == 40 => Ok(()),
            status => {
                sandbox.sweep(&["resume", &id]);
                Err(status)
            }
        });
        assert_eq!(versions(&sandbox, &id), (only(1), 40));
        assert_eq!(sandbox.status(&id)["failed"], 0);
    }
}

#[test]
fn a_touched_input_costs_the_jobs_that_run_an_attempt_and_nothing_else() {
    for sandbox in study(1, true) {
        let id = submit(&sandbox);
        let worker = sandbox.worker("worker", &["-j", "2"]);
        worker.wait_for("a job", |event| matches!(event, Event::JobStarted { .. }));
        let file = File::options().write(true).open(sandbox.path().join("p/job.sh")).expect("it is there");
        file.set_times(FileTimes::new().set_modified(SystemTime::now())).expect("it is touched");
        let seen = worker.wait_for("the worker to see it", |event| matches!(event, Event::InputRewritten { .. }));
        assert!(
            matches!(&seen, Event::InputRewritten { sweep, path, .. } if sweep == "a-1" && path == "job.sh"),
            "{seen:?}"
        );
        sandbox.write("p/go", "");
        wait_for_success(&sandbox, &id, 40);
        let job = sandbox.job("a-1/0");
        assert_eq!((&job["state"], &job["attempts"]), (&"succeeded".into(), &2.into()), "{job}");
        assert_eq!(versions(&sandbox, &id), (only(1), 40));
    }
}

/// Starts a worker that sees the folder `other` of the sandbox in the place of `p`, as on another machine.
fn elsewhere(sandbox: &Sandbox, name: &str, other: &str, options: &str) -> Background {
    let program = env!("CARGO_BIN_EXE_sweep");
    let script = format!("mount --bind {other} p && exec {program} worker -j 2 --lease 2s --log-format json {options}");
    let command = sandbox.command(&[""]);
    let mut unshare = Command::new("unshare");
    unshare.args(["-m", "sh", "-c", &script]).current_dir(sandbox.path());
    command.get_envs().for_each(|(name, value)| match value {
        Some(value) => drop(unshare.env(name, value)),
        None => drop(unshare.env_remove(name)),
    });
    sandbox.start_command(name, &mut unshare)
}

/// Whether the tests may mount. As root on Linux they must be able to.
fn may_mount() -> bool {
    let may = Command::new("unshare").args(["-m", "true"]).status().is_ok_and(|status| status.success());
    let is_root = rustix::process::geteuid().is_root();
    assert!(may || !is_root || !cfg!(target_os = "linux"), "root cannot mount in a namespace (unshare -m)");
    if !may {
        println!("skipped: this user may not mount in a namespace of its own (unshare -m)");
    }
    may
}

/// A worker elsewhere steps back because of the file, with these words; the one here runs everything.
fn steps_back_elsewhere(prepare: impl Fn(&Sandbox), words: &str) {
    if !may_mount() {
        return;
    }
    for sandbox in study(1, true) {
        prepare(&sandbox);
        let id = submit(&sandbox);
        let here = sandbox.worker("here", &["-j", "1", "--lease", "2s"]);
        here.wait_for("a job", |event| matches!(event, Event::JobStarted { .. }));
        let other = elsewhere(&sandbox, "other", "other", "");
        let seen = other.wait_for("the other worker to step back", |event| matches!(event, Event::SteppedBack { .. }));
        let Event::SteppedBack { reason, .. } = seen else { unreachable!() };
        assert!(reason.contains("job.sh") && reason.contains(words), "{reason}");
        let host = hostname::get().expect("a name").to_string_lossy().into_owned();
        assert!(reason.contains(&host), "{reason}");
        // Who looks sees it too.
        for command in ["status", "failures", "doctor"] {
            let said = match command {
                "doctor" => sandbox.sweep(&[command]),
                _ => sandbox.sweep(&[command, &id]),
            };
            let all = said.stdout + &said.stderr;
            assert!(all.contains("job.sh") && all.contains(words), "{command}: {all}");
        }
        sandbox.write("p/go", "");
        sandbox.write("other/go", "");
        wait_for_success(&sandbox, &id, 40);
        assert_eq!(versions(&sandbox, &id), (only(1), 40));
        assert_eq!(sandbox.status(&id)["failed"], 0, "{}", other.log());
        let ran = |event: &Event| matches!(event, Event::JobStarted { .. });
        assert!(!other.has(ran), "{}", other.log());
    }
}

#[test]
fn a_worker_that_sees_another_file_steps_back() {
    steps_back_elsewhere(|sandbox| drop(sandbox.write("other/job.sh", &program(2, false))), "is not that of a-1");
}

#[test]
fn a_worker_without_the_file_steps_back() {
    steps_back_elsewhere(|sandbox| drop(sandbox.write("other/readme", "")), "is missing");
}

#[test]
fn a_worker_takes_jobs_when_its_files_are_as_declared() {
    if !may_mount() {
        return;
    }
    for sandbox in study(1, true) {
        sandbox.write("other/job.sh", &program(2, false));
        let id = submit(&sandbox);
        let here = sandbox.worker("here", &["-j", "1", "--lease", "2s"]);
        here.wait_for("a job", |event| matches!(event, Event::JobStarted { .. }));
        let other = elsewhere(&sandbox, "other", "other", "");
        other.wait_for("the other worker to step back", |event| matches!(event, Event::SteppedBack { .. }));
        sandbox.write("other/job.sh", &program(1, true));
        sandbox.write("other/go", "");
        other.wait_for("the other worker to take jobs", |event| matches!(event, Event::TakesAgain { .. }));
        other.wait_for("it to run some", |event| matches!(event, Event::Recorded { .. }));
        sandbox.write("p/go", "");
        wait_for_success(&sandbox, &id, 40);
        assert_eq!(versions(&sandbox, &id), (only(1), 40));
    }
}

#[test]
fn a_sweep_whose_every_worker_has_other_files_is_paused() {
    if !may_mount() {
        return;
    }
    for sandbox in study(1, false) {
        sandbox.write("other/job.sh", &program(2, false));
        sandbox.write("third/job.sh", &program(3, false));
        let id = submit(&sandbox);
        let workers = ["other", "third"].map(|folder| elsewhere(&sandbox, folder, folder, ""));
        until("the sweep to be paused", || match sandbox.status(&id) {
            status if status["state"] == "paused" => Ok(()),
            status => Err((status, workers.each_ref().map(Background::log))),
        });
        let reason = reason(&sandbox, &id);
        for part in ["no worker can run it", "job.sh", "`sweep resume a-1`"] {
            assert!(reason.contains(part), "{part} is missing: {reason}");
        }
        let status = sandbox.status(&id);
        assert_eq!((&status["pending"], &status["failed"]), (&40.into(), &0.into()), "{status}");
    }
}

#[test]
fn a_worker_that_may_runs_with_other_files() {
    if !may_mount() {
        return;
    }
    for sandbox in study(1, false) {
        sandbox.write("other/job.sh", &program(2, false));
        let id = submit(&sandbox);
        let mut other = elsewhere(&sandbox, "other", "other", "--until-empty --allow-different-files");
        assert_eq!(other.end(), 0, "{}", other.log());
        assert_eq!(versions(&sandbox, &id), (only(2), 40));
    }
}

#[test]
fn a_file_that_only_one_job_names_is_an_input_of_it() {
    for sandbox in Sandbox::both() {
        // More grid points than those whose commands are read when the sweep is submitted.
        let text = "command = \"sh -c 'read v < \\\"$0\\\"; sleep 0.01; echo v = $v' in/{{ x }}.txt\"\n\
                    where = \"x < 3 or x > 4196\"\n[grid]\nx = { from = 1, to = 4200, step = 1 }\n";
        sandbox.write("a.toml", text);
        for x in [1, 2, 4197, 4198, 4199, 4200] {
            sandbox.write(&format!("in/{x}.txt"), "1\n");
        }
        let id = sandbox.sweep(&["submit", "a.toml"]).code(0).stdout.trim().to_owned();
        sandbox.write("in/2.txt", "2\n");
        sandbox.sweep(&["worker", "-j", "1", "--until-empty"]).code(4);
        let reason = reason(&sandbox, &id);
        assert!(reason.contains("in/2.txt"), "{reason}");
        sandbox.write("in/2.txt", "1\n");
        sandbox.sweep(&["resume", &id]).code(0);
        sandbox.sweep(&["worker", "-j", "1", "--until-empty"]).code(0);
        assert_eq!(versions(&sandbox, &id), (only(1), 6));
    }
}

#[test]
fn a_file_that_appears_among_the_watched_ones_pauses_the_sweep() {
    for sandbox in study(1, true) {
        sandbox.write("p/a.toml", &format!("{SWEEP}[files]\nwatch = [\"lib/*.sh\"]\n"));
        sandbox.write("p/lib/one.sh", "");
        let id = submit(&sandbox);
        let worker = sandbox.worker("worker", &["-j", "2"]);
        worker.wait_for("a job", |event| matches!(event, Event::JobStarted { .. }));
        sandbox.write("p/lib/two.sh", "");
        worker.wait_for("the sweep to be paused", |event| matches!(event, Event::Paused { .. }));
        let reason = reason(&sandbox, &id);
        assert!(reason.contains("lib/two.sh appeared while a-1 was running"), "{reason}");
        std::fs::remove_file(sandbox.path().join("p/lib/two.sh")).expect("it is there");
        sandbox.write("p/go", "");
        sandbox.sweep(&["resume", &id]).code(0);
        wait_for_success(&sandbox, &id, 40);
    }
}
