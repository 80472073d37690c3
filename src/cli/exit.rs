//! Owns the exit codes of all commands.

use std::io;
use std::process::ExitCode;

use crate::error::Error;
use crate::store::{Counts, StoreErrorKind};

/// How a command ended. The number is the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommandExit {
    /// Everything succeeded.
    Well = 0,
    /// Some points failed or were cancelled.
    SomeFailed = 1,
    /// The command line or the sweep file is wrong.
    Usage = 2,
    /// The store cannot be reached, or refused the request.
    Store = 3,
    /// The sweep is paused and has points left to run.
    Paused = 4,
    /// A local file cannot be read or written.
    File = 5,
    /// Interrupted by a signal.
    Interrupted = 130,
}

/// The exit codes, for `--help`.
pub const HELP: &str = "Exit codes:
  0    success
  1    some points failed or were cancelled
  2    invalid command line or sweep file, or no such sweep
  3    the store cannot be reached, or refused the request
  4    paused before the end
  5    a local file cannot be read or written
  130  interrupted";

impl From<CommandExit> for ExitCode {
    fn from(exit: CommandExit) -> Self {
        ExitCode::from(exit as u8)
    }
}

impl CommandExit {
    /// The code for an error. If the reader has closed the pipe (`sweep jobs | head`), the command ends with 0 and without a
    /// message.
    pub fn of_error(error: &Error) -> CommandExit {
        match error {
            Error::Usage { .. } | Error::SweepFile(_) => CommandExit::Usage,
            Error::Store(error) => match error.kind {
                StoreErrorKind::NoSuchSweep(_) | StoreErrorKind::BadAddress => CommandExit::Usage,
                _ => CommandExit::Store,
            },
            Error::File { source, .. } if source.kind() == io::ErrorKind::BrokenPipe => CommandExit::Well,
            Error::File { .. } => CommandExit::File,
        }
    }

    /// The code for a sweep that has ended or is paused, by its counts.
    pub fn of_counts(counts: &Counts) -> CommandExit {
        if !counts.is_settled() {
            CommandExit::Paused
        } else if counts.failed + counts.cancelled > 0 {
            CommandExit::SomeFailed
        } else {
            CommandExit::Well
        }
    }
}
