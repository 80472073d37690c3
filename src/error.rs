//! Owns the error that a command ends with: what kind it is, which decides the exit code, and what it says.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::record::DecodeError;
use crate::store::StoreError;
use crate::worker::WorkerError;

/// Why a command did not do what it was asked to.
#[derive(Debug, Error)]
pub enum Error {
    /// The command line is wrong, or asks for what is not there.
    #[error("{0}")]
    Usage(String),
    /// The sweep file is wrong; the text is the rendered diagnostics, and complete.
    #[error("{0}")]
    SweepFile(String),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A local file.
    #[error("{path} cannot be {doing}: {source}")]
    File {
        /// `read`, `written`, …
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// The result of what a command does.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// An error of the command line.
    pub fn usage(message: impl Into<String>) -> Self {
        Error::Usage(message.into())
    }

    /// For `map_err`: a local file that cannot be read, written, …
    pub fn file(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Error::File { doing, path: path.to_path_buf(), source }
    }
}

impl From<WorkerError> for Error {
    fn from(error: WorkerError) -> Self {
        match error {
            WorkerError::Store(error) => Error::Store(error),
            WorkerError::Thread(_) | WorkerError::Internal(_) => Error::usage(error.to_string()),
        }
    }
}

impl From<DecodeError> for Error {
    fn from(error: DecodeError) -> Self {
        Error::Store(StoreError::damaged(error.to_string()))
    }
}
