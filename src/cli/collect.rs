//! Owns `sweep collect`: writes the table.

use std::fs::File;
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};

use crate::cli::Context;
use crate::cli::exit::Exit;
use crate::error::Result;
use crate::job::SweepId;
use crate::ops::collect::{Job, collect};
use crate::ops::select;
use crate::ops::target::Target;
use crate::status::text::{count, plain};
use crate::store::SweepRow;

/// Rows and columns that a preview shows at most.
const PREVIEW: (usize, usize) = (8, 8);

/// Write the table of a sweep, at any time, also while jobs run
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The sweep [default: the newest that you submitted]
    sweep: Option<SweepId>,
    /// The file to write, whole or not at all; -: standard output
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Give points that have not succeeded a row too
    #[arg(long)]
    all: bool,
}

/// Runs the command.
pub fn execute(args: &Args, context: &Context, out: &mut dyn Write) -> Result<Exit> {
    let store = context.store()?;
    let row = select::sweep(&*store, args.sweep.as_ref())?;
    let target = Target::from(args.out.clone());
    let sweep = context.runtime(&*store, &row)?;
    target.refuse_input(&sweep)?;
    write(&Job { store: &*store, row: &row, space: &sweep.space, all: args.all }, &target, out)?;
    Ok(Exit::Well)
}

/// Writes the table and says so.
///
/// # Errors
/// If the store cannot be read or the file not be written.
pub fn write(job: &Job<'_>, target: &Target, out: &mut dyn Write) -> Result<()> {
    let rows = collect(job, target, out)?;
    eprintln!("{}: {}{}{}", job.row.id, count(rows, "row"), target.place(), left_out(job.row, job.all));
    Ok(())
}

/// What stands in no row, and what to do about it.
fn left_out(row: &SweepRow, all: bool) -> String {
    let counts = &row.counts;
    let parts =
        [(counts.failed, "failed"), (counts.pending + counts.running, "not run yet"), (counts.cancelled, "cancelled")];
    let told: Vec<_> =
        parts.iter().filter(|(number, _)| *number > 0).map(|(number, what)| format!("{number} {what}")).collect();
    if told.is_empty() {
        return String::new();
    }
    let how = if all { "among them" } else { "left out (--all: with them)" };
    let hint = if counts.failed > 0 {
        format!("; `sweep jobs {} --state failed` lists those that failed", row.id)
    } else {
        String::new()
    };
    format!("; {how}: {}{hint}", told.join(", "))
}

/// Shows the first rows of a table to a person who looks on.
pub fn preview(path: &Path) {
    if !std::io::stderr().is_terminal() {
        return;
    }
    // A table that was just written can be read; if not, there is simply nothing to look at.
    let Ok(file) = File::open(path) else { return };
    let mut reader = csv::Reader::from_reader(file);
    let Ok(header) = reader.headers().cloned() else { return };
    let (most_rows, most_columns) = PREVIEW;
    let cut =
        |record: &csv::StringRecord| -> Vec<String> { record.iter().take(most_columns).map(str::to_owned).collect() };
    let names = cut(&header);
    let mut table = plain(&names.iter().map(String::as_str).collect::<Vec<_>>());
    for record in reader.records().take(most_rows).flatten() {
        table.add_row(cut(&record));
    }
    eprintln!("{}", table.trim_fmt());
}
