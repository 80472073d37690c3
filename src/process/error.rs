//! Owns why a job could not be started: what happened, to what, and what to do.

use std::io;
use std::path::PathBuf;

use rustix::io::Errno;
use thiserror::Error;

use super::{Launch, program};

/// Why a job could not be started. It prints as one sentence with the remedy in it.
#[derive(Debug, Error)]
pub enum StartError {
    /// There is no such program.
    #[error("there is no program {what}; {remedy}")]
    NotFound {
        /// What was looked for and where.
        what: String,
        /// What to do.
        remedy: String,
    },
    /// The program is there, but not as something that can be run: not executable, a directory, a script whose
    /// interpreter is missing, for another kind of machine.
    #[error("`{program}` cannot be run: {why}; {remedy}", program = program.display())]
    NotRunnable {
        /// Its path.
        program: PathBuf,
        /// What is wrong with it.
        why: String,
        /// What to do.
        remedy: String,
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
    /// It ran, but how it ended is not known.
    #[error(
        "how `{program}` ended is not known, because something else in this process waited for it: {source}; please report this",
        program = program.display()
    )]
    ExitUnknown {
        /// The program's path.
        program: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl StartError {
    /// Whether it is the machine's fault and for now: too many processes, no memory, too many open files, a program
    /// that is being written. The same job may start a moment later or elsewhere, and should not be failed for it.
    pub fn is_transient(&self) -> bool {
        let StartError::System { source, .. } = self else { return false };
        let errno = Errno::from_io_error(source);
        matches!(errno, Some(Errno::AGAIN | Errno::NOMEM | Errno::MFILE | Errno::NFILE | Errno::TXTBSY))
    }

    /// Whether it is the program that is not there or cannot be run, whatever the job.
    pub fn is_of_program(&self) -> bool {
        matches!(self, StartError::NotFound { .. } | StartError::NotRunnable { .. })
    }

    /// What a failure to spawn means. The system names neither of the two files that it may be about, nor the third,
    /// the interpreter, so they are looked at.
    pub(super) fn of_spawn(source: io::Error, launch: &Launch) -> StartError {
        let files = matches!(
            Errno::from_io_error(&source),
            Some(Errno::NOENT | Errno::NOTDIR | Errno::ACCESS | Errno::ISDIR | Errno::NOEXEC | Errno::PERM)
        );
        if files {
            let dir = program::check_directory(&launch.dir);
            let word = launch.argv.first().map_or_else(|| launch.program.to_string_lossy(), Into::into);
            if let Err(error) = dir.and_then(|()| program::check(&launch.program, &word)) {
                return error;
            }
        }
        StartError::System { program: launch.program.clone(), remedy: remedy(&source), source }
    }

    pub(super) fn of_reap(source: io::Error, launch: &Launch) -> StartError {
        StartError::ExitUnknown { program: launch.program.clone(), source }
    }
}

fn remedy(source: &io::Error) -> &'static str {
    match Errno::from_io_error(source) {
        Some(Errno::AGAIN) => "too many processes are running; use fewer slots (`-j`) or raise `ulimit -u`",
        Some(Errno::NOMEM) => "the machine is out of memory; use fewer slots (`-j`)",
        Some(Errno::MFILE | Errno::NFILE) => "too many files are open; use fewer slots (`-j`) or raise `ulimit -n`",
        Some(Errno::TXTBSY) => "it is being written just now; try again when it is there",
        Some(Errno::TOOBIG) => "hand long values over by `stdin` or in a file, and not as arguments or in `env`",
        Some(Errno::NOEXEC) => "it is not a program for this kind of machine; build it here",
        Some(Errno::ACCESS | Errno::PERM) => {
            "see whether its folder may be entered, and that its file system is not mounted `noexec`"
        }
        None if source.kind() == io::ErrorKind::InvalidInput => {
            "an argument, a variable or a path holds a NUL byte, which no program can be given; take it out"
        }
        _ => "see whether you can start it by hand",
    }
}
