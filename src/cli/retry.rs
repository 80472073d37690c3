//! Owns `sweep retry`: puts failed and cancelled points back in the queue, and only those; a success by its address.

use crate::cli::Context;
use crate::cli::exit::Exit;
use crate::error::{Error, Result};
use crate::human::count;
use crate::job::{CausePattern, JobAddress, SweepId};
use crate::ops::filter::Filter;
use crate::ops::retry::{PointRange, RetrySelection, retry};
use crate::ops::select;
use crate::store::{Store, SweepRow};

/// Put failed and cancelled points back in the queue; nothing else runs again
///
/// A point that has succeeded runs again only when it is named by its own address; its old outcome is then history.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A sweep (all its failed and cancelled points), single jobs as SWEEP/INDEX, or ranges of jobs as SWEEP/FIRST..LAST,
    /// both included [default: the newest sweep that you submitted]
    #[arg(value_name = "SWEEP | SWEEP/INDEX | SWEEP/FIRST..LAST")]
    what: Vec<String>,
    /// Only points that have failed, not cancelled ones
    #[arg(long)]
    failed: bool,
    /// Only points for which this holds, for example "temp > 3 and solver == 'rk4'"
    #[arg(long = "where", value_name = "EXPR")]
    filter: Option<String>,
    /// Only points that failed for this cause: exit, exit:3, signal, signal:9, timeout, memory, no-result, cannot-start,
    /// lost; several are separated by commas
    #[arg(long, value_name = "CAUSE", value_delimiter = ',')]
    cause: Vec<CausePattern>,
    /// Only failed points whose last line of stderr, with numbers and paths blanked, is this; `sweep failures` shows it
    #[arg(long, value_name = "TEXT")]
    last_line: Option<String>,
}

/// Runs the command.
pub fn execute(args: &Args, context: &Context) -> Result<Exit> {
    let (sweep, named) = parse(&args.what)?;
    let store = context.store()?;
    let row = select::sweep(&*store, sweep.as_ref())?;
    let space = args.filter.as_ref().map(|_| context.runtime(&*store, &row)).transpose()?.map(|sweep| sweep.space);
    let filter = match (&args.filter, &space) {
        (Some(text), Some(space)) => Some((Filter::of_points(text, space)?, space)),
        _ => None,
    };
    let selection = RetrySelection {
        named: named.as_deref(),
        failed: args.failed,
        filter: filter.as_ref().map(|(filter, space)| (filter, *space)),
        causes: &args.cause,
        last_line: args.last_line.as_deref(),
    };
    let moved = retry(&*store, &row, &selection)?;
    if moved == 0 {
        message!("{} has no {} points{}", row.id, state(args), such(args));
        return Ok(Exit::Well);
    }
    message!("{}: {} back in the queue; {}", row.id, count(moved, "point"), who_runs(&*store, &row)?);
    Ok(Exit::Well)
}

fn state(args: &Args) -> &'static str {
    let failed = args.failed || !args.cause.is_empty() || args.last_line.is_some();
    if failed { "failed" } else { "failed or cancelled" }
}

/// What else was asked of the points.
fn such(args: &Args) -> &'static str {
    let filtered = args.filter.is_some() || !args.cause.is_empty() || args.last_line.is_some();
    match (args.what.iter().any(|word| word.contains('/')), filtered) {
        (true, true) => " there for which that holds",
        (true, false) => " there",
        (false, true) => " for which that holds",
        (false, false) => "",
    }
}

/// One sweep, or several jobs and ranges of jobs of one sweep.
fn parse(what: &[String]) -> Result<(Option<SweepId>, Option<Vec<PointRange>>)> {
    if let [one] = what
        && !one.contains('/')
    {
        return Ok((Some(one.parse().map_err(Error::Usage)?), None));
    }
    let jobs: Vec<(SweepId, PointRange)> = what.iter().map(|word| jobs(word)).collect::<Result<_>>()?;
    let Some((sweep, _)) = jobs.first() else { return Ok((None, None)) };
    if let Some((other, _)) = jobs.iter().find(|(other, _)| other != sweep) {
        return Err(Error::usage(format!("{sweep} and {other} are different sweeps; retry one sweep at a time")));
    }
    Ok((Some(sweep.clone()), Some(jobs.iter().map(|(_, named)| *named).collect())))
}

/// `SWEEP/INDEX` or `SWEEP/FIRST..LAST`.
fn jobs(word: &str) -> Result<(SweepId, PointRange)> {
    let Some((first, last)) = word.split_once('/').and_then(|(_, indices)| indices.split_once("..")) else {
        let job: JobAddress = word.parse().map_err(Error::Usage)?;
        return Ok((job.sweep, PointRange::One(job.index)));
    };
    let wrong = || {
        Error::usage(format!(
            "`{word}` is no range of jobs, which looks like `pi-3/10..20`: the first and the last of them"
        ))
    };
    let sweep = word.split('/').next().unwrap_or_default().parse().map_err(Error::Usage)?;
    match (first.parse(), last.parse()) {
        (Ok(first), Ok(last)) if first <= last => Ok((sweep, PointRange::Range(first, last))),
        _ => Err(wrong()),
    }
}

/// Who will run what was put back.
fn who_runs(store: &dyn Store, row: &SweepRow) -> Result<String> {
    if row.paused.is_some() {
        return Ok(format!("{0} is paused: `sweep resume {0}` lets them run", row.id));
    }
    let serving = store.workers()?.iter().filter(|worker| worker.queues.contains(&row.queue)).count() as u64;
    if serving > 0 {
        return Ok(format!("{} of queue `{}` will run them", count(serving, "worker"), row.queue));
    }
    let queue = if row.queue == "default" { String::new() } else { format!(" --queue {}", row.queue) };
    Ok(format!("no worker serves queue `{}` now: `sweep worker{queue} --until-empty` runs them", row.queue))
}
