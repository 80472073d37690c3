//! Owns `sweep resume`: lets a paused sweep go on.

use crate::cli::Context;
use crate::cli::exit::Exit;
use crate::error::{Error, Result};
use crate::human::count;
use crate::job::SweepId;
use crate::ops::select;

/// Let a paused sweep go on
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The sweep [default: the newest that you submitted]
    sweep: Option<SweepId>,
}

/// Runs the command.
pub fn execute(args: &Args, context: &Context) -> Result<Exit> {
    let store = context.store()?;
    let row = select::sweep(&*store, args.sweep.as_ref())?;
    let id = &row.id;
    if row.paused.is_none() {
        let what = match row.counts.cancelled {
            0 => "is not paused".to_owned(),
            some => format!(
                "is not paused; {} of it are cancelled: `sweep retry {id}` puts them back",
                count(some, "point")
            ),
        };
        return Err(Error::usage(format!("{id} {what}")));
    }
    store.set_paused(id, None)?;
    let cancelled = match row.counts.cancelled {
        0 => String::new(),
        some => format!("; {} stay cancelled: `sweep retry {id}` puts them back", count(some, "point")),
    };
    message!("{id} goes on with {} to run{cancelled}", count(row.counts.pending, "point"));
    Ok(Exit::Well)
}
