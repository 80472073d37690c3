//! Owns `sweep key`: the key with which this user signs sweeps.

use std::io::Write;

use crate::cli::exit::CommandExit;
use crate::cli::output::put;
use crate::error::{Error, Result};
use crate::ops::{select, sign};
use crate::sign::SigningKey;

/// Make or show the key with which you sign sweeps, for stores that several people use
///
/// `submit` and `run` sign each sweep if you have a key. A worker with a file of trusted keys runs only sweeps that one of
/// these keys has signed.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: KeyCommand,
}

#[derive(Debug, clap::Subcommand)]
enum KeyCommand {
    /// Make a key, and print the line for the files of trusted keys
    New {
        /// Your name in these files, without blanks [default: USER@HOST]
        #[arg(long)]
        name: Option<String>,
    },
    /// Print the line for the files of trusted keys
    Show,
}

/// Runs the command.
pub fn execute(args: &Args, out: &mut dyn Write) -> Result<CommandExit> {
    let key = match &args.command {
        KeyCommand::New { name } => make(name.as_deref())?,
        KeyCommand::Show => {
            sign::key()?.ok_or_else(|| Error::usage("you have no key").remedy("`sweep key new` makes one"))?
        }
    };
    put(out, &format!("{}\n", key.trusted_line()))?;
    Ok(CommandExit::Well)
}

fn make(name: Option<&str>) -> Result<SigningKey> {
    let name = name.map_or_else(|| format!("{}@{}", select::user(), crate::process::host_name()), str::to_owned);
    if name.is_empty() || !name.chars().all(|c| c.is_ascii_graphic()) {
        return Err(
            Error::usage("a name must be of printable ASCII characters without blanks").remedy("give another `--name`")
        );
    }
    let key = sign::make_key(&name)?;
    message!(
        "wrote {}; add the line to the file ~/.config/sweep/trusted (or /etc/sweep/trusted) of each worker that may run your \
         sweeps",
        sign::key_path()?.display()
    );
    Ok(key)
}
