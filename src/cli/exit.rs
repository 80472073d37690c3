//! Owns the exit codes of all commands.

use std::io;
use std::process::ExitCode;

use crate::error::Error;
use crate::store::{Counts, StoreErrorKind};

/// How a command ended. The number is the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
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

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit as u8)
    }
}

impl Exit {
    /// The code for an error. A closed output pipe (`sweep jobs | head`) is not an error.
    pub fn of_error(error: &Error) -> Exit {
        match error {
            Error::Usage { .. } | Error::SweepFile(_) => Exit::Usage,
            Error::Store(error) => match error.kind {
                StoreErrorKind::NoSuchSweep(_) | StoreErrorKind::BadAddress => Exit::Usage,
                _ => Exit::Store,
            },
            Error::File { source, .. } if source.kind() == io::ErrorKind::BrokenPipe => Exit::Well,
            Error::File { .. } => Exit::File,
        }
    }

    /// The code for a sweep that has ended or is paused, by its counts.
    pub fn of_counts(counts: &Counts) -> Exit {
        if !counts.is_settled() {
            Exit::Paused
        } else if counts.failed + counts.cancelled > 0 {
            Exit::SomeFailed
        } else {
            Exit::Well
        }
    }
}
