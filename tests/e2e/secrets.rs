//! Owns the tests of secrets: the password in the URL of a store is never visible, and no file is writable by others.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::common::redis_server::RedisServer;
use crate::common::{Ran, Sandbox, until};

const PASSWORD: &str = "s3cret";

/// A password that no other test uses: the processes of all tests are looked at.
#[cfg(target_os = "linux")]
const SEEN_NOWHERE: &str = "n0where";

/// What all processes of this program show of themselves: command lines and environments. Root can read all of them.
#[cfg(target_os = "linux")]
fn shown_by_processes() -> String {
    let read = |entry: &fs::DirEntry, file: &str| {
        let all = fs::read(entry.path().join(file)).unwrap_or_default();
        String::from_utf8_lossy(&all).replace('\0', " ")
    };
    let all = fs::read_dir("/proc").unwrap().flatten().map(|entry| (read(&entry, "cmdline"), read(&entry, "environ")));
    all.filter(|(line, _)| line.contains("sweep")).map(|(line, environment)| line + &environment).collect()
}

#[test]
#[cfg(target_os = "linux")]
fn a_password_in_the_stores_url_is_seen_nowhere() {
    let sandbox = Sandbox::embedded();
    let server = RedisServer::start_with(&[("appendonly", "yes"), ("requirepass", SEEN_NOWHERE)]);
    let url = format!("redis://:{SEEN_NOWHERE}@127.0.0.1:{}", server.port());
    // The job prints what it inherits and what its parent shows of the password, and runs until it is told to end.
    sandbox.write(
        "show.sh",
        "env | grep -e SWEEP -e n0where; grep -a n0where /proc/$PPID/cmdline /proc/$PPID/environ\n\
         while ! [ -e end ]; do sleep 0.05; done\n",
    );
    sandbox.write("show.toml", "command = \"sh show.sh\"\n[results]\nformat = \"none\"\n");
    let with_url = |args: &[&str]| -> Ran {
        sandbox.command(args).env("SWEEP_STORE", &url).output().expect("the binary runs").into()
    };
    let mut seen = with_url(&["submit", "show.toml"]).code(0).stderr;
    let mut worker = sandbox.start_at(&url, "worker", &["worker", "--until-empty", "-j", "1"]);
    until("the job to run", || {
        let status = with_url(&["status", "--json"]).json()["sweeps"][0]["running"].clone();
        if status == 1 { Ok(()) } else { Err(status) }
    });
    let shown = shown_by_processes();
    assert!(shown.contains("supervise") && !shown.contains(SEEN_NOWHERE), "a process shows the password");
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
    for url in
        [&url.replace(SEEN_NOWHERE, "n0where-not"), &format!("redis://{SEEN_NOWHERE}:{SEEN_NOWHERE}@127.0.0.1:1")]
    {
        seen += &Ran::from(sandbox.command(&["status"]).env("SWEEP_STORE", url).output().unwrap()).code(3).stderr;
    }
    assert!(!seen.contains(SEEN_NOWHERE), "{seen}");
}

/// Only root can start processes of another user, so others pass this test over.
#[test]
#[cfg(target_os = "linux")]
fn a_job_can_read_neither_the_memory_nor_the_environment_of_its_worker() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let sandbox = Sandbox::embedded();
    let server = RedisServer::start_with(&[("appendonly", "yes"), ("requirepass", PASSWORD)]);
    fs::copy(env!("CARGO_BIN_EXE_sweep"), sandbox.path().join("sweep")).expect("a copy that the user may read");
    fs::set_permissions(sandbox.path(), fs::Permissions::from_mode(0o777)).expect("it is ours");
    // Tries the worker and all processes of the user with the program's name, which includes the supervisor.
    sandbox.write(
        "attack.sh",
        "for p in $PPID $(grep -lx sweep /proc/[0-9]*/comm | cut -d/ -f3); do\n\
         [ $(stat -c %u /proc/$p/comm 2>/dev/null || echo 0) = 0 ] || echo seen=$p\n\
         for f in environ maps; do\n\
         if head -c 1 /proc/$p/$f 2>/dev/null | grep -q .; then echo read=/proc/$p/$f; fi\n\
         done; done; echo own=$(head -c 5 /proc/self/environ | wc -c)\n",
    );
    sandbox.write("a.toml", "command = \"sh attack.sh\"\n[results]\nformat = \"none\"\n");
    let url = format!("redis://:{PASSWORD}@127.0.0.1:{}", server.port());
    let mut command = std::process::Command::new("setpriv");
    command.args(["--reuid=54321", "--regid=54321", "--clear-groups", "./sweep", "run", "a.toml", "--out", "t.csv"]);
    command.current_dir(sandbox.path()).env("SWEEP_STORE", &url).env("HOME", sandbox.path());
    Ran::from(command.output().unwrap()).code(0);
    let logs = sandbox.command(&["logs", "a-1/0"]).env("SWEEP_STORE", &url).output().unwrap();
    let logs = Ran::from(logs).code(0).stdout;
    assert!(logs.contains("own=5") && !logs.contains("read="), "{logs}");
}

#[test]
fn a_password_in_the_command_line_is_refused_with_two_remedies() {
    let sandbox = Sandbox::embedded();
    for args in [&["--store", "redis://:s3cret@h:1", "status"][..], &["status", "--store=redis://ada:s3cret@h:1"]] {
        let said = sandbox.sweep(args).code(2).stderr;
        assert!(said.contains("SWEEP_STORE instead") && said.contains("SWEEP_STORE_FILE=FILE"), "{said}");
        assert!(!said.contains(PASSWORD), "{said}");
    }
}

#[test]
fn an_empty_variable_names_no_store_and_an_empty_option_is_refused() {
    let sandbox = Sandbox::embedded();
    sandbox.write("a.toml", "command = \"echo y={{ x }}\"\n[grid]\nx = [1]\n");
    let ran = sandbox.command(&["run", "a.toml"]).env("SWEEP_STORE", "").env("SWEEP_STORE_FILE", "").output().unwrap();
    Ran::from(ran).code(0);
    assert!(sandbox.path().join(".sweep").is_dir());
    sandbox.sweep(&["--store", "", "status"]).code(2);
}

#[test]
fn a_private_file_names_the_store() {
    let sandbox = Sandbox::embedded();
    let server = RedisServer::start_with(&[("appendonly", "yes"), ("requirepass", PASSWORD)]);
    let file = sandbox.write("store", &format!("redis://:{PASSWORD}@127.0.0.1:{}\n", server.port()));
    sandbox.write("env.toml", "command = \"env\"\n[results]\nformat = \"none\"\n");
    let with_file = |args: &[&str]| -> Ran {
        sandbox.command(args).env("SWEEP_STORE_FILE", &file).output().expect("the binary runs").into()
    };
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    let said = with_file(&["status"]).code(5).stderr;
    assert!(said.contains("chmod 600") && !said.contains(PASSWORD), "{said}");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    with_file(&["run", "env.toml", "--out", "t.csv"]).code(0);
    let logs = with_file(&["logs", "env-1/0"]).code(0).stdout;
    assert!(logs.contains("SWEEP_ID=env-1") && !logs.contains("SWEEP_STORE") && !logs.contains(PASSWORD), "{logs}");
    assert!(!sandbox.path().join(".sweep").exists());
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
