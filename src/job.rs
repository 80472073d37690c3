//! Owns what a job is: its address, its states, how an attempt ended, and the verdict on what happens next. Pure.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::value::Value;

/// The most points that a sweep may have: 2^53, so that an index is exact wherever it passes through a double (Lua in
/// the Redis store, JSON read by other tools).
pub const MAX_POINTS: u64 = 1 << 53;

/// A sweep's id, `NAME-N`: N counts up for that name in the store and is never used again.
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

/// How often a job was tried. The three counts are kept apart: a lost attempt is not a failure of the job.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tries {
    /// Claims that may have run. The number of the newest attempt; never restarts.
    pub attempts: u32,
    /// Attempts that ended badly since the point was last put in the queue by hand; `retries` is held against it.
    pub failures: u32,
    /// Attempts whose worker was lost while they ran.
    pub losses: u32,
}

/// Where a job stands, as the store tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JobState {
    /// Waits to be claimed; if `due_ms` is there, not before that time on the store's clock (a retry with delay).
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
        /// Since when the job's process runs, on the store's clock, as the worker last told; none: not started yet.
        started_ms: Option<u64>,
    },
    /// Ended well.
    Succeeded,
    /// Ended badly for the last time.
    Failed,
    /// Taken out of the queue by `cancel`.
    Cancelled,
}

impl JobState {
    /// The word for it in tables, messages and JSON.
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
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Outcome {
    /// It ended well, with these results in the order in which the job gave them.
    Succeeded {
        /// Named values; names are unique.
        results: Vec<(String, Value)>,
    },
    /// It ended badly.
    Failed {
        /// Why.
        cause: Cause,
    },
    /// Its worker gave no sign of life and the lease ran out.
    Lost {
        /// Whether the worker had said that the job's process was started. If not, no loss is charged; but the number
        /// of the attempt is used up, because the process may have been started all the same.
        started: bool,
    },
    /// It was ended because its sweep was cancelled.
    Cancelled,
    /// It was ended, or never started, because its worker stopped; nobody's fault and charged to nobody.
    GivenBack {
        /// Whether the job's process had been started.
        started: bool,
    },
}

/// Why an attempt failed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Cause {
    /// It exited with a code other than 0.
    Exit(i32),
    /// A signal ended it, by number.
    Signal(i32),
    /// It ran longer than `[job] timeout`, in seconds, and was ended.
    Timeout(f64),
    /// It ended well, but without the results that `[results]` asks for; the text says which or why.
    NoResult(String),
    /// It could not be started; the text says why and what to do.
    CannotStart(String),
    /// Its workers were lost too often.
    LostTooOften,
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Cause::Exit(code) => write!(f, "exit code {code}"),
            Cause::Signal(number) => match signal_name(*number) {
                Some(name) => write!(f, "ended by signal {number} ({name})"),
                None => write!(f, "ended by signal {number}"),
            },
            Cause::Timeout(seconds) => write!(f, "took longer than the time-out of {seconds} s"),
            Cause::NoResult(why) => write!(f, "no result: {why}"),
            Cause::CannotStart(why) => write!(f, "cannot start: {why}"),
            Cause::LostTooOften => write!(f, "its workers were lost {MAX_LOSSES} times while it ran"),
        }
    }
}

fn signal_name(number: i32) -> Option<&'static str> {
    signal_hook::low_level::signal_name(number)
}

/// How often a job's worker may be lost before the job is given up as failed: a job that kills its worker each time
/// must not go round for ever.
pub const MAX_LOSSES: u32 = 3;

/// The longest delay between two attempts.
pub const MAX_RETRY_DELAY: Duration = Duration::from_secs(600);

/// What a sweep file says about trying again.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct RetryPolicy {
    /// Further attempts after a failure.
    pub retries: u32,
    /// The delay before the first further attempt; doubled before each next one, up to [`MAX_RETRY_DELAY`].
    pub delay: Duration,
}

/// What happens to a job after an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Verdict {
    /// The point has succeeded.
    Succeeded,
    /// The point has failed.
    Failed,
    /// It goes back in the queue, after a delay.
    Again {
        /// Milliseconds; 0: at once.
        delay_ms: u64,
    },
    /// It is cancelled.
    Cancelled,
}

/// The verdict on a job whose attempt ended in `outcome`, with the counts as they stood when the attempt was claimed,
/// and the counts as they stand after it. A job that cannot start fails at once: trying again does not mend it.
pub fn verdict(outcome: &Outcome, policy: RetryPolicy, claimed: Tries) -> (Verdict, Tries) {
    let mut tries = claimed;
    let verdict = match outcome {
        Outcome::Succeeded { .. } => Verdict::Succeeded,
        Outcome::Failed { cause } => {
            tries.failures += 1;
            let final_cause = matches!(cause, Cause::CannotStart(_) | Cause::LostTooOften);
            if final_cause || tries.failures > policy.retries {
                Verdict::Failed
            } else {
                Verdict::Again { delay_ms: retry_delay(policy.delay, tries.failures).as_millis() as u64 }
            }
        }
        Outcome::Lost { started } => {
            tries.losses += u32::from(*started);
            if tries.losses >= MAX_LOSSES { Verdict::Failed } else { Verdict::Again { delay_ms: 0 } }
        }
        Outcome::Cancelled => Verdict::Cancelled,
        Outcome::GivenBack { started } => {
            if !started {
                tries.attempts = tries.attempts.saturating_sub(1);
            }
            Verdict::Again { delay_ms: 0 }
        }
    };
    (verdict, tries)
}

fn retry_delay(first: Duration, failures: u32) -> Duration {
    let doublings = failures.saturating_sub(1).min(20);
    first.saturating_mul(1 << doublings).min(MAX_RETRY_DELAY.max(first))
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: RetryPolicy = RetryPolicy { retries: 2, delay: Duration::from_secs(5) };

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

    #[test]
    fn failures_are_tried_again_with_growing_delay_and_then_fail() {
        let failed = Outcome::Failed { cause: Cause::Exit(1) };
        let mut tries = Tries { attempts: 1, ..Tries::default() };
        let mut seen = Vec::new();
        for _ in 0..3 {
            let (verdict, after) = verdict(&failed, POLICY, tries);
            seen.push(verdict);
            tries = Tries { attempts: after.attempts + 1, ..after };
        }
        let again = |delay_ms| Verdict::Again { delay_ms };
        assert_eq!(seen, [again(5_000), again(10_000), Verdict::Failed]);
    }

    #[test]
    fn a_job_that_cannot_start_is_not_tried_again() {
        let failed = Outcome::Failed { cause: Cause::CannotStart("no such file".into()) };
        assert_eq!(verdict(&failed, POLICY, Tries::default()).0, Verdict::Failed);
    }

    #[test]
    fn losses_are_not_failures_and_end_after_a_bounded_number() {
        let mut tries = Tries::default();
        for n in 1..=MAX_LOSSES {
            let (verdict, after) = verdict(&Outcome::Lost { started: true }, POLICY, tries);
            assert_eq!((after.losses, after.failures), (n, 0));
            assert_eq!(verdict == Verdict::Failed, n == MAX_LOSSES);
            tries = after;
        }
    }

    #[test]
    fn a_claim_given_back_unstarted_is_charged_nothing() {
        let claimed = Tries { attempts: 3, failures: 1, losses: 1 };
        let (verdict_, after) = verdict(&Outcome::GivenBack { started: false }, POLICY, claimed);
        assert_eq!(verdict_, Verdict::Again { delay_ms: 0 });
        assert_eq!(after, Tries { attempts: 2, ..claimed });
        let (_, after) = verdict(&Outcome::GivenBack { started: true }, POLICY, claimed);
        assert_eq!(after, claimed);
    }

    #[test]
    fn the_delay_is_bounded() {
        assert_eq!(retry_delay(Duration::from_secs(5), 40), MAX_RETRY_DELAY);
        assert_eq!(retry_delay(Duration::from_secs(5000), 3), Duration::from_secs(5000));
    }
}
