//! Owns the tests of secrets: the password in the URL of a store is never visible, and no file is writable by others.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::common::redis_server::RedisServer;
use crate::common::{Sandbox, until};

const PASSWORD: &str = "s3cret";

#[test]
#[cfg(target_os = "linux")]
fn a_password_in_the_stores_url_is_seen_nowhere() {
    let sandbox = Sandbox::embedded();
    let server = RedisServer::start_with(&[("appendonly", "yes"), ("requirepass", PASSWORD)]);
    let url = format!("redis://:{PASSWORD}@127.0.0.1:{}", server.port());
    // The job prints everything that it inherits, and runs until it is told to end.
    sandbox.write(
        "show.toml",
        "command = [\"sh\", \"-c\", \"env; tr '\\\\0' ' ' </proc/$PPID/cmdline; while ! [ -e end ]; do sleep 0.05; done\"]\n[results]\nformat = \"none\"\n",
    );
    let with_url = |args: &[&str]| sandbox.sweep(&[args, &["--store", &url]].concat());
    let mut seen = with_url(&["submit", "show.toml"]).code(0).stderr;
    let mut worker = sandbox.start("worker", &["--store", &url, "worker", "--until-empty", "-j", "1"]);
    let of = |pid: &str| {
        let all = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&all).replace('\0', " ")
    };
    let pid = worker.pid().to_string();
    until("the command line without the URL", || {
        let line = of(&pid);
        if line.trim_end().ends_with("sweep worker --until-empty -j 1") { Ok(()) } else { Err(line) }
    });
    until("the job to run", || {
        let status = with_url(&["status", "--json"]).json()["sweeps"][0]["running"].clone();
        if status == 1 { Ok(()) } else { Err(status) }
    });
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let line = of(&entry.file_name().to_string_lossy());
        assert!(!line.contains("sweep") || !line.contains(PASSWORD), "{line}");
    }
    for args in [&["status"][..], &["status", "--json"], &["show", "show-1/0"], &["doctor"], &["doctor", "--json"]] {
        let ran = with_url(args);
        seen += &format!("{}{}", ran.stdout, ran.stderr);
    }
    sandbox.write("end", "");
    assert_eq!(worker.end(), 0);
    let logs = with_url(&["logs", "show-1/0"]).code(0).stdout;
    assert!(logs.contains("SWEEP_ID=show-1"), "{logs}");
    seen += &(logs + &worker.log());
    // The same when the URL is wrong.
    for url in [&url.replace(PASSWORD, "s3cret-not"), &format!("redis://{PASSWORD}:{PASSWORD}@127.0.0.1:1")] {
        seen += &sandbox.sweep(&["status", "--store", url]).code(3).stderr;
    }
    assert!(!seen.contains(PASSWORD), "{seen}");
}

/// All files below a folder, with their modes.
fn modes(folder: &Path) -> Vec<(PathBuf, u32)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let metadata = entry.metadata().unwrap();
        found.push((entry.path(), metadata.permissions().mode() & 0o7777));
        if metadata.is_dir() {
            found.extend(modes(&entry.path()));
        }
    }
    found
}

#[test]
fn what_is_made_is_no_wider_than_the_umask_allows() {
    for (umask, denied) in [("077", 0o077), ("022", 0o022), ("000", 0)] {
        let sandbox = Sandbox::embedded();
        let sweep = env!("CARGO_BIN_EXE_sweep");
        let script = format!(
            "umask {umask} && mkdir work && cd work && {sweep} new a.toml && cp ../pi.toml . && \
             {sweep} run pi.toml --out table.csv && {sweep} check pi.toml --out points.csv"
        );
        sandbox.write("deck.j2", "{{ x }}\n");
        sandbox.write(
            "pi.toml",
            "command = \"echo result={{ x }}\"\n[grid]\nx = [1, 2]\n[job]\ndir = \"runs/{{ job }}\"\n[templates]\n\"in\" = \"../deck.j2\"\n",
        );
        let ran = std::process::Command::new("sh").args(["-c", &script]).current_dir(sandbox.path()).output().unwrap();
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
        let made = modes(&sandbox.path().join("work"));
        for name in ["a.toml", ".sweep", "sweep.db", "table.csv", "points.csv", "runs", "in"] {
            assert!(made.iter().any(|(path, _)| path.file_name().unwrap() == name), "{name} is missing in {made:?}");
        }
        for (path, mode) in made {
            assert_eq!(mode & denied, 0, "umask {umask}: {mode:o} {}", path.display());
            let of_store = path.components().any(|part| part.as_os_str() == ".sweep");
            assert!(
                !of_store || mode & 0o002 == 0,
                "who writes the store has commands run: {mode:o} {}",
                path.display()
            );
        }
    }
}
