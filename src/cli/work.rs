//! Owns running a worker in this process: its options, its signals, the reporter of its events.

use std::sync::Arc;
use std::time::Duration;

use clap::Args;

use crate::cli::Context;
use crate::cli::report::{LogFormat, Reporter};
use crate::cli::signals::Listener;
use crate::cli::{message, supervise};
use crate::error::{Error, Result};
use crate::model::Document;
use crate::process::{Capacity, capacity};
use crate::sign::TrustedKeys;
use crate::store::{LEASE, Scope, Store};
use crate::worker::{WorkSummary, Worker, WorkerOptions};

/// Options that `run` and `worker` share.
#[derive(Debug, Args)]
pub struct WorkArgs {
    /// Jobs to run at once [default: the number of cores]
    #[arg(short = 'j', long = "jobs", value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    jobs: Option<u32>,
    /// Lease duration without a heartbeat: after that, other workers may run this worker's jobs
    #[arg(long, value_name = "DURATION", default_value_t = LEASE.into(), value_parser = lease)]
    lease: humantime::Duration,
    /// Format of the log on stderr; `json`: events, one object per line, see docs/events.md
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t)]
    log_format: LogFormat,
}

impl WorkArgs {
    /// Makes all output on stderr JSON lines, with `--log-format json`. Call it before anything is written there.
    pub fn set_log_format(&self) {
        if self.log_format == LogFormat::Json {
            message::use_json();
        }
    }

    /// Whether progress is shown to people.
    pub fn shows_progress(&self) -> bool {
        self.log_format == LogFormat::Text
    }
}

fn lease(text: &str) -> std::result::Result<humantime::Duration, String> {
    let lease: humantime::Duration = text.parse().map_err(|error| format!("{error}; write it like `20s` or `2m`"))?;
    let allowed = Duration::from_secs(1)..=Duration::from_secs(86_400);
    if allowed.contains(&*lease) { Ok(lease) } else { Err("a lease lasts from 1s to 1day".into()) }
}

/// What a worker works for.
pub struct Work {
    /// Which sweeps.
    pub scope: Scope,
    /// Whether it ends when nothing is left to do.
    pub until_empty: bool,
    /// See [`WorkerOptions::allows_different_files`].
    pub allows_different_files: bool,
    /// See [`WorkerOptions::trusted`].
    pub trusted: Option<TrustedKeys>,
    /// See [`WorkerOptions::own`].
    pub own: Option<Document>,
}

/// Runs a worker until it ends. Returns what was done and whether a signal interrupted it.
///
/// # Errors
/// If the store reports an error that does not pass by itself.
pub fn work(args: &WorkArgs, context: &Context, store: Arc<dyn Store>, work: Work) -> Result<(WorkSummary, bool)> {
    let Work { scope, until_empty, allows_different_files, trusted, own } = work;
    let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get() as u32);
    let one_sweep = matches!(scope, Scope::Sweep(_));
    let options = WorkerOptions {
        scope,
        slots: possible_slots(args.jobs.unwrap_or(cores))?,
        until_empty,
        lease: *args.lease,
        fallback: context.cwd.clone(),
        allows_different_files,
        trusted,
        own,
    };
    let cannot_start = |error| {
        Error::usage(format!(
            "the worker cannot be started: {error}; use fewer slots (`-j`), which need fewer open files"
        ))
    };
    let reporter = Reporter::start(args.log_format, one_sweep).map_err(cannot_start)?;
    let worker = Worker::new(store.clone(), options, reporter.sink()).map_err(cannot_start)?;
    let signals = Listener::new(worker.stop_handle())?;
    let supervisor = supervise::start(context, &*store, worker.id());
    if let Err(error) = &supervisor {
        message!(
            "warning: the supervisor cannot be started ({error}): if this worker is killed, its jobs keep running"
        );
    }
    let summary = worker.run().map_err(Error::from)?;
    Ok((summary, signals.interrupted()))
}

/// Returns how many slots the limits of this process and its user allow, at most `wanted`. Warns if it is fewer.
///
/// # Errors
/// If not even one is possible.
fn possible_slots(wanted: u32) -> Result<u32> {
    let Capacity { slots, reason } = capacity(wanted);
    match reason {
        None => {}
        Some(reason) if slots == 0 => return Err(Error::usage(format!("no job can be started here: {reason}"))),
        Some(reason) => message!("warning: {slots} jobs run at once instead of {wanted}: {reason}"),
    }
    Ok(slots)
}
