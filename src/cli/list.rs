//! Owns `sweep list`: lists the sweeps in the store.

use std::io::Write;

use crate::cli::Context;
use crate::cli::exit::CommandExit;
use crate::cli::output::put;
use crate::error::Result;
use crate::human::group;
use crate::status::text::{align_right, plain};
use crate::status::{Activity, StatusSnapshot};

/// List the sweeps in the store, newest first
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Runs the command.
pub fn execute(_: &Args, context: &Context, out: &mut dyn Write) -> Result<CommandExit> {
    let store = context.store()?;
    let snapshot = StatusSnapshot::new(&store.sweeps()?, &[], &Activity::default());
    let mut table = plain(&["sweep", "state", "points", "succeeded", "failed", "queue", "user", "submitted"]);
    for sweep in &snapshot.sweeps {
        let counts = [sweep.counts.total, sweep.counts.succeeded, sweep.counts.failed].map(group);
        let words = [&sweep.queue, &sweep.user, &sweep.submitted];
        let cells =
            [sweep.id.clone(), sweep.state.to_owned()].into_iter().chain(counts).chain(words.map(String::clone));
        table.add_row(cells);
    }
    if snapshot.sweeps.is_empty() {
        message!("no sweeps in the store {}", store.describe());
        return Ok(CommandExit::Well);
    }
    align_right(&mut table, 2..5);
    put(out, &(table.trim_fmt() + "\n"))?;
    Ok(CommandExit::Well)
}
