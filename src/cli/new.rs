//! Owns `sweep new`: writes a commented sweep file to begin with.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::PathBuf;

use crate::cli::Context;
use crate::cli::exit::Exit;
use crate::error::{Error, Result};

/// The sweep file that is written.
const STARTER: &str = include_str!("starter.toml");

/// Write a commented sweep file to begin with
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The file to write; it must not exist
    #[arg(default_value = "sweep.toml")]
    file: PathBuf,
}

/// Runs the command.
pub fn execute(args: &Args, context: &Context) -> Result<Exit> {
    let path = context.cwd.join(&args.file);
    let mut file = OpenOptions::new().write(true).create_new(true).open(path).map_err(|error| {
        if error.kind() == io::ErrorKind::AlreadyExists {
            return Error::usage(format!("{} exists already", args.file.display())).remedy("name another file");
        }
        Error::file("written", &args.file)(error)
    })?;
    file.write_all(STARTER.as_bytes()).map_err(Error::file("written", &args.file))?;
    message!("wrote {0}; `sweep check {0}` checks it, `sweep run {0}` runs it", args.file.display());
    Ok(Exit::Well)
}
