//! Owns `sweep status`: counts, rate, time left, workers. Changes nothing.

use std::io::Write;

use crate::cli::Context;
use crate::cli::exit::Exit;
use crate::cli::output::{put, put_json};
use crate::error::Result;
use crate::job::SweepId;
use crate::status::{Snapshot, text};

/// The sweeps that are shown to a person who names none, beside those that still run.
const NEWEST: usize = 10;

/// Show how sweeps go: counts, rate, time left, workers
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The sweep [default: those with something left to run, and the ten newest]
    sweep: Option<SweepId>,
    /// For tools: one JSON object with all sweeps, newest first
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub fn execute(args: &Args, context: &Context, out: &mut dyn Write) -> Result<Exit> {
    let store = context.store()?;
    let mut sweeps = match &args.sweep {
        Some(id) => vec![store.sweep(id)?],
        None => store.sweeps()?,
    };
    let workers = store.workers()?;
    if args.json {
        put_json(out, &Snapshot::new(&sweeps, &workers))?;
        return Ok(Exit::Well);
    }
    let mut newest = 0;
    sweeps.retain(|row| {
        newest += 1;
        newest <= NEWEST || !row.counts.is_settled()
    });
    put(out, &text::snapshot(&Snapshot::new(&sweeps, &workers)))?;
    Ok(Exit::Well)
}
