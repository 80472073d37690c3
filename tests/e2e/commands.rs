//! Owns the tests of the output of the commands, for people and for programs.

use std::process::Command;

use crate::common::Sandbox;

const SWEEP: &str = r#"
command = ["sh", "-c", 'printf "%s|" "$@"; echo "$MODE $(pwd) $(cat)"', "job", "{{ text }}", "{{ x }}", "{{ seed }}"]
repeats = 2
[grid]
text = ["plain", "two words", "it's \"quoted\" $(echo no) `no`; *", ""]
x = [0.1, 2]
[job]
env = { MODE = "m={{ text }}" }
stdin = "in {{ x }}\n"
dir = "runs/{{ job }} of {{ sweep }}"
[results]
format = "none"
"#;

#[test]
fn submit_prints_the_id_alone_and_counts_up() {
    for sandbox in Sandbox::both() {
        sandbox.write("pi.toml", SWEEP);
        assert_eq!(sandbox.sweep(&["submit", "pi.toml"]).code(0).stdout, "pi-1\n");
        assert_eq!(sandbox.sweep(&["submit", "pi.toml", "--fresh"]).code(0).stdout, "pi-2\n");
        sandbox.sweep(&["rm", "pi-2"]).code(0);
        assert_eq!(sandbox.sweep(&["submit", "pi.toml", "--fresh"]).code(0).stdout, "pi-3\n");
        let list = sandbox.sweep(&["list"]).code(0).stdout;
        let ids: Vec<_> = list.lines().skip(1).filter_map(|line| line.split_whitespace().next()).collect();
        assert_eq!(ids, ["pi-3", "pi-1"], "newest first");
    }
}

#[test]
fn a_redis_that_keeps_nothing_is_warned_of_at_submit() {
    let mut sandbox = Sandbox::redis();
    sandbox.write("pi.toml", SWEEP);
    assert!(!sandbox.sweep(&["submit", "pi.toml"]).code(0).stderr.contains("warning"));
    sandbox.server().say("CONFIG SET appendonly no");
    let ran = sandbox.sweep(&["submit", "pi.toml"]).code(0);
    assert!(ran.stderr.contains("keeps nothing on disk") && ran.stderr.contains("appendonly yes"), "{}", ran.stderr);
    assert_eq!(ran.stdout, "pi-1\n", "it is there already");
    sandbox.server().say("CONFIG SET save \"60 1\"");
    let ran = sandbox.sweep(&["run", "pi.toml"]).code(0);
    assert!(ran.stderr.contains("since its last snapshot"), "{}", ran.stderr);
}

#[test]
fn completions_and_the_man_page_name_every_command() {
    let sandbox = Sandbox::embedded();
    let help = sandbox.sweep(&["--help"]).code(0).stdout;
    let listed =
        help.split("Commands:").nth(1).and_then(|rest| rest.split("Options:").next()).expect("a list of commands");
    // The line of a command is indented by two, further lines of its description by more.
    let commands = listed.lines().filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    let commands: Vec<&str> = commands.filter_map(|line| line.split_whitespace().next()).collect();
    assert!(commands.len() > 15, "{commands:?}");
    let man = sandbox.sweep(&["man"]).code(0).stdout;
    let bash = sandbox.sweep(&["completions", "bash"]).code(0).stdout;
    for command in commands {
        assert!(man.contains(&format!("SWEEP {}", command.to_uppercase())), "no {command} in the man page");
        assert!(bash.contains(command), "no {command} in the completions");
    }
    assert!(man.contains("130"), "the exit codes are missing");
}

#[test]
fn a_billion_points_are_submitted_at_once() {
    for sandbox in Sandbox::both() {
        let text =
            "command = \"true {{ x }}\"\nrepeats = 1_000_000\n[grid]\nx = { from = 1, to = 1000, count = 1000 }\n";
        sandbox.write("big.toml", text);
        sandbox.sweep(&["submit", "big.toml"]).code(0);
        let status = sandbox.status("big-1");
        assert_eq!((status["total"].as_u64(), status["pending"].as_u64()), (Some(1_000_000_000), Some(1_000_000_000)));
        let shown = sandbox.sweep(&["show", "big-1/999999999", "--json"]).code(0).json();
        assert_eq!((shown["params"]["x"].as_u64(), shown["repeat"].as_u64()), (Some(1000), Some(999_999)));
        let told = sandbox.sweep(&["cancel", "big-1"]).code(0).stderr;
        assert!(told.contains("cancelled 1,000,000,000 points of big-1"), "{told}");
        let jobs = sandbox.sweep(&["jobs", "--state", "cancelled", "--limit", "2"]).code(0).stdout;
        assert!(jobs.starts_with("big-1/0  cancelled  x=1 repeat=0\nbig-1/1  cancelled  x=2 repeat=0\n"), "{jobs}");
    }
}

#[test]
fn status_for_tools_has_the_documented_fields() {
    for sandbox in Sandbox::both() {
        sandbox.write("pi.toml", SWEEP);
        sandbox.sweep(&["submit", "pi.toml"]).code(0);
        sandbox.sweep(&["run", "pi.toml", "--fresh"]).code(0);
        let status = sandbox.sweep(&["status", "--json"]).code(0).json();
        assert_eq!(status["version"], 1);
        let ids: Vec<_> =
            status["sweeps"].as_array().expect("a list").iter().map(|sweep| sweep["id"].clone()).collect();
        assert_eq!(ids, ["pi-2", "pi-1"]);
        let done = &status["sweeps"][0];
        assert_eq!(
            (done["state"].as_str(), done["succeeded"].as_u64(), done["reused"].as_u64()),
            (Some("done"), Some(16), Some(0))
        );
        let waiting = &status["sweeps"][1];
        assert_eq!((waiting["state"].as_str(), waiting["pending"].as_u64()), (Some("pending"), Some(16)));
        assert!(waiting["reason"].as_str().expect("a reason").contains("no worker serves"), "{waiting}");
        assert_eq!(status["workers"], serde_json::json!([]));
    }
}

#[test]
fn the_pasted_line_runs_the_very_same_thing() {
    for sandbox in Sandbox::both() {
        sandbox.write("pi.toml", SWEEP);
        sandbox.sweep(&["run", "pi.toml"]).code(0);
        for index in 0..16 {
            let shown = sandbox.sweep(&["show", &format!("pi-1/{index}"), "--json"]).code(0).json();
            let line = shown["paste"].as_str().expect("a line");
            let pasted = Command::new("sh").args(["-c", line]).current_dir("/").output().expect("sh runs");
            let printed = shown["stdout_tail"].as_str().expect("its output");
            assert_eq!(String::from_utf8_lossy(&pasted.stdout), printed, "{line}");
            let text = shown["params"]["text"].as_str().expect("a text");
            assert!(printed.starts_with(&format!("{text}|")), "{printed}");
            assert!(printed.contains(&format!("m={text} ")) && printed.contains("in "), "{printed}");
            let page = sandbox.sweep(&["show", &format!("pi-1/{index}")]).code(0).stdout;
            assert!(page.contains(line), "{page}");
        }
    }
}

#[test]
fn show_for_tools_has_the_documented_fields() {
    for sandbox in Sandbox::both() {
        sandbox.write("pi.toml", "command = \"sh -c 'echo e=1.5; echo oops >&2; exit {{ x }}'\"\n[grid]\nx = [0, 3]\n");
        sandbox.sweep(&["run", "pi.toml"]).code(1);
        let good = sandbox.sweep(&["show", "pi-1/0", "--json"]).code(0).json();
        assert_eq!(good["job"], "pi-1/0");
        assert_eq!(good["params"], serde_json::json!({"x": 0}));
        assert_eq!(good["command"], serde_json::json!(["sh", "-c", "echo e=1.5; echo oops >&2; exit 0"]));
        assert!(good["program"].as_str().expect("a path").ends_with("/sh"));
        assert_eq!((good["state"].as_str(), good["exit_code"].as_i64()), (Some("succeeded"), Some(0)));
        assert_eq!(good["results"], serde_json::json!({"e": 1.5}));
        assert_eq!((good["stdout_tail"].as_str(), good["stderr_tail"].as_str()), (Some("e=1.5\n"), Some("oops\n")));
        for field in ["seed", "attempts", "seconds", "host"] {
            assert!(!good[field].is_null(), "{field}");
        }
        let bad = sandbox.sweep(&["show", "pi-1/1", "--json"]).code(0).json();
        assert_eq!((bad["state"].as_str(), bad["exit_code"].as_i64()), (Some("failed"), Some(3)));
        let logs = sandbox.sweep(&["logs", "pi-1/1"]).code(0);
        assert_eq!((logs.stdout.as_str(), logs.stderr.as_str()), ("e=1.5\n", "oops\n"));
    }
}

#[test]
fn jobs_lists_states_and_json_lines() {
    for sandbox in Sandbox::both() {
        sandbox.write("pi.toml", "command = \"sh -c 'exit {{ x }}'\"\n[grid]\nx = [0, 1, 3, 2]\n");
        sandbox.sweep(&["run", "pi.toml"]).code(1);
        let failed = sandbox.sweep(&["jobs", "--state", "failed"]).code(0).stdout;
        assert_eq!(failed, "pi-1/1  failed     x=1\npi-1/2  failed     x=3\npi-1/3  failed     x=2\n");
        let lines = sandbox.sweep(&["jobs", "--json"]).code(0).stdout;
        let states: Vec<_> = lines
            .lines()
            .map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON")["state"].clone())
            .collect();
        assert_eq!(states, ["succeeded", "failed", "failed", "failed"]);
        let limited = sandbox.sweep(&["jobs", "--limit", "1"]).code(0);
        assert_eq!(limited.stdout.lines().count(), 1);
        assert!(limited.stderr.contains("--limit"), "{}", limited.stderr);
    }
}

#[test]
fn points_are_chosen_by_an_expression() {
    for sandbox in Sandbox::both() {
        sandbox.write(
            "pi.toml",
            "command = \"sh -c 'exit {{ (x + attempt) % 2 }}'\"\nrepeats = 2\n[grid]\nx = { from = 0, to = 9, step = 1 }\n",
        );
        sandbox.sweep(&["run", "pi.toml"]).code(1);
        let listed = sandbox.sweep(&["jobs", "--state", "failed", "--where", "x > 3 and repeat == 0"]).code(0).stdout;
        let jobs: Vec<_> = listed.lines().filter_map(|line| line.split_whitespace().next()).collect();
        assert_eq!(jobs, ["pi-1/4", "pi-1/6", "pi-1/8"]);
        for (filter, told) in [
            ("y > 3", "the names are `x`, `job`"),
            ("x >", "cannot parse this expression"),
            ("x + 1", "at point 0"),
            ("x ** 2 > 3", "write pow(x, y)"),
        ] {
            let ran = sandbox.sweep(&["jobs", "--where", filter]).code(2);
            assert!(ran.stderr.contains(told), "{}", ran.stderr);
        }
        let none = sandbox.sweep(&["retry", "--where", "x == 3"]).code(0).stderr;
        assert!(none.contains("no failed or cancelled points that satisfy"), "{none}");
        let success = sandbox.sweep(&["retry", "pi-1/1", "--failed"]).code(0).stderr;
        assert!(success.contains("no failed points there"), "{success}");
        let some = sandbox.sweep(&["retry", "--where", "x > 3", "--failed"]).code(0).stderr;
        assert!(some.contains("put 6 points of pi-1 back in the queue"), "{some}");
        sandbox.sweep(&["worker", "--until-empty"]).code(0);
        sandbox.sweep(&["submit", "pi.toml", "--fresh"]).code(0);
        sandbox.sweep(&["cancel", "pi-2"]).code(0);
        let cancelled = sandbox.sweep(&["retry", "pi-2", "--failed"]).code(0).stderr;
        assert!(cancelled.contains("no failed points"), "{cancelled}");
        sandbox.sweep(&["retry", "pi-2", "--where", "job < 3 or job == 7"]).code(0);
        assert_eq!(sandbox.status("pi-2")["pending"], 4);
        // Only the retried points of the first sweep have run again.
        let left = sandbox.sweep(&["jobs", "pi-1", "--state", "failed"]).code(0).stdout;
        assert_eq!(left.lines().count(), 4, "{left}");
    }
}

#[test]
fn wait_ends_with_the_exit_code_of_run() {
    for sandbox in Sandbox::both() {
        sandbox.write("pi.toml", "command = \"sh -c 'sleep 0.2; exit {{ x }}'\"\n[grid]\nx = [0, 1]\n");
        sandbox.sweep(&["submit", "pi.toml"]).code(0);
        let mut waiting = sandbox.start("wait", &["wait"]);
        sandbox.sweep(&["worker", "--until-empty"]).code(1);
        assert_eq!(waiting.end(), 1, "{}", waiting.log());
        assert!(waiting.log().contains("1 succeeded, 1 failed"), "{}", waiting.log());
    }
}
