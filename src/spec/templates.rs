//! Owns `[templates]`: files in the job's directory, and the directory that they and results in files want.

use std::ops::Range as Span;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use toml::de::DeValue;

use super::diagnostic::Elsewhere;
use super::files::Importer;
use super::table_reader::{Entry, TableReader};
use super::{Diagnostic, SourceFile};
use crate::model::{DEFAULT_JOB_DIR, JOB_MARKER_FILE, Spec, TemplateFile};
use crate::template::{JobTemplate, TemplateError, TemplateLocation};

/// The largest template, bytes: it is kept in the store with the sweep.
const LARGEST: usize = 4 << 20;

/// Reads `[templates]`, and the files that it names.
pub(super) fn read(top: TableReader, importer: Importer) -> Vec<TemplateFile> {
    if let Some(entry) = top.entry("templates").filter(|entry| matches!(entry.value, DeValue::String(_))) {
        let help = "write [templates] on a line of its own, and below it \"input.txt\" = \"input.txt.j2\"";
        top.wrong::<()>(&entry, "a table", help.into());
        return Vec::new();
    }
    let Some(table) = top.table("templates") else { return Vec::new() };
    let mut decks: Vec<TemplateFile> = Vec::new();
    for entry in table.entries() {
        let deck = deck(&entry, table, importer);
        if let Some(other) = deck.as_ref().and_then(|deck| decks.iter().find(|other| collide(&deck.name, &other.name)))
        {
            let message =
                format!("`{}` cannot be beside `{}`: one would be a file and a folder", entry.key, other.name);
            table.sink.push(Diagnostic::error(message, entry.key_span).help("give one of them another name"));
        } else {
            decks.extend(deck);
        }
    }
    decks
}

/// Whether one of two names is a folder of the other.
fn collide(one: &str, other: &str) -> bool {
    one != other && (Path::new(one).starts_with(other) || Path::new(other).starts_with(one))
}

fn deck(entry: &Entry, table: TableReader, importer: Importer) -> Option<TemplateFile> {
    const HELP: &str =
        "the file to write stands before the `=`, the template behind it: \"input.txt\" = \"input.txt.j2\"";
    let DeValue::String(file) = entry.value else {
        // `in.lmp = "…"` without quotes is a table `in` to TOML.
        let help = match entry.value {
            DeValue::Table(_) => format!("a name with a dot in it stands in quotes; {HELP}"),
            _ => HELP.to_owned(),
        };
        return table.wrong(entry, "the name of a file", help);
    };
    if let Some(why) = not_inside(entry.key) {
        let found = Diagnostic::error(format!("`{}` cannot be written: {why}", entry.key), entry.key_span.clone());
        table.sink.push(found.help(HELP));
        return None;
    }
    let text = importer.text(file, &entry.span, table.sink)?;
    if text.len() > LARGEST {
        let found = Diagnostic::error(format!("{file} is too large for a template"), entry.span.clone());
        table.sink.push(found.help(
            "a template is kept with the sweep, 4 MiB at most; name a large file that is the same for all jobs by its \
             path: {{ here }}/…",
        ));
        return None;
    }
    Some(TemplateFile { name: entry.key.to_owned(), file: file.clone().into_owned(), text })
}

/// Why a name is not that of a file in the job's directory, if it is not.
pub(super) fn not_inside(name: &str) -> Option<&'static str> {
    let plain = |component: Component| matches!(component, Component::Normal(_));
    let written_plainly = || Path::new(name).components().collect::<PathBuf>().as_os_str() == name;
    if name.is_empty() {
        Some("it has no name")
    } else if name.contains("{{") || name.contains("{%") {
        Some("its name is not a template; what differs from job to job is the directory, `dir` under [job]")
    } else if Path::new(name).is_absolute() {
        Some("it must be a file in the job's directory, and this is an absolute path")
    } else if !Path::new(name).components().all(plain) || !written_plainly() {
        Some("it must be a file in the job's directory, its name without `.` and `..` and without a `/` at the end")
    } else if name.contains('\0') {
        Some("a NUL character cannot be in a name")
    } else if name == JOB_MARKER_FILE {
        Some("sweep itself uses this name")
    } else {
        None
    }
}

/// What can be said only of the whole: the directory, and files that get into each other's way.
pub(super) fn settle(spec: &mut Spec, top: TableReader, source: &SourceFile) {
    let place = |name: &str| key_place(top, name).unwrap_or(0..0);
    for from in spec.result_files().filter(|from| spec.templates.iter().any(|deck| deck.name == *from)) {
        let message = format!("`{from}` is written before the job starts, and so cannot hold its results");
        let found = Diagnostic::error(message, place(from));
        top.sink.push(found.help("let the program write its results to another file, or give this one another name"));
    }
    match &spec.job.dir {
        None if spec.needs_job_dir() => spec.job.dir = Some(DEFAULT_JOB_DIR.to_owned()),
        Some(dir) => {
            let folder = source.here.join(dir);
            let same = |deck: &&TemplateFile| {
                let written = folder.join(&deck.name).canonicalize();
                written
                    .is_ok_and(|written| source.here.join(&deck.file).canonicalize().is_ok_and(|file| file == written))
            };
            for deck in spec.templates.iter().filter(same) {
                let message = format!("`{}` would overwrite its own template", deck.name);
                let found = Diagnostic::error(message, place(&deck.name));
                top.sink
                    .push(found.help("give every job a directory of its own: dir = \"runs/{{ sweep }}/{{ job }}\""));
            }
        }
        None => {}
    }
}

fn key_place(top: TableReader, name: &str) -> Option<Span<usize>> {
    Some(TableReader { table: top.entry("templates")?.value.as_table()?, sink: top.sink }.entry(name)?.key_span)
}

/// Warns where every job has the same directory, and files there that it has for itself alone.
pub(super) fn warn_of_sharing(template: &JobTemplate, spec: &Spec, top: TableReader) {
    let one = spec.space.draws == 1 && spec.space.repeats == 1 && spec.space.order.is_empty();
    if one || !spec.needs_job_dir() || !template.one_dir_for_all() {
        return;
    }
    let Some(job) = top.entry("job").and_then(|job| job.value.as_table()) else { return };
    let Some(entry) = (TableReader { table: job, sink: top.sink }).entry("dir") else { return };
    let message = "all jobs have this one directory, and would overwrite each other's files in it";
    let found = Diagnostic::warning(message, entry.span);
    top.sink.push(found.help(format!("give every job one of its own: dir = \"{DEFAULT_JOB_DIR}\", or take `dir` out")));
}

/// A mistake in a template file, shown there.
pub(super) fn diagnostic(error: &TemplateError, spec: &Spec, top: TableReader) -> Option<Diagnostic> {
    let TemplateLocation::File(name) = &error.place else { return None };
    let deck = spec.templates.iter().find(|deck| deck.name == *name)?;
    let found = Diagnostic::error(error.message.clone(), key_place(top, name).unwrap_or(0..0));
    let found = found.elsewhere(Elsewhere {
        file: deck.file.clone(),
        text: Arc::from(deck.text.as_str()),
        span: error.at.clone().unwrap_or(0..0),
    });
    Some(match &error.help {
        Some(help) => found.help(help.clone()),
        None => found,
    })
}
