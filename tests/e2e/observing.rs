//! Owns the tests of inputs that are found by observing jobs, with real programs.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

use crate::common::{Ran, Sandbox};

const MAIN: &str = r#"
import json, os, sys
from lib import model
c = json.load(open("config.json"))["c"]
extra = json.load(open("extra.json"))["e"] if os.path.exists("extra.json") else 0
names = len(os.listdir("data"))
print(json.dumps({"y": model.f(float(sys.argv[1]), c) + extra, "names": names}))
"#;

/// A study in Python: a script, a package, a configuration, a folder.
fn python_study(sandbox: &Sandbox) {
    sandbox.write("a.toml", "command = \"python3 main.py {{ x }}\"\n[grid]\nx = [1, 2, 3]\n");
    sandbox.write("main.py", MAIN);
    sandbox.write("lib/__init__.py", "");
    sandbox.write("lib/model.py", "def f(x, c): return x * c\n");
    sandbox.write("config.json", "{\"c\": 10}");
    sandbox.write("data/one", "");
    sandbox.write("data/two", "");
}

/// The inputs of a sweep: how each was found, and its kind, by its path.
fn inputs(sandbox: &Sandbox, id: &str) -> Vec<(String, String, String)> {
    let status = sandbox.sweep(&["status", id, "--json"]).code(0).json();
    let files = status["sweeps"][0]["inputs"]["files"].as_array().unwrap_or_else(|| panic!("{status}")).clone();
    let text = |file: &Value, key: &str| file[key].as_str().unwrap_or_default().to_owned();
    files.iter().map(|file| (text(file, "path"), text(file, "found_by"), text(file, "kind"))).collect()
}

fn paths(sandbox: &Sandbox, id: &str, found_by: &str) -> Vec<String> {
    inputs(sandbox, id).into_iter().filter(|(_, by, _)| by == found_by).map(|(path, ..)| path).collect()
}

fn results(sandbox: &Sandbox) -> Vec<String> {
    sandbox.rows("a.results.csv").into_iter().map(|row| row["y"].clone()).collect()
}

fn run(sandbox: &Sandbox) -> Ran {
    sandbox.sweep(&["run", "a.toml", "-j1"]).code(0)
}

/// The events of a run.
fn run_with_events(sandbox: &Sandbox) -> Vec<Value> {
    let ran = sandbox.sweep(&["run", "a.toml", "-j1", "--log-format", "json"]);
    let lines = ran.stderr.lines().filter_map(|line| serde_json::from_str(line).ok());
    lines.collect()
}

fn has_event(events: &[Value], name: &str) -> bool {
    events.iter().any(|event| event["event"] == name)
}

#[test]
fn modules_configuration_listed_folders_and_missing_files_are_inputs() {
    for sandbox in Sandbox::both() {
        python_study(&sandbox);
        run(&sandbox);
        let found = paths(&sandbox, "a-1", "observed");
        for path in ["config.json", "data", "extra.json", "lib/__init__.py", "lib/model.py"] {
            assert!(found.iter().any(|found| found == path), "{path}: {found:?}");
        }
        assert!(found.iter().all(|path| !path.contains("__pycache__") && path != "." && path != "lib"), "{found:?}");
        assert_eq!(results(&sandbox), ["10.0", "20.0", "30.0"]);

        sandbox.write("lib/model.py", "def f(x, c): return x * c + 1\n");
        assert!(run(&sandbox).stderr.contains("lib/model.py changed"));
        assert_eq!(results(&sandbox), ["11.0", "21.0", "31.0"]);
        sandbox.write("config.json", "{\"c\": 100}");
        assert!(run(&sandbox).stderr.contains("config.json changed"));
        assert_eq!(results(&sandbox), ["101.0", "201.0", "301.0"]);
        sandbox.write("extra.json", "{\"e\": 0.5}");
        assert!(run(&sandbox).stderr.contains("extra.json"));
        assert_eq!(results(&sandbox), ["101.5", "201.5", "301.5"]);
        sandbox.write("data/three", "");
        run(&sandbox);
        assert_eq!(sandbox.rows("a.results.csv")[0]["names"], "3");
        // Undone edits: the first results count again, and nothing runs.
        for (path, text) in [("lib/model.py", "def f(x, c): return x * c\n"), ("config.json", "{\"c\": 10}")] {
            sandbox.write(path, text);
        }
        fs::remove_file(sandbox.path().join("extra.json")).unwrap();
        fs::remove_file(sandbox.path().join("data/three")).unwrap();
        let again = run(&sandbox);
        assert_eq!(results(&sandbox), ["10.0", "20.0", "30.0"]);
        assert!(!sandbox.path().join("nothing").exists(), "{}", again.stderr);
    }
}

#[test]
fn cached_bytecode_stands_for_its_source() {
    let sandbox = Sandbox::embedded();
    python_study(&sandbox);
    // Python compiles the package before sweep runs: a job then opens only the cache.
    let mut python = Command::new("python3");
    let python = python.args(["main.py", "1"]).current_dir(sandbox.path()).env_remove("PYTHONDONTWRITEBYTECODE");
    let compiled = python.output().unwrap();
    assert!(compiled.status.success());
    assert!(sandbox.path().join("lib/__pycache__").is_dir());
    run(&sandbox);
    assert!(paths(&sandbox, "a-1", "observed").contains(&"lib/model.py".to_owned()));
    // The cache elsewhere: a job only looks at the source.
    let cache = tempfile::tempdir().unwrap();
    let with_cache = |args: &[&str]| -> Ran {
        let mut command = sandbox.command(args);
        command.env("PYTHONPYCACHEPREFIX", cache.path()).env_remove("PYTHONDONTWRITEBYTECODE");
        command.output().unwrap().into()
    };
    with_cache(&["run", "a.toml", "--fresh", "-j1"]).code(0);
    with_cache(&["run", "a.toml", "--fresh", "-j1"]).code(0);
    assert!(paths(&sandbox, "a-3", "observed").contains(&"lib/model.py".to_owned()));
}

#[test]
fn what_jobs_write_is_no_input() {
    let sandbox = Sandbox::embedded();
    sandbox.write(
        "a.toml",
        "command = \"sh {{ here }}/job.sh {{ x }}\"\n[job]\ndir = \"out/{{ x }}\"\n[grid]\nx = [1, 2, 3, 4]\n",
    );
    let job = r#"
        cd "$SWEEP_HERE"
        test -e cache.txt || cat given.txt > cache.txt
        cat cache.txt > "$SWEEP_DIR/copy"; cat "$SWEEP_DIR/copy" > /dev/null
        echo "$1" >> log.txt; cat log.txt > log.new; mv log.new log.txt
        echo "y=$1""#;
    sandbox.write("job.sh", job);
    sandbox.write("given.txt", "g");
    run(&sandbox);
    let all: Vec<String> = inputs(&sandbox, "a-1").into_iter().map(|(path, ..)| path).collect();
    assert!(all.contains(&"given.txt".to_owned()), "{all:?}");
    assert!(
        all.iter().all(|path| !path.contains("cache") && !path.contains("log") && !path.contains("out")),
        "{all:?}"
    );
    assert_eq!(results(&sandbox).len(), 4);
}

#[test]
fn ignored_files_and_those_outside_the_project_are_no_inputs() {
    let sandbox = Sandbox::embedded();
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("far.txt"), "f").unwrap();
    let far = outside.path().join("far.txt");
    for path in ["near.txt", "noise.txt", "sub/s.txt", "deep/d.txt"] {
        sandbox.write(path, "y");
    }
    // The job opens these through a script, so that no word of the command names them.
    sandbox.write("cat.sh", &format!("cat near.txt noise.txt sub/../deep/d.txt {}; echo y=1\n", far.display()));
    sandbox.write(
        "b.toml",
        "command = \"sh -c '. ./cat.sh' {{ x }}\"\n[files]\nignore = [\"noise.txt\"]\n[grid]\nx = [1, 2]\n",
    );
    sandbox.sweep(&["run", "b.toml", "-j1"]).code(0);
    let found = paths(&sandbox, "b-1", "observed");
    assert!(found.contains(&"near.txt".to_owned()) && found.contains(&"deep/d.txt".to_owned()), "{found:?}");
    assert!(!found.iter().any(|path| path.contains("noise") || path.contains("far")), "{found:?}");
}

#[test]
fn an_attempt_that_fails_because_it_is_observed_runs_again_and_is_not_charged() {
    let sandbox = Sandbox::embedded();
    // It fails under a filter, as some sandboxes and debuggers do.
    let job = "grep -q '^Seccomp:.0' /proc/self/status || { echo half > result.txt; exit 3; }\n\
               test -e result.txt && exit 4\necho \"y=$1\" > result.txt\n";
    sandbox.write("job.sh", job);
    sandbox.write(
        "a.toml",
        "command = \"sh {{ here }}/job.sh {{ x }}\"\n[grid]\nx = [1, 2, 3]\n[results]\nfrom = \"result.txt\"\n",
    );
    let events = run_with_events(&sandbox);
    assert!(has_event(&events, "inputs-unknown"), "{events:?}");
    assert_eq!(results(&sandbox), ["1", "2", "3"]);
    let status = sandbox.status("a-1");
    assert_eq!((&status["succeeded"], &status["failed"]), (&3.into(), &0.into()));
    assert!(sandbox.job("a-1/0")["attempts"].as_array().is_none_or(|attempts| attempts.len() == 1));
}

/// Compiles a program that runs its arguments under a filter that refuses others. None: there is no compiler.
fn refusing_filters(sandbox: &Sandbox) -> Option<PathBuf> {
    let source = r#"
        #include <linux/filter.h>
        #include <linux/seccomp.h>
        #include <stddef.h>
        #include <sys/prctl.h>
        #include <sys/syscall.h>
        #include <unistd.h>
        int main(int count, char **words) {
            struct sock_filter code[] = {
                BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
                BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_seccomp, 0, 1),
                BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | 1),
                BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
            };
            struct sock_fprog program = {4, code};
            prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
            if (count < 2 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program)) return 5;
            execv(words[1], words + 1);
            return 6;
        }"#;
    let (input, output) = (sandbox.write("refuse.c", source), sandbox.path().join("refuse"));
    let compiled = Command::new("cc").arg("-o").arg(&output).arg(&input).output().ok()?;
    compiled.status.success().then_some(output)
}

#[test]
fn where_jobs_cannot_be_observed_the_imports_of_scripts_are_inputs() {
    let sandbox = Sandbox::embedded();
    let Some(refuse) = refusing_filters(&sandbox) else { return };
    python_study(&sandbox);
    let refused = |args: &[&str]| -> Ran {
        let plain = sandbox.command(args);
        let mut command = Command::new(&refuse);
        command.arg(plain.get_program()).args(plain.get_args()).current_dir(sandbox.path());
        for (name, value) in plain.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        command.output().unwrap().into()
    };
    let ran = refused(&["run", "a.toml", "-j2"]).code(0);
    assert_eq!(ran.stderr.matches("are not known").count(), 1, "{}", ran.stderr);
    assert_eq!(paths(&sandbox, "a-1", "import"), ["lib/__init__.py", "lib/model.py"]);
    assert_eq!(results(&sandbox), ["10.0", "20.0", "30.0"]);
    sandbox.write("lib/model.py", "def f(x, c): return x * c + 1\n");
    assert!(refused(&["run", "a.toml"]).code(0).stderr.contains("lib/model.py changed"));
    assert_eq!(results(&sandbox), ["11.0", "21.0", "31.0"]);
}

#[test]
fn a_job_that_fails_by_itself_is_charged_once() {
    let sandbox = Sandbox::embedded();
    sandbox.write("a.toml", "command = \"sh job.sh {{ x }}\"\n[grid]\nx = [1, 2]\n[job]\nretries = 0\n");
    sandbox.write("job.sh", "cat config.txt || exit 3\necho \"y=$1\"\n");
    sandbox.sweep(&["run", "a.toml", "-j1"]).code(1);
    let status = sandbox.status("a-1");
    assert_eq!((&status["succeeded"], &status["failed"]), (&0.into(), &2.into()));
    assert!(paths(&sandbox, "a-1", "observed").contains(&"config.txt".to_owned()), "a missing file is an input, too");
}

#[test]
fn a_file_that_is_edited_while_the_first_job_runs_leaves_no_row_of_the_old_content() {
    let sandbox = Sandbox::embedded();
    sandbox.write("a.toml", "command = \"sh job.sh {{ x }}\"\n[grid]\nx = [1, 2]\n");
    // The first job edits the file itself, in a way that is not seen: by a process that is not its own.
    sandbox
        .write("job.sh", "c=$(cat config.txt); touch began-$1; until test -e edited; do sleep 0.02; done; echo y=$c\n");
    sandbox.write("config.txt", "1");
    let mut run = sandbox.start("run", &["run", "a.toml", "-j1"]);
    crate::common::until("the first job has read the file", || {
        if sandbox.path().join("began-1").exists() { Ok(()) } else { Err(run.log()) }
    });
    sandbox.write("config.txt", "2");
    sandbox.write("edited", "");
    run.end();
    let status = sandbox.status("a-1");
    assert_eq!(status["succeeded"], 0, "{status}\n{}", run.log());
    assert!(status["reason"].as_str().is_some_and(|reason| reason.contains("config.txt")), "{status}");
    sandbox.sweep(&["run", "a.toml", "-j1"]).code(0);
    assert_eq!(results(&sandbox), ["2", "2"]);
}
