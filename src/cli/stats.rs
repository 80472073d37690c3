//! Owns `sweep stats`: means with their errors, by groups.

use std::io::Write;
use std::path::PathBuf;

use crate::cli::Context;
use crate::cli::exit::Exit;
use crate::cli::format::FormatArg;
use crate::cli::output::put;
use crate::error::{Error, Result};
use crate::human::count;
use crate::job::SweepId;
use crate::ops::select;
use crate::ops::stats::{Statistics, StatsRequest, statistics};
use crate::ops::target::OutputTarget;
use crate::status::text::{align_right, plain};
use crate::table::cell::Cell;
use crate::table::write::{TableFormat, TableWriter};
use crate::value::{Value, print_float};
use crate::visible::visible_in_line;

/// Show mean, standard deviation, standard error and 95 % interval of each numeric result, by groups
///
/// n counts the values, missing the jobs of the group that have none: failed, not run yet, cancelled, or without that
/// result; to leave those out that take long or fail biases a mean. The interval is Student's, and Wilson's where a
/// result is true, false, 0 or 1 everywhere. Repeats of one draw belong together, and the error is then that of the means
/// of the draws; quasi-random and Latin hypercube samples have an error only with `randomizations`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The sweep [default: the newest that you submitted]
    sweep: Option<SweepId>,
    /// The columns that make the groups [default: every parameter that no draw changes]; "": all in one
    #[arg(long, value_name = "A,B", value_delimiter = ',')]
    by: Option<Vec<String>>,
    /// The columns to look at, for example energy,seconds [default: every result that is a number somewhere]
    #[arg(long, value_name = "A,B", value_delimiter = ',')]
    results: Option<Vec<String>>,
    /// Quantiles to show, from 0 to 1, of type 7 as in R and NumPy; keeps all values in memory, 8 bytes each
    #[arg(long, value_name = "P,Q", value_delimiter = ',', value_parser = probability)]
    quantiles: Vec<f64>,
    /// Only rows for which this holds, over all columns; a job of which it cannot be told, because it has no result,
    /// counts as missing
    #[arg(long = "where", value_name = "EXPR")]
    filter: Option<String>,
    /// Write a table: CSV, or JSON Lines if the file is named .jsonl; -: standard output
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// The form of the table [default: by the name of the file, CSV for standard output]
    #[arg(long, value_name = "FORMAT", requires = "out")]
    format: Option<FormatArg>,
    /// For tools: JSON Lines on standard output
    #[arg(long, conflicts_with = "out")]
    json: bool,
}

fn probability(text: &str) -> std::result::Result<f64, String> {
    let p: f64 = text.parse().map_err(|_| format!("`{text}` is not a number from 0 to 1"))?;
    if (0.0..=1.0).contains(&p) { Ok(p) } else { Err("a quantile is asked for by a number from 0 to 1".into()) }
}

/// Runs the command.
pub fn execute(args: &Args, context: &Context, out: &mut dyn Write) -> Result<Exit> {
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
    match &target {
        None => put(out, &text(&statistics, &args.quantiles))?,
        Some(target) => {
            write(&statistics, &args.quantiles, target, out)?;
            message!("{}: {}{}", row.id, count(statistics.rows.len() as u64, "row"), target.suffix());
        }
    }
    Ok(Exit::Well)
}

fn write(statistics: &Statistics, quantiles: &[f64], target: &OutputTarget, out: &mut dyn Write) -> Result<()> {
    let format = target.format()?;
    target.write(out, |stream, path| {
        let written = |error| Error::file("written", path)(error);
        let mut table = TableWriter::new(format, stream, &statistics.names(quantiles)).map_err(written)?;
        for row in &statistics.rows {
            table.row(row.cells().iter().map(Cell::Value)).map_err(written)?;
        }
        table.finish().map_err(written)
    })
}

/// A table for a person: six digits, and the reasons below it, once each.
fn text(statistics: &Statistics, quantiles: &[f64]) -> String {
    let names: Vec<String> = statistics.names(quantiles).iter().map(|name| visible_in_line(name)).collect();
    // The note is the last column, and stands below the table.
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

/// A value in six digits.
fn short(value: &Value) -> String {
    match value.plain() {
        Value::Float(x) => print_float(format!("{x:.5e}").parse().unwrap_or(*x)),
        other => visible_in_line(&other.to_string()),
    }
}
