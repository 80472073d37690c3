//! Owns `sweep doctor`: checks the store and this machine, and reports likely problems.

use std::io::Write;

use serde::Serialize;

use crate::cli::Context;
use crate::cli::exit::CommandExit;
use crate::cli::output::{put, put_json};
use crate::error::Result;
use crate::ops::doctor::checks::{Check, Finding};
use crate::ops::doctor::examine;
use crate::visible::visible;

/// Check the store and this machine, and report likely problems
///
/// The exit code is 3 if the store cannot be used. Changes nothing.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Print one JSON object with all checks, for programs
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Checks<'a> {
    /// Grows when a field changes its meaning.
    version: u32,
    checks: &'a [Check],
}

/// Runs the command.
pub fn execute(args: &Args, context: &Context, out: &mut dyn Write) -> Result<CommandExit> {
    let checks = examine(context.store.as_deref(), &context.cwd);
    if args.json {
        put_json(out, &Checks { version: 1, checks: &checks })?;
    } else {
        for check in &checks {
            // The command line of a stray process may contain control characters.
            put(out, &format!("{:<8} {:<11} {}\n", check.finding.word(), check.name, visible(&check.says)))?;
        }
    }
    let is_bad = checks.iter().any(|check| check.finding == Finding::Bad);
    Ok(if is_bad { CommandExit::Store } else { CommandExit::Well })
}
