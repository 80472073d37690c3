//! Owns making the table: the store's records, in order of index, to rows of a table.

use std::io::Write;
use std::path::Path;

use crate::error::{Error, Result};
use crate::job::Verdict;
use crate::ops::history::Blocks;
use crate::ops::points::Walk;
use crate::ops::target::Target;
use crate::record::Record;
use crate::space::Space;
use crate::store::{Store, SweepRow};
use crate::table::csv::CsvTable;
use crate::table::rows::Layout;

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
    target.write(stdout, |stream, path| write(job, stream, path))
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
