//! Owns the tests of bad input, a missing store and missing programs.

use crate::common::{Ran, Sandbox, redis_server};

#[test]
fn a_wrong_sweep_file_ends_with_2_and_nothing_is_submitted() {
    let sandbox = Sandbox::embedded();
    sandbox.write("a.toml", "comand = \"true\"\nrepeats = 0\n[grid]\nx = []\n");
    for command in ["check", "run", "submit"] {
        let ran = sandbox.sweep(&[command, "a.toml"]).code(2);
        for told in ["did you mean `command`", "repeats", "a.toml:4"] {
            assert!(ran.stderr.contains(told), "{command} does not tell {told}: {}", ran.stderr);
        }
        assert_eq!(ran.stdout, "");
    }
    assert!(!sandbox.path().join(".sweep").exists());
}

/// `tests/bad_input.rs` has a snapshot of each message; here the binary must end with 2 and leave nothing behind.
#[test]
fn every_mistake_that_there_is_a_sample_of_ends_with_2_before_anything_runs() {
    let samples = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bad");
    let sandbox = Sandbox::embedded();
    let mut tried = 0;
    for entry in std::fs::read_dir(&samples).expect("the folder is there") {
        let path = entry.expect("an entry").path();
        if path.extension().is_none_or(|extension| extension != "toml") {
            continue;
        }
        let file = path.to_str().expect("a plain path");
        let ran = sandbox.sweep(&["run", file]).code(2);
        assert!(ran.stderr.contains("error: ") && ran.stdout.is_empty(), "{file}: {}", ran.stderr);
        tried += 1;
    }
    assert!(tried > 60, "only {tried} samples");
    assert!(!sandbox.path().join(".sweep").exists(), "something was submitted");
}

#[test]
fn a_sweep_file_that_is_not_there_ends_with_5() {
    let sandbox = Sandbox::embedded();
    let ran = sandbox.sweep(&["run", "nowhere.toml"]).code(5);
    assert!(ran.stderr.contains("nowhere.toml cannot be read"), "{}", ran.stderr);
}

#[test]
fn commands_that_only_look_make_no_store() {
    let sandbox = Sandbox::embedded();
    for args in [&["status"][..], &["list"], &["jobs"], &["collect", "--out", "t.csv"], &["retry"], &["wait"]] {
        let ran = sandbox.sweep(args).code(3);
        assert!(ran.stderr.contains("there is no store here") && ran.stderr.contains("--store"), "{}", ran.stderr);
    }
    assert!(!sandbox.path().join(".sweep").exists());
}

#[test]
fn what_is_not_there_is_said_with_what_to_type() {
    for sandbox in Sandbox::both() {
        sandbox.write("a.toml", "command = \"echo {{ x }}\"\n[grid]\nx = [1, 2]\n");
        sandbox.sweep(&["run", "a.toml"]).code(0);
        let cases: [(&[&str], &str); 8] = [
            (&["status", "b-1"], "`sweep list`"),
            (&["show", "a-1/2"], "indices from 0 to 1"),
            (&["show", "a-1"], "looks like `pi-3/417`"),
            (&["collect", "a", "--out", "t.csv"], "looks like `pi-3`"),
            (&["retry", "a-1/1..0"], "`pi-3/10..20`"),
            (&["retry", "a-1/7"], "indices from 0 to 1"),
            (&["logs", "a-1/0", "--attempt", "9"], "no attempt 9"),
            (&["rm", "a-9"], "`sweep list`"),
        ];
        for (args, told) in cases {
            let ran = sandbox.sweep(args).code(2);
            assert!(ran.stderr.contains(told), "{args:?}: {}", ran.stderr);
        }
    }
}

#[test]
fn a_store_that_cannot_be_reached_ends_with_3_and_shows_no_password() {
    let sandbox = Sandbox::embedded();
    let port = redis_server::free_port();
    let url = format!("redis://user:geheim@127.0.0.1:{port}");
    let ran = sandbox.command(&["status"]).env("SWEEP_STORE", &url).output().expect("the binary runs");
    let ran = Ran::from(ran).code(3);
    assert!(ran.stderr.contains("cannot be reached") && !ran.stderr.contains("geheim"), "{}", ran.stderr);
    let ran = sandbox.sweep(&["status", "--store", "mysql://x"]).code(2);
    assert!(ran.stderr.contains("redis://HOST:6379"), "{}", ran.stderr);
}

#[test]
fn a_program_that_is_not_there_fails_with_a_hint_and_is_not_tried_again() {
    let sandbox = Sandbox::embedded();
    sandbox.write("solver", "#!/bin/sh\necho 1\n");
    sandbox.write("a.toml", "command = \"solver {{ x }}\"\n[grid]\nx = [1, 2]\n[job]\nretries = 3\n");
    let checked = sandbox.sweep(&["check", "a.toml"]).code(0);
    assert!(checked.stderr.contains("./solver"), "{}", checked.stderr);
    let ran = sandbox.sweep(&["run", "a.toml", "-j", "1"]).code(4);
    assert_eq!(ran.stderr.matches("a-1 is paused").count(), 1, "{}", ran.stderr);
    let shown = sandbox.sweep(&["show", "a-1/0", "--json"]).code(0).json();
    assert_eq!(shown["attempts"], 1);
    let cause = shown["cause"].as_str().expect("a cause");
    assert!(cause.starts_with("cannot start: ") && cause.contains("./solver"), "{cause}");
}

#[test]
fn a_job_without_its_required_result_has_failed() {
    let sandbox = Sandbox::embedded();
    sandbox.write(
        "a.toml",
        "command = \"echo en=1 {{ x }}\"\n[grid]\nx = 1\n[results]\nformat = \"keyvalue\"\nrequire = [\"energy\"]\n",
    );
    sandbox.sweep(&["run", "a.toml"]).code(1);
    let shown = sandbox.sweep(&["show", "a-1/0", "--json"]).code(0).json();
    let cause = shown["cause"].as_str().expect("a cause");
    assert!(cause.starts_with("no result: ") && cause.contains("energy"), "{cause}");
}

#[test]
fn what_jobs_print_is_shown_with_control_characters_made_visible() {
    let sandbox = Sandbox::embedded();
    let job = "printf '{\"s\": \"a\\\\u001b[31m\", \"n\": %s}\\n' $1; printf '\\033]0;x\\007' >&2; [ $1 = 1 ]\n";
    sandbox.write("job.sh", job);
    sandbox.write("a.toml", "command = \"sh job.sh {{ x }}\"\n[grid]\nx = [1, 2]\n");
    sandbox.sweep(&["run", "a.toml"]).code(1);
    let cases: [&[&str]; 4] = [&["show", "a-1/0"], &["show", "a-1/1"], &["failures"], &["stats", "--by", "s"]];
    for args in cases {
        let ran = sandbox.sweep(args).code(0);
        assert!(!ran.stdout.contains(['\u{1b}', '\u{7}']), "{args:?}: {:?}", ran.stdout);
        assert!(ran.stdout.contains("\\u{1b}"), "{args:?}: {}", ran.stdout);
    }
    // A file contains what was printed, unchanged.
    assert!(sandbox.read("a.results.csv").contains("a\u{1b}[31m"));
}

#[test]
fn a_point_whose_command_cannot_be_told_is_shown_and_chosen_like_any_other() {
    let sandbox = Sandbox::embedded();
    let text = "command = \"echo {{ d }}\"\n[grid]\nx = [2, 1, 0]\n[derived]\nd = \"2 / x\"\n[job]\nenv = { X = \"{{ x }}\" }\n";
    sandbox.write("a.toml", text);
    sandbox.sweep(&["run", "a.toml"]).code(1);
    let page = sandbox.sweep(&["show", "a-1/2"]).code(0).stdout;
    for line in ["a-1/2  failed", "  x = 0", "(no command: point 2 (x = 0", "attempt 1: "] {
        assert!(page.contains(line), "{line}: {page}");
    }
    let shown = sandbox.sweep(&["show", "a-1/2", "--json"]).code(0).json();
    assert_eq!(shown["state"], "failed");
    assert!(shown["command"].is_null() && shown["paste"].is_null(), "{shown}");
    let jobs = sandbox.sweep(&["jobs", "--where", "d > 1.5"]).code(0).stdout;
    assert!(jobs.contains("a-1/1") && !jobs.contains("a-1/2") && !jobs.contains("a-1/0"), "{jobs}");
}
