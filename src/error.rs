//! Owns the error that a command ends with: its kind, which decides the exit code, what happened, and what to do next.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use crate::space::SpaceError;
use crate::store::StoreError;
use crate::stored::RecordError;
use crate::worker::WorkerError;

/// The result of what a command does.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a command failed. Message and remedy are two fields, and are printed on two lines; [`fmt::Display`] joins them as
/// `MESSAGE; REMEDY`, for use inside another sentence. Code decides by the variant, never by the texts.
#[derive(Debug)]
pub enum Error {
    /// The command line is wrong, or names something that does not exist.
    Usage {
        /// What is wrong: part of a sentence, without a full stop.
        message: String,
        /// What to do or to type next, in the same form; none: there is nothing to do.
        remedy: Option<String>,
    },
    /// The sweep file has errors. The text is the rendered diagnostics and is complete.
    SweepFile(String),
    /// The store refused the request, or cannot be reached.
    Store(StoreError),
    /// A local file cannot be read or written.
    File {
        /// What failed, as a participle: `read`, `written`, …
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
        /// What to do or to type next; none: the system's error says enough.
        remedy: Option<String>,
    },
}

impl Error {
    /// An error of the command line, without a remedy.
    pub fn usage(message: impl Into<String>) -> Self {
        Error::Usage { message: message.into(), remedy: None }
    }

    /// Adds a remedy. An error in a sweep file is unchanged: its diagnostics contain remedies.
    #[must_use]
    pub fn remedy(mut self, text: impl Into<String>) -> Self {
        match &mut self {
            Error::Usage { remedy, .. } | Error::File { remedy, .. } => *remedy = Some(text.into()),
            Error::Store(error) => error.remedy = Some(text.into()),
            Error::SweepFile(_) => {}
        }
        self
    }

    /// For `map_err`: a local file cannot be read, written, …
    pub fn file(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Error::File { action, path: path.to_path_buf(), source, remedy: None }
    }

    /// The message and the remedy.
    pub fn parts(&self) -> (String, Option<&str>) {
        match self {
            Error::Usage { message, remedy } => (message.clone(), remedy.as_deref()),
            Error::SweepFile(text) => (text.clone(), None),
            Error::Store(error) => (error.message.clone(), error.remedy.as_deref()),
            Error::File { action, path, source, remedy } => {
                (format!("{} cannot be {action}: {source}", path.display()), remedy.as_deref())
            }
        }
    }
}

impl From<SpaceError> for Error {
    fn from(error: SpaceError) -> Self {
        let usage = Error::usage(error.to_string());
        match error.remedy() {
            Some(remedy) => usage.remedy(remedy),
            None => usage,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (message, remedy) = self.parts();
        f.write_str(&message)?;
        remedy.map_or(Ok(()), |remedy| write!(f, "; {remedy}"))
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Error::File { source, .. } => Some(source),
            Error::Store(error) => Some(error),
            Error::Usage { .. } | Error::SweepFile(_) => None,
        }
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        Error::Store(error)
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

impl From<RecordError> for Error {
    fn from(error: RecordError) -> Self {
        Error::Store(error.into())
    }
}
