//! Owns why a job could not be started: what happened, to what, and what to do.

use std::io;
use std::path::PathBuf;

use rustix::io::Errno;
use thiserror::Error;

/// Why a job could not be started. It prints as one sentence that ends with the remedy.
#[derive(Debug, Error)]
pub enum StartError {
    /// There is no such program.
    #[error("there is no program {what}; {remedy}")]
    NotFound {
        /// What was searched for, and where.
        what: String,
        /// What to do.
        remedy: String,
    },
    /// The program exists but cannot be run: not executable, a directory, a script whose interpreter is missing, built
    /// for another kind of machine.
    #[error("`{program}` cannot be run: {why}; {remedy}", program = program.display())]
    NotRunnable {
        /// Its path.
        program: PathBuf,
        /// What is wrong with it.
        why: String,
        /// What to do.
        remedy: String,
        /// The kind of what is wrong.
        problem: ProgramProblem,
    },
    /// The job cannot run in its directory.
    #[error("the job's directory `{dir}` {why}", dir = dir.display())]
    Directory {
        /// The directory.
        dir: PathBuf,
        /// What is wrong with it, and what to do.
        why: String,
    },
    /// The system refused; see [`is_transient`](StartError::is_transient).
    #[error("the system did not start `{program}`: {source}; {remedy}", program = program.display())]
    System {
        /// The program's path.
        program: PathBuf,
        /// What the system said.
        source: io::Error,
        /// What to do.
        remedy: &'static str,
    },
    /// It ran, but how it ended is unknown.
    #[error(
        "how `{program}` ended is unknown, because something else in this process waited for it: {source}; please report this",
        program = program.display()
    )]
    ExitUnknown {
        /// The program's path.
        program: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// What is wrong with a program file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProgramProblem {
    /// It is not executable.
    Mode,
    /// It is a text that does not name its interpreter: the command must.
    NamesNoInterpreter,
    /// It names an interpreter that does not exist.
    InterpreterMissing,
    /// It is a directory, a broken link, or cannot be reached.
    Unusable,
}

impl StartError {
    /// Whether it is the machine's fault and may pass: too many processes, no memory, too many open files, a program that
    /// is being written. The same job may start a moment later or elsewhere, and should not fail for it.
    pub fn is_transient(&self) -> bool {
        let StartError::System { source, .. } = self else { return false };
        let errno = Errno::from_io_error(source);
        matches!(errno, Some(Errno::AGAIN | Errno::NOMEM | Errno::MFILE | Errno::NFILE | Errno::TXTBSY))
    }

    /// Whether the program is missing or cannot be run, whatever the job.
    pub fn is_of_program(&self) -> bool {
        matches!(self, StartError::NotFound { .. } | StartError::NotRunnable { .. })
    }
}
