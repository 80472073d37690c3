//! Owns `sweep pause`: starts no more jobs of a sweep until `sweep resume`.

use crate::cli::Context;
use crate::cli::exit::CommandExit;
use crate::error::{Error, Result};
use crate::human::count;
use crate::job::SweepId;
use crate::ops::select;

/// Start no more jobs of a sweep; running jobs continue
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The sweep, for example pi-3 [default: your newest sweep]
    sweep: Option<SweepId>,
    /// The reason, shown by `sweep status` [default: by USER]
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

/// Runs the command.
pub fn execute(args: &Args, context: &Context) -> Result<CommandExit> {
    let store = context.store_to_change()?;
    let row = select::sweep(&*store, args.sweep.as_ref())?;
    let id = &row.id;
    if row.counts.is_settled() {
        return Err(Error::usage(format!("{id} has no points left to run")));
    }
    let reason = args.reason.clone().unwrap_or_else(|| format!("by {}", select::user()));
    store.set_paused(id, Some(&reason))?;
    let left = count(row.counts.pending, "point");
    message!("paused {id} with {left} left to run; `sweep resume {id}` resumes it");
    Ok(CommandExit::Well)
}
