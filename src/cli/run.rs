//! Owns `sweep run`: runs the missing points of a sweep file on this machine and writes the results table.

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

use crate::cli::Context;
use crate::cli::collect;
use crate::cli::exit::CommandExit;
use crate::cli::failures;
use crate::cli::progress::Progress;
use crate::cli::submission::{ReuseArgs, describe, submit_sweep};
use crate::cli::submit::{FailingArgs, read, warn_of_store, warn_of_sweep};
use crate::cli::work::{Work, WorkArgs, work};
use crate::error::Result;
use crate::human::{count, group};
use crate::job::SweepId;
use crate::model::Document;
use crate::ops::collect::{TableRequest, TableSelection};
use crate::ops::inputs::before_inputs;
use crate::ops::no_results;
use crate::ops::provenance;
use crate::ops::target::OutputTarget;
use crate::runtime::SweepRuntime;
use crate::store::{Counts, Scope, Store, SweepRow};
use crate::system::wall_clock_ms;
use crate::worker::WorkSummary;

/// Run the missing points of a sweep file on this machine and write the results table
///
/// A stored sweep with the same points continues; its failed and cancelled points run again. If the points have changed
/// (another value, more repeats), a new sweep reuses the results of earlier sweeps of the same name. Results are reused
/// only if the command and the inputs have not changed: the files that the command names, those that `[files] watch`
/// matches, and those that jobs were seen to read.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The sweep file
    file: PathBuf,
    /// Write the table to FILE: JSON Lines if it ends in .jsonl or .ndjson, otherwise CSV; - for standard output
    /// [default: NAME.results.csv in the current folder]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Replace an existing NAME.results.csv that sweep did not write
    #[arg(long, conflicts_with = "out")]
    force: bool,
    #[command(flatten)]
    reuse: ReuseArgs,
    #[command(flatten)]
    failing: FailingArgs,
    #[command(flatten)]
    work: WorkArgs,
}

/// Runs the command.
pub fn execute(args: &Args, context: &Context, out: &mut dyn Write) -> Result<CommandExit> {
    args.work.set_log_format();
    let started_ms = wall_clock_ms();
    let mut document = read(&args.file)?;
    args.failing.apply(&mut document);
    let name = &document.spec.name;
    let target = OutputTarget::from(args.out.clone().unwrap_or_else(|| format!("{name}.results.csv").into()));
    let sweep = context.preview(document.clone())?;
    target.ensure_not_input(&sweep)?;
    target.check_writable()?;
    if args.out.is_none() && !args.force {
        provenance::ensure_own_table(&target)?;
    }
    warn_of_sweep(&sweep)?;
    let store = context.store_or_create()?;
    let (id, made) = submit_sweep(&*store, &document, &args.reuse)?;
    warn_of_store(&*store)?;
    describe(&made, Some(&id)).iter().for_each(|sentence| message!("{sentence}"));
    let (summary, interrupted) = run(args, context, &store, &id, &document)?;
    let row = match store.sweep(&id) {
        Ok(row) if interrupted && !row.counts.is_settled() => {
            message!("{}", left(&id, Some(&row.counts), &summary));
            return Ok(CommandExit::Interrupted);
        }
        // The store is still away: what was not delivered must be reported all the same.
        Err(error) if interrupted => {
            message!("{}", left(&id, None, &summary));
            message!("{error}");
            return Ok(CommandExit::Interrupted);
        }
        row => row?,
    };
    let (selection, run_started_ms) = (TableSelection::default(), Some(started_ms));
    collect::write(
        &TableRequest { store: &*store, row: &row, space: &sweep.space, selection: &selection, run_started_ms },
        &target,
        out,
    )?;
    collect::preview(&target);
    conclude(&*store, &row, &sweep)?;
    let earlier = before_inputs(&*store, &id)?;
    if !earlier.is_empty() {
        message!(
            "{id} has results of {} from before it was known which files its jobs read; if one of these had changed, the \
             results may be stale; `sweep run {} --fresh` runs all points again",
            earlier.join(", "),
            args.file.display()
        );
    }
    if let Some(reason) = &row.paused {
        message!("{id} is paused: {reason}");
    }
    Ok(CommandExit::of_counts(&row.counts))
}

/// Says what a look at the table alone would not tell: that jobs gave no results, and why most points failed.
fn conclude(store: &dyn Store, row: &SweepRow, sweep: &SweepRuntime) -> Result<()> {
    if let Some(without) = no_results::find(store, row, &sweep.spec)? {
        let (what, help) = without.message();
        message!("warning: {what}");
        message!("  help: {help}");
    }
    if row.counts.failed > 0
        && let Some(why) = failures::commonest(store, row, &sweep.space)?
    {
        message!("{why}");
    }
    Ok(())
}

/// Runs a worker until the sweep has no points left to run, on this machine or elsewhere. Starts no worker if none are left.
fn run(
    args: &Args,
    context: &Context,
    store: &Arc<dyn Store>,
    id: &SweepId,
    document: &Document,
) -> Result<(WorkSummary, bool)> {
    if store.sweep(id)?.counts.is_settled() {
        return Ok((WorkSummary::default(), false));
    }
    let progress = args.work.shows_progress().then(|| Progress::new(store.clone(), id.clone()));
    // It is this user's own: no key needs to be trusted.
    let (scope, own) = (Scope::Sweep(id.clone()), Some(document.clone()));
    let worked = work(
        &args.work,
        context,
        store.clone(),
        Work { scope, until_empty: true, allows_different_files: false, trusted: None, own },
    );
    drop(progress);
    worked
}

/// The message after an interrupted run. Without counts where the store is away.
fn left(id: &SweepId, counts: Option<&Counts>, summary: &WorkSummary) -> String {
    let lost = match summary.undelivered {
        0 => String::new(),
        some => format!("; {} could not be delivered, and those jobs will run again", count(some as u64, "outcome")),
    };
    let succeeded = counts.map_or_else(String::new, |counts| {
        format!(" with {} of {} points succeeded", group(counts.succeeded), group(counts.total))
    });
    format!(
        "{id}: interrupted{succeeded}{lost}; run the same command to continue, or `sweep collect {id} --out FILE` to write \
         the results so far"
    )
}
