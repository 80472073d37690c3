//! Owns what is written beside a table, `FILE.meta.json`: where it comes from, and enough to repeat it.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value as Json, json};

use crate::error::{Error, Result};
use crate::model::Document;
use crate::ops::collect::{Choice, Collected, Job};
use crate::ops::target::Target;
use crate::record::Record;
use crate::status::time;
use crate::table::write::Format;
use crate::template::shell_line;

/// The version of this form; grows when a field changes its meaning.
const VERSION: u32 = 1;

/// Who ran the jobs of a table, and when.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ran {
    /// The machines.
    pub hosts: BTreeSet<String>,
    /// When the first of the attempts that count began, and when the last one ended, milliseconds since the epoch on the
    /// workers' clocks.
    pub between: Option<(u64, u64)>,
}

impl Ran {
    /// Takes note of a record.
    pub fn see(&mut self, record: &Record) {
        // No process ran for a loss that somebody else reported, or for what was set aside.
        if record.host.is_empty() {
            return;
        }
        if !self.hosts.contains(&record.host) {
            self.hosts.insert(record.host.clone());
        }
        let began = record.ended_ms.saturating_sub((record.seconds * 1e3) as u64);
        let (first, last) = self.between.unwrap_or((began, record.ended_ms));
        self.between = Some((first.min(began), last.max(record.ended_ms)));
    }
}

/// Writes the provenance of a table beside it, aside and renamed as the table itself. A table on standard output, or in
/// a pipe, has none.
///
/// # Errors
/// If the store cannot be read or the file not be written.
pub fn write(job: &Job<'_>, target: &Target, collected: &Collected) -> Result<()> {
    let Some(table) = target.lasting() else { return Ok(()) };
    let document = Document::decode(&job.store.document(&job.row.id)?)
        .map_err(|error| Error::usage(format!("{} cannot be described: {error}", job.row.id)))?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64);
    let meta = describe(job, &document, table, target.format()?, collected, now);
    Target::from(beside(table)).write(&mut std::io::sink(), |stream, path| {
        let written = |error| Error::file("written", path)(error);
        serde_json::to_writer_pretty(&mut *stream, &meta).map_err(|error| written(error.into()))?;
        stream.write_all(b"\n").map_err(written)
    })
}

/// `FILE.meta.json`.
pub fn beside(table: &Path) -> PathBuf {
    let mut name = OsString::from(table);
    name.push(".meta.json");
    name.into()
}

fn describe(job: &Job<'_>, document: &Document, table: &Path, format: Format, collected: &Collected, now: u64) -> Json {
    let Job { store, row, choice, .. } = job;
    let form = match format {
        Format::Csv => "csv",
        Format::Jsonl => "jsonl",
    };
    json!({
        "version": VERSION,
        "sweep": row.id.to_string(),
        "table": {
            "file": table,
            "format": form,
            "rows": collected.rows,
            "all": choice.all,
            "where": choice.filter,
            "columns": choice.columns,
            "written": time(now),
            "sweep_version": env!("CARGO_PKG_VERSION"),
        },
        "sweep_file": { "path": document.file, "text": document.text, "inputs": document.inputs },
        "fingerprint": document.fingerprint,
        "git": document.git,
        "submitted": {
            "at": time(row.submitted_ms),
            "user": row.user,
            "host": document.host,
            "sweep_version": document.sweep_version,
            "space_version": document.spec.space.version,
        },
        "ran": {
            "hosts": collected.ran.hosts,
            "first_began": collected.ran.between.map(|(first, _)| time(first)),
            "last_ended": collected.ran.between.map(|(_, last)| time(last)),
        },
        "counts": row.counts,
        "store": store.describe(),
        "repeat": { "run": run_line(document), "collect": collect_line(job, choice, table, form) },
    })
}

/// The line that makes the table true once more, from its sweep file.
fn run_line(document: &Document) -> String {
    let name = document.file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let words =
        |words: &[&str]| shell_line(&words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>(), &[], None);
    format!("{} && {}", words(&["cd", &document.here.to_string_lossy()]), words(&["sweep", "run", &name]))
}

/// The line that collects it again. The store is named without a password.
fn collect_line(job: &Job<'_>, choice: &Choice, table: &Path, form: &str) -> String {
    let mut words = vec!["sweep".to_owned(), "--store".into(), job.store.describe(), "collect".into()];
    words.extend([job.row.id.to_string(), "--out".into(), table.to_string_lossy().into_owned()]);
    words.extend(["--format".to_owned(), form.to_owned()]);
    words.extend(choice.all.then(|| "--all".to_owned()));
    words.extend(choice.filter.iter().map(|filter| format!("--where={filter}")));
    words.extend(choice.columns.iter().map(|columns| format!("--columns={}", columns.join(","))));
    shell_line(&words, &[], None)
}
