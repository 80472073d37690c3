//! Owns `sweep wait`: waits until a sweep has ended or is paused, and exits with the code of `sweep run`.

use std::thread;
use std::time::{Duration, Instant};

use crate::cli::Context;
use crate::cli::exit::CommandExit;
use crate::cli::progress::Progress;
use crate::error::Result;
use crate::human::group;
use crate::job::SweepId;
use crate::ops::recover::recover;
use crate::ops::select;

/// How often the state of the sweep is read.
const EVERY: Duration = Duration::from_millis(200);

/// How often `wait` checks for jobs of lost workers: no worker may be left to do it.
const CHECK_LEASES: Duration = Duration::from_secs(1);

/// Wait until a sweep has no points left to run, or is paused
///
/// The exit code is that of `sweep run`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The sweep, for example pi-3 [default: your newest sweep]
    sweep: Option<SweepId>,
}

/// Runs the command.
pub fn execute(args: &Args, context: &Context) -> Result<CommandExit> {
    let store = context.store()?;
    let id = select::sweep(&*store, args.sweep.as_ref())?.id;
    let progress = Progress::new(store.clone(), id.clone());
    let mut is_away = false;
    let mut checked = Instant::now();
    let row = loop {
        match store.sweep(&id) {
            Ok(row) => {
                if std::mem::take(&mut is_away) {
                    message!("the store is back");
                }
                if row.counts.is_settled() || row.paused.is_some() {
                    break row;
                }
                if row.counts.running > 0 && checked.elapsed() > CHECK_LEASES {
                    checked = Instant::now();
                    // If the store is away or full now, a later round succeeds.
                    let _ = recover(&*store);
                }
                thread::sleep(EVERY);
            }
            // The store may be restarting: keep waiting.
            Err(error) if error.is_unreachable() => {
                if !std::mem::replace(&mut is_away, true) {
                    message!("the store is away: {error}; waiting until it is back");
                }
                thread::sleep(EVERY);
            }
            Err(error) => return Err(error.into()),
        }
    };
    drop(progress);
    let counts = row.counts;
    message!(
        "{id}: {} succeeded, {} failed, {} cancelled",
        group(counts.succeeded),
        group(counts.failed),
        group(counts.cancelled)
    );
    if let Some(reason) = &row.paused {
        message!("{id} is paused: {reason}");
    }
    Ok(CommandExit::of_counts(&counts))
}
