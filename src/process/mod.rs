//! Owns running a job's process: the one place that knows the operating system.
//!
//! - [`run`] starts a [`Launch`], looks after it until it has [`Ended`], and leaves nothing of it behind;
//! - [`resolve`] finds the program that a command names, or guesses what was meant;
//! - [`Stopper`] ends a running job from another thread;
//! - [`Orphans`] adopts what jobs leave running, and ends it; [`Supervisor`] does when the worker itself was killed;
//! - [`strays`] are what workers that are gone have left running;
//! - [`StartError`] says why a job could not be started, and what to do;
//! - [`git_state`] asks git which commit a folder is at.
//!
//! Inside: `watch` decides (pure), `run` does; `leader` owns the process, `spawn` its start, `tree` all that belong to its
//! run, `pipes` what goes in and out of it; `snapshot` looks at the system's processes; `program` looks at a program file,
//! `hint` guesses.
//!
//! Starting stays on the fast path: a child that shares our memory until its exec, the program resolved once to an absolute
//! path, the inherited environment laid out once.
//!
//! What only Linux has, and what is done elsewhere:
//!
//! | Linux | elsewhere |
//! | --- | --- |
//! | a process is started by `clone`, in the way of `vfork` | by `posix_spawn` |
//! | a pidfd tells of the exit | the exit is looked for every 1 to 20 ms |
//! | an eventfd carries a stop | a pipe does |
//! | `/proc` tells which processes belong to a job, also those outside its process group | the process group is all that is known |
//! | `/proc` tells whether others of an ended job still live and need their grace | they have it while they hold the output open |
//! | what a job leaves behind is adopted and ended, also after the worker was killed | it is ended if it is in the process group and the worker lives |
//! | the memory of all processes of a job is looked at every 100 ms | a limit of memory is not enforced |

use std::path::PathBuf;
use std::time::Duration;

use crate::record::Output;

mod error;
mod git;
mod hint;
mod host;
mod leader;
mod orphans;
mod pipes;
mod program;
mod resolve;
mod run;
mod snapshot;
mod spawn;
mod stopper;
mod strays;
mod supervisor;
mod tree;
mod watch;

#[cfg(test)]
mod tests;

pub use error::StartError;
pub use git::git_state;
pub use host::host_name;
pub use orphans::{Orphans, Run};
pub use resolve::resolve;
pub use run::run;
pub use snapshot::MARK;
pub use stopper::Stopper;
pub use strays::{Stray, strays};
pub use supervisor::{Supervisor, outlived};
pub use tree::end_marked;

/// What to start.
#[derive(Clone, Debug)]
pub struct Launch {
    /// The program's absolute path, resolved by [`resolve`].
    pub program: PathBuf,
    /// The words of the command, the program as the user wrote it first.
    pub argv: Vec<String>,
    /// Variables set beside the inherited ones.
    pub env: Vec<(String, String)>,
    /// The working directory, absolute; it exists.
    pub dir: PathBuf,
    /// What its processes carry in their environment under [`MARK`], [`Run::mark`].
    pub mark: String,
    /// What the job reads from its standard input; empty: nothing.
    pub stdin: Vec<u8>,
    /// Limits.
    pub limits: Limits,
}

/// What a job may not exceed.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Wall time after which the job is ended. Time in which the machine sleeps does not count.
    pub timeout: Option<Duration>,
    /// The memory of all its processes together, bytes, above which the job is killed. Looked at every 100 ms: one that
    /// takes more within that time, and gives it back or ends, is not noticed.
    pub memory: Option<u64>,
    /// Time between SIGTERM and SIGKILL.
    pub grace: Duration,
    /// Bytes kept of the end of each of stdout and stderr.
    pub keep: usize,
}

/// How a process ended.
#[derive(Clone, Debug)]
pub struct Ended {
    /// By itself or by a signal.
    pub exit: Exit,
    /// Whether we ended it, and why.
    pub ended_by: Option<EndedBy>,
    /// What it printed.
    pub output: Output,
    /// Wall time from spawn to exit, seconds; in whole microseconds, like the next.
    pub seconds: f64,
    /// User and system time of the process and its reaped children, seconds.
    pub cpu_seconds: f64,
    /// The largest resident set of any one of them, bytes. On Linux never less than the largest that this process
    /// itself ever had: between fork and exec a child is counted with its parent's memory, whoever asks.
    pub max_rss_bytes: u64,
}

impl Ended {
    /// The exit code, where the process exited by itself.
    pub fn exit_code(&self) -> Option<i32> {
        match self.exit {
            Exit::Code(code) => Some(code),
            Exit::Signal(_) => None,
        }
    }
}

/// A process's exit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// It exited with this code.
    Code(i32),
    /// This signal ended it.
    Signal(i32),
}

/// Why we ended a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndedBy {
    /// Its time was up.
    Timeout,
    /// Its processes had more memory than they may.
    Memory {
        /// What they had together when it was seen, bytes.
        used: u64,
    },
    /// It was told to stop through its [`Stopper`].
    Stopped,
}
