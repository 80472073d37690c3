//! Owns `sweep completions`: prints a shell's completion script.

use std::io::Write;

use clap_complete::{Shell, generate};

use crate::cli::exit::CommandExit;
use crate::cli::output::stdout_error;
use crate::error::Result;

/// Print a completion script for a shell
///
/// For bash: sweep completions bash > ~/.local/share/bash-completion/completions/sweep
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The shell
    shell: Shell,
}

/// Runs the command.
pub fn execute(args: &Args, out: &mut dyn Write) -> Result<CommandExit> {
    // clap_complete panics if it cannot write, so it writes to memory.
    let mut script = Vec::new();
    generate(args.shell, &mut super::definition(), "sweep", &mut script);
    out.write_all(&script).map_err(stdout_error)?;
    Ok(CommandExit::Well)
}
