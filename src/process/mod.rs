//! Owns running a job's process: the one place that knows the operating system.
//!
//! Starting stays on the fast path: nothing is run between fork and exec (no `pre_exec`), the program is resolved once to
//! an absolute path, so that the standard library takes `posix_spawn`; see `docs/performance.md`.

use std::path::PathBuf;
use std::time::Duration;

use crate::record::Output;

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
    /// What the job reads from its standard input; empty: nothing.
    pub stdin: Vec<u8>,
    /// Limits.
    pub limits: Limits,
}

/// What a job may not exceed.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Wall time after which the job's process group is ended.
    pub timeout: Option<Duration>,
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
    /// Wall time from spawn to exit, seconds.
    pub seconds: f64,
    /// User and system time of the process and its reaped children, seconds.
    pub cpu_seconds: f64,
    /// The largest resident set of any one of them, bytes.
    pub max_rss_bytes: u64,
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
    /// It was told to stop through its [`Stopper`].
    Stopped,
}
