//! Owns `sweep retry`: puts failed and cancelled points back in the queue, and only those.

use crate::cli::Context;
use crate::cli::exit::Exit;
use crate::error::{Error, Result};
use crate::job::{JobAddress, SweepId};
use crate::ops::{change, select};
use crate::status::text::count;
use crate::store::{Store, SweepRow};

/// Put failed and cancelled points back in the queue; nothing else runs again
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A sweep (all its failed and cancelled points), or single jobs as SWEEP/INDEX [default: the newest sweep that you
    /// submitted]
    #[arg(value_name = "SWEEP | SWEEP/INDEX")]
    what: Vec<String>,
}

/// Runs the command.
pub fn execute(args: &Args, context: &Context) -> Result<Exit> {
    let (named, indices) = parse(&args.what)?;
    let store = context.store()?;
    let row = select::sweep(&*store, named.as_ref())?;
    let moved = change::retry(&*store, &row, indices.as_deref())?;
    if moved == 0 {
        eprintln!("{} has no failed or cancelled points", row.id);
        return Ok(Exit::Well);
    }
    eprintln!("{}: {} back in the queue; {}", row.id, count(moved, "point"), who_runs(&*store, &row)?);
    Ok(Exit::Well)
}

/// One sweep, or several jobs of one sweep.
fn parse(what: &[String]) -> Result<(Option<SweepId>, Option<Vec<u64>>)> {
    if let [one] = what
        && !one.contains('/')
    {
        return Ok((Some(one.parse().map_err(Error::Usage)?), None));
    }
    let jobs: Vec<JobAddress> = what.iter().map(|word| word.parse().map_err(Error::Usage)).collect::<Result<_>>()?;
    let Some(first) = jobs.first() else { return Ok((None, None)) };
    if let Some(other) = jobs.iter().find(|job| job.sweep != first.sweep) {
        return Err(Error::usage(format!(
            "{} and {} are of different sweeps; retry one sweep at a time",
            first, other
        )));
    }
    Ok((Some(first.sweep.clone()), Some(jobs.iter().map(|job| job.index).collect())))
}

/// Who will run what was put back.
fn who_runs(store: &dyn Store, row: &SweepRow) -> Result<String> {
    let serving = store.workers()?.iter().filter(|worker| worker.queues.contains(&row.queue)).count() as u64;
    if serving > 0 {
        return Ok(format!("{} of queue `{}` will run them", count(serving, "worker"), row.queue));
    }
    let queue = if row.queue == "default" { String::new() } else { format!(" --queue {}", row.queue) };
    Ok(format!("no worker serves queue `{}` now: `sweep worker{queue} --until-empty` runs them", row.queue))
}
