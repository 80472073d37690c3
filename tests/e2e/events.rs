//! Owns the tests of a worker's events: what programs read on stderr, and what people do.

use std::collections::BTreeMap;
use std::io::Read;
use std::process::Stdio;

use rustix::process::Signal;
use serde_json::Value;

use crate::common::events::{Event, Stop};
use crate::common::{Sandbox, until};

/// Every line of a log, each of which is an event.
fn events(log: &str) -> Vec<Value> {
    log.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
}

fn names(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["event"].as_str().expect("a name")).collect()
}

const TEXT: &str = "command = \"sh -c 'echo from {{ x }} >&2; echo last words >&2; echo y=1; exit {{ x }}'\"\n\
                    [grid]\nx = [0, 3]\n";

#[test]
fn a_worker_writes_one_json_object_for_each_event() {
    for sandbox in Sandbox::both() {
        sandbox.write("a.toml", TEXT);
        sandbox.sweep(&["submit", "a.toml"]).code(0);
        let ran = sandbox.sweep(&["worker", "-j", "1", "--until-empty", "--log-format", "json"]);
        assert_eq!(ran.stdout, "");
        let events = events(&ran.stderr);
        assert!(
            events.iter().all(|event| event["version"] == 1 && event["worker"] == events[0]["worker"]),
            "{events:?}"
        );
        assert!(events.iter().all(|event| event["time"].as_str().is_some_and(|time| time.len() == 24)), "{events:?}");
        let names = names(&events);
        assert_eq!((names[0], names[names.len() - 1]), ("started", "summary"));
        let count = |name: &str| names.iter().filter(|other| **other == name).count();
        assert_eq!((count("job-started"), count("job-ended")), (2, 2), "{names:?}");
        let sum = |name: &str| -> u64 {
            events.iter().filter(|event| event["event"] == name).filter_map(|event| event["jobs"].as_u64()).sum()
        };
        assert_eq!((sum("claimed"), sum("recorded")), (2, 2), "{events:?}");
        let ended: BTreeMap<&str, &Value> = events
            .iter()
            .filter(|event| event["event"] == "job-ended")
            .map(|event| (event["job"].as_str().expect("a job"), event))
            .collect();
        assert_eq!(ended["a-1/0"]["outcome"], "succeeded");
        let failed = ended["a-1/1"];
        assert_eq!((&failed["outcome"], &failed["cause"]), (&"failed".into(), &"exit:3".into()), "{failed}");
        assert_eq!((&failed["exit_code"], &failed["attempt"]), (&3.into(), &1.into()), "{failed}");
        assert_eq!(failed["stderr_first_line"], "from 3");
        assert_eq!(failed["stderr_last_line"], "last words");
        let summary = events.last().expect("the last one");
        assert_eq!((&summary["succeeded"], &summary["failed"]), (&1.into(), &1.into()), "{summary}");
    }
}

#[test]
fn run_writes_nothing_but_json_lines_to_stderr() {
    let sandbox = Sandbox::embedded();
    sandbox.write("a.toml", TEXT);
    let ran = sandbox.sweep(&["run", "a.toml", "--log-format", "json"]).code(1);
    let events = events(&ran.stderr);
    let names = names(&events);
    for name in ["started", "job-ended", "summary", "message"] {
        assert!(names.contains(&name), "{name} is missing: {names:?}");
    }
    let missing = sandbox.sweep(&["run", "missing.toml", "--log-format", "json"]).code(5);
    assert_eq!(events_of_messages(&missing.stderr), 1, "{}", missing.stderr);
}

fn events_of_messages(log: &str) -> usize {
    events(log).iter().filter(|event| event["event"] == "message").count()
}

#[test]
fn stopping_is_an_event() {
    let sandbox = Sandbox::embedded();
    sandbox.write("a.toml", "command = \"sleep 300\"\nrepeats = 1\n[results]\nformat = \"none\"\n");
    sandbox.sweep(&["submit", "a.toml"]).code(0);
    let mut worker = sandbox.worker("worker", &["-j", "1"]);
    worker.wait_for("a job to start", |event| matches!(event, Event::JobStarted { .. }));
    worker.signal(Signal::INT);
    worker.wait_for("the worker to drain", |event| *event == Event::Stopping { how: Stop::Drain });
    worker.signal(Signal::INT);
    assert_eq!(worker.end(), 130, "{}", worker.log());
    assert!(worker.has(|event| *event == Event::Stopping { how: Stop::Now }), "{}", worker.log());
    let given_back = |event: &Event| matches!(event, Event::JobEnded { outcome, .. } if outcome == "given-back");
    assert!(worker.has(given_back), "{}", worker.log());
}

#[test]
fn people_are_told_of_the_first_failure_of_a_kind_and_of_the_number_of_others() {
    let sandbox = Sandbox::embedded();
    sandbox.write(
        "a.toml",
        "command = \"sh -c 'echo no licence >&2; exit 3'\"\nrepeats = 40\n[job]\nmax-failures = 100\n",
    );
    sandbox.sweep(&["submit", "a.toml"]).code(0);
    let ran = sandbox.sweep(&["worker", "-j", "2", "--until-empty"]);
    assert_eq!(ran.stderr.matches("exit code 3: no licence").count(), 1, "{}", ran.stderr);
    assert!(ran.stderr.contains("39 more jobs of a-1 failed (exit:3)"), "{}", ran.stderr);
}

#[test]
fn a_reader_that_does_not_read_delays_no_table() {
    let sandbox = Sandbox::embedded();
    // Some 300 KB of events: more than a pipe holds.
    sandbox.write("a.toml", "command = \"echo y={{ repeat }}\"\nrepeats = 500\n");
    let mut command = sandbox.command(&["run", "a.toml", "-j", "2", "--log-format", "json"]);
    let mut run = command.stderr(Stdio::piped()).spawn().expect("the binary starts");
    let status = until("the run to end", || run.try_wait().expect("it can be waited for").ok_or("it runs"));
    assert!(status.success(), "{status}");
    assert_eq!(sandbox.rows("a.results.csv").len(), 500);
    let mut log = Vec::new();
    run.stderr.take().expect("a pipe").read_to_end(&mut log).expect("the pipe is read");
    let log = String::from_utf8(log).expect("text");
    let recorded: u64 = events(log.rsplit_once('\n').map_or("", |(whole, _)| whole))
        .iter()
        .filter(|event| event["event"] == "recorded")
        .filter_map(|event| event["jobs"].as_u64())
        .sum();
    assert!((1..=500).contains(&recorded), "{recorded}: {log}");
}
