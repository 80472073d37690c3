//! Owns the tests of a machine on which jobs fail while they succeed on others: its worker steps back, and no point is
//! charged for the machine.

use sweep::store::open::{Open, open};

use crate::common::events::Event;
use crate::common::{Background, Sandbox, until};

fn submit(sandbox: &Sandbox, text: &str) -> String {
    sandbox.write("a.toml", text);
    sandbox.sweep(&["submit", "a.toml"]).code(0).stdout.trim().to_owned()
}

/// A sweep of jobs that do what `SICK` says where that is set for the worker, and otherwise succeed.
fn text(points: u32) -> String {
    format!(
        "command = \"sh -c 'if [ -n \\\"$SICK\\\" ]; then eval \\\"$SICK\\\"; fi; sleep 0.02; echo y=1'\"\nrepeats = {points}\n\
         [job]\nmax-failures = 100000\n"
    )
}

fn start(sandbox: &Sandbox, name: &str, sick: &str) -> Background {
    let args = ["worker", "-j", "2", "--lease", "2s", "--log-format", "json"];
    sandbox.start_with(name, &args, &[("SICK", sick.to_owned())])
}

fn records(event: &Event) -> bool {
    matches!(event, Event::Recorded { .. })
}

fn steps_back(event: &Event) -> bool {
    matches!(event, Event::SteppedBack { .. })
}

/// Waits until no point of the sweep is left; returns how many failed.
fn failed_at_end(sandbox: &Sandbox, id: &str, workers: &[&Background]) -> u64 {
    until("the sweep to end", || {
        let status = sandbox.status(id);
        if status["pending"] == 0 && status["running"] == 0 {
            Ok(status["failed"].as_u64().expect("a count"))
        } else {
            Err((status, workers.iter().map(|worker| worker.log()).collect::<Vec<_>>()))
        }
    })
}

#[test]
fn a_machine_on_which_every_job_fails_for_a_known_reason_costs_no_point() {
    for sick in [
        "exit 127",
        "echo cp: error writing x: No space left on device >&2; exit 1",
        "echo a: error while loading shared libraries: libm.so.6 >&2; exit 3",
    ] {
        for sandbox in Sandbox::both() {
            let id = submit(&sandbox, &text(150));
            // The healthy one is there first: alone, the other would have to record what fails.
            let healthy = start(&sandbox, "healthy", "");
            healthy.wait_for("the healthy worker to start", records);
            let bad = start(&sandbox, "bad", sick);
            assert_eq!(failed_at_end(&sandbox, &id, &[&healthy, &bad]), 0, "{sick}: {}", bad.log());
            assert!(bad.has(steps_back), "{sick}: {}", bad.log());
        }
    }
}

#[test]
fn a_bad_worker_beside_a_run_of_the_sweep_costs_no_point() {
    for sandbox in Sandbox::both() {
        sandbox.write("a.toml", &text(150));
        let mut run = sandbox.start_with("run", &["run", "a.toml", "-j", "2", "--log-format", "json"], &[]);
        run.wait_for("the run to start", records);
        let bad = start(&sandbox, "bad", "exit 127");
        bad.wait_for("the worker to step back", steps_back);
        assert_eq!(run.end(), 0, "{}\n{}", run.log(), bad.log());
        assert_eq!(sandbox.status("a-1")["failed"], 0, "{}", bad.log());
    }
}

/// The bad worker has a file system of its own, of 64 KiB, in the place of the folder of the job directories.
#[test]
#[cfg(target_os = "linux")]
fn a_machine_on_whose_full_disk_no_job_directory_can_be_made_costs_no_point() {
    let may_mount = std::process::Command::new("unshare").args(["-m", "true"]).status();
    if !may_mount.is_ok_and(|status| status.success()) {
        println!("skipped: this user may not mount a file system in a namespace of its own (unshare -m)");
        return;
    }
    for sandbox in Sandbox::both() {
        let text = format!("{}dir = \"out/{{{{ job }}}}\"\n", text(150));
        std::fs::create_dir(sandbox.path().join("out")).expect("an empty folder");
        let id = submit(&sandbox, &text);
        let healthy = start(&sandbox, "healthy", "");
        healthy.wait_for("the healthy worker to start", records);
        let fill = "mount -t tmpfs -o size=64k none out && ! dd if=/dev/zero of=out/fill bs=4k 2>/dev/null";
        let script = format!("{fill} && exec {} worker -j 2 --lease 2s --log-format json", env!("CARGO_BIN_EXE_sweep"));
        let mut command = std::process::Command::new("unshare");
        command.args(["-m", "sh", "-c", &script]).current_dir(sandbox.path()).env_remove("SWEEP_STORE");
        if let Some(port) = sandbox.port() {
            command.env("SWEEP_STORE", format!("redis://127.0.0.1:{port}"));
        }
        let bad = sandbox.start_command("bad", &mut command);
        bad.wait_for("the bad worker to step back", steps_back);
        assert_eq!(failed_at_end(&sandbox, &id, &[&healthy, &bad]), 0, "{}", bad.log());
        let names_reason =
            |event: &Event| matches!(event, Event::SteppedBack { reason, .. } if reason.contains("No space left"));
        assert!(bad.has(names_reason), "{}", bad.log());
    }
}

#[test]
fn a_machine_on_which_jobs_fail_for_no_known_reason_costs_a_few_points() {
    for sandbox in Sandbox::both() {
        let id = submit(&sandbox, &text(400));
        let healthy = start(&sandbox, "healthy", "");
        healthy.wait_for("the healthy worker to start", records);
        let bad = start(&sandbox, "bad", "exit 1");
        let failed = failed_at_end(&sandbox, &id, &[&healthy, &bad]);
        assert!((1..20).contains(&failed), "{failed} failed: {}", bad.log());
        assert!(bad.has(steps_back), "{}", bad.log());
    }
}

#[test]
fn what_fails_on_every_machine_is_recorded_as_failed() {
    for sandbox in Sandbox::both() {
        let id = submit(&sandbox, &text(40));
        let workers = ["one", "two", "three"].map(|name| start(&sandbox, name, "exit 127"));
        let failed = failed_at_end(&sandbox, &id, &workers.each_ref());
        assert_eq!(failed, 40, "{:?}", workers.each_ref().map(|worker| worker.log()));
    }
}

#[test]
fn a_worker_takes_jobs_again_when_its_machine_is_well() {
    for sandbox in Sandbox::both() {
        let sick = format!("[ -e {} ] || exit 127", sandbox.path().join("well").display());
        let id = submit(&sandbox, &text(2000));
        let healthy = start(&sandbox, "healthy", "");
        healthy.wait_for("the healthy worker to start", records);
        let bad = start(&sandbox, "bad", &sick);
        bad.wait_for("the other to step back", steps_back);
        sandbox.write("well", "");
        bad.wait_for(
            "the other to run jobs again",
            |event| matches!(event, Event::JobEnded { outcome, .. } if outcome == "succeeded"),
        );
        assert!(bad.has(|event| matches!(event, Event::TakesAgain { .. })), "{}", bad.log());
        assert_eq!(sandbox.status(&id)["failed"], 0, "{}", bad.log());
    }
}

#[test]
fn a_sweep_of_few_points_whose_jobs_cannot_start_is_paused_before_all_have_failed() {
    for sandbox in Sandbox::both() {
        let text = "command = \"true\"\n[grid]\nx = [1, 2, 3, 4, 5]\n[job]\ndir = \"out/{{ x }}\"\n[results]\nformat = \"none\"\n";
        // A file in the place of the folder: nobody can make directories in it.
        sandbox.write("out", "");
        sandbox.write("a.toml", text);
        let ran = sandbox.sweep(&["run", "a.toml", "-j", "2"]).code(4);
        assert!(ran.stderr.contains("its jobs cannot be started"), "{}", ran.stderr);
        assert!(ran.stderr.contains("`sweep resume a-1`"), "{}", ran.stderr);
        let status = sandbox.status("a-1");
        assert_eq!((&status["failed"], &status["pending"]), (&1.into(), &4.into()), "{status}");
        std::fs::remove_file(sandbox.path().join("out")).expect("it is there");
        sandbox.sweep(&["run", "a.toml", "-j", "2"]).code(0);
        assert_eq!(sandbox.status("a-1")["succeeded"], 5);
    }
}

#[test]
fn a_sweep_that_a_worker_cannot_read_is_left_to_others() {
    for sandbox in Sandbox::both() {
        let url = sandbox.port().map(|port| format!("redis://127.0.0.1:{port}"));
        let id = submit(&sandbox, "command = \"echo y=1\"\nrepeats = 3\n");
        let store = open(url.as_deref(), sandbox.path(), Open::Existing).expect("the store is there");
        let parsed = id.parse().expect("an id");
        let mut document: serde_json::Value =
            serde_json::from_slice(&store.document(&parsed).expect("it is there")).expect("JSON");
        document["version"] = 999.into();
        store.replace_document(&parsed, "default", document.to_string().as_bytes(), None).expect("it is replaced");
        sandbox.write("b.toml", "command = \"echo y=1\"\nrepeats = 3\n");
        sandbox.sweep(&["submit", "b.toml"]).code(0);
        let mut worker = sandbox.worker("worker", &["-j", "1", "--lease", "2s", "--until-empty"]);
        assert_eq!(worker.end(), 4, "{}", worker.log());
        let names_version =
            |event: &Event| matches!(event, Event::SteppedBack { reason, .. } if reason.contains("version 999"));
        assert!(worker.has(names_version), "{}", worker.log());
        assert_eq!(sandbox.status("b-1")["succeeded"], 3, "{}", worker.log());
        let status = sandbox.status(&id);
        assert_eq!((&status["state"], &status["pending"]), (&"paused".into(), &3.into()), "{status}");
        assert!(status["reason"].as_str().is_some_and(|reason| reason.contains("version 999")), "{status}");
    }
}

#[test]
fn the_exit_code_of_a_worker_tells_how_its_jobs_ended() {
    for sandbox in Sandbox::both() {
        let until_empty = |code| sandbox.sweep(&["worker", "--until-empty"]).code(code);
        until_empty(0);
        submit(&sandbox, "command = \"sh -c 'exit {{ x }}'\"\n[grid]\nx = [0, 3]\n");
        until_empty(1);
        until_empty(0);
        sandbox.write("b.toml", "command = \"echo y=1\"\nrepeats = 3\n");
        sandbox.sweep(&["submit", "b.toml"]).code(0);
        sandbox.sweep(&["pause", "b-1"]).code(0);
        until_empty(4);
        sandbox.sweep(&["resume", "b-1"]).code(0);
        until_empty(0);
    }
}
