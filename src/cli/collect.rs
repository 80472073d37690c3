//! Owns `sweep collect`: writes the table.

use std::fs::File;
use std::io::{IsTerminal, Write};
use std::path::PathBuf;

use crate::cli::Context;
use crate::cli::exit::Exit;
use crate::cli::format::FormatArg;
use crate::error::Result;
use crate::human::count;
use crate::job::SweepId;
use crate::ops::collect::{Collected, TableRequest, TableSelection, collect};
use crate::ops::target::OutputTarget;
use crate::ops::{provenance, select};
use crate::status::text::plain;
use crate::table::write::TableFormat;
use crate::visible::visible_in_line;

/// Rows and columns that a preview shows at most.
const PREVIEW: (usize, usize) = (8, 8);

/// Write the table of a sweep, at any time, also while jobs run
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The sweep [default: the newest that you submitted]
    sweep: Option<SweepId>,
    /// The file to write, whole or not at all: CSV, or JSON Lines if it is named .jsonl; -: standard output
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// The form of the table [default: by the name of the file, CSV for standard output]
    #[arg(long, value_name = "FORMAT")]
    format: Option<FormatArg>,
    /// Give points that have not succeeded a row too
    #[arg(long)]
    all: bool,
    /// Only rows for which this holds, over all columns, for example "temp > 3 and energy < 0 and seconds > 60"; a row
    /// in which something that it asks for is missing is left out ("energy is not defined" finds those)
    #[arg(long = "where", value_name = "EXPR")]
    filter: Option<String>,
    /// Only these columns, in this order
    #[arg(long, value_name = "A,B,C", value_delimiter = ',')]
    columns: Option<Vec<String>>,
}

/// Runs the command.
pub fn execute(args: &Args, context: &Context, out: &mut dyn Write) -> Result<Exit> {
    let store = context.store()?;
    let row = select::sweep(&*store, args.sweep.as_ref())?;
    let target = OutputTarget { format: args.format.map(Into::into), ..OutputTarget::from(args.out.clone()) };
    let sweep = context.runtime(&*store, &row)?;
    target.ensure_not_input(&sweep)?;
    let selection = TableSelection { all: args.all, filter: args.filter.clone(), columns: args.columns.clone() };
    write(&TableRequest { store: &*store, row: &row, space: &sweep.space, selection: &selection }, &target, out)?;
    Ok(Exit::Well)
}

/// Writes the table with its provenance beside it, and says so.
///
/// # Errors
/// If the store cannot be read or the file not be written.
pub fn write(request: &TableRequest<'_>, target: &OutputTarget, out: &mut dyn Write) -> Result<()> {
    let collected = collect(request, target, out)?;
    provenance::write(request, target, &collected)?;
    message!(
        "{}: {}{}{}",
        request.row.id,
        count(collected.rows, "row"),
        target.suffix(),
        left_out(request, &collected)
    );
    Ok(())
}

/// What stands in no row, and what to do about it.
fn left_out(request: &TableRequest<'_>, collected: &Collected) -> String {
    let counts = &request.row.counts;
    let parts =
        [(counts.failed, "failed"), (counts.pending + counts.running, "not run yet"), (counts.cancelled, "cancelled")];
    let told: Vec<_> =
        parts.iter().filter(|(number, _)| *number > 0).map(|(number, what)| format!("{number} {what}")).collect();
    let mut text = String::new();
    if !told.is_empty() {
        let how = match (request.selection.all, &request.selection.filter) {
            (false, _) => "left out (--all: with them)",
            (true, None) => "among them",
            (true, Some(_)) => "among those asked",
        };
        text = format!("; {how}: {}", told.join(", "));
    }
    if collected.skipped > 0 {
        text += &format!(
            "; left out: {} in which something that --where asks for is missing",
            count(collected.skipped, "row")
        );
    }
    if counts.failed > 0 {
        text += &format!("; `sweep failures {}` says why some failed", request.row.id);
    }
    text
}

/// Shows the first rows of a table, if it is CSV, to a person who looks on.
pub fn preview(target: &OutputTarget) {
    let Some(path) = target.file.as_ref().filter(|_| std::io::stderr().is_terminal()) else { return };
    if target.format().ok() != Some(TableFormat::Csv) {
        return;
    }
    // A table that was just written can be read; if not, there is simply nothing to look at.
    let Ok(file) = File::open(path) else { return };
    let mut reader = csv::Reader::from_reader(file);
    let Ok(header) = reader.headers().cloned() else { return };
    let (most_rows, most_columns) = PREVIEW;
    let cut =
        |record: &csv::StringRecord| -> Vec<String> { record.iter().take(most_columns).map(visible_in_line).collect() };
    let names = cut(&header);
    let mut table = plain(&names.iter().map(String::as_str).collect::<Vec<_>>());
    for record in reader.records().take(most_rows).flatten() {
        table.add_row(cut(&record));
    }
    message!("{}", table.trim_fmt());
}
