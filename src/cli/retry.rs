//! Owns `sweep retry`: puts failed and cancelled points back in the queue, and only those.

use crate::cli::Context;
use crate::cli::exit::Exit;
use crate::error::{Error, Result};
use crate::job::{JobAddress, SweepId};
use crate::ops::change::Which;
use crate::ops::filter::Filter;
use crate::ops::{change, select};
use crate::status::text::count;
use crate::store::{Set, Store, SweepRow};

/// Put failed and cancelled points back in the queue; nothing else runs again
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A sweep (all its failed and cancelled points), or single jobs as SWEEP/INDEX [default: the newest sweep that you
    /// submitted]
    #[arg(value_name = "SWEEP | SWEEP/INDEX")]
    what: Vec<String>,
    /// Only points that have failed, not cancelled ones
    #[arg(long)]
    failed: bool,
    /// Only points for which this holds, for example "temp > 3 and solver == 'rk4'"
    #[arg(long = "where", value_name = "EXPR")]
    filter: Option<String>,
}

/// Runs the command.
pub fn execute(args: &Args, context: &Context) -> Result<Exit> {
    let (named, indices) = parse(&args.what)?;
    let store = context.store()?;
    let row = select::sweep(&*store, named.as_ref())?;
    let moved = retry(args, context, &*store, &row, indices.as_deref())?;
    if moved == 0 {
        let which = if args.failed { "failed" } else { "failed or cancelled" };
        let such = if args.filter.is_some() { " for which that holds" } else { "" };
        eprintln!("{} has no {which} points{such}", row.id);
        return Ok(Exit::Well);
    }
    eprintln!("{}: {} back in the queue; {}", row.id, count(moved, "point"), who_runs(&*store, &row)?);
    Ok(Exit::Well)
}

fn retry(args: &Args, context: &Context, store: &dyn Store, row: &SweepRow, indices: Option<&[u64]>) -> Result<u64> {
    if let Some(indices) = indices {
        if args.failed || args.filter.is_some() {
            return Err(Error::usage("single jobs are named, or chosen by --failed and --where; not both"));
        }
        return change::retry(store, row, &Which::Indices(indices));
    }
    let sets: &[Set] = if args.failed { &[Set::Failed] } else { &[Set::Failed, Set::Cancelled] };
    let Some(text) = &args.filter else {
        let which = if args.failed { Which::Chosen { sets, filter: None } } else { Which::All };
        return change::retry(store, row, &which);
    };
    let space = context.runtime(store, row)?.space;
    let filter = Filter::of_points(text, &space)?;
    change::retry(store, row, &Which::Chosen { sets, filter: Some((&filter, &space)) })
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
