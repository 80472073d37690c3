//! Owns `sweep run`: submits a sweep, works at it alone on this machine, and collects the table.

use std::io::Write;
use std::path::PathBuf;

use crate::cli::Context;
use crate::cli::collect;
use crate::cli::exit::Exit;
use crate::cli::progress::Progress;
use crate::cli::submit::{FailingArgs, read, warn_of_store, warn_of_sweep};
use crate::cli::work::{WorkArgs, work};
use crate::error::Result;
use crate::job::SweepId;
use crate::ops::collect::{Choice, Job};
use crate::ops::submit::submit;
use crate::ops::target::Target;
use crate::status::text::{count, group};
use crate::store::{Counts, Scope};
use crate::worker::Summary;

/// Submit a sweep, run it on every core of this machine, and write the table
///
/// Each `run` submits the sweep anew and runs all of its points.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The sweep file
    file: PathBuf,
    /// The table [default: NAME.results.csv in the current folder; FILE.jsonl: as JSON Lines; -: standard output]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    failing: FailingArgs,
    #[command(flatten)]
    work: WorkArgs,
}

/// Runs the command.
pub fn execute(args: &Args, context: &Context, out: &mut dyn Write) -> Result<Exit> {
    let mut document = read(&args.file)?;
    args.failing.apply(&mut document);
    let name = &document.spec.name;
    let target = Target::from(args.out.clone().unwrap_or_else(|| format!("{name}.results.csv").into()));
    let sweep = context.preview(document.clone())?;
    target.refuse_input(&sweep)?;
    target.probe()?;
    warn_of_sweep(&sweep)?;
    let store = context.store_or_create()?;
    let id = submit(&*store, &document)?;
    warn_of_store(&*store)?;
    let total = store.sweep(&id)?.counts.total;
    eprintln!("{id}: {} to run, submitted anew (nothing is taken over from earlier sweeps)", count(total, "point"));
    let progress = Progress::new(store.clone(), id.clone());
    let worked = work(&args.work, context, store.clone(), Scope::Sweep(id.clone()), true);
    drop(progress);
    let (summary, interrupted) = worked?;
    let row = store.sweep(&id)?;
    if interrupted && !row.counts.is_settled() {
        eprintln!("{}", left(&id, &row.counts, &summary));
        return Ok(Exit::Interrupted);
    }
    let choice = Choice::default();
    collect::write(&Job { store: &*store, row: &row, space: &sweep.space, choice: &choice }, &target, out)?;
    collect::preview(&target);
    if let Some(reason) = &row.paused {
        eprintln!("{id} is paused: {reason}");
    }
    Ok(Exit::of_counts(&row.counts))
}

/// What an interrupted run leaves, and how to go on.
fn left(id: &SweepId, counts: &Counts, summary: &Summary) -> String {
    let lost = match summary.undelivered {
        0 => String::new(),
        some => format!("; {} could not be delivered, those jobs run again", count(some as u64, "outcome")),
    };
    format!(
        "{id}: interrupted with {} of {} succeeded{lost}; `sweep worker --until-empty` goes on, \
         `sweep collect {id} --out FILE` writes what there is",
        group(counts.succeeded),
        group(counts.total),
    )
}
