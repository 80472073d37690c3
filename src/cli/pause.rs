//! Owns `sweep pause`: no more jobs of a sweep are given out until `resume`.

use crate::cli::Context;
use crate::cli::exit::Exit;
use crate::error::{Error, Result};
use crate::human::count;
use crate::job::SweepId;
use crate::ops::select;

/// Give out no more jobs of a sweep; those that run go on
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The sweep [default: the newest that you submitted]
    sweep: Option<SweepId>,
    /// Why, for those who look at its status
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

/// Runs the command.
pub fn execute(args: &Args, context: &Context) -> Result<Exit> {
    let store = context.store()?;
    let row = select::sweep(&*store, args.sweep.as_ref())?;
    let id = &row.id;
    if row.counts.is_settled() {
        return Err(Error::usage(format!("{id} has nothing left to run")));
    }
    let reason = args.reason.clone().unwrap_or_else(|| format!("by {}", select::user()));
    store.set_paused(id, Some(&reason))?;
    let left = count(row.counts.pending, "point");
    message!("{id} is paused with {left} to run; `sweep resume {id}` lets it go on");
    Ok(Exit::Well)
}
