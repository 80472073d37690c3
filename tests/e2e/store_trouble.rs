//! Owns the tests of a store in trouble: the messages, and that a worker waits and delivers later.

use std::fs;
use std::process::Command;
use std::time::Duration;

use rustix::process::Signal;

use crate::common::events::Event;
use crate::common::{Background, Sandbox, until};

/// A sweep of some jobs that run until a file `go` exists.
fn submit(sandbox: &Sandbox, points: u32) -> String {
    let text = format!(
        "command = [\"sh\", \"-c\", \"touch started-{{{{ x }}}}; until [ -e go ]; do sleep 0.02; done; echo y=1\"]\n\
         [grid]\nx = {{ from = 1, to = {points}, count = {points} }}\n"
    );
    sandbox.write("wait.toml", &text);
    sandbox.sweep(&["submit", "wait.toml"]).code(0).stdout.trim().to_owned()
}

fn started(sandbox: &Sandbox, x: u32) {
    let file = sandbox.path().join(format!("started-{x}"));
    until(
        "the job to start",
        || if file.exists() { Ok(()) } else { Err(fs::read_dir(sandbox.path()).unwrap().count()) },
    );
}

/// Waits until the worker reports trouble with the store, and checks the words of the report.
#[track_caller]
fn reports(worker: &Background, words: &str) {
    let trouble = |event: &Event| matches!(event, Event::StoreAway { .. } | Event::StoreRefuses { .. });
    match worker.wait_for("a report of trouble with the store", trouble) {
        Event::StoreAway { reason } | Event::StoreRefuses { reason } => assert!(reason.contains(words), "{reason}"),
        other => panic!("{other:?}"),
    }
}

/// Waits until the worker reports that the store works again.
#[track_caller]
fn reports_back(worker: &Background) {
    worker.wait_for("the store to be back", |event| *event == Event::StoreBack);
}

/// Asserts that a command fails because of the store, with these words.
fn refused(sandbox: &Sandbox, words: &[&str]) {
    let said = sandbox.sweep(&["status"]).code(3).stderr;
    for word in words {
        assert!(said.contains(word), "`{word}` is missing in: {said}");
    }
}

/// Asserts that the worker ends by itself and that each point succeeded at its first attempt.
fn all_is_well(sandbox: &Sandbox, mut worker: Background, id: &str, points: usize) {
    assert_eq!(worker.end(), 0, "{}", worker.log());
    sandbox.sweep(&["collect", id, "--out", "t.csv"]).code(0);
    let attempts: Vec<_> = sandbox.rows("t.csv").iter().map(|row| row["attempts"].clone()).collect();
    assert_eq!(attempts, vec!["1"; points], "{}", worker.log());
}

const WORKER: [&str; 3] = ["-j", "1", "--until-empty"];

#[test]
fn a_redis_that_loads_its_data_is_waited_for() {
    let mut sandbox = Sandbox::redis();
    let id = submit(&sandbox, 3);
    let worker = sandbox.worker("worker", &WORKER);
    started(&sandbox, 1);
    let mut waits = sandbox.start("waits", &["wait", &id]);
    until("somebody to ask for the sweep", || match sandbox.server().say("CLIENT LIST") {
        clients if clients.contains("cmd=hmget") => Ok(()),
        clients => Err(clients),
    });
    // Other data, so that loading takes long.
    let keys: String = (0..300).map(|n| format!(" key:{n} {}", "x".repeat(60))).collect();
    sandbox.server().say(&format!("MSET{keys}"));
    sandbox.server().start_again_slowly(Duration::from_millis(25));
    refused(&sandbox, &["is still loading its data", "wait until it has finished"]);
    sandbox.write("go", "");
    reports(&worker, "is still loading its data");
    reports_back(&worker);
    assert_eq!(waits.end(), 0, "{}", waits.log());
    for words in ["is still loading its data", "the store is back"] {
        assert!(waits.log().contains(words), "`{words}` is missing in: {}", waits.log());
    }
    all_is_well(&sandbox, worker, &id, 3);
}

#[test]
fn a_worker_that_starts_before_its_redis_waits_for_it() {
    let mut sandbox = Sandbox::redis();
    let id = submit(&sandbox, 3);
    sandbox.write("go", "");
    sandbox.server().stop();
    let worker = sandbox.worker("worker", &WORKER);
    until("a message of the worker", || match worker.log() {
        log if log.is_empty() => Err(()),
        _ => Ok(()),
    });
    sandbox.server().start_again();
    all_is_well(&sandbox, worker, &id, 3);
}

#[test]
fn a_redis_that_stands_still_is_waited_for() {
    let mut sandbox = Sandbox::redis();
    let id = submit(&sandbox, 3);
    let worker = sandbox.worker("worker", &WORKER);
    started(&sandbox, 1);
    sandbox.server().say("CLIENT PAUSE 1500 ALL");
    sandbox.write("go", "");
    started(&sandbox, 2);
    sandbox.server().signal(Signal::STOP);
    refused(&sandbox, &["does not reply in time", "up and not overloaded"]);
    sandbox.server().signal(Signal::CONT);
    all_is_well(&sandbox, worker, &id, 3);
}

#[test]
fn a_redis_that_is_a_replica_for_a_while_costs_nothing() {
    let mut sandbox = Sandbox::redis();
    let id = submit(&sandbox, 3);
    let worker = sandbox.worker("worker", &WORKER);
    started(&sandbox, 1);
    // The primary does not exist: otherwise the replica would copy its data.
    sandbox.server().say("REPLICAOF 127.0.0.1 1");
    refused(&sandbox, &["is a replica and accepts no changes", "use its primary redis://127.0.0.1:1"]);
    sandbox.write("go", "");
    reports(&worker, "is a replica now and accepts no changes");
    sandbox.server().say("REPLICAOF NO ONE");
    reports_back(&worker);
    all_is_well(&sandbox, worker, &id, 3);
}

#[test]
fn a_redis_whose_password_changes_and_comes_back_costs_nothing() {
    let mut sandbox = Sandbox::redis();
    let id = submit(&sandbox, 3);
    let worker = sandbox.worker("worker", &WORKER);
    started(&sandbox, 1);
    sandbox.server().say("MULTI\r\nCONFIG SET requirepass s3cret\r\nCLIENT KILL TYPE normal SKIPME yes\r\nEXEC");
    refused(&sandbox, &["requires a password", "SWEEP_STORE"]);
    sandbox.write("go", "");
    reports(&worker, "requires a password");
    sandbox.server().say("AUTH s3cret\r\nCONFIG SET requirepass \"\"");
    reports_back(&worker);
    all_is_well(&sandbox, worker, &id, 3);
}

#[test]
fn an_embedded_store_that_was_moved_away_and_put_back_costs_nothing() {
    let sandbox = Sandbox::embedded();
    let id = submit(&sandbox, 3);
    let worker = sandbox.worker("worker", &WORKER);
    started(&sandbox, 1);
    let (here, away) = (sandbox.path().join(".sweep"), sandbox.path().join("away"));
    fs::rename(&here, &away).unwrap();
    refused(&sandbox, &["there is no store here", "`sweep submit FILE` creates one"]);
    sandbox.write("go", "");
    reports(&worker, "was moved or deleted while it was in use");
    fs::rename(&away, &here).unwrap();
    reports_back(&worker);
    all_is_well(&sandbox, worker, &id, 3);
}

/// Uses a separate file system, which needs a mount namespace. Where the system does not allow one, this tests nothing.
#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_is_waited_for_and_one_that_cannot_be_written_is_told() {
    let sandbox = Sandbox::embedded();
    sandbox.write(
        "wait.toml",
        "command = [\"sh\", \"-c\", \"touch started; until [ -e go ]; do sleep 0.02; done; echo y=1\"]\n[grid]\nx = [1, 2, 3]\n",
    );
    sandbox.write(
        "script.sh",
        &format!(
            "set -e
             wait_for() {{ n=0; until eval \"$1\"; do n=$((n + 1)); [ $n -lt 1500 ]; sleep 0.02; done; }}
             mkdir disk && mount -t tmpfs -o size=2m none disk || exit 77
             sweep='{} --store disk/.sweep'
             $sweep submit wait.toml
             $sweep worker -j 1 --until-empty --log-format json 2>worker.log & worker=$!
             wait_for '[ -e started ]'
             cat /dev/zero >disk/fill || true
             $sweep doctor >doctor.txt && exit 1
             touch go
             wait_for 'grep -qE \"store-(away|refuses)\" worker.log'
             rm disk/fill
             wait $worker
             $sweep collect wait-1 --out t.csv
             mount -o remount,ro disk
             $sweep status 2>refused.txt && exit 1
             $sweep worker 2>>refused.txt && exit 1
             cp -r disk/.sweep copy
             {} --store copy status >status.txt",
            env!("CARGO_BIN_EXE_sweep"),
            env!("CARGO_BIN_EXE_sweep")
        ),
    );
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user", "--mount", "sh", "script.sh"]).current_dir(sandbox.path());
    let ran = command.env_remove("SWEEP_STORE").output();
    let Ok(ran) = ran else { return };
    let said = String::from_utf8_lossy(&ran.stderr);
    if ran.status.code() == Some(77) || said.contains("unshare failed") {
        eprintln!("no file system of its own can be mounted here: {said}");
        return;
    }
    let log = fs::read_to_string(sandbox.path().join("worker.log")).unwrap_or_default();
    assert!(ran.status.success(), "{said}\n{log}");
    assert!(log.contains("the disk of the store") && log.contains("\"store-back\""), "{log}");
    assert_eq!(sandbox.rows("t.csv").len(), 3);
    assert!(sandbox.read("doctor.txt").contains("bad      disk"), "{}", sandbox.read("doctor.txt"));
    assert!(sandbox.read("status.txt").contains("wait-1"));
    let refused = sandbox.read("refused.txt");
    assert_eq!(refused.matches("is not writable (Read-only file system").count(), 2, "{refused}");
}

#[test]
fn a_damaged_embedded_store_is_told_with_what_can_be_saved() {
    let sandbox = Sandbox::embedded();
    submit(&sandbox, 3);
    let file = sandbox.path().join(".sweep/sweep.db");
    let mut bytes = fs::read(&file).unwrap();
    // All pages except the first, which identifies the database as ours.
    bytes[4096..].fill(0xA5);
    fs::write(&file, bytes).unwrap();
    refused(&sandbox, &["is damaged", "copy it first", ".recover"]);
}

#[test]
fn an_interrupted_run_without_its_store_says_what_was_not_delivered() {
    let mut sandbox = Sandbox::redis();
    submit(&sandbox, 2);
    let mut run = sandbox.start("run", &["run", "wait.toml", "-j", "1", "--log-format", "json"]);
    started(&sandbox, 1);
    sandbox.server().stop();
    run.interrupt_twice();
    assert_eq!(run.end(), 130, "{}", run.log());
    assert!(run.log().contains("1 outcome could not be delivered"), "{}", run.log());
}

#[test]
fn a_redis_user_that_may_not_write_for_a_while_costs_nothing() {
    let mut sandbox = Sandbox::redis();
    let id = submit(&sandbox, 3);
    let allow = "ACL SETUSER ada on >secret ~sweep:* resetchannels &* +@all -@dangerous +info";
    assert!(sandbox.server().say(allow).starts_with("+OK"));
    let url = format!("redis://ada:secret@127.0.0.1:{}", sandbox.port().expect("a Redis"));
    let worker = sandbox.worker_at(&url, "worker", &["-j", "1", "--until-empty"]);
    started(&sandbox, 1);
    sandbox.server().say("ACL SETUSER ada -@write");
    sandbox.write("go", "");
    worker.wait_for("the store to refuse", |event| matches!(event, Event::StoreRefuses { .. }));
    sandbox.server().say(allow);
    all_is_well(&sandbox, worker, &id, 3);
}
