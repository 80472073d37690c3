//! Owns the job: its address, its states, and how an attempt ended. Pure.
//!
//! - [`Cause`] of a failure, and [`CausePattern`], which selects causes: `job/cause.rs`
//! - [`RetryPolicy`] and [`verdict`], which decides what happens after an attempt: `job/verdict.rs`

use std::fmt;
use std::str::FromStr;

use crate::value::Value;

mod cause;
mod verdict;

pub use cause::{Cause, CausePattern, InvalidCausePattern, UnknownCause};
pub use verdict::{MAX_LOSSES, MAX_RETRY_DELAY, RetryPolicy, Verdict, verdict};

/// The most points that a sweep may have: 2^53, so that an index is exact wherever it passes through a double (Lua in
/// the Redis store, JSON read by other tools).
pub const MAX_POINTS: u64 = 1 << 53;

/// A sweep's id, `NAME-N`. N counts up for each name in the store and is never used again.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SweepId {
    /// The name that the sweep file gives. Letters, digits, `_`, `-` and `.`; see [`is_sweep_name`].
    pub name: String,
    /// 1, 2, …
    pub number: u64,
}

impl fmt::Display for SweepId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.name, self.number)
    }
}

impl FromStr for SweepId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parsed = text.rsplit_once('-').and_then(|(name, number)| {
            let number = number.parse().ok().filter(|n| *n > 0)?;
            is_sweep_name(name).then(|| SweepId { name: name.into(), number })
        });
        parsed.ok_or_else(|| {
            format!("`{text}` is not the id of a sweep, which looks like `pi-3` (`sweep list` shows those there are)")
        })
    }
}

/// Whether a text can be a sweep's name: 1 to 100 of ASCII letters, digits, `_`, `-` and `.`, the first one a letter,
/// a digit or `_`.
pub fn is_sweep_name(text: &str) -> bool {
    let first = text.chars().next();
    text.len() <= 100
        && first.is_some_and(|c| c.is_ascii_alphanumeric() || c == '_')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'))
}

/// A job's address, `SWEEP/INDEX`, for example `pi-3/417`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct JobAddress {
    /// The sweep.
    pub sweep: SweepId,
    /// The index of the point, from 0.
    pub index: u64,
}

impl fmt::Display for JobAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.sweep, self.index)
    }
}

impl FromStr for JobAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (sweep, index) = text
            .split_once('/')
            .ok_or_else(|| format!("`{text}` is not the address of a job, which looks like `pi-3/417`"))?;
        let index = index
            .parse()
            .map_err(|_| format!("`{index}` in `{text}` is not the index of a job: a whole number from 0"))?;
        Ok(JobAddress { sweep: sweep.parse()?, index })
    }
}

/// The attempts at a job. The counts are separate, because a lost attempt is not a failure of the job.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AttemptCounts {
    /// Claims that may have run, which is the number of the newest attempt. Never restarts.
    pub attempts: u32,
    /// Attempts that failed since a person last put the point in the queue. `retries` limits them.
    pub failures: u32,
    /// Attempts whose worker was lost while they ran.
    pub losses: u32,
}

/// The state of a job in the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JobState {
    /// Waits for a claim. With `due_ms`: not before that time on the store's clock (a delayed retry).
    Pending {
        /// Milliseconds since the epoch.
        due_ms: Option<u64>,
    },
    /// Claimed by a worker under a lease.
    Running {
        /// The number of the attempt.
        attempt: u32,
        /// Who holds the claim.
        worker: String,
        /// When the job's process was started, on the store's clock, by the last heartbeat. None: not started yet.
        started_ms: Option<u64>,
    },
    /// An attempt succeeded.
    Succeeded,
    /// The last attempt failed, and no other follows.
    Failed,
    /// Taken out of the queue by `cancel`.
    Cancelled,
}

impl JobState {
    /// The name of the state in tables, messages and JSON.
    pub fn word(&self) -> &'static str {
        match self {
            JobState::Pending { .. } => "pending",
            JobState::Running { .. } => "running",
            JobState::Succeeded => "succeeded",
            JobState::Failed => "failed",
            JobState::Cancelled => "cancelled",
        }
    }
}

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// It succeeded, with these results in the order in which the job printed them.
    Succeeded {
        /// Named values; names are unique.
        results: Vec<(String, Value)>,
    },
    /// It failed.
    Failed {
        /// Why.
        cause: Cause,
    },
    /// Its worker sent no heartbeat and the lease ran out.
    Lost {
        /// Whether a heartbeat had reported the start of the job's process. If not, no loss is charged, but the number of
        /// the attempt is used up, because the process may have been started.
        started: bool,
    },
    /// It was ended because the sweep was cancelled.
    Cancelled,
    /// It was ended, or never started, because its worker stopped or gave the claim back. Charged nothing.
    GivenBack {
        /// Whether the job's process had been started.
        started: bool,
    },
    /// It cannot run on that machine, but may on another. Charged nothing.
    CannotHere {
        /// Why, and what to do.
        why: String,
    },
    /// It had succeeded, and a person put the point back in the queue. Its results count no longer.
    SetAside,
}

impl Outcome {
    /// Its results, or those that an attempt had when its time-out ended it.
    pub fn results(&self) -> &[(String, Value)] {
        match self {
            Outcome::Succeeded { results } => results,
            Outcome::Failed { cause } => cause.partial(),
            _ => &[],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_and_addresses_read_back() {
        for text in ["pi-3", "a-b-12", "x.y-1", "2024-7"] {
            assert_eq!(text.parse::<SweepId>().unwrap().to_string(), text);
        }
        for text in ["pi", "pi-", "pi-0", "-3", "a b-3", "pi-3/4", "../x-1"] {
            assert!(text.parse::<SweepId>().is_err(), "{text}");
        }
        let address: JobAddress = "pi-3/417".parse().unwrap();
        assert_eq!((address.sweep.number, address.index), (3, 417));
        assert_eq!(address.to_string(), "pi-3/417");
        for text in ["pi-3", "pi-3/", "pi-3/-1", "pi-3/x", "/1"] {
            assert!(text.parse::<JobAddress>().is_err(), "{text}");
        }
    }
}
