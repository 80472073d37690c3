//! Owns `sweep run`: makes the table that a sweep file declares true, by running what is missing on this machine.

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

use crate::cli::Context;
use crate::cli::collect;
use crate::cli::exit::Exit;
use crate::cli::progress::Progress;
use crate::cli::submission::{ReuseArgs, describe, submit_sweep};
use crate::cli::submit::{FailingArgs, read, warn_of_store, warn_of_sweep};
use crate::cli::work::{WorkArgs, work};
use crate::error::Result;
use crate::human::{count, group};
use crate::job::SweepId;
use crate::ops::collect::{TableRequest, TableSelection};
use crate::ops::target::OutputTarget;
use crate::store::{Counts, Scope, Store};
use crate::worker::Summary;

/// Make the table of a sweep file true: run what is missing on every core of this machine, and write it
///
/// A sweep that is in the store with the same points goes on, with its failed and cancelled points put back. A sweep with
/// other points (a value more, more repeats) takes over what earlier ones of that name have. Both only if what runs has
/// not changed since: the command, the files that it names, those that `[files] watch` finds.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The sweep file
    file: PathBuf,
    /// The table [default: NAME.results.csv in the current folder; FILE.jsonl: as JSON Lines; -: standard output]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    reuse: ReuseArgs,
    #[command(flatten)]
    failing: FailingArgs,
    #[command(flatten)]
    work: WorkArgs,
}

/// Runs the command.
pub fn execute(args: &Args, context: &Context, out: &mut dyn Write) -> Result<Exit> {
    args.work.set_log_format();
    let mut document = read(&args.file)?;
    args.failing.apply(&mut document);
    let name = &document.spec.name;
    let target = OutputTarget::from(args.out.clone().unwrap_or_else(|| format!("{name}.results.csv").into()));
    let sweep = context.preview(document.clone())?;
    target.ensure_not_input(&sweep)?;
    target.check_writable()?;
    warn_of_sweep(&sweep)?;
    let store = context.store_or_create()?;
    let (id, made) = submit_sweep(&*store, &document, args.reuse)?;
    warn_of_store(&*store)?;
    describe(&made, Some(&id)).iter().for_each(|sentence| message!("{sentence}"));
    let (summary, interrupted) = run(args, context, &store, &id)?;
    let row = store.sweep(&id)?;
    if interrupted && !row.counts.is_settled() {
        message!("{}", left(&id, &row.counts, &summary));
        return Ok(Exit::Interrupted);
    }
    let selection = TableSelection::default();
    collect::write(
        &TableRequest { store: &*store, row: &row, space: &sweep.space, selection: &selection },
        &target,
        out,
    )?;
    collect::preview(&target);
    if let Some(reason) = &row.paused {
        message!("{id} is paused: {reason}");
    }
    Ok(Exit::of_counts(&row.counts))
}

/// Works at the sweep until nothing is left of it, by whomever. Where that is so from the beginning no worker is started.
fn run(args: &Args, context: &Context, store: &Arc<dyn Store>, id: &SweepId) -> Result<(Summary, bool)> {
    if store.sweep(id)?.counts.is_settled() {
        return Ok((Summary::default(), false));
    }
    let progress = args.work.shows_progress().then(|| Progress::new(store.clone(), id.clone()));
    let worked = work(&args.work, context, store.clone(), Scope::Sweep(id.clone()), true);
    drop(progress);
    worked
}

/// What an interrupted run leaves, and how to go on.
fn left(id: &SweepId, counts: &Counts, summary: &Summary) -> String {
    let lost = match summary.undelivered {
        0 => String::new(),
        some => format!("; {} could not be delivered, those jobs run again", count(some as u64, "outcome")),
    };
    format!(
        "{id}: interrupted with {} of {} succeeded{lost}; the same command goes on, `sweep collect {id} --out FILE` writes \
         what there is",
        group(counts.succeeded),
        group(counts.total),
    )
}
