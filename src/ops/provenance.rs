//! Owns the provenance file beside a table, `FILE.meta.json`: where the table comes from, and how to repeat it.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use serde_json::{Value as Json, json};

use crate::error::{Error, Result};
use crate::model::Document;
use crate::ops::collect::{Collected, TableRequest, TableSelection};
use crate::ops::environment;
use crate::ops::inputs::{KnownInput, KnownInputs};
use crate::ops::target::{OutputTarget, meta_path};
use crate::runtime::SweepRuntime;
use crate::status::time;
use crate::system::wall_clock_ms;
use crate::table::write::TableFormat;
use crate::template::shell_line;

/// The version of the file's format. It grows when a field changes its meaning.
const VERSION: u32 = 1;

/// Writes the provenance of a table beside it. A table on standard output or in a pipe has none.
///
/// # Errors
/// If the store cannot be read or the file cannot be written.
pub fn write(request: &TableRequest<'_>, target: &OutputTarget, collected: &Collected) -> Result<()> {
    let Some(table) = target.regular_file() else { return Ok(()) };
    let document = Document::decode(&request.store.document(&request.row.id)?)
        .map_err(|error| Error::usage(format!("the provenance of {} cannot be written: {error}", request.row.id)))?;
    let now = wall_clock_ms();
    let here = document.here.clone();
    let sweep = SweepRuntime::new(request.row.id.clone(), document.clone(), &here);
    let environment = sweep.map_or(Json::Null, |sweep| environment::describe(&sweep, request.run_started_ms.is_some()));
    let inputs = KnownInputs::of(&document, &request.store.inputs(&request.row.id)?);
    let meta = describe(request, (&document, &inputs, environment), table, target.format()?, collected, now);
    OutputTarget::from(meta_path(table)).write(&mut std::io::sink(), |stream, path| {
        let written = |error| Error::file("written", path)(error);
        serde_json::to_writer_pretty(&mut *stream, &meta).map_err(|error| written(error.into()))?;
        stream.write_all(b"\n").map_err(written)
    })
}

/// The sweep whose table is at the target, if a `sweep run` wrote it that started later than the requesting one: that table
/// must not be overwritten. Tables of other stores, and of releases that did not record the start, are not protected.
pub fn superseded_by(request: &TableRequest<'_>, target: &OutputTarget) -> Option<String> {
    let started = request.run_started_ms?;
    let table = target.regular_file().filter(|table| table.exists())?;
    let meta: Json = serde_json::from_slice(&std::fs::read(meta_path(table)).ok()?).ok()?;
    let text = |key: &str| meta.pointer(key).and_then(Json::as_str);
    let other = text("/sweep").filter(|other| *other != request.row.id.to_string())?;
    let other_started: jiff::Timestamp = text("/table/run_started")?.parse().ok()?;
    let is_same_store = text("/store") == Some(request.store.describe().as_str());
    let is_later = u64::try_from(other_started.as_millisecond()).is_ok_and(|other| other > started);
    (is_same_store && is_later).then(|| other.to_owned())
}

/// Refuses to overwrite a file that sweep did not write. sweep writes the provenance beside each of its tables. A `run` that
/// was killed before it did so leaves a table that has the columns of every table.
///
/// # Errors
/// If there is such a file.
pub fn ensure_own_table(target: &OutputTarget) -> Result<()> {
    let Some(table) = target.regular_file().filter(|table| table.exists()) else { return Ok(()) };
    let meta: Option<Json> = std::fs::read(meta_path(table)).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
    let has_meta = meta.as_ref().is_some_and(is_provenance);
    if has_meta || first_line(table).is_some_and(|line| is_header(&line)) {
        return Ok(());
    }
    let name = table.display();
    Err(Error::usage(format!("{name} exists, and nothing in it or beside it says that sweep wrote it"))
        .remedy(format!("`--out FILE` writes the table to another file; `--force` replaces {name}")))
}

/// Whether this is the provenance of a table.
fn is_provenance(meta: &Json) -> bool {
    meta.get("sweep").is_some_and(Json::is_string) && meta.get("version").is_some_and(Json::is_u64)
}

/// The first line of a file; none: it cannot be read.
fn first_line(path: &Path) -> Option<String> {
    /// The most bytes that are read.
    const MOST: u64 = 1 << 20;
    let mut line = String::new();
    BufReader::new(File::open(path).ok()?.take(MOST)).read_line(&mut line).ok()?;
    Some(line)
}

/// Whether a line is the header of a whole table.
fn is_header(line: &str) -> bool {
    let line = line.trim_end();
    let end = line.strip_suffix(",version").unwrap_or(line);
    line.starts_with("job,") && end.ends_with(",seed,status,attempts,seconds,cpu_seconds,max_rss_bytes,exit_code,host")
}

fn describe(
    request: &TableRequest<'_>,
    (document, inputs, environment): (&Document, &KnownInputs, Json),
    table: &Path,
    format: TableFormat,
    collected: &Collected,
    now: u64,
) -> Json {
    let TableRequest { store, row, selection, .. } = request;
    let format = format.name();
    json!({
        "version": VERSION,
        "sweep": row.id.to_string(),
        "table": {
            "file": table,
            "format": format,
            "rows": collected.rows,
            "all": selection.all,
            "where": selection.filter,
            "columns": selection.columns,
            "written": time(now),
            "run_started": request.run_started_ms.map(time),
            "sweep_version": env!("CARGO_PKG_VERSION"),
        },
        "sweep_file": { "path": document.file, "text": document.text, "inputs": document.inputs },
        "fingerprint": document.fingerprint,
        "inputs": inputs,
        "versions": versions(document),
        "reused_from": document.reused_from,
        "before_inputs": document.before_inputs,
        "environment": environment,
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
        "repeat": { "run": run_line(document), "collect": collect_line(request, selection, table, format) },
    })
}

/// The earlier versions of its files; null: there is one version.
fn versions(document: &Document) -> Option<Json> {
    let earlier = document.earlier_versions.iter().zip(1..);
    let earlier = earlier.map(|(version, number)| {
        let inputs: Vec<KnownInput> = version.inputs.iter().map(KnownInput::of).collect();
        json!({ "version": number, "sweep": version.sweep, "fingerprint": version.fingerprint, "inputs": inputs })
    });
    (!document.earlier_versions.is_empty()).then(|| earlier.collect())
}

/// The command line that runs the sweep file again.
fn run_line(document: &Document) -> String {
    let name = document.file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let words =
        |words: &[&str]| shell_line(&words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>(), &[], None);
    format!("{} && {}", words(&["cd", &document.here.to_string_lossy()]), words(&["sweep", "run", &name]))
}

/// The command line that collects the table again. The store's address has no password.
fn collect_line(request: &TableRequest<'_>, selection: &TableSelection, table: &Path, format: &str) -> String {
    let mut words = vec!["sweep".to_owned(), "--store".into(), request.store.describe(), "collect".into()];
    words.extend([request.row.id.to_string(), "--out".into(), table.to_string_lossy().into_owned()]);
    words.extend(["--format".to_owned(), format.to_owned()]);
    words.extend(selection.all.then(|| "--all".to_owned()));
    words.extend(selection.filter.iter().map(|filter| format!("--where={filter}")));
    words.extend(selection.columns.iter().map(|columns| format!("--columns={}", columns.join(","))));
    shell_line(&words, &[], None)
}
