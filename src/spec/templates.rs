//! Owns reading `[templates]`, and checking the job's directory.

use std::ops::Range as Span;
use std::path::Path;
use std::sync::Arc;

use toml::de::DeValue;

use super::diagnostic::Elsewhere;
use super::files::Importer;
use super::table_reader::{Entry, TableReader};
use super::{Diagnostic, SourceFile};
use crate::model::{DEFAULT_JOB_DIR, Spec, TemplateFile, not_in_job_dir};
use crate::template::{TemplateError, TemplateLocation};

/// The largest template in bytes. Templates are stored with the sweep.
const LARGEST: usize = 4 << 20;

/// Reads `[templates]`, and the files that it names.
pub(super) fn read(top: TableReader, importer: Importer) -> Vec<TemplateFile> {
    if let Some(entry) = top.entry("templates").filter(|entry| matches!(entry.value, DeValue::String(_))) {
        let help = "write [templates] on a line of its own and below it \"input.txt\" = \"input.txt.j2\"";
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
                format!("`{}` conflicts with `{}`: one path would be both a file and a folder", entry.key, other.name);
            table.sink.push(Diagnostic::error(message, entry.key_span).help("rename one of them"));
        } else {
            decks.extend(deck);
        }
    }
    decks
}

/// Whether one of two paths is a folder of the other.
fn collide(one: &str, other: &str) -> bool {
    one != other && (Path::new(one).starts_with(other) || Path::new(other).starts_with(one))
}

fn deck(entry: &Entry, table: TableReader, importer: Importer) -> Option<TemplateFile> {
    const HELP: &str =
        "write the file to create before the `=` and its template after it: \"input.txt\" = \"input.txt.j2\"";
    let DeValue::String(file) = entry.value else {
        // In TOML, `in.lmp = "…"` without quotes is a table `in`.
        let help = match entry.value {
            DeValue::Table(_) => format!("put a name that contains a dot in quotes; {HELP}"),
            _ => HELP.to_owned(),
        };
        return table.wrong(entry, "the name of a file", help);
    };
    if let Some(why) = not_in_job_dir(entry.key) {
        let found = Diagnostic::error(format!("`{}` cannot be written: {why}", entry.key), entry.key_span.clone());
        table.sink.push(found.help(HELP));
        return None;
    }
    let text = importer.text(file, &entry.span, table.sink)?;
    if text.len() > LARGEST {
        let found = Diagnostic::error(format!("the template {file} is larger than 4 MiB"), entry.span.clone());
        table.sink.push(found.help(
            "templates are stored with the sweep; refer to a large file that is the same for all jobs by its \
             path: {{ here }}/…",
        ));
        return None;
    }
    Some(TemplateFile { name: entry.key.to_owned(), file: file.clone().into_owned(), text })
}

/// Checks that need the whole sweep file: the job's directory, and files that conflict.
pub(super) fn settle(spec: &mut Spec, top: TableReader, source: &SourceFile) {
    for from in spec.result_files().filter(|from| spec.templates.iter().any(|deck| deck.name == *from)) {
        let message = format!("`{from}` is written before the job starts, so it cannot hold the job's results");
        let found = Diagnostic::error(message, key_place(top, from));
        top.sink.push(found.help("let the program write its results to another file, or rename this one"));
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
                let found = Diagnostic::error(message, key_place(top, &deck.name));
                top.sink.push(found.help("give each job its own directory: dir = \"runs/{{ sweep }}/{{ job }}\""));
            }
        }
        None => {}
    }
}

fn key_place(top: TableReader, name: &str) -> Option<Span<usize>> {
    Some(TableReader { table: top.entry("templates")?.value.as_table()?, sink: top.sink }.entry(name)?.key_span)
}

/// The diagnostic for an error in a template file, with its place in that file.
pub(super) fn diagnostic(error: &TemplateError, spec: &Spec, top: TableReader) -> Option<Diagnostic> {
    let TemplateLocation::File(name) = &error.place else { return None };
    let deck = spec.templates.iter().find(|deck| deck.name == *name)?;
    let found = Diagnostic::error(error.message.clone(), key_place(top, name));
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
