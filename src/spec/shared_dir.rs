//! Owns the diagnostic for jobs that share a directory, which is found only when the points are known.

use super::table_reader::{Sink, TableReader};
use super::{Diagnostic, syntax};
use crate::model::{DEFAULT_JOB_DIR, Spec};

/// Two jobs that have the same directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SharedDir {
    /// The index of the one.
    pub first: u64,
    /// The index of the other.
    pub second: u64,
    /// The directory, relative to the folder of the sweep file where it is below it.
    pub dir: String,
    /// The names that the template of `dir` lacks; empty: it has all of them, but renders them alike.
    pub missing: Vec<String>,
}

/// The diagnostic: an error if the jobs of the sweep need directories of their own, else a warning. `text` is the content of
/// the sweep file.
pub fn shared_directory(spec: &Spec, text: &str, shared: &SharedDir) -> Diagnostic {
    let parsed = syntax::parse(text);
    let sink = Sink::default();
    let top = TableReader { table: &parsed.table, sink: &sink };
    let job = top.entry("job").and_then(|job| job.value.as_table());
    let span = job.and_then(|table| TableReader { table, sink: &sink }.entry("dir")).map(|entry| entry.span);
    let lacks = shared.missing.iter().map(|name| format!("{{{{ {name} }}}}")).collect::<Vec<_>>().join(" and ");
    let why = if lacks.is_empty() { String::new() } else { format!(": `dir` has no {lacks}") };
    let (first, second, dir) = (shared.first, shared.second, &shared.dir);
    let message = format!("jobs {first} and {second} have the same directory, {dir}{why}");
    let add = if lacks.is_empty() {
        "add {{ job }} to it".to_owned()
    } else {
        format!("add {lacks} to it, or {{{{ job }}}}")
    };
    if spec.needs_job_dir() {
        let help = format!(
            "each job writes files of its own there and would overwrite those of the other: {add}; \
             or remove `dir`, and jobs run in {DEFAULT_JOB_DIR}"
        );
        Diagnostic::error(message, span).help(help)
    } else {
        let help = format!("if jobs write files there, one may overwrite those of another: {add}");
        Diagnostic::warning(message, span).help(help)
    }
}
