//! Owns `[job]`: how a job is run.

use std::time::Duration;

use crate::job::RetryPolicy;

/// Default of `max-failures`: a sweep is paused when this many points have failed and none has succeeded.
pub const EARLY_FAILURES: u64 = 20;

/// Upper limit of `logs` for each of stdout and stderr, in bytes. A worker holds no more than this in memory per stream.
pub const MAX_LOG_BYTES: u32 = 256 << 10;

/// The longest `timeout` and `retry-delay`: ten years.
pub const LONGEST_TIME: Duration = Duration::from_secs(10 * 365 * 24 * 3600);

/// Upper limit of `retries`.
pub const MAX_RETRIES: u32 = 1_000_000;

/// `[job]`: how a job is run.
#[derive(Clone, Debug, PartialEq)]
pub struct JobSettings {
    /// Time limit. A job that runs longer is ended and counts as failed.
    pub timeout: Option<Duration>,
    /// When a failed job is run again.
    pub retry: RetryPolicy,
    /// The sweep is paused when this many points have failed. None: when the first [`EARLY_FAILURES`] have all failed.
    pub max_failures: Option<u64>,
    /// Never pause the sweep because of failures.
    pub keep_going: bool,
    /// Memory limit for all processes of a job together, in bytes. A job that exceeds it is ended and counts as failed.
    pub memory: Option<u64>,
    /// The queue that the sweep is submitted to.
    pub queue: String,
    /// Environment variables of the job, in the order of the file. Each value is a template.
    pub env: Vec<(String, String)>,
    /// Template of the job's standard input. None: empty.
    pub stdin: Option<String>,
    /// Template of the job's working directory, relative to the sweep file's folder. It is created if missing.
    pub dir: Option<String>,
    /// Whether the command is run by `sh -c`.
    pub shell: bool,
    /// How much of the job's output is kept in the store.
    pub logs: Logs,
    /// The exit codes with which a job succeeds; at least one.
    pub ok_exit_codes: Vec<i32>,
}

/// `[job] logs`: how many bytes from the end of each of stdout and stderr are kept, at most [`MAX_LOG_BYTES`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Logs {
    /// For an attempt that succeeded.
    pub succeeded: u32,
    /// For an attempt that did not succeed.
    pub failed: u32,
}
