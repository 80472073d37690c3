//! Owns `sweep collect`: writes the results table.

use std::fs::File;
use std::io::{IsTerminal, Write};
use std::path::PathBuf;

use crate::cli::Context;
use crate::cli::exit::CommandExit;
use crate::cli::format::FormatArg;
use crate::error::Result;
use crate::human::{count, group};
use crate::job::SweepId;
use crate::ops::collect::{Collected, TableRequest, TableSelection, collect};
use crate::ops::target::OutputTarget;
use crate::ops::{provenance, select};
use crate::status::text::plain;
use crate::table::write::TableFormat;
use crate::visible::visible_in_line;

/// The most rows and columns that a preview shows.
const PREVIEW: (usize, usize) = (8, 8);

/// Write the results table of a sweep; jobs may still be running
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The sweep, for example pi-3 [default: your newest sweep]
    sweep: Option<SweepId>,
    /// The file to write; - for standard output. The file is complete or left unchanged
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// The format of the table [default: jsonl if FILE ends in .jsonl or .ndjson, otherwise csv]
    #[arg(long, value_name = "FORMAT")]
    format: Option<FormatArg>,
    /// Include points that have not succeeded. Those that a time-out ended have the status `partial` and the results that
    /// they had printed until then
    #[arg(long)]
    all: bool,
    /// Include only rows that satisfy this expression over the columns, for example "temp > 3 and energy < 0". Rows in
    /// which a value that it uses is missing are skipped; "energy is not defined" finds them
    #[arg(long = "where", value_name = "EXPR")]
    filter: Option<String>,
    /// Write only these columns, in this order [default: all]
    #[arg(long, value_name = "A,B,C", value_delimiter = ',')]
    columns: Option<Vec<String>>,
}

/// Runs the command.
pub fn execute(args: &Args, context: &Context, out: &mut dyn Write) -> Result<CommandExit> {
    let store = context.store()?;
    let row = select::sweep(&*store, args.sweep.as_ref())?;
    let target = OutputTarget { format: args.format.map(Into::into), ..OutputTarget::from(args.out.clone()) };
    let sweep = context.runtime(&*store, &row)?;
    target.ensure_not_input(&sweep)?;
    let selection =
        TableSelection { all: args.all, partial: args.all, filter: args.filter.clone(), columns: args.columns.clone() };
    write(
        &TableRequest { store: &*store, row: &row, space: &sweep.space, selection: &selection, run_started_ms: None },
        &target,
        out,
    )?;
    Ok(CommandExit::Well)
}

/// Writes the table, and its provenance in a file beside it.
///
/// # Errors
/// If the store cannot be read or the file cannot be written.
pub fn write(request: &TableRequest<'_>, target: &OutputTarget, out: &mut dyn Write) -> Result<()> {
    if let Some(newer) = provenance::superseded_by(request, target) {
        let (id, location) = (&request.row.id, target.suffix());
        message!(
            "warning: the table{location} is that of {newer}, whose `sweep run` started later; it was not overwritten"
        );
        message!("  help: `sweep collect {id} --out FILE` writes the table of {id} to another file");
        return Ok(());
    }
    let collected = collect(request, target, out)?;
    provenance::write(request, target, &collected)?;
    message!(
        "{}: {}{}{}",
        request.row.id,
        count(collected.rows, "row"),
        target.suffix(),
        left_out(request, &collected)
    );
    if let Some(unevaluated) = &collected.unevaluated {
        message!("warning: {}", unevaluated.message("row"));
    }
    Ok(())
}

/// The points that have no row or have not succeeded, and how to see them.
fn left_out(request: &TableRequest<'_>, collected: &Collected) -> String {
    let counts = &request.row.counts;
    let parts =
        [(counts.failed, "failed"), (counts.pending + counts.running, "not run yet"), (counts.cancelled, "cancelled")];
    let parts: Vec<_> = parts
        .iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, what)| format!("{} {what}", group(*number)))
        .collect();
    let mut text = String::new();
    if !parts.is_empty() {
        let how = match (request.selection.all, &request.selection.filter) {
            (false, _) => "not included:",
            (true, None) => "including",
            (true, Some(_)) => "selected from all points, including",
        };
        text = format!("; {how} {}", parts.join(", "));
        if !request.selection.all {
            text += &format!(" (`sweep collect {} --all --out FILE` includes them)", request.row.id);
        }
    }
    let unevaluated = collected.unevaluated.as_ref();
    let missing = collected.skipped - unevaluated.map_or(0, |unevaluated| unevaluated.number);
    if missing > 0 {
        text += &format!("; skipped {} in which a value used by --where is missing", count(missing, "row"));
    }
    if counts.failed > 0 {
        text += &format!("; `sweep failures {}` shows why points failed", request.row.id);
    }
    text
}

/// Shows the first rows of a CSV table, if stderr is a terminal.
pub fn preview(target: &OutputTarget) {
    let Some(path) = target.file.as_ref().filter(|_| std::io::stderr().is_terminal()) else { return };
    if target.format().ok() != Some(TableFormat::Csv) {
        return;
    }
    // The table was just written. If it cannot be read now, there is no preview.
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
