//! Owns `sweep stats`: means and standard errors by group.

use std::io::Write;
use std::path::PathBuf;

use crate::cli::Context;
use crate::cli::exit::CommandExit;
use crate::cli::format::FormatArg;
use crate::cli::output::put;
use crate::error::{Error, Result};
use crate::human::count;
use crate::job::SweepId;
use crate::ops::select;
use crate::ops::stats::{Statistics, StatsRequest, statistics};
use crate::ops::target::OutputTarget;
use crate::status::text::{align_right, plain};
use crate::suggest::list;
use crate::table::cell::TableCell;
use crate::table::write::{TableFormat, TableWriter};
use crate::value::{Value, print_float};
use crate::visible::visible_in_line;

/// Show mean, standard deviation, standard error and 95 % interval of each numeric result by group
///
/// n is the number of values. missing is the number of jobs in the group without a value: failed, not run yet, cancelled,
/// or without that result; if long or failing jobs are missing, the mean is biased. The interval is Student's, or Wilson's
/// for a result that is always true, false, 0 or 1. With repeats, the error is computed from the means of the draws.
/// Quasi-random and Latin hypercube samples have an error only with `randomizations`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The sweep, for example pi-3 [default: your newest sweep]
    sweep: Option<SweepId>,
    /// Group by these columns; "" makes one group [default: all parameters that do not depend on a draw]
    #[arg(long, value_name = "A,B", value_delimiter = ',')]
    by: Option<Vec<String>>,
    /// Summarize these columns, for example energy,seconds [default: all results that have numbers]
    #[arg(long, value_name = "A,B", value_delimiter = ',')]
    results: Option<Vec<String>>,
    /// Show these quantiles, from 0 to 1 (type 7, as in R and NumPy); uses 8 bytes of memory per value
    #[arg(long, value_name = "P,Q", value_delimiter = ',', value_parser = probability)]
    quantiles: Vec<f64>,
    /// Include only rows that satisfy this expression over the columns; a job without a value that it uses counts as
    /// missing
    #[arg(long = "where", value_name = "EXPR")]
    filter: Option<String>,
    /// Write the table to FILE with all digits; - for standard output
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// The format of the table [default: jsonl if FILE ends in .jsonl or .ndjson, otherwise csv]
    #[arg(long, value_name = "FORMAT", requires = "out")]
    format: Option<FormatArg>,
    /// Print JSON Lines on standard output, for programs
    #[arg(long, conflicts_with = "out")]
    json: bool,
}

fn probability(text: &str) -> std::result::Result<f64, String> {
    let p: f64 = text.parse().map_err(|_| format!("`{text}` is not a number from 0 to 1"))?;
    if (0.0..=1.0).contains(&p) { Ok(p) } else { Err("a quantile is a number from 0 to 1".into()) }
}

/// Runs the command.
pub fn execute(args: &Args, context: &Context, out: &mut dyn Write) -> Result<CommandExit> {
    let store = context.store()?;
    let row = select::sweep(&*store, args.sweep.as_ref())?;
    let sweep = context.runtime(&*store, &row)?;
    let target = match &args.out {
        Some(path) => Some(OutputTarget { format: args.format.map(Into::into), ..OutputTarget::from(path.clone()) }),
        None => args.json.then_some(OutputTarget { file: None, format: Some(TableFormat::Jsonl) }),
    };
    target.as_ref().map_or(Ok(()), |target| target.ensure_not_input(&sweep))?;
    let request = StatsRequest {
        by: args.by.clone(),
        results: args.results.clone(),
        quantiles: args.quantiles.clone(),
        filter: args.filter.clone(),
    };
    let statistics = statistics(&*store, &row, &sweep.space, &request)?;
    if let Some(unevaluated) = &statistics.unevaluated {
        message!("warning: {}", unevaluated.message("row"));
    }
    note_same_in_repeats(&statistics);
    match &target {
        None => put(out, &text(&statistics, &args.quantiles))?,
        Some(target) => {
            write(&statistics, &args.quantiles, target, out)?;
            message!("{}: {}{}", row.id, count(statistics.rows.len() as u64, "row"), target.suffix());
        }
    }
    Ok(CommandExit::Well)
}

/// Says which results are the same in all repeats. If all are, the program probably ignores the seed.
fn note_same_in_repeats(statistics: &Statistics) {
    let same = &statistics.same_in_repeats;
    let names = list(same.iter().map(|name| visible_in_line(name)).collect::<Vec<_>>());
    let is_any_other = statistics.rows.iter().any(|row| row.summary.n > 1 && !same.contains(&row.result));
    match same.len() {
        0 => {}
        _ if is_any_other => message!("note: the same in all repeats of each group: {names}"),
        _ => message!(
            "warning: all results are the same in all repeats of each group ({names}), so their errors are 0: the program may \
             not use the seed; pass it, for example `--seed {{{{ seed }}}}`"
        ),
    }
}

fn write(statistics: &Statistics, quantiles: &[f64], target: &OutputTarget, out: &mut dyn Write) -> Result<()> {
    let format = target.format()?;
    target.write(out, |stream, path| {
        let written = |error| Error::file("written", path)(error);
        let mut table = TableWriter::new(format, stream, &statistics.names(quantiles)).map_err(written)?;
        for row in &statistics.rows {
            table.row(row.cells().iter().map(TableCell::Value)).map_err(written)?;
        }
        table.finish().map_err(written)
    })
}

/// A table for people: six significant digits; each note is printed once below the table.
fn text(statistics: &Statistics, quantiles: &[f64]) -> String {
    let names: Vec<String> = statistics.names(quantiles).iter().map(|name| visible_in_line(name)).collect();
    // The last column is the note; notes are printed below the table.
    let shown = names.len().saturating_sub(1);
    let mut table = plain(&names.iter().take(shown).map(String::as_str).collect::<Vec<_>>());
    let mut notes: Vec<String> = Vec::new();
    for row in &statistics.rows {
        let cells = row.cells();
        table.add_row(cells.iter().take(shown).map(short));
        if let Some(Value::Text(note)) = cells.last()
            && !notes.contains(note)
        {
            notes.push(note.clone());
        }
    }
    align_right(&mut table, statistics.by.len() + 1..shown);
    notes.iter().fold(table.trim_fmt() + "\n", |text, note| text + "(" + note + ")\n")
}

/// A value with six significant digits.
fn short(value: &Value) -> String {
    match value.plain() {
        Value::Float(x) => print_float(format!("{x:.5e}").parse().unwrap_or(*x)),
        other => visible_in_line(&other.to_string()),
    }
}
