//! Owns `sweep new`: writes a commented starter sweep.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::PathBuf;

use crate::cli::Context;
use crate::cli::exit::Exit;
use crate::error::{Error, Result};

/// The starter sweep.
const STARTER: &str = include_str!("starter.toml");

/// Write a commented starter sweep
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The file to write; it must not be there yet
    #[arg(default_value = "sweep.toml")]
    file: PathBuf,
}

/// Runs the command.
pub fn execute(args: &Args, context: &Context) -> Result<Exit> {
    let path = context.cwd.join(&args.file);
    let mut file = OpenOptions::new().write(true).create_new(true).open(path).map_err(|error| {
        if error.kind() == io::ErrorKind::AlreadyExists {
            return Error::usage(format!("{} is there already; name another file", args.file.display()));
        }
        Error::file("written", &args.file)(error)
    })?;
    file.write_all(STARTER.as_bytes()).map_err(Error::file("written", &args.file))?;
    message!("{0} written; `sweep check {0}` says what it would do, `sweep run {0}` does it", args.file.display());
    Ok(Exit::Well)
}
