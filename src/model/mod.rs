//! Owns the model: what a valid sweep file says, as plain data. Nothing here parses text or touches the disk.
//!
//! [`crate::spec`] reads a sweep file into the model. Everything after that (templates, extraction, store, worker)
//! reads the model and never the file. The parameter space has its own plain data, [`crate::space::SpaceSpec`].
//!
//! - `spec`: [`Spec`], the whole sweep file. `job`: `[job]`. `results`: `[results]`. `files`: `[templates]` and `[files]`.
//! - `faults`: what makes a spec invalid, for specs that come from a store.
//! - `document`: [`Document`], a sweep as it is submitted: the spec, the text, and where it came from.
//! - `fingerprint`: [`Fingerprint`], the hashes that decide whether earlier results can be reused. `input`: [`Input`], a
//!   file whose content can change results, and how it was found.

mod document;
mod faults;
mod files;
mod fingerprint;
mod input;
mod job;
mod results;
mod spec;

pub use document::{Document, EarlierVersion, GitState};
pub use files::{DEFAULT_JOB_DIR, FileSettings, JOB_MARKER_FILE, TemplateFile, not_in_job_dir};
pub use fingerprint::{ChangeKind, Fingerprint, FingerprintChange, Hash};
pub use input::{FoundBy, FoundInputs, Input, InputState};
pub use job::{EARLY_FAILURES, JobSettings, LONGEST_TIME, Logs, MAX_LOG_BYTES, MAX_RETRIES};
pub use results::{ColumnRef, Reducer, Reducers, ResultFormat, ResultSettings, ResultsFrom, RowChoice, TableSettings};
pub use spec::{Command, Spec};
