//! Owns the sweep file: read in one place into one validated type. Nothing downstream sees TOML.
//!
//! - The types (here), [`read()`] and [`open()`] (reads the file, makes the [`Document`]).
//! - [`diagnostic`]: a mistake with its place, and how it is shown. `syntax`: mistakes in TOML itself.
//! - `reader`: taking keys out of a TOML table; `keys`: which keys there are, and which come later.
//! - `names`: which names a parameter can have; `space`: all parameters together, and how many points they make.
//! - `part`: the tables that define parameters; `block`: those of the top and of each `[[block]]` put together;
//!   `expressions`: `where` and `[derived]`; `sampling`: how random parameters are drawn.
//! - `samples`: the templates, tried where a parameter has no value. `late`: mistakes that show when points are gone
//!   through.
//! - `grid`, `range`, `random`: the values of parameters. `files`: values from files; `points`: grid points from a file;
//!   `table`, `column`: what text in columns stands for.
//! - `job`: `[job]`. `results`: `[results]`.
//! - `templates`: `[templates]`, files that are filled in for each job; the directory that they and results want.
//! - `command`: the templates, held against the parameters; `place`: from a character of a text to its byte in the file.
//! - `inputs`: `[files]`; [`fingerprint`]: what decides what a job does, hashed part by part.
//! - [`suggest`]: "did you mean".

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::job::RetryPolicy;
use crate::space::SpaceSpec;

mod block;
mod column;
mod command;
pub mod diagnostic;
mod document;
mod expressions;
mod files;
pub mod fingerprint;
mod grid;
mod inputs;
mod job;
mod keys;
mod late;
mod names;
mod open;
mod part;
mod place;
mod points;
mod random;
mod range;
mod read;
mod reader;
mod results;
mod samples;
mod sampling;
mod space;
pub mod suggest;
mod syntax;
mod table;
mod templates;

pub use column::ColumnType;
pub use diagnostic::{Diagnostic, Diagnostics, Severity};
pub use document::DocumentError;
pub use files::{Disk, Files};
pub use fingerprint::Fingerprint;
pub use inputs::FileSettings;
pub use late::mistaken_conditions;
pub use open::{OpenError, open};
pub use read::{Found, FoundColumn, Read, Source, read, read_with};
pub use templates::{MARKER, PRIVATE_DIR};

/// A sweep file, validated.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Spec {
    /// The sweep's name.
    pub name: String,
    /// The command.
    pub command: Command,
    /// Which points there are.
    pub space: SpaceSpec,
    /// How a job is run.
    pub job: JobSettings,
    /// Files that are filled in and written into the job's directory before it starts, in the order of the file.
    pub templates: Vec<DeckTemplate>,
    /// Which files are inputs.
    pub files: FileSettings,
    /// How results are read, from each of these; empty: there are none.
    pub results: Vec<ResultSettings>,
}

/// A sweep of which so many points have failed, and none has succeeded, is paused where its file says nothing else.
pub const EARLY_FAILURES: u64 = 20;

/// A command template.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Command {
    /// One text: split into words as a shell would and then rendered, or given whole to `sh -c` under `shell = true`.
    #[serde(rename = "text")]
    Text(String),
    /// Words, each a template, taken as they are.
    #[serde(rename = "words")]
    Words(Vec<String>),
}

/// `[job]`: how a job is run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JobSettings {
    /// A job that runs longer is ended and has failed.
    pub timeout: Option<Duration>,
    /// Trying again.
    pub retry: RetryPolicy,
    /// The sweep is paused when so many points have failed; none: when the first [`EARLY_FAILURES`] all failed.
    pub max_failures: Option<u64>,
    /// The sweep is paused by no number of failures.
    pub keep_going: bool,
    /// A job whose processes together have more memory than so many bytes is ended and has failed.
    pub memory: Option<u64>,
    /// The queue.
    pub queue: String,
    /// Variables set for the job, each value a template, in the order of the file.
    pub env: Vec<(String, String)>,
    /// A template of the job's standard input; none: empty.
    pub stdin: Option<String>,
    /// A template of the directory that the job runs in, relative to the sweep file's folder; made if missing.
    pub dir: Option<String>,
    /// Whether the command is run by `sh -c`.
    pub shell: bool,
    /// What is kept in the store of its output.
    pub logs: Logs,
}

/// `[job] logs`: how many bytes the store keeps of the end of each of stdout and stderr, at most [`MOST_LOGS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Logs {
    /// Of an attempt that succeeded.
    pub succeeded: u32,
    /// Of one that did not.
    pub failed: u32,
}

/// The most that can be kept of each of stdout and stderr, bytes; a worker holds no more while a job runs.
pub const MOST_LOGS: u32 = 256 << 10;

/// `[templates]`: a file that is filled in for each job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DeckTemplate {
    /// The file that is written, relative to the job's directory; no part of it is `.` or `..`.
    pub name: String,
    /// The file that it was read from, as the sweep file names it: relative to the sweep file's folder, or absolute.
    pub file: String,
    /// The template, as it was when the sweep file was read.
    pub text: String,
}

/// `[results]`, or one of `[[results]]`: how results are read from what a job printed or wrote.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ResultSettings {
    /// The format.
    pub format: ResultFormat,
    /// What is read.
    pub from: ResultsFrom,
    /// A job that ends well without these has failed.
    pub require: Vec<String>,
}

/// Where a job leaves its results.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ResultsFrom {
    /// On its standard output.
    #[default]
    #[serde(rename = "stdout")]
    Stdout,
    /// In this file, relative to its directory; no part of it is `.` or `..`.
    #[serde(rename = "file")]
    File(String),
}

/// A format of results; `docs/sweep-file.md` describes each.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ResultFormat {
    /// The first of json, keyvalue, number that finds something.
    Auto,
    /// A JSON object on the last line, or the whole output: these columns, each with its path; none: all of it.
    Json(Vec<(String, String)>),
    /// Lines `name = value` or `name: value`.
    KeyValue,
    /// These columns, each with its pattern; at least one.
    Regex(Vec<(String, String)>),
    /// The last line is a number; column `result`.
    Number,
}

/// The commit that a tree is at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GitState {
    /// The commit's hash.
    pub commit: String,
    /// Whether files that git knows differ from it.
    pub dirty: bool,
}

/// What is kept in the store of a submitted sweep: enough to run it on any worker, and to repeat it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Document {
    /// The version of this document's form.
    pub version: u32,
    /// Tells this submission from any other, also from one of the same name in another store; empty before it is
    /// submitted.
    pub submission: String,
    /// The sweep file, validated; what is run.
    pub spec: Spec,
    /// The sweep file as it was written.
    pub text: String,
    /// The folder of the sweep file, absolute: everything in it is relative to that.
    pub here: PathBuf,
    /// The sweep file itself, absolute: no output may overwrite it.
    pub file: PathBuf,
    /// The files that its values and templates were read from, as it names them: no output may overwrite those either.
    pub inputs: Vec<String>,
    /// Where the sweep file's folder stood in git when it was submitted; none: nowhere, or nobody looked.
    #[serde(default)]
    pub git: Option<GitState>,
    /// What decides what its jobs do; see [`fingerprint`].
    pub fingerprint: Fingerprint,
    /// Whether it was to start over: nothing is taken over across it from sweeps that are older.
    pub fresh: bool,
    /// The version of sweep that submitted it.
    pub sweep_version: String,
    /// The machine it was submitted from.
    pub host: String,
}

#[cfg(test)]
mod tests;
