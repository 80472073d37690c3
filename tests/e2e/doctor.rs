//! Owns the tests of `sweep doctor`: its report on good stores and machines, and on those with likely problems.

use std::process::Command;

use rustix::process::Signal;

use crate::common::redis_server::RedisServer;
use crate::common::{Sandbox, until};

/// The lines of the report with numbers and paths blanked, without strays (other tests may have some on this machine).
fn blanked(sandbox: &Sandbox, text: &str) -> String {
    let path = sandbox.path().to_string_lossy();
    let lines = text.lines().filter(|line| !line.contains(" strays "));
    let text = lines.map(|line| line.replace(&*path, "HERE") + "\n").collect::<String>();
    let text = text.replace(&*std::env::temp_dir().to_string_lossy(), "TMP");
    let (mut blanked, mut in_number) = (String::new(), false);
    for c in text.chars() {
        let goes_on = c.is_ascii_digit() || in_number && matches!(c, '.' | ',');
        if goes_on && !in_number {
            blanked.push('N');
        } else if !goes_on {
            blanked.push(c);
        }
        in_number = goes_on;
    }
    ["KiB", "MiB", "GiB", "TiB"].iter().fold(blanked, |text, unit| text.replace(unit, "B"))
}

#[test]
fn without_a_store_it_says_what_would_be_made_and_makes_nothing() {
    let sandbox = Sandbox::embedded();
    let ran = sandbox.sweep(&["doctor"]).code(0);
    insta::assert_snapshot!(blanked(&sandbox, &ran.stdout), @r#"
    good     store       no store yet; `sweep run` and `sweep submit` create HERE/.sweep
    good     cores       N; a worker runs that many jobs at once unless `-j` is given
    good     open files  at most N enough for N slots
    good     disk        N B free in HERE/.sweep, for the store
    good     disk        N B free in TMP, for temporary files
    "#);
    assert!(!sandbox.path().join(".sweep").exists());
}

#[test]
fn stores_that_are_well() {
    for sandbox in Sandbox::both() {
        sandbox.write("pi.toml", "command = \"echo {{ x }}\"\n[grid]\nx = [1]\n[results]\nformat = \"number\"\n");
        sandbox.sweep(&["run", "pi.toml"]).code(0);
        let checks = sandbox.sweep(&["doctor", "--json"]).code(0).json();
        assert_eq!(checks["version"], 1);
        let of_store = ["store", "durability", "memory", "latency", "clock", "leases"];
        let mut seen = 0;
        for check in checks["checks"].as_array().unwrap() {
            if of_store.contains(&check["name"].as_str().unwrap()) {
                assert_eq!(check["finding"], "good", "{check}");
                seen += 1;
            }
        }
        assert!(seen >= 5, "{checks}");
    }
    let sandbox = Sandbox::embedded();
    sandbox.write("pi.toml", "command = \"echo {{ x }}\"\n[grid]\nx = [1]\n[results]\nformat = \"number\"\n");
    sandbox.sweep(&["submit", "pi.toml"]).code(0);
    insta::assert_snapshot!(blanked(&sandbox, &sandbox.sweep(&["doctor"]).code(0).stdout), @r#"
    good     store       HERE/.sweep answers: SQLite N
    good     durability  what is recorded is synced to the disk
    good     latency     a request takes N ms
    good     clock       the store uses this machine's clock
    good     leases      no claims
    good     cores       N; a worker runs that many jobs at once unless `-j` is given
    good     open files  at most N enough for N slots
    good     disk        N B free in HERE/.sweep, for the store
    good     disk        N B free in TMP, for temporary files
    "#);
}

#[test]
fn a_server_that_would_bite() {
    let sandbox = Sandbox::embedded();
    let server = RedisServer::start_with(&[("maxmemory-policy", "allkeys-lru")]);
    let doctor = || sandbox.sweep(&["doctor", "--store", &server.url()]);
    let text = doctor().code(0).stdout.replace(&server.port().to_string(), "PORT");
    let lines: Vec<_> = text.lines().filter(|line| line.contains(" durability ")).collect();
    insta::assert_snapshot!(lines.join("\n"), @r#"
    warning  durability  Redis at redis://127.0.0.1:PORT keeps nothing on disk: when it stops, sweeps and results are lost; `redis-cli -h 127.0.0.1 -p PORT config set appendonly yes` keeps all but the last seconds
    warning  durability  Redis at redis://127.0.0.1:PORT will delete jobs once it gets a memory limit (maxmemory-policy allkeys-lru); `redis-cli -h 127.0.0.1 -p PORT config set maxmemory-policy noeviction` prevents it
    "#);
    // With a limit it would delete jobs, and no command works with it.
    server.say("CONFIG SET maxmemory 100mb");
    let ran = doctor().code(3);
    assert!(ran.stdout.starts_with("bad      store"), "{}", ran.stdout);
    assert!(
        ran.stdout.contains("config set maxmemory-policy noeviction") && ran.stdout.contains("cores"),
        "{}",
        ran.stdout
    );
}

#[test]
fn what_lost_workers_leave_behind() {
    for sandbox in Sandbox::both() {
        sandbox.write("long.toml", "command = \"sleep 600\"\n[grid]\nx = [1, 2]\n[results]\nformat = \"none\"\n");
        let id = sandbox.sweep(&["submit", "long.toml"]).code(0).stdout;
        let worker = sandbox.start("worker", &["worker", "-j", "2", "--lease", "1s"]);
        until("both jobs to run", || {
            let status = sandbox.status(id.trim());
            if status["running"] == 2 { Ok(()) } else { Err(status) }
        });
        worker.signal(Signal::KILL);
        until("the claims to run out", || {
            let checks = sandbox.sweep(&["doctor", "--json"]).code(0).json()["checks"].take();
            let leases = checks.as_array().expect("a list").iter().find(|check| check["name"] == "leases").cloned();
            let leases = leases.expect("a check of the leases");
            if leases["finding"] == "warning" { Ok(()) } else { Err(leases) }
        });
        let said = sandbox.sweep(&["doctor"]).code(0).stdout;
        assert!(said.contains("2 claims of lost workers"), "{said}");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_stray_is_found_and_what_a_worker_looks_after_is_none() {
    let sandbox = Sandbox::embedded();
    let mut stray = Command::new("sleep").arg("600").env("SWEEP_RUN", "0123456789abcdef.7").spawn().unwrap();
    sandbox.write(
        "look.toml",
        &format!(
            "command = [\"sh\", \"-c\", \"SWEEP_RUN=0123456789abcdef.8 sleep 600 & echo pid=$!; {} doctor; kill $!\"]\n[results]\nrequire = [\"pid\"]\n",
            env!("CARGO_BIN_EXE_sweep")
        ),
    );
    sandbox.sweep(&["run", "look.toml", "--out", "out.csv"]).code(0);
    let said = sandbox.sweep(&["logs", "look-1/0"]).code(0).stdout;
    let line = said.lines().find(|line| line.contains(" strays ")).unwrap_or_else(|| panic!("{said}"));
    let numbers: Vec<&str> = line.split(|c: char| !c.is_ascii_digit()).collect();
    stray.kill().unwrap();
    stray.wait().unwrap();
    assert!(numbers.contains(&stray.id().to_string().as_str()), "{line}");
    let looked_after = &sandbox.rows("out.csv")[0]["pid"];
    assert!(!numbers.contains(&looked_after.as_str()), "{looked_after} in {line}");
}
