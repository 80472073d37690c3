//! Owns the checks of a sweep after a chaos run: what the binary shows must agree with what the jobs logged.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;

use super::drive::Submitted;
use super::jobs::{JobLog, POINTS, RETRIES, Run};
use super::plan::{Dice, Kind};
use crate::common::Sandbox;

/// Number of points of a sweep whose output is checked, attempt by attempt.
const SAMPLE: u64 = 4;

/// Checks one sweep.
pub struct Verify<'a> {
    pub sandbox: &'a Sandbox,
    pub sweep: &'a Submitted,
    pub log: &'a JobLog,
}

type Row = BTreeMap<String, String>;

impl Verify<'_> {
    /// Runs all checks. `dice` chooses the points whose output is checked.
    pub fn all(&self, dice: &mut Dice) {
        let states = self.states();
        self.tables(&states);
        let shown: Vec<Json> = (0..POINTS).map(|index| self.shown(index)).collect();
        for (index, point) in shown.iter().enumerate() {
            self.history(index as u64, &states[index], point);
        }
        for _ in 0..SAMPLE {
            let index = dice.below(POINTS);
            self.outputs(index, &shown[index as usize]);
        }
    }

    /// Each point has one state, and the counts agree.
    fn states(&self) -> Vec<String> {
        let listed = self.sandbox.sweep(&["jobs", &self.sweep.id, "--json", "--limit", "0"]).code(0).stdout;
        let lines: Vec<Json> = listed.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        let jobs: Vec<&str> = lines.iter().map(|line| line["job"].as_str().expect("an address")).collect();
        let every: Vec<String> = (0..POINTS).map(|index| format!("{}/{index}", self.sweep.id)).collect();
        assert_eq!(jobs, every);
        let states: Vec<String> =
            lines.iter().map(|line| line["state"].as_str().expect("a state").to_owned()).collect();
        let status = self.sandbox.status(&self.sweep.id);
        for state in ["pending", "running", "succeeded", "failed", "cancelled"] {
            let listed = states.iter().filter(|one| *one == state).count();
            assert_eq!(status[state], listed, "{state}: {status}");
        }
        states
    }

    /// The table has one row for each point that succeeded, and with `--all` one for every point.
    fn tables(&self, states: &[String]) {
        let indices = |rows: &[Row]| -> Vec<usize> { rows.iter().map(|row| number(row, "job") as usize).collect() };
        self.sandbox.sweep(&["collect", &self.sweep.id, "--out", "table.csv"]).code(0);
        let rows = self.sandbox.rows("table.csv");
        let succeeded: Vec<usize> = (0..states.len()).filter(|index| states[*index] == "succeeded").collect();
        assert_eq!(indices(&rows), succeeded, "{}", self.sweep.id);
        for row in &rows {
            self.success(row);
        }
        self.sandbox.sweep(&["collect", &self.sweep.id, "--all", "--out", "all.csv"]).code(0);
        let all = self.sandbox.rows("all.csv");
        assert_eq!(indices(&all), (0..states.len()).collect::<Vec<_>>());
        for (row, state) in all.iter().zip(states) {
            assert_eq!(&row["status"], state, "{}: {row:?}", self.sweep.id);
        }
    }

    /// A recorded success is what one run of that attempt printed.
    fn success(&self, row: &Row) {
        let (job, attempt) = (number(row, "job"), number(row, "attempts"));
        let runs = self.log.of(&self.sweep.name, job, attempt);
        let run = runs.iter().find(|run| run.nonce == row["nonce"]);
        let run = run.unwrap_or_else(|| panic!("no run of {}/{job} printed this: {row:?}; {runs:?}", self.sweep.id));
        assert_eq!(run.exit, Some(0), "{row:?}");
        assert_eq!(row["seen"], format!("{}/{attempt}", run.nonce), "{row:?}");
        assert_eq!(row["exit_code"], "0", "{row:?}");
        assert_ne!(row["kind"], "broken", "{row:?}");
    }

    fn shown(&self, index: u64) -> Json {
        self.sandbox.sweep(&["show", &format!("{}/{index}", self.sweep.id), "--json"]).code(0).json()
    }

    /// Attempts count up, each has one outcome, each failure is the exit code of one of its runs, and no more failures are
    /// charged than the sweep file allows.
    fn history(&self, index: u64, state: &str, point: &Json) {
        let history = point["history"].as_array().expect("a list");
        // The entry `set-aside` belongs to a `sweep retry`; it is not an attempt.
        let is_attempt = |one: &&Json| one["outcome"] != "set-aside";
        let history: Vec<&Json> = history.iter().filter(is_attempt).collect();
        let told = || format!("{}/{index}, {state}: {:#}", self.sweep.id, point["history"]);
        let attempts: Vec<u64> = history.iter().map(|one| one["attempt"].as_u64().expect("a number")).collect();
        assert!(attempts.windows(2).all(|pair| pair[0] < pair[1]), "attempts do not count up: {}", told());
        for (one, attempt) in history.iter().zip(&attempts) {
            let Some(code) = one["exit_code"].as_i64() else { continue };
            let runs = self.log.of(&self.sweep.name, index, *attempt);
            assert!(runs.iter().any(|run| run.exit == Some(code)), "no run ended like this: {one}; {runs:?}");
        }
        let ends: Vec<End> = history.iter().map(|one| End::of(one)).collect();
        let failures = ends.iter().filter(|end| **end == End::Failed).count() as u64;
        let allowed = (RETRIES + 1) * (1 + self.sweep.retried);
        assert!(failures <= allowed, "{failures} failures are charged, {allowed} are allowed: {}", told());
        match (state, ends.last()) {
            ("succeeded", Some(End::Succeeded)) | ("failed", Some(End::GivenUp)) | ("cancelled", _) => {}
            ("failed", Some(End::Failed)) => {
                assert!(failures > RETRIES, "failed after {failures} failures with {RETRIES} retries: {}", told());
            }
            _ => panic!("its state does not follow from its attempts: {}", told()),
        }
    }

    /// The output kept of an attempt comes from one run.
    fn outputs(&self, index: u64, point: &Json) {
        let address = format!("{}/{index}", self.sweep.id);
        for one in point["history"].as_array().expect("a list") {
            let attempt = one["attempt"].as_u64().expect("a number");
            let ran = self.sandbox.sweep(&["logs", &address, "--attempt", &attempt.to_string()]).code(0);
            let runs: BTreeSet<&str> =
                self.log.of(&self.sweep.name, index, attempt).iter().map(|run: &Run| run.nonce.as_str()).collect();
            // The first line may lack its beginning, and the last its end.
            let whole = ran.stdout.lines().filter(|line| line.len() > 40 || line.contains("begins"));
            let nonces: BTreeSet<&str> = whole.filter_map(|line| line.split(' ').find(|w| is_nonce(w))).collect();
            assert!(nonces.len() <= 1, "{address}, attempt {attempt}: outputs of several runs: {nonces:?}");
            assert!(nonces.is_subset(&runs), "{address}, attempt {attempt}: {nonces:?} is not of {runs:?}");
        }
    }

    /// No attempt runs twice, unless Redis may have lost its record.
    pub fn attempts(log: &JobLog, kind: Kind) {
        if kind != Kind::RedisEverysec {
            let repeated = log.repeated();
            assert!(repeated.is_empty(), "attempts ran twice: {repeated:?}");
        }
    }
}

/// How an attempt ended, by `sweep show`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Succeeded,
    Failed,
    /// Failed because its workers were lost too often.
    GivenUp,
    /// Not charged: its worker was lost or stopped, or the sweep was cancelled.
    Unfinished,
}

impl End {
    fn of(attempt: &Json) -> End {
        match (attempt["outcome"].as_str(), attempt["cause_code"].as_str()) {
            (Some("succeeded"), None) => End::Succeeded,
            (Some("lost" | "given-back" | "cancelled"), None) => End::Unfinished,
            (Some("failed"), Some("lost")) => End::GivenUp,
            (Some("failed"), Some(_)) => End::Failed,
            _ => panic!("no such outcome: {attempt}"),
        }
    }
}

fn number(row: &Row, column: &str) -> u64 {
    row[column].parse().unwrap_or_else(|_| panic!("no number in {column}: {row:?}"))
}

fn is_nonce(word: &str) -> bool {
    word.len() == 13 && word.strip_prefix('n').is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_hexdigit()))
}
