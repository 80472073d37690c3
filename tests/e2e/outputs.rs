//! Owns the tests of where tables go: what is never overwritten, what is written to but not replaced, what is refused.

use std::io::Read;
use std::os::unix::fs::{FileTypeExt, symlink};
use std::process::Command;

use crate::common::Sandbox;

const SWEEP: &str =
    "command = \"sh solver.sh {{ x }}\"\n[grid]\nx = [1, 2]\n[files]\nwatch = [\"lib/*.sh\", \"*.csv\"]\n";
const TABLE: &str = "job,x,y,";

fn sandbox() -> Sandbox {
    let sandbox = Sandbox::embedded();
    sandbox.write("a.toml", SWEEP);
    sandbox.write("solver.sh", "echo y=$1\n");
    std::fs::create_dir(sandbox.path().join("lib")).expect("a folder");
    sandbox.write("lib/tools.sh", "true\n");
    sandbox.write("other.csv", "1\n");
    sandbox
}

#[test]
fn what_the_sweep_reads_and_the_store_itself_are_never_overwritten() {
    let sandbox = sandbox();
    sandbox.sweep(&["run", "a.toml"]).code(0);
    symlink(".sweep/sweep.db", sandbox.path().join("link")).expect("a link");
    let outputs = [
        "a.toml",
        "solver.sh",
        "lib/tools.sh",
        "./lib/../lib/tools.sh",
        "lib/new.sh",
        "other.csv",
        ".sweep/sweep.db",
        "link",
    ];
    let refusals = outputs.map(|output| {
        let collected = sandbox.sweep(&["collect", "--out", output]).code(2).stderr;
        assert_eq!(sandbox.sweep(&["run", "a.toml", "--out", output]).code(2).stderr, collected);
        collected.replace(&sandbox.path().canonicalize().expect("it is there").display().to_string(), "HERE")
    });
    insta::assert_snapshot!(refusals.concat(), @r"
    error: HERE/a.toml is an input file of the sweep
      help: name another file with `--out`
    error: HERE/solver.sh is an input file of the sweep
      help: name another file with `--out`
    error: lib/tools.sh matches `[files] watch`: writing it would count as a change of an input file
      help: name another file with `--out`
    error: ./lib/../lib/tools.sh matches `[files] watch`: writing it would count as a change of an input file
      help: name another file with `--out`
    error: lib/new.sh matches `[files] watch`: writing it would count as a change of an input file
      help: name another file with `--out`
    error: other.csv matches `[files] watch`: writing it would count as a change of an input file
      help: name another file with `--out`
    error: .sweep/sweep.db belongs to the store
      help: name another file with `--out`
    error: link belongs to the store
      help: name another file with `--out`
    ");
    assert_eq!(sandbox.read("lib/tools.sh"), "true\n");
    assert!(!sandbox.path().join("lib/new.sh").exists());
    // The default table of `run` is not a watched file, and the store is undamaged.
    sandbox.sweep(&["run", "a.toml"]).code(0);
    assert!(sandbox.read("a.results.csv").starts_with(TABLE));
    assert_eq!(sandbox.status("a-1")["succeeded"], 2);
}

#[test]
fn a_pipe_or_a_device_is_written_to_and_stays_and_so_does_a_link() {
    let sandbox = sandbox();
    let pipe = sandbox.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().expect("mkfifo runs").success());
    let reader = std::thread::spawn({
        let pipe = pipe.clone();
        move || {
            let mut text = String::new();
            std::fs::File::open(pipe).and_then(|mut pipe| pipe.read_to_string(&mut text)).map(|_| text)
        }
    });
    sandbox.sweep(&["run", "a.toml", "--out", "pipe"]).code(0);
    assert!(reader.join().expect("no panic").expect("it can be read").starts_with(TABLE));
    assert!(pipe.metadata().expect("it is there").file_type().is_fifo());
    assert!(!sandbox.path().join("pipe.meta.json").exists());
    assert!(sandbox.sweep(&["collect", "--out", "/dev/stdout"]).code(0).stdout.starts_with(TABLE));

    std::fs::create_dir(sandbox.path().join("results")).expect("a folder");
    sandbox.write("results/table.txt", "old");
    symlink("results/table.txt", sandbox.path().join("link")).expect("a link");
    sandbox.sweep(&["collect", "--out", "link"]).code(0);
    assert!(sandbox.read("results/table.txt").starts_with(TABLE));
    assert!(sandbox.path().join("link").is_symlink());
}

#[test]
fn a_folder_that_is_not_there_is_told_with_what_to_do() {
    let sandbox = sandbox();
    let refused = sandbox.sweep(&["run", "a.toml", "--out", "no/t.txt"]).code(5).stderr;
    insta::assert_snapshot!(refused.replace(&sandbox.path().display().to_string(), "HERE"), @"
    error: no/t.txt cannot be written: there is no folder no
      help: create the folder, or name another file with `--out`
    ");
    assert!(!sandbox.path().join(".sweep").exists(), "nothing was submitted");
}

#[test]
fn who_reads_no_messages_gets_the_table_all_the_same() {
    let sandbox = sandbox();
    let mut run = sandbox.command(&["run", "a.toml"]);
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let status = run.stdout(std::process::Stdio::null()).stderr(writer).status().expect("it runs");
    assert_eq!(status.code(), Some(0));
    assert!(sandbox.read("a.results.csv").starts_with(TABLE));
}

#[test]
fn a_reader_that_leaves_ends_every_command_that_prints_data_without_a_message() {
    for sandbox in Sandbox::both() {
        sandbox.write("a.toml", "command = \"echo y={{ x }}\"\n[grid]\nx = [1, 2]\n");
        sandbox.sweep(&["run", "a.toml"]).code(0);
        let commands: [&[&str]; 20] = [
            &["collect", "--out", "-"],
            &["collect", "--out", "-", "--format", "jsonl"],
            &["stats", "--results", "seconds"],
            &["stats", "--results", "seconds", "--json"],
            &["stats", "--results", "seconds", "--out", "-"],
            &["jobs"],
            &["jobs", "--json"],
            &["show", "a-1/0"],
            &["show", "a-1/0", "--json"],
            &["logs", "a-1/0"],
            &["failures", "--json"],
            &["status"],
            &["status", "--json"],
            &["list"],
            &["check", "a.toml"],
            &["check", "a.toml", "--json"],
            &["check", "a.toml", "--out", "-"],
            &["doctor"],
            &["completions", "bash"],
            &["man"],
        ];
        for command in commands {
            let (reader, writer) = std::io::pipe().expect("a pipe");
            drop(reader);
            let ended = sandbox.command(command).stdout(writer).output().expect("it runs");
            let stderr = String::from_utf8_lossy(&ended.stderr);
            assert_eq!((ended.status.code(), &*stderr), (Some(0), ""), "{command:?}");
        }
    }
}
