//! Owns running a worker in this process: its signals, and what it has to say.

use std::sync::Arc;
use std::time::Duration;

use clap::Args;

use crate::cli::Context;
use crate::cli::signals::Listener;
use crate::cli::supervise;
use crate::error::{Error, Result};
use crate::human::count;
use crate::store::{LEASE, Scope, Store};
use crate::worker::{Options, Summary, Worker, WorkerEvent};

/// Options that `run` and `worker` share.
#[derive(Debug, Args)]
pub struct WorkArgs {
    /// Jobs to run at once [default: the number of cores]
    #[arg(short = 'j', long = "jobs", value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    jobs: Option<u32>,
    /// How long the worker's claims hold without a sign of life
    #[arg(long, value_name = "DURATION", default_value_t = LEASE.into(), value_parser = lease)]
    lease: humantime::Duration,
}

fn lease(text: &str) -> std::result::Result<humantime::Duration, String> {
    let lease: humantime::Duration = text.parse().map_err(|error| format!("{error}; write it like `20s` or `2m`"))?;
    let allowed = Duration::from_secs(1)..=Duration::from_secs(86_400);
    if allowed.contains(&*lease) { Ok(lease) } else { Err("a lease lasts from 1s to 1day".into()) }
}

/// Works until there is nothing left, or a signal comes. Returns what was done and whether it was interrupted.
///
/// # Errors
/// If the store says something that waiting does not mend.
pub fn work(
    args: &WorkArgs,
    context: &Context,
    store: Arc<dyn Store>,
    scope: Scope,
    until_empty: bool,
) -> Result<(Summary, bool)> {
    let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get() as u32);
    let alone = matches!(scope, Scope::Sweep(_));
    let options = Options {
        scope,
        slots: args.jobs.unwrap_or(cores),
        until_empty,
        lease: *args.lease,
        fallback: context.cwd.clone(),
    };
    let worker = Worker::new(store.clone(), options).map_err(|error| {
        Error::usage(format!("the worker cannot be started: {error}; fewer jobs at once (-j) need fewer open files"))
    })?;
    let signals = Listener::new(worker.stop_handle())?;
    let supervisor = supervise::start(context, &*store, worker.id());
    if let Err(error) = &supervisor {
        message!("warning: no supervisor could be started ({error}): if this worker is killed, its jobs run on");
    }
    let summary = worker.run(&mut |notice| {
        // Who runs one sweep is told at the end why it is paused.
        if !(alone && matches!(notice, WorkerEvent::Paused { .. })) {
            message!("{}", sentence(&notice));
        }
    })?;
    Ok((summary, signals.interrupted()))
}

fn sentence(notice: &WorkerEvent) -> String {
    match notice {
        WorkerEvent::StoreAway(why) => {
            format!("the store is away: {why}; running jobs go on, outcomes are kept until it is back")
        }
        WorkerEvent::StoreRefuses(why) => {
            format!("the store gives no jobs: {why}; running jobs go on, and it is asked again from time to time")
        }
        WorkerEvent::StoreBack => "the store is back".into(),
        WorkerEvent::OtherFolder { sweep, here } => {
            format!("this machine has no folder of {sweep}'s sweep file; its jobs run in {}", here.display())
        }
        WorkerEvent::TooLate(jobs) => format!(
            "{} ended here whose claim the store no longer knows: another worker had it after its lease had run out, and the \
             other's outcome counts; or the sweep was removed",
            count(*jobs as u64, "job")
        ),
        WorkerEvent::TookOver(jobs) => {
            format!("{} of a worker that gave no sign of life put back in the queue", count(*jobs as u64, "job"))
        }
        WorkerEvent::LeftBehind(processes) => {
            let what = if *processes == 1 { "process" } else { "processes" };
            format!("{processes} {what} that jobs had left running ended")
        }
        WorkerEvent::Paused { sweep, reason } => format!("{sweep} is paused: {reason}"),
        WorkerEvent::CannotRun { sweep, why } => {
            format!("this worker cannot run {sweep}, and takes no more of its jobs until it can: {why}")
        }
    }
}
