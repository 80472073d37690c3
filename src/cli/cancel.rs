//! Owns `sweep cancel`: takes what has not run out of the queue and ends what runs.

use crate::cli::Context;
use crate::cli::exit::Exit;
use crate::error::Result;
use crate::human::count;
use crate::job::SweepId;
use crate::ops::{change, select};

/// Take what has not run out of the queue and end what runs; results so far stay
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The sweep
    sweep: SweepId,
}

/// Runs the command.
pub fn execute(args: &Args, context: &Context) -> Result<Exit> {
    let store = context.store()?;
    let row = select::sweep(&*store, Some(&args.sweep))?;
    let counts = change::cancel(&*store, &row.id)?;
    let running = match counts.running {
        0 => String::new(),
        some => format!("; {} told to stop at the next sign of life of its worker", count(some, "running job")),
    };
    let id = &row.id;
    message!("{id}: {} cancelled{running}; `sweep retry {id}` puts them back", count(counts.cancelled, "point"));
    Ok(Exit::Well)
}
