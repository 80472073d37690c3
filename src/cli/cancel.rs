//! Owns `sweep cancel`: removes a sweep's pending points from the queue and ends its running jobs.

use crate::cli::Context;
use crate::cli::exit::CommandExit;
use crate::cli::lost::recover_lost;
use crate::error::Result;
use crate::human::count;
use crate::job::SweepId;
use crate::ops::{change, select};

/// Cancel the pending points of a sweep and end its running jobs; results are kept
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The sweep, for example pi-3
    sweep: SweepId,
}

/// Runs the command.
pub fn execute(args: &Args, context: &Context) -> Result<CommandExit> {
    let store = context.store_to_change()?;
    let row = select::sweep(&*store, Some(&args.sweep))?;
    change::cancel(&*store, &row.id)?;
    // This also cancels the jobs of lost workers: no other worker may be left to do it.
    let counts = recover_lost(&*store, &row.id)?.counts;
    let running = match counts.running {
        0 => String::new(),
        some => format!("; {} will be ended at the next heartbeat", count(some, "running job")),
    };
    let id = &row.id;
    if counts.cancelled + counts.running == 0 {
        message!("no point of {id} is pending or running, so none was cancelled");
        return Ok(CommandExit::Well);
    }
    let them = if counts.cancelled == 1 { "it" } else { "them" };
    message!(
        "cancelled {} of {id}{running}; `sweep retry {id}` puts {them} back in the queue",
        count(counts.cancelled, "point")
    );
    Ok(CommandExit::Well)
}
