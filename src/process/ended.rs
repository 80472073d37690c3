//! Owns how a job's process ended.

use crate::record::Output;

/// How a process ended, and what it used.
#[derive(Clone, Debug)]
pub struct Ended {
    /// By itself or by a signal.
    pub exit: Exit,
    /// Whether we ended it, and why.
    pub ended_by: Option<EndedBy>,
    /// What it printed.
    pub output: Output,
    /// Wall time from start to exit, seconds; in whole microseconds, like the next.
    pub seconds: f64,
    /// User and system time of the process and its reaped children, seconds.
    pub cpu_seconds: f64,
    /// The largest resident set of any one of them, bytes. On Linux never less than the largest that this process itself
    /// ever had: between fork and exec a child is counted with its parent's memory.
    pub max_rss_bytes: u64,
    /// SIGKILL ended it (or what a shell ran for it), not by our doing, and the kernel counted a kill for lack of memory
    /// meanwhile.
    pub oom_killed: bool,
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

impl Exit {
    /// Whether SIGKILL ended the process, or what it ran: a shell then exits with 128 and the number of the signal.
    pub(super) fn is_kill(self) -> bool {
        const CODE_OF_SHELLS: i32 = 128 + libc::SIGKILL;
        matches!(self, Exit::Signal(libc::SIGKILL) | Exit::Code(CODE_OF_SHELLS))
    }
}

/// Why we ended a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndedBy {
    /// It ran longer than its time-out.
    Timeout,
    /// Its processes had more memory than they may.
    Memory {
        /// What they had together when that was seen, bytes.
        used: u64,
    },
    /// It was stopped through its [`Stopper`](super::Stopper).
    Stopped,
}
