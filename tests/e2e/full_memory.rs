//! Owns the tests of a Redis whose memory is full: what reads or frees works, because the remedy is to collect and to
//! remove; and of commands that only look, which write nothing.

use crate::common::{Sandbox, until};

/// How much the server was changed since it was started.
fn changes(sandbox: &mut Sandbox) -> String {
    let info = sandbox.server().say("INFO persistence");
    let line = info.lines().find(|line| line.starts_with("rdb_changes_since_last_save:"));
    line.unwrap_or_else(|| panic!("{info}")).to_owned()
}

/// A sweep of which some points succeeded and some failed, with much output.
fn finished(sandbox: &Sandbox) {
    let command = "sh -c 'head -c 300000 /dev/urandom | base64; echo y={{ x }}; exit {{ x % 2 }}'";
    let file = format!(
        "command = \"{command}\"\n[grid]\nx = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]\n[job]\nlogs-limit = \"256KiB\"\n"
    );
    sandbox.write("big.toml", &file);
    sandbox.sweep(&["submit", "big.toml"]).code(0);
    sandbox.sweep(&["worker", "-j", "2", "--until-empty"]);
}

const LOOKING: &[&[&str]] = &[
    &["status"],
    &["list"],
    &["doctor"],
    &["jobs", "big-1"],
    &["show", "big-1/0"],
    &["show", "big-1/1"],
    &["logs", "big-1/1"],
    &["failures", "big-1"],
    &["stats", "big-1"],
    &["collect", "big-1", "--all", "--out", "-", "--format", "csv"],
    &["check", "big.toml"],
];

#[test]
fn with_redis_full_everything_is_read_and_removed_and_then_there_is_room() {
    let mut sandbox = Sandbox::redis();
    finished(&sandbox);
    let before: Vec<_> = LOOKING.iter().map(|args| sandbox.sweep(args)).collect();
    // More than the server needs without the sweep, and less than with it.
    sandbox.server().say("CONFIG SET maxmemory 3500kb");
    sandbox.write("more.toml", "command = \"true\"\n[grid]\nx = [1]\n");
    let refused = sandbox.sweep(&["submit", "more.toml"]).code(3);
    assert!(refused.stderr.contains("sweep rm"), "{}", refused.stderr);
    for (args, before) in LOOKING.iter().zip(before) {
        let ran = sandbox.sweep(args).code(before.code);
        // The doctor names the memory, and times go on.
        if !["doctor", "status", "list"].contains(&args[0]) {
            assert_eq!(ran.stdout, before.stdout, "{args:?}");
        }
    }
    sandbox.sweep(&["rm", "big-1"]).code(0);
    // The server frees memory in the background.
    until("room for a sweep", || match sandbox.sweep(&["submit", "more.toml"]) {
        ran if ran.code == 0 => Ok(()),
        ran => Err(ran.stderr),
    });
}

#[test]
fn commands_that_only_look_write_nothing_to_redis() {
    let mut sandbox = Sandbox::redis();
    for args in [&["status"][..], &["list"], &["doctor"]] {
        sandbox.sweep(args);
    }
    assert_eq!(sandbox.server().say("DBSIZE"), ":0\r\n", "an empty database stays empty");
    finished(&sandbox);
    let before = changes(&mut sandbox);
    for args in LOOKING {
        sandbox.sweep(args);
        assert_eq!(changes(&mut sandbox), before, "{args:?} has written");
    }
}
