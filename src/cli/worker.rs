//! Owns `sweep worker`: runs jobs until stopped.

use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use crate::cli::Context;
use crate::cli::exit::CommandExit;
use crate::cli::work::{Work, WorkArgs, work};
use crate::error::{Error, Result};
use crate::ops::sign;
use crate::store::{Scope, Store};

/// Run jobs of the store's sweeps until stopped (Ctrl-C: finish the running ones; twice: end them)
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    work: WorkArgs,
    /// The queue to serve; several: the first one's jobs go before the second's
    #[arg(long = "queue", value_name = "Q", default_value = "default", value_delimiter = ',')]
    queues: Vec<String>,
    /// End when there is nothing pending, delayed or leased by anyone in the queues
    #[arg(long)]
    until_empty: bool,
    /// Run sweeps although input files here differ from those that they were submitted with
    #[arg(long)]
    allow_different_files: bool,
    /// Run only sweeps that one of the keys in FILE has signed [default: ~/.config/sweep/trusted or /etc/sweep/trusted, if
    /// there is one]
    #[arg(long, value_name = "FILE")]
    trusted: Option<PathBuf>,
}

/// How long a worker waits at its start for a store that cannot be reached: the server may be starting too, or be busy
/// with the start of some hundred other workers.
const PATIENCE: Duration = Duration::from_secs(30);

/// Opens the store, or creates it. Waits for a while if it cannot be reached.
fn open_patiently(context: &Context) -> Result<Arc<dyn Store>> {
    let begun = Instant::now();
    let (mut pause, mut reported) = (Duration::from_millis(100), false);
    loop {
        let error = match context.store_or_create() {
            Err(Error::Store(error)) if error.is_unreachable() && begun.elapsed() + pause < PATIENCE => error,
            opened => return opened,
        };
        if !std::mem::replace(&mut reported, true) {
            message!("the store is away: {error}; trying for {} s", PATIENCE.as_secs());
        }
        thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_secs(2));
    }
}

/// Runs the command.
pub fn execute(args: &Args, context: &Context) -> Result<CommandExit> {
    args.work.set_log_format();
    let store = open_patiently(context)?;
    store.exposures().iter().for_each(|exposure| message!("warning: {exposure}"));
    let work_for = Work {
        scope: Scope::Queues(args.queues.clone()),
        until_empty: args.until_empty,
        allows_different_files: args.allow_different_files,
        trusted: sign::trusted_keys(args.trusted.as_deref())?,
        own: None,
    };
    let (summary, interrupted) = work(&args.work, context, store, work_for)?;
    if summary.undelivered > 0 {
        return Ok(CommandExit::Store);
    }
    Ok(match () {
        () if interrupted => CommandExit::Interrupted,
        () if !summary.paused.is_empty() => CommandExit::Paused,
        () if summary.failed > 0 => CommandExit::SomeFailed,
        () => CommandExit::Well,
    })
}
