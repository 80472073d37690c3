//! Owns making the table: the store's records, in order of index, to a file that is whole or not there.

use std::fs::Permissions;
use std::io::{BufWriter, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::job::Verdict;
use crate::ops::history::Blocks;
use crate::ops::points::Walk;
use crate::record::Record;
use crate::space::Space;
use crate::store::{Store, SweepRow};
use crate::table::csv::CsvTable;
use crate::table::rows::Layout;
use crate::worker::runtime::SweepRuntime;

/// Where the table goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// Standard output.
    Stdout,
    /// A file, written aside and renamed.
    File(PathBuf),
}

/// What is to be collected.
pub struct Job<'a> {
    /// The store.
    pub store: &'a dyn Store,
    /// The sweep.
    pub row: &'a SweepRow,
    /// Its points.
    pub space: &'a Space,
    /// Whether points that have not succeeded get a row too.
    pub all: bool,
}

/// Writes the table, to `stdout` where that is the target. Returns the number of rows. Memory is bounded, whatever the number of points.
///
/// # Errors
/// If the store cannot be read or the file cannot be written; an old file is then left as it was.
pub fn collect(job: &Job<'_>, target: &Target, stdout: &mut dyn Write) -> Result<u64> {
    match target {
        Target::Stdout => write(job, BufWriter::new(stdout), Path::new("standard output")),
        Target::File(path) => {
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
            let mut aside = tempfile::Builder::new()
                .prefix(".sweep-")
                .permissions(Permissions::from_mode(0o666))
                .tempfile_in(folder)
                .map_err(Error::file("written", path))?;
            let rows = write(job, BufWriter::new(aside.as_file_mut()), path)?;
            aside.as_file().sync_all().map_err(Error::file("written", path))?;
            aside.persist(path).map_err(|error| Error::file("written", path)(error.error))?;
            Ok(rows)
        }
    }
}

fn write(job: &Job<'_>, stream: impl Write, path: &Path) -> Result<u64> {
    let layout = Layout::new(job.space, &job.store.columns(&job.row.id)?);
    let mut table = CsvTable::new(stream, layout.names()).map_err(Error::file("written", path))?;
    let mut rows = 0;
    let mut add = |index: u64, record: Option<&Record>, status: &str| -> Result<()> {
        let Some(point) = job.space.point(index) else { return Ok(()) };
        rows += 1;
        table.row(&layout.row(&point, record, status)).map_err(Error::file("written", path))
    };
    if job.all {
        every_point(job, &mut add)?;
    } else {
        for block in Blocks::new(job.store, &job.row.id, job.row.counts.total) {
            for record in block?.iter().filter(|record| record.verdict == Verdict::Succeeded) {
                add(record.index, Some(record), "succeeded")?;
            }
        }
    }
    table.finish().map_err(Error::file("written", path))?;
    Ok(rows)
}

fn every_point(job: &Job<'_>, add: &mut impl FnMut(u64, Option<&Record>, &str) -> Result<()>) -> Result<()> {
    let mut blocks = Blocks::new(job.store, &job.row.id, job.row.counts.total);
    let mut records = Vec::new().into_iter().peekable();
    for run in Walk::new(job.store, &job.row.id, job.row.counts.total) {
        let (indices, state) = run?;
        for index in indices {
            while records.peek().is_none_or(|record: &Record| record.index < index) {
                if records.next().is_none() {
                    let Some(block) = blocks.next().transpose()? else { break };
                    records = block.into_iter().peekable();
                }
            }
            let record = records.next_if(|record| record.index == index);
            // A point that has succeeded since its state was read has succeeded.
            let succeeded = record.as_ref().is_some_and(|record| record.verdict == Verdict::Succeeded);
            add(index, record.as_ref(), if succeeded { "succeeded" } else { state.word() })?;
        }
    }
    Ok(())
}

/// Refuses an output that is an input: the sweep file, or a file that a word of the first point's command names.
///
/// # Errors
/// With the remedy, if it is one.
pub fn refuse_input(target: &Target, sweep: &SweepRuntime) -> Result<()> {
    let Target::File(path) = target else { return Ok(()) };
    if path.is_dir() {
        return Err(Error::usage(format!("{} is a folder; name a file for the table", path.display())));
    }
    let Ok(out) = path.canonicalize() else { return Ok(()) };
    let words = sweep.prepare(0, 1).map(|prepared| prepared.argv).unwrap_or_default();
    let files = words.iter().map(|word| sweep.here.join(word)).chain([sweep.file.clone()]);
    let input = files.filter_map(|file| file.canonicalize().ok()).find(|file| *file == out);
    match input {
        Some(_) => Err(Error::usage(format!(
            "{} is a file that the sweep reads, and the table would overwrite it; name another with --out",
            path.display()
        ))),
        None => Ok(()),
    }
}
