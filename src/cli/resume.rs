//! Owns `sweep resume`: resumes a paused sweep.

use crate::cli::Context;
use crate::cli::exit::CommandExit;
use crate::error::{Error, Result};
use crate::human::count;
use crate::job::SweepId;
use crate::ops::select;

/// Resume a paused sweep
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The sweep, for example pi-3 [default: your newest sweep]
    sweep: Option<SweepId>,
}

/// Runs the command.
pub fn execute(args: &Args, context: &Context) -> Result<CommandExit> {
    let store = context.store_to_change()?;
    let row = select::sweep(&*store, args.sweep.as_ref())?;
    let id = &row.id;
    if row.paused.is_none() {
        let error = Error::usage(format!("{id} is not paused"));
        return Err(match row.counts.cancelled {
            0 => error,
            some => error
                .remedy(format!("`sweep retry {id}` puts its {} back in the queue", count(some, "cancelled point"))),
        });
    }
    store.set_paused(id, None)?;
    let cancelled = match row.counts.cancelled {
        0 => String::new(),
        some => format!("; `sweep retry {id}` puts its {} back in the queue", count(some, "cancelled point")),
    };
    message!("resumed {id} with {} left to run{cancelled}", count(row.counts.pending, "point"));
    Ok(CommandExit::Well)
}
