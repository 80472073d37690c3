//! Owns the tests of Redis users with the permissions that the documentation gives them: they suffice, and are not exceeded.

use crate::common::redis_server::RedisServer;
use crate::common::{Ran, Sandbox};

/// The rules of the user `name` in the documentation, as words of `ACL SETUSER`.
fn documented_rules(name: &str) -> String {
    let start = format!("redis-cli acl setuser {name} ");
    let line = include_str!("../../docs/stores.md").lines().find_map(|line| line.strip_prefix(&start));
    line.unwrap_or_else(|| panic!("docs/stores.md has no line `{start}`"))
        .replace('\'', "")
        .replace(">PASSWORD", ">secret")
}

/// A server with the two users of the documentation, and no other user that may do anything.
fn server() -> RedisServer {
    let server = RedisServer::start_with(&[("appendonly", "yes")]);
    for name in ["ada", "viewer"] {
        let reply = server.say(&format!("ACL SETUSER {name} {}", documented_rules(name)));
        assert!(reply.starts_with("+OK"), "{name}: {reply}");
    }
    server
}

/// Runs the binary as a user of the server.
fn run(sandbox: &Sandbox, server: &RedisServer, user: &str, args: &[&str]) -> Ran {
    let url = format!("redis://{user}:secret@127.0.0.1:{}", server.port());
    sandbox.command(args).env("SWEEP_STORE", url).output().expect("the binary runs").into()
}

fn nothing_was_refused(server: &RedisServer) {
    let log = server.say("ACL LOG");
    assert_eq!(log.trim_end(), "*0", "refused by the server");
}

const SWEEP: &str = "command = [\"sh\", \"-c\", \"echo y={{ x }}; exit {{ 1 if x == 3 else 0 }}\"]\n[job]\nretries = 1\nretry-delay = \"10ms\"\n";

#[test]
fn the_documented_permissions_suffice_for_all_that_submitters_and_workers_do() {
    let sandbox = Sandbox::embedded();
    let server = server();
    let ada = |code: i32, args: &[&str]| run(&sandbox, &server, "ada", args).code(code);
    sandbox.write("a.toml", &format!("{SWEEP}[grid]\nx = {{ from = 1, to = 400, count = 400 }}\n"));
    ada(0, &["submit", "a.toml"]);
    ada(1, &["worker", "-j", "2", "--until-empty"]);
    // More points: the results of the others are reused.
    sandbox.write("a.toml", &format!("{SWEEP}[grid]\nx = {{ from = 1, to = 405, count = 405 }}\n"));
    ada(1, &["run", "a.toml", "-j", "2", "--out", "t.csv"]);
    assert_eq!(sandbox.rows("t.csv").len(), 404, "all but the one that fails");
    for args in [
        &["status"][..],
        &["list"],
        &["jobs", "a-2"],
        &["show", "a-2/3"],
        &["logs", "a-2/2"],
        &["collect", "a-2", "--out", "u.csv"],
        &["stats", "a-2"],
        &["failures", "a-2"],
        &["retry", "a-2"],
        &["cancel", "a-2"],
        &["rm", "a-2"],
        &["submit", "a.toml", "--fresh"],
        &["pause", "a-3"],
        &["resume", "a-3"],
        &["cancel", "a-3"],
        &["doctor"],
    ] {
        let ran = run(&sandbox, &server, "ada", args);
        assert!(!matches!(ran.code, 2 | 3), "{args:?}: {} {}", ran.code, ran.stderr);
    }
    ada(1, &["wait", "a-1"]);
    nothing_was_refused(&server);
}

#[test]
fn a_user_that_may_only_look_sees_everything_and_changes_nothing() {
    let sandbox = Sandbox::embedded();
    let server = server();
    let viewer = |args: &[&str]| run(&sandbox, &server, "viewer", args);
    sandbox.write("a.toml", &format!("{SWEEP}[grid]\nx = [1, 2, 3]\n"));
    run(&sandbox, &server, "ada", &["run", "a.toml", "--out", "t.csv"]).code(1);
    for args in [
        &["status"][..],
        &["status", "--json"],
        &["list"],
        &["jobs", "a-1"],
        &["show", "a-1/0"],
        &["logs", "a-1/0"],
        &["collect", "a-1", "--out", "u.csv"],
        &["stats", "a-1"],
        &["failures", "a-1"],
        &["doctor"],
    ] {
        viewer(args).code(0);
    }
    assert_eq!(sandbox.rows("u.csv").len(), 2);
    nothing_was_refused(&server);
    run(&sandbox, &server, "ada", &["submit", "a.toml", "--fresh"]).code(0);
    sandbox.write("b.toml", &format!("{SWEEP}[grid]\nx = [1, 2, 3]\n"));
    for args in [&["cancel", "a-2"][..], &["rm", "a-1"], &["retry", "a-1"], &["submit", "b.toml"], &["pause", "a-2"]] {
        let refused = viewer(args).code(3).stderr;
        assert!(refused.contains("`viewer`") && !refused.contains("secret"), "{args:?}: {refused}");
    }
    for command in
        ["KEYS *", "SCAN 0", "EVAL return(1) 0", "FUNCTION LIST", "CONFIG GET requirepass", "GET other", "FLUSHALL"]
    {
        for user in ["ada", "viewer"] {
            let reply = server.say(&format!("AUTH {user} secret\r\n{command}"));
            assert!(reply.contains("NOPERM"), "{user} {command}: {reply}");
        }
    }
}
