//! Owns `sweep status`: shows sweeps and workers. Changes nothing.

use std::io::Write;

use crate::cli::Context;
use crate::cli::exit::CommandExit;
use crate::cli::output::{put, put_json};
use crate::error::Result;
use crate::job::SweepId;
use crate::ops;
use crate::status::text;

/// How many of the newest sweeps are shown in addition to those with points left to run.
const NEWEST: usize = 10;

/// Show the progress of sweeps (counts, rate, time left) and the workers
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The sweep, for example pi-3 [default: all sweeps with points left to run, and the ten newest]
    sweep: Option<SweepId>,
    /// Print one JSON object with all sweeps, newest first, for programs
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub fn execute(args: &Args, context: &Context, out: &mut dyn Write) -> Result<CommandExit> {
    let store = context.store()?;
    let mut sweeps = match &args.sweep {
        Some(id) => vec![store.sweep(id)?],
        None => store.sweeps()?,
    };
    if args.json {
        let mut snapshot = ops::status::snapshot(&*store, &sweeps)?;
        if args.sweep.is_some() {
            ops::status::add_inputs(&*store, &mut snapshot, &sweeps)?;
        }
        put_json(out, &snapshot)?;
        return Ok(CommandExit::Well);
    }
    let mut newest = 0;
    sweeps.retain(|row| {
        newest += 1;
        newest <= NEWEST || !row.counts.is_settled()
    });
    put(out, &text::snapshot(&ops::status::snapshot(&*store, &sweeps)?))?;
    Ok(CommandExit::Well)
}
