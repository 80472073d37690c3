//! Owns `sweep new`: writes a commented sweep file to start from.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::PathBuf;

use crate::cli::Context;
use crate::cli::exit::CommandExit;
use crate::error::{Error, Result};

/// The sweep file that is written.
const STARTER: &str = include_str!("starter.toml");

/// Write a commented sweep file to start from
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The file to write; it must not exist
    #[arg(default_value = "sweep.toml")]
    file: PathBuf,
}

/// Runs the command.
pub fn execute(args: &Args, context: &Context) -> Result<CommandExit> {
    let path = context.cwd.join(&args.file);
    let mut file = OpenOptions::new().write(true).create_new(true).open(path).map_err(|error| {
        if error.kind() == io::ErrorKind::AlreadyExists {
            return Error::usage(format!("{} already exists", args.file.display()))
                .remedy("give another file name: `sweep new FILE`");
        }
        Error::file("written", &args.file)(error)
    })?;
    file.write_all(STARTER.as_bytes()).map_err(Error::file("written", &args.file))?;
    message!("wrote {0}; `sweep check {0}` checks it, `sweep run {0}` runs it", args.file.display());
    Ok(CommandExit::Well)
}
