//! Owns gathering everything about one point, for `show`.

use std::path::PathBuf;

use serde_json::{Value as Json, json};

use crate::error::{Error, Result};
use crate::job::{AttemptCounts, JobAddress, JobState, Outcome};
use crate::model::Document;
use crate::ops::inputs::KnownInputs;
use crate::ops::{change, history, output};
use crate::record::{Kept, Output, Record};
use crate::runtime::{PreparedJob, SweepRuntime};
use crate::space::{Point, Space};
use crate::store::{Store, SweepRow};
use crate::table::columns::result_column;
use crate::template::shell_line;
use crate::value::Value;

/// One point with all its details.
pub struct JobView {
    /// Its address.
    pub address: JobAddress,
    /// Its state.
    pub state: JobState,
    /// Its attempt counts; none: it has succeeded.
    pub tries: Option<AttemptCounts>,
    /// The names of the parameters.
    pub names: Vec<String>,
    /// The point.
    pub point: Point,
    /// The command, files and environment of its newest or next attempt; or why they cannot be computed, for example because
    /// a derived parameter cannot.
    pub prepared: std::result::Result<PreparedJob, String>,
    /// Where the files of its newest attempt are, if it is reused: the directory of the job that ran. None: it ran in this
    /// sweep, or the sweep in which it ran was removed.
    pub origin_dir: Option<PathBuf>,
    /// The program's path on this machine, or why there is none.
    pub program: std::result::Result<PathBuf, String>,
    /// Its attempts, oldest first.
    pub records: Vec<Record>,
    /// The results of the newest attempt, with the names of their columns in the table.
    pub results: Vec<(String, Value)>,
    /// The inputs of the sweep.
    pub inputs: KnownInputs,
    /// The stored output of the newest attempt that ran; none: it printed nothing, or nothing is stored.
    pub output: Option<Output>,
}

/// Gathers everything about a point.
///
/// # Errors
/// If the sweep has no such point, or the store cannot be read.
pub fn job(store: &dyn Store, row: &SweepRow, sweep: &SweepRuntime, index: u64) -> Result<JobView> {
    change::check_index(row, index)?;
    let (state, tries) = store.point(&row.id, index)?;
    let records = history::of_point(store, &row.id, index)?;
    let newest = records.last();
    let attempt = match &state {
        JobState::Running { attempt, .. } => *attempt,
        _ => newest.map_or(1, |record| record.tries.attempts),
    };
    let point = sweep.space.point(index).ok_or_else(|| Error::usage(format!("{} has no point {index}", row.id)))?;
    let prepared = sweep.prepare(index, attempt).map_err(|error| format!("{error:#}"));
    let word = |prepared: &PreparedJob| prepared.argv.first().cloned().unwrap_or_default();
    let program = prepared.as_ref().map_err(Clone::clone).map(word);
    Ok(JobView {
        address: JobAddress { sweep: row.id.clone(), index },
        program: program.and_then(|word| sweep.program(&word).map_err(|error| error.to_string())),
        origin_dir: newest.map_or(Ok(None), |record| origin_dir(store, sweep, record))?,
        point,
        names: sweep.space.names().to_vec(),
        output: newest.map_or(Ok(None), |record| output::of_record(store, &row.id, record))?,
        results: newest.map(|record| results(&sweep.space, record)).unwrap_or_default(),
        inputs: KnownInputs::of_stored(store, &row.id)?,
        state,
        tries,
        prepared,
        records,
    })
}

/// The directory of the job that a reused record comes from. None: the record is not reused, or that job's sweep was removed
/// or cannot be read.
fn origin_dir(store: &dyn Store, sweep: &SweepRuntime, record: &Record) -> Result<Option<PathBuf>> {
    let Some(origin) = &record.origin else { return Ok(None) };
    let document = match store.document(&origin.sweep) {
        Err(error) if error.is_no_such_sweep() => return Ok(None),
        document => document?,
    };
    let older = Document::decode(&document).ok();
    let older = older.and_then(|document| SweepRuntime::new(origin.sweep.clone(), document, &sweep.here).ok());
    let prepared = older.and_then(|older| older.prepare(origin.index, record.tries.attempts).ok());
    Ok(prepared.map(|prepared| prepared.dir))
}

impl JobView {
    /// The directory in which the files of its newest attempt are, or in which its next one will run.
    pub fn dir(&self) -> Option<&PathBuf> {
        self.origin_dir.as_ref().or_else(|| self.prepared.as_ref().ok().map(|prepared| &prepared.dir))
    }

    /// A shell command line that runs the same job by hand: same command, directory, files, environment and input.
    ///
    /// # Errors
    /// If the command cannot be computed: the reason.
    pub fn paste_line(&self) -> std::result::Result<String, &str> {
        let PreparedJob { argv, env, stdin, dir, files, .. } = self.prepared.as_ref().map_err(String::as_str)?;
        let mut argv = argv.clone();
        // A program with a slash in it is relative to the sweep file's folder, wherever the job runs.
        if let (Some(word), Ok(program)) = (argv.first_mut().filter(|word| word.contains('/')), &self.program) {
            *word = program.to_string_lossy().into_owned();
        }
        let words =
            |words: &[&str]| shell_line(&words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>(), &[], None);
        let dir = dir.to_string_lossy();
        let files: Vec<String> = files.iter().map(|(name, text)| write_file_line(name, text)).collect();
        let files = files.concat();
        let folder = format!("{} && {}", words(&["mkdir", "-p", &dir]), words(&["cd", &dir]));
        let (input, no_input) = match stdin {
            Some(text) => (words(&["printf", "%s", text]) + " | ", ""),
            None => (String::new(), " < /dev/null"),
        };
        Ok(format!("{folder} && {files}{input}{}{no_input}", shell_line(&argv, env, None)))
    }

    /// The newest attempt.
    pub fn newest(&self) -> Option<&Record> {
        self.records.last()
    }

    /// The JSON form, for programs.
    pub fn to_json(&self) -> Json {
        let (point, prepared) = (&self.point, self.prepared.as_ref().ok());
        let newest = self.newest();
        let output = self.output.clone().unwrap_or_default();
        let results = self.results.iter().map(|(name, value)| (name.clone(), value.to_json()));
        let results: serde_json::Map<String, Json> = results.collect();
        json!({
            "job": self.address.to_string(),
            "params": point.params_json(&self.names),
            "draw": point.draw,
            "randomization": point.randomization,
            "repeat": point.repeat,
            "seed": point.seed,
            "seed32": point.seed32,
            "command": prepared.map(|prepared| &prepared.argv),
            "program": self.program.as_ref().ok(),
            "dir": self.dir(),
            "state": self.state.word(),
            "claim": claim_json(&self.state),
            "attempts": newest.map_or(0, |record| record.tries.attempts).max(self.tries.map_or(0, |tries| tries.attempts)),
            "exit_code": newest.and_then(|record| record.exit_code),
            "outcome": newest.map(|record| outcome_code(&record.outcome)),
            "cause": newest.and_then(cause),
            "cause_code": newest.and_then(cause_code),
            "seconds": newest.map(|record| record.seconds),
            "cpu_seconds": newest.map(|record| record.cpu_seconds),
            "max_rss_bytes": newest.map(|record| record.max_rss_bytes),
            "host": newest.map(|record| &record.host),
            "origin": newest.and_then(|record| record.origin.as_ref()).map(ToString::to_string),
            "results": results,
            "inputs": self.inputs,
            "stdout_tail": text(&output.stdout),
            "stderr_tail": text(&output.stderr),
            "history": self.records.iter().map(attempt_json).collect::<Vec<_>>(),
            "paste": self.paste_line().ok(),
        })
    }
}

/// A command line that writes a rendered template file.
fn write_file_line(name: &str, text: &str) -> String {
    let words =
        |words: &[&str]| shell_line(&words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>(), &[], None);
    let folder = match name.rsplit_once('/') {
        Some((folder, _)) => words(&["mkdir", "-p", &format!("./{folder}")]) + " && ",
        None => String::new(),
    };
    format!("{folder}{} > {} && ", words(&["printf", "%s", text]), words(&[&format!("./{name}")]))
}

/// Why an attempt did not succeed, in words; none: it succeeded.
pub fn cause(record: &Record) -> Option<String> {
    match &record.outcome {
        Outcome::Succeeded { .. } => None,
        Outcome::Failed { cause } => Some(cause.to_string()),
        Outcome::Lost { .. } => Some("its worker was lost".into()),
        Outcome::Cancelled => Some("cancelled".into()),
        Outcome::SetAside => Some("set aside by `sweep retry`; the point runs again".into()),
        Outcome::GivenBack { .. } => Some("its worker was stopped".into()),
        Outcome::CannotHere { why } => Some(format!("not charged, because that machine may be the reason: {why}")),
    }
}

/// The code of an outcome in `--json`; `docs/commands.md` lists the codes.
fn outcome_code(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Succeeded { .. } => "succeeded",
        Outcome::Failed { .. } => "failed",
        Outcome::Lost { .. } => "lost",
        Outcome::Cancelled => "cancelled",
        Outcome::GivenBack { .. } | Outcome::CannotHere { .. } => "given-back",
        Outcome::SetAside => "set-aside",
    }
}

/// Why an attempt failed, as `sweep retry --cause` takes it (`exit:3`). None if it did not fail.
fn cause_code(record: &Record) -> Option<String> {
    match &record.outcome {
        Outcome::Failed { cause } => Some(cause.pattern().to_string()),
        _ => None,
    }
}

/// The claim of a running job.
fn claim_json(state: &JobState) -> Option<Json> {
    match state {
        JobState::Running { attempt, worker, started_ms } => {
            Some(json!({"attempt": attempt, "worker": worker, "started_ms": started_ms}))
        }
        _ => None,
    }
}

/// Stored output as text; invalid UTF-8 is replaced.
pub fn text(kept: &Kept) -> String {
    String::from_utf8_lossy(&kept.tail).into_owned()
}

/// The results of an attempt, with the names of their columns in the table.
fn results(space: &Space, record: &Record) -> Vec<(String, Value)> {
    match &record.outcome {
        Outcome::Succeeded { results } => {
            results.iter().map(|(name, value)| (result_column(space, name).into_owned(), value.clone())).collect()
        }
        _ => Vec::new(),
    }
}

fn attempt_json(record: &Record) -> Json {
    json!({
        "attempt": record.tries.attempts,
        "exit_code": record.exit_code,
        "outcome": outcome_code(&record.outcome),
        "cause": cause(record),
        "cause_code": cause_code(record),
        "seconds": record.seconds,
        "host": record.host,
        "worker": record.worker,
        "version": record.version,
        "origin": record.origin.as_ref().map(ToString::to_string),
        "ended_ms": record.ended_ms,
    })
}
