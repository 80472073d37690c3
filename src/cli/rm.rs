//! Owns `sweep rm`: removes sweeps with their history and results.

use crate::cli::Context;
use crate::cli::exit::CommandExit;
use crate::cli::lost::recover_lost;
use crate::error::Result;
use crate::human::count;
use crate::job::SweepId;
use crate::ops::{change, select};

/// Remove sweeps from the store, with their history and results
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The sweeps, for example pi-3
    #[arg(required = true, value_name = "SWEEP")]
    sweeps: Vec<SweepId>,
    /// Remove sweeps that have running jobs; the jobs are ended
    #[arg(long)]
    force: bool,
}

/// Runs the command.
pub fn execute(args: &Args, context: &Context) -> Result<CommandExit> {
    let store = context.store_to_change()?;
    for id in &args.sweeps {
        let mut row = select::sweep(&*store, Some(id))?;
        if !args.force {
            row = recover_lost(&*store, &row.id)?;
        }
        change::remove(&*store, &row, args.force)?;
        message!("removed {id} with the outcomes of {}", count(row.counts.succeeded + row.counts.failed, "point"));
    }
    Ok(CommandExit::Well)
}
