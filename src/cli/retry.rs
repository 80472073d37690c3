//! Owns `sweep retry`: puts failed and cancelled points back in the queue, and single succeeded points by address.

use crate::cli::Context;
use crate::cli::exit::CommandExit;
use crate::cli::lost::recover_lost;
use crate::cli::submission::in_words;
use crate::error::{Error, Result};
use crate::human::count;
use crate::job::{CausePattern, JobAddress, SweepId};
use crate::ops::filter::Filter;
use crate::ops::retry::{PointRange, RetrySelection, retry};
use crate::ops::versions::{changed_files, make_version};
use crate::ops::{select, sign};
use crate::store::{Store, SweepRow};

/// Put failed and cancelled points back in the queue
///
/// If an input file has changed since the sweep was submitted, the command is refused: the results on record are of the
/// earlier files. A succeeded point runs again only if it is named as SWEEP/INDEX. Its earlier result stays in its history and is no
/// longer in the table.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The sweep, single jobs, or ranges of jobs (LAST included) [default: your newest sweep]
    #[arg(value_name = "SWEEP | SWEEP/INDEX | SWEEP/FIRST..LAST")]
    what: Vec<String>,
    /// Retry only failed points, not cancelled ones
    #[arg(long)]
    failed: bool,
    /// Retry only points that satisfy this expression over the parameters, for example "temp > 3 and solver == 'rk4'"
    #[arg(long = "where", value_name = "EXPR")]
    filter: Option<String>,
    /// Retry only points that failed for these causes, separated by commas: exit, exit:3, signal, signal:9, timeout,
    /// memory, no-result, cannot-start, internal-error, lost
    #[arg(long, value_name = "CAUSE", value_delimiter = ',')]
    cause: Vec<CausePattern>,
    /// Retry only failed points with this last line of stderr, as `sweep failures` shows it
    #[arg(long, value_name = "TEXT")]
    last_line: Option<String>,
    /// Retry although input files have changed since the sweep was submitted. The table then has a column `version`
    #[arg(long)]
    with_changed_files: bool,
}

/// Runs the command.
pub fn execute(args: &Args, context: &Context) -> Result<CommandExit> {
    let (sweep, named) = parse(&args.what)?;
    let store = context.store_to_change()?;
    let row = select::sweep(&*store, sweep.as_ref())?;
    let row = recover_lost(&*store, &row.id)?;
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
    ready_files(&*store, &row, args)?;
    let moved = retry(&*store, &row, &selection)?;
    if let Some(unevaluated) = filter.as_ref().map_or(Ok(None), |(filter, _)| filter.finish())? {
        message!("warning: {}", unevaluated.message("point"));
    }
    if moved == 0 {
        message!("{} has no {} points{}", row.id, state(args), such(args));
        return Ok(CommandExit::Well);
    }
    message!("put {} of {} back in the queue; {}", count(moved, "point"), row.id, who_runs(&*store, &row, moved)?);
    Ok(CommandExit::Well)
}

/// Refuses to run points with other files than those of the results on record, or makes a new version of the sweep.
fn ready_files(store: &dyn Store, row: &SweepRow, args: &Args) -> Result<()> {
    let Some(changed) = changed_files(store, row)? else { return Ok(()) };
    let (id, changes) = (&row.id, in_words(&changed.changes));
    if !args.with_changed_files {
        return Err(Error::usage(format!("{changes} since {id} was submitted")).remedy(format!(
            "`sweep run` starts a sweep with the files as they are now; undo the change to go on with {id}; or \
             `--with-changed-files` retries with the files as they are now, and the table gets a column `version`"
        )));
    }
    let version = make_version(store, row, changed, sign::key()?.as_ref())?;
    message!("{changes}: jobs of {id} that start from now on have version {version} of its files");
    Ok(())
}

fn state(args: &Args) -> &'static str {
    let failed = args.failed || !args.cause.is_empty() || args.last_line.is_some();
    if failed { "failed" } else { "failed or cancelled" }
}

/// How the options limit the points, for the message that there are none.
fn such(args: &Args) -> &'static str {
    let filtered = args.filter.is_some() || !args.cause.is_empty() || args.last_line.is_some();
    match (args.what.iter().any(|word| word.contains('/')), filtered) {
        (true, true) => " there that satisfy the options",
        (true, false) => " there",
        (false, true) => " that satisfy the options",
        (false, false) => "",
    }
}

/// One sweep, or several jobs and ranges of jobs of one sweep.
fn parse(what: &[String]) -> Result<(Option<SweepId>, Option<Vec<PointRange>>)> {
    if let [one] = what
        && !one.contains('/')
    {
        return Ok((Some(one.parse().map_err(Error::usage)?), None));
    }
    let jobs: Vec<(SweepId, PointRange)> = what.iter().map(|word| jobs(word)).collect::<Result<_>>()?;
    let Some((sweep, _)) = jobs.first() else { return Ok((None, None)) };
    if let Some((other, _)) = jobs.iter().find(|(other, _)| other != sweep) {
        return Err(
            Error::usage(format!("{sweep} and {other} are different sweeps")).remedy("retry one sweep at a time")
        );
    }
    Ok((Some(sweep.clone()), Some(jobs.iter().map(|(_, named)| *named).collect())))
}

/// `SWEEP/INDEX` or `SWEEP/FIRST..LAST`.
fn jobs(word: &str) -> Result<(SweepId, PointRange)> {
    let Some((first, last)) = word.split_once('/').and_then(|(_, indices)| indices.split_once("..")) else {
        let job: JobAddress = word.parse().map_err(Error::usage)?;
        return Ok((job.sweep, PointRange::One(job.index)));
    };
    let wrong = || {
        Error::usage(format!("`{word}` is not a range of jobs"))
            .remedy("write SWEEP/FIRST..LAST, for example `pi-3/10..20`")
    };
    let sweep = word.split('/').next().unwrap_or_default().parse().map_err(Error::usage)?;
    match (first.parse(), last.parse()) {
        (Ok(first), Ok(last)) if first <= last => Ok((sweep, PointRange::Range(first, last))),
        _ => Err(wrong()),
    }
}

/// Who will run the points that were put back, or how to run them.
fn who_runs(store: &dyn Store, row: &SweepRow, moved: u64) -> Result<String> {
    if row.paused.is_some() {
        return Ok(format!("{0} is paused; `sweep resume {0}` resumes it", row.id));
    }
    let them = if moved == 1 { "it" } else { "them" };
    let serving = store.workers()?.iter().filter(|worker| worker.queues.contains(&row.queue)).count() as u64;
    if serving > 0 {
        return Ok(format!("{} of queue `{}` will run {them}", count(serving, "worker"), row.queue));
    }
    let queue = if row.queue == "default" { String::new() } else { format!(" --queue {}", row.queue) };
    Ok(format!("no worker serves queue `{}`; `sweep worker{queue} --until-empty` runs {them}", row.queue))
}
