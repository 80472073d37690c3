//! Owns `sweep completions`: what the shell needs to complete sweep's command lines.

use std::io::Write;

use clap_complete::{Shell, generate};

use crate::cli::exit::Exit;
use crate::cli::output::stdout_error;
use crate::error::Result;

/// Print completions for a shell; for bash: sweep completions bash > ~/.local/share/bash-completion/completions/sweep
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The shell
    shell: Shell,
}

/// Runs the command.
pub fn execute(args: &Args, out: &mut dyn Write) -> Result<Exit> {
    // clap_complete panics when it cannot write; so it writes to memory.
    let mut script = Vec::new();
    generate(args.shell, &mut super::definition(), "sweep", &mut script);
    out.write_all(&script).map_err(stdout_error)?;
    Ok(Exit::Well)
}
