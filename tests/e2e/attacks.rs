//! Owns the tests that attack: what somebody else could leave on a machine or in a store, and what must not follow from it.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};

use crate::common::Sandbox;

/// A user that is not the one who runs the tests.
const OTHER: u32 = 54_321;

const SWEEP: &str = "command = \"echo y={{ x }}\"\n[grid]\nx = [1, 2]\n";

/// A store in the sandbox's folder, with a trigger that replaces the command of each sweep that is submitted.
fn store_with_a_trigger(sandbox: &Sandbox) {
    sandbox.write("first.toml", SWEEP);
    sandbox.sweep(&["submit", "first.toml"]).code(0);
    let database = rusqlite::Connection::open(sandbox.path().join(".sweep/sweep.db")).expect("a database");
    let trigger = "CREATE TRIGGER attack AFTER INSERT ON sweeps BEGIN
                   UPDATE sweeps SET document = replace(document, 'echo', 'touch') WHERE rowid = new.rowid; END";
    database.execute_batch(trigger).expect("a trigger");
}

/// Runs `sweep run` in a folder below the sandbox's, with the store that it finds.
fn run_below(sandbox: &Sandbox, folder: &str) -> (i32, String) {
    sandbox.write(&format!("{folder}/mine.toml"), SWEEP);
    let mut command = sandbox.command(&["run", "mine.toml"]);
    let ran = command.current_dir(sandbox.path().join(folder)).output().expect("it runs");
    (ran.status.code().unwrap_or(-1), String::from_utf8_lossy(&ran.stderr).into_owned())
}

#[test]
fn a_store_with_a_trigger_is_refused_also_when_it_is_named() {
    let sandbox = Sandbox::embedded();
    store_with_a_trigger(&sandbox);
    for args in [&["status"][..], &["--store", ".sweep", "run", "first.toml"]] {
        let refused = sandbox.sweep(args).code(3).stderr;
        assert!(refused.contains("contains triggers or views"), "{refused}");
    }
}

#[test]
fn a_store_above_that_others_may_write_is_refused_unless_it_is_named() {
    let sandbox = Sandbox::embedded();
    sandbox.write("first.toml", SWEEP);
    sandbox.sweep(&["submit", "first.toml"]).code(0);
    fs::set_permissions(sandbox.path().join(".sweep"), fs::Permissions::from_mode(0o777)).expect("it is ours");
    let (code, said) = run_below(&sandbox, "below");
    assert_eq!(code, 3, "{said}");
    assert!(said.contains("may be written by everybody") && said.contains("chmod go-w"), "{said}");
    sandbox.sweep(&["--store", ".sweep", "status"]).code(0);
}

/// Only root can give a file to somebody else, so others pass this test over.
#[test]
fn a_store_of_another_user_is_refused_and_the_search_ends_at_a_folder_of_another_user() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let sandbox = Sandbox::embedded();
    sandbox.write("first.toml", SWEEP);
    sandbox.sweep(&["submit", "first.toml"]).code(0);
    chown(sandbox.path().join(".sweep"), Some(OTHER), None).expect("root may do that");
    let (code, said) = run_below(&sandbox, "below");
    assert_eq!(code, 3, "{said}");
    assert!(said.contains("belongs to the user 54321, not to you"), "{said}");
    // The folder that holds it belongs to the other user as well: it is out of reach.
    chown(sandbox.path(), Some(OTHER), None).expect("root may do that");
    let (code, said) = run_below(&sandbox, "below");
    assert_eq!(code, 0, "{said}");
    assert!(sandbox.path().join("below/.sweep").is_dir() && !said.contains("store:"), "{said}");
}

#[test]
fn a_store_in_a_folder_above_is_named_when_something_is_written_to_it() {
    let sandbox = Sandbox::embedded();
    sandbox.write("first.toml", SWEEP);
    sandbox.sweep(&["submit", "first.toml"]).code(0);
    let (code, said) = run_below(&sandbox, "below");
    assert_eq!(code, 0, "{said}");
    let store = sandbox.path().join(".sweep");
    assert!(said.contains(&store.display().to_string()), "{said}");
    assert!(!sandbox.path().join("below/.sweep").exists());
}

#[test]
fn links_that_a_job_leaves_are_followed_neither_for_results_nor_for_decks_nor_for_marks() {
    let sandbox = Sandbox::embedded();
    sandbox.write("kept/deck.in", "kept");
    sandbox.write("kept/victim", "kept");
    sandbox.write("deck.j2", "x = {{ x }}\n");
    // The first job plants links where later jobs have their directories, their decks and their results.
    sandbox.write(
        "job.sh",
        "here=$1; case $2 in\n\
         0) ln -sfn $here/kept $here/runs/1\n\
         mkdir -p $here/runs/2 $here/runs/3/sub && ln -s $here/kept/victim $here/runs/2/.sweep-job\n\
         rmdir $here/runs/3/sub && ln -s $here/kept $here/runs/3/sub\n\
         ln -sf /proc/$PPID/environ out.json;;\n\
         *) echo '{\"y\": 1}' >out.json;;\n\
         esac\n",
    );
    sandbox.write(
        "a.toml",
        "command = \"sh {{ here }}/job.sh {{ here }} {{ x }}\"\n[grid]\nx = [0, 1, 2, 3]\n[job]\ndir = \"runs/{{ x }}\"\n\
         [templates]\n\"sub/deck.in\" = \"deck.j2\"\n[results]\nformat = \"json\"\nfrom = \"out.json\"\n",
    );
    sandbox.sweep(&["run", "a.toml", "-j", "1", "--out", "t.csv", "--keep-going"]).code(1);
    let failures = sandbox.sweep(&["failures", "a-1", "--json"]).code(0).stdout;
    assert!(failures.contains("it is a link"), "the results of job 0: {failures}");
    assert!(failures.contains("is a link; remove the link"), "the directory of job 1: {failures}");
    for name in ["kept/deck.in", "kept/victim"] {
        assert_eq!(sandbox.read(name), "kept", "{name}");
    }
    assert!(!sandbox.path().join("kept/sub").exists() && !sandbox.path().join("kept/out.json").exists());
    assert_eq!(sandbox.rows("t.csv").len(), 1, "job 2 alone: {}", sandbox.read("t.csv"));
}

/// Only root can give a link to somebody else, so others pass this test over.
#[test]
fn a_table_is_not_written_through_a_link_of_another_user() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let sandbox = Sandbox::embedded();
    sandbox.write("a.toml", SWEEP);
    sandbox.write("kept", "kept");
    let link = sandbox.path().join("a.results.csv");
    std::os::unix::fs::symlink(sandbox.path().join("kept"), &link).expect("a link");
    std::os::unix::fs::lchown(&link, Some(OTHER), None).expect("root may do that");
    let said = sandbox.sweep(&["run", "a.toml"]).code(2).stderr;
    assert!(said.contains("is a link that belongs to another user"), "{said}");
    let out = link.to_string_lossy().into_owned();
    sandbox.sweep(&["submit", "a.toml"]).code(0);
    sandbox.sweep(&["collect", "a-1", "--out", &out]).code(2);
    assert_eq!(sandbox.read("kept"), "kept");
    // A link of this user is followed, and stays.
    std::os::unix::fs::lchown(&link, Some(0), None).expect("root may do that");
    sandbox.sweep(&["run", "a.toml", "--force"]).code(0);
    assert!(link.is_symlink() && sandbox.read("kept").starts_with("job,"));
}
