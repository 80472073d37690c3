//! Owns the tests of single faults, where the random faults of `tests/chaos` are not precise enough: a machine that
//! sleeps, a store that is away, a connection that is cut, jobs that misbehave.

use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::common::events::Event;
use crate::common::proxy::{Line, Proxy};
use crate::common::strays::Token;
use crate::common::{Background, Sandbox, holds_for, until};

/// Submits a sweep and returns its id. Its jobs run `script` as `sh job.sh X`, carry the token, and log each start in a
/// separate file.
fn submit(sandbox: &Sandbox, token: &Token, script: &str, tables: &str) -> String {
    sandbox.write("runs/none", "");
    std::fs::remove_file(sandbox.path().join("runs/none")).expect("it was just written");
    sandbox.write("job.sh", &format!("x=$1\necho $SWEEP_ATTEMPT >> runs/$SWEEP_JOB\n{script}\n"));
    let env = format!("[job]\nenv = {{ TOKEN = \"{}\" }}\n", token.text());
    sandbox.write("a.toml", &format!("command = \"sh job.sh {{{{ x }}}}\"\n{tables}\n{env}"));
    sandbox.sweep(&["submit", "a.toml"]).code(0).stdout.trim().to_owned()
}

/// The log of each job: the attempts that were started, one on each line.
fn runs(sandbox: &Sandbox) -> Vec<String> {
    let mut notes: Vec<_> = std::fs::read_dir(sandbox.path().join("runs"))
        .expect("the folder")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    notes.sort();
    notes.iter().map(|path| std::fs::read_to_string(path).expect("a note")).collect()
}

fn all_started(sandbox: &Sandbox, jobs: usize) {
    until("all jobs to start", || if runs(sandbox).len() == jobs { Ok(()) } else { Err(runs(sandbox)) });
}

/// How long a fault lasts, where it must last longer than the leases of 2 seconds.
const LONGER_THAN_A_LEASE: Duration = Duration::from_secs(7);

/// Whether a worker reports that it put jobs of a lost worker back in the queue.
fn found_lost_jobs(worker: &Background) -> bool {
    worker.has(|event| matches!(event, Event::LostJobsRequeued { .. }))
}

fn column(sandbox: &Sandbox, id: &str, name: &str) -> Vec<String> {
    sandbox.sweep(&["collect", id, "--out", "t.csv"]).code(0);
    sandbox.rows("t.csv").iter().map(|row| row[name].clone()).collect()
}

fn signal_all(workers: &[Background], token: &Token, signal: Signal) {
    for worker in workers {
        worker.signal(signal);
    }
    for (id, _) in token.carriers() {
        // A process that has ended meanwhile needs no signal.
        let _ = kill_process(Pid::from_raw(id).expect("a process id"), signal);
    }
}

/// Runs a test on both stores at the same time, because it mostly waits.
fn on_both(test: fn(Sandbox)) {
    thread::scope(|threads| {
        for sandbox in Sandbox::both() {
            threads.spawn(move || test(sandbox));
        }
    });
}

#[test]
fn a_machine_asleep_for_longer_than_a_lease_loses_nothing_and_runs_nothing_twice() {
    on_both(|sandbox| {
        let token = Token::new();
        let id = submit(&sandbox, &token, "sleep 1.$x; echo y=$SWEEP_ATTEMPT", "[grid]\nx = [1, 2, 3, 4, 5, 6, 7, 8]");
        let args = ["-j", "2", "--lease", "2s", "--until-empty"];
        let mut workers = ["w1", "w2"].map(|name| sandbox.worker(name, &args));
        all_started(&sandbox, 4);
        signal_all(&workers, &token, Signal::STOP);
        holds_for(LONGER_THAN_A_LEASE, || assert_eq!(runs(&sandbox), ["1\n"; 4]));
        signal_all(&workers, &token, Signal::CONT);
        for worker in &mut workers {
            assert_eq!(worker.end(), 0, "{}", worker.log());
            assert!(!found_lost_jobs(worker), "{}", worker.log());
        }
        assert_eq!(runs(&sandbox), ["1\n"; 8]);
        assert_eq!(column(&sandbox, &id, "attempts"), ["1"; 8]);
    });
}

#[test]
fn redis_away_for_longer_than_a_lease_costs_no_job_that_runs() {
    // Each write is on the disk before the reply, so that only sweep could lose something.
    let mut sandbox = Sandbox::redis_with(&[("appendonly", "yes"), ("appendfsync", "always")]);
    let token = Token::new();
    // Some jobs end while the store is away, some end later, and some have to wait for it.
    let id = submit(&sandbox, &token, "sleep $x; echo y=$SWEEP_ATTEMPT", "[grid]\nx = [3, 4, 9, 10, 0, 1]");
    let args = ["-j", "2", "--lease", "2s", "--until-empty"];
    let mut workers = ["w1", "w2"].map(|name| sandbox.worker(name, &args));
    all_started(&sandbox, 4);
    sandbox.server().stop();
    holds_for(LONGER_THAN_A_LEASE, || assert_eq!(runs(&sandbox), ["1\n"; 4]));
    sandbox.server().start_again();
    for worker in &mut workers {
        assert_eq!(worker.end(), 0, "{}", worker.log());
        assert!(!found_lost_jobs(worker), "{}", worker.log());
    }
    assert_eq!(runs(&sandbox), ["1\n"; 6]);
    assert_eq!(column(&sandbox, &id, "y"), ["1"; 6]);
}

#[test]
fn an_embedded_store_locked_for_longer_than_a_lease_is_waited_for() {
    let sandbox = Sandbox::embedded();
    let token = Token::new();
    let id = submit(&sandbox, &token, "sleep $x; echo y=$SWEEP_ATTEMPT", "[grid]\nx = [3, 9, 0, 1]");
    let mut worker = sandbox.start("worker", &["worker", "-j", "2", "--lease", "2s", "--until-empty"]);
    all_started(&sandbox, 2);
    // As a process does that was stopped during a write.
    let held = rusqlite::Connection::open(sandbox.path().join(".sweep/sweep.db")).expect("the store's file");
    held.busy_timeout(Duration::from_secs(10)).expect("a setting");
    held.execute_batch("BEGIN IMMEDIATE").expect("the lock");
    holds_for(LONGER_THAN_A_LEASE, || assert_eq!(runs(&sandbox), ["1\n"; 2], "another job was claimed"));
    // Commands that only read do not wait for the lock.
    sandbox.status(&id);
    held.execute_batch("ROLLBACK").expect("the lock is given back");
    assert_eq!(worker.end(), 0, "{}", worker.log());
    assert_eq!(runs(&sandbox), ["1\n"; 4]);
    assert_eq!(column(&sandbox, &id, "y"), ["1"; 4]);
}

#[test]
fn a_worker_cut_off_for_longer_than_its_lease_is_replaced_and_its_late_outcomes_are_refused() {
    let sandbox = Sandbox::redis();
    let token = Token::new();
    // One first attempt ends while its worker is cut off; the other would never end.
    let script = "if [ $SWEEP_ATTEMPT = 1 ]; then sleep $x; fi; echo y=$SWEEP_ATTEMPT";
    let id = submit(&sandbox, &token, script, "[grid]\nx = [2, 300]");
    let proxy = Proxy::before(sandbox.port().expect("a Redis"));
    let cut_off = sandbox.worker_at(&proxy.url(), "cut-off", &["-j", "2", "--lease", "2s"]);
    all_started(&sandbox, 2);
    sandbox.until_known_to_run(&format!("{id}/0"));
    proxy.set(Line::Cut);
    let mut other = sandbox.worker("other", &["-j", "2", "--lease", "2s", "--until-empty"]);
    assert_eq!(other.end(), 0, "{}", other.log());
    assert!(found_lost_jobs(&other), "{}", other.log());
    assert!(!token.carriers().is_empty(), "the first worker's job is gone although nobody could tell it");
    proxy.set(Line::Open);
    cut_off.wait_for("the late outcome to be refused", |event| matches!(event, Event::OutcomesRefused { .. }));
    until("the job that went elsewhere to be ended", || match token.carriers() {
        none if none.is_empty() => Ok(()),
        some => Err(some),
    });
    assert_eq!(column(&sandbox, &id, "attempts"), ["2", "2"]);
    assert_eq!(column(&sandbox, &id, "y"), ["2", "2"]);
    assert_eq!(runs(&sandbox), ["1\n2\n"; 2]);
}

#[test]
fn an_outcome_that_comes_late_but_before_anyone_claimed_the_job_again_counts() {
    on_both(|sandbox| {
        let token = Token::new();
        let id = submit(&sandbox, &token, "sleep 2; echo y=$SWEEP_ATTEMPT", "[grid]\nx = 1");
        let mut frozen = sandbox.start("frozen", &["worker", "-j", "1", "--lease", "1s", "--until-empty"]);
        sandbox.until_known_to_run(&format!("{id}/0"));
        frozen.freeze();
        // This worker reports lost claims of every queue, but claims nothing from the queue of the lost worker.
        let _other = sandbox.start("other", &["worker", "--queue", "other"]);
        until("the job to be put back in the queue", || match sandbox.status(&id) {
            status if status["pending"] == 1 => Ok(()),
            status => Err(status),
        });
        until("the job to end", || if token.carriers().is_empty() { Ok(()) } else { Err(token.carriers()) });
        frozen.signal(Signal::CONT);
        assert_eq!(frozen.end(), 0, "{}", frozen.log());
        assert_eq!(runs(&sandbox), ["1\n"]);
        let shown = sandbox.sweep(&["show", &format!("{id}/0"), "--json"]).code(0).json();
        let history = shown["history"].as_array().expect("a list");
        assert_eq!(
            (history.len(), &shown["state"], &shown["results"]["y"]),
            (1, &"succeeded".into(), &1.into()),
            "{shown}"
        );
    });
}

#[test]
fn a_request_whose_reply_is_lost_is_applied_once() {
    let sandbox = Sandbox::redis();
    let token = Token::new();
    let id = submit(&sandbox, &token, "echo y=$SWEEP_ATTEMPT", "repeats = 100\n[grid]\nx = [1, 2, 3]");
    let proxy = Proxy::before(sandbox.port().expect("a Redis"));
    let mut worker = sandbox.worker_at(&proxy.url(), "worker", &["-j", "2", "--until-empty"]);
    // A worker that cannot reach its store at the start ends.
    worker.wait_for("the worker to start", |event| matches!(event, Event::Started { .. }));
    // Each look changes the line: replies are lost, or arrive, or the connection is half closed.
    let mut lines = [Line::Deaf, Line::Open].into_iter().cycle();
    until("the worker to end", || {
        let line = lines.next().expect("it repeats");
        proxy.set(line);
        if line == Line::Deaf {
            proxy.half_close();
        }
        match worker.child.try_wait().expect("it can be waited for") {
            Some(_) => Ok(()),
            None => Err(worker.log()),
        }
    });
    assert_eq!(worker.end(), 0, "{}", worker.log());
    assert_eq!(runs(&sandbox), vec!["1\n"; 300]);
    assert_eq!(column(&sandbox, &id, "y"), vec!["1"; 300]);
}

/// Jobs that misbehave, with the expected message: none where the job succeeds with `y = 1`.
const MISCHIEF: [(&str, &str, &str); 14] = [
    ("prints-100-megabytes", "yes it goes on and on | head -c 100000000; echo; good", ""),
    ("never-ends-a-line", "head -c 5000000 /dev/zero | tr '\\0' a", "no result: "),
    ("prints-anything", "head -c 200000 /dev/urandom; echo; good", ""),
    (
        "prints-to-both-by-turns",
        "for i in 1 2 3 4 5; do head -c 99999 /dev/zero >&2; head -c 99999 /dev/zero; done; echo; good",
        "",
    ),
    ("closes-its-output", "good; exec >&- 2>&-; sleep 0.5", ""),
    ("closes-all-and-fails", "exec <&- >&- 2>&-; exit 4", "exit code 4"),
    ("leaves-a-child-that-holds-the-pipe", "sleep 300 & good", ""),
    ("leaves-a-child-of-its-own-session", "setsid sleep 30 & good", ""),
    ("reads-its-input", "[ -z \"$(cat)\" ] && good", ""),
    ("segfaults", "kill -SEGV $$", "ended by signal 11 (SIGSEGV)"),
    ("is-killed", "kill -KILL $$", "ended by signal 9 (SIGKILL)"),
    ("ends-its-whole-group", "sleep 300 & kill -TERM 0; wait", "ended by signal 15 (SIGTERM)"),
    ("forks", "for i in 1 2 3 4 5 6 7 8 9; do (sleep 0.1 & sleep 0.1) & done; wait; good", ""),
    (
        "removes-its-own-program",
        "cp job.sh copy.sh; exec sh -c 'echo \"{\\\"y\\\": 1}\"; rm copy.sh; exit 255'",
        "exit code 255",
    ),
];

#[test]
fn a_job_cannot_hurt_its_worker() {
    on_both(|sandbox| {
        let token = Token::new();
        let cases: String = MISCHIEF.iter().map(|(name, script, _)| format!("{name}) {script} ;;\n")).collect();
        let script = format!("good() {{ echo '{{\"y\": 1}}'; }}\ncase $x in\n{cases}esac");
        let names: Vec<String> = MISCHIEF.iter().map(|(name, _, _)| format!("\"{name}\"")).collect();
        let tables = format!(
            "[grid]\nx = [{}]\n[results]\nformat = \"json\"\nrequire = [\"y\"]\n[files]\nobserve = false",
            names.join(", ")
        );
        let id = submit(&sandbox, &token, &script, &tables);
        let worker = sandbox.start("worker", &["worker", "-j", "3"]);
        until("all jobs to end", || match sandbox.status(&id) {
            status if status["pending"] == 0 && status["running"] == 0 => Ok(()),
            status => Err(status),
        });
        for (index, (name, _, told)) in MISCHIEF.iter().enumerate() {
            let shown = sandbox.sweep(&["show", &format!("{id}/{index}"), "--json"]).code(0).json();
            let cause = shown["cause"].as_str().unwrap_or_default();
            assert!(cause.starts_with(told) && cause.is_empty() == told.is_empty(), "{name}: {cause}");
            assert_eq!(
                shown["results"]["y"],
                if told.is_empty() { 1.into() } else { serde_json::Value::Null },
                "{name}"
            );
            let seconds = shown["seconds"].as_f64().expect("a number");
            assert!(seconds < 60.0, "{name}: {seconds} s");
        }
        assert_eq!(runs(&sandbox), vec!["1\n"; MISCHIEF.len()]);
        if let Ok(status) = std::fs::read_to_string(format!("/proc/{}/status", worker.pid())) {
            let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB"));
            let kilobytes: u64 = peak.expect("a peak").parse().expect("a number");
            assert!(kilobytes < 100_000, "the worker took {kilobytes} kB for jobs that print 100 MB");
        }
    });
}
