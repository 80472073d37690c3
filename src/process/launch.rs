//! Owns what a job's process is started with, and its limits.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::Observer;

/// What to start.
#[derive(Clone, Debug)]
pub struct Launch {
    /// The program's absolute path, found by [`resolve`](super::resolve).
    pub program: PathBuf,
    /// The words of the command; the first one is the program as the user wrote it.
    pub argv: Vec<String>,
    /// Variables that are set beside the inherited ones.
    pub env: Vec<(String, String)>,
    /// The working directory, absolute; it exists.
    pub dir: PathBuf,
    /// What its processes carry in their environment under [`RUN_VARIABLE`](super::RUN_VARIABLE), see
    /// [`RunGuard::mark`](super::RunGuard::mark).
    pub mark: String,
    /// What the job reads from its standard input; empty: nothing.
    pub stdin: Vec<u8>,
    /// Observes which files it reads and writes. An observer is for one start only.
    pub observer: Option<Arc<Observer>>,
    /// Its limits.
    pub limits: Limits,
}

/// What a job may not exceed.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Wall time after which the job is ended. Time in which the machine sleeps does not count.
    pub timeout: Option<Duration>,
    /// The memory of all its processes together, bytes, above which the job is killed. Memory is sampled every 100 ms: a
    /// job that takes more for a shorter time is not noticed.
    pub memory: Option<u64>,
    /// Time between SIGTERM and SIGKILL.
    pub grace: Duration,
    /// Bytes kept of the end of each of stdout and stderr.
    pub keep: usize,
}
