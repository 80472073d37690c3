//! Owns the decision after an attempt: succeeded, failed, or another attempt and when. Pure.

use std::time::Duration;

use super::{AttemptCounts, Cause, CausePattern, Outcome};

/// Number of lost attempts after which a job has failed, so that a job that kills its worker does not run for ever.
pub const MAX_LOSSES: u32 = 3;

/// The longest delay between two attempts.
pub const MAX_RETRY_DELAY: Duration = Duration::from_secs(600);

/// The longest delay of a job that was lost more than once, for each loss beyond the first. The delays are random, so that
/// a job that kills its worker does not run together with the same other jobs each time.
const LOSS_DELAY: Duration = Duration::from_secs(5);

/// The retries that a sweep file allows.
#[derive(Clone, Debug, PartialEq)]
pub struct RetryPolicy {
    /// The number of attempts after a first failure.
    pub retries: u32,
    /// The delay before the first retry. It doubles with each retry, up to [`MAX_RETRY_DELAY`], and varies at random by up
    /// to a quarter, so that jobs that failed together do not run again together.
    pub delay: Duration,
    /// The causes that are retried. None: all but a command that cannot start.
    pub on: Option<Vec<CausePattern>>,
}

impl RetryPolicy {
    /// No retries.
    pub const NEVER: RetryPolicy = RetryPolicy { retries: 0, delay: Duration::ZERO, on: None };

    /// Whether the `failures`th failure, of this cause, is retried.
    fn retries_after(&self, cause: &Cause, failures: u32) -> bool {
        let is_retried_cause = match (&self.on, cause) {
            (_, Cause::LostTooOften) => false,
            (Some(patterns), cause) => patterns.iter().any(|pattern| pattern.matches(cause)),
            (None, cause) => !matches!(cause, Cause::CannotStart(_)),
        };
        is_retried_cause && failures <= self.retries
    }
}

/// What happens to a job after an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The point has succeeded.
    Succeeded,
    /// The point has failed.
    Failed,
    /// The point goes back in the queue, after a delay.
    Again {
        /// Milliseconds.
        delay_ms: u64,
    },
    /// The point is cancelled.
    Cancelled,
}

/// Decides what happens after an attempt that ended in `outcome`. `claimed` are the counts at the time of the claim;
/// returns the counts after the attempt too. `random` are random bits, which vary the delays.
pub fn verdict(
    outcome: &Outcome,
    policy: &RetryPolicy,
    claimed: AttemptCounts,
    random: u64,
) -> (Verdict, AttemptCounts) {
    let mut counts = claimed;
    let again = |delay: Duration| Verdict::Again { delay_ms: delay.as_millis() as u64 };
    let verdict = match outcome {
        Outcome::Succeeded { .. } => Verdict::Succeeded,
        Outcome::Failed { cause } => {
            counts.failures += 1;
            if policy.retries_after(cause, counts.failures) {
                again(retry_delay(policy.delay, counts.failures, random))
            } else {
                Verdict::Failed
            }
        }
        Outcome::Lost { started } => {
            counts.losses += u32::from(*started);
            match counts.losses {
                MAX_LOSSES.. => Verdict::Failed,
                losses => again((LOSS_DELAY * losses.saturating_sub(1)).mul_f64(unit(random))),
            }
        }
        Outcome::Cancelled => Verdict::Cancelled,
        Outcome::SetAside => again(Duration::ZERO),
        Outcome::CannotHere { .. } => again(Duration::ZERO),
        Outcome::GivenBack { started } => {
            if !started {
                counts.attempts = counts.attempts.saturating_sub(1);
            }
            again(Duration::ZERO)
        }
    };
    (verdict, counts)
}

fn retry_delay(first: Duration, failures: u32, random: u64) -> Duration {
    let doublings = failures.saturating_sub(1).min(20);
    let delay = first.saturating_mul(1 << doublings).min(MAX_RETRY_DELAY.max(first));
    delay.mul_f64(0.75 + 0.5 * unit(random))
}

/// Random bits as a number from 0 to 1.
fn unit(random: u64) -> f64 {
    random as f64 / u64::MAX as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: RetryPolicy = RetryPolicy { retries: 2, delay: Duration::from_secs(5), on: None };

    /// Random bits in the middle of their range: delays are not varied.
    const MIDDLE: u64 = 1 << 63;

    #[test]
    fn failures_are_retried_with_growing_delay_and_then_fail() {
        let failed = Outcome::Failed { cause: Cause::Exit(1) };
        let mut counts = AttemptCounts { attempts: 1, ..AttemptCounts::default() };
        let mut seen = Vec::new();
        for _ in 0..3 {
            let (verdict, after) = verdict(&failed, &POLICY, counts, MIDDLE);
            seen.push(verdict);
            counts = AttemptCounts { attempts: after.attempts + 1, ..after };
        }
        let again = |delay_ms| Verdict::Again { delay_ms };
        assert_eq!(seen, [again(5_000), again(10_000), Verdict::Failed], "not varied in the middle");
    }

    #[test]
    fn a_job_that_cannot_start_is_not_retried() {
        let failed = Outcome::Failed { cause: Cause::CannotStart("no such file".into()) };
        assert_eq!(verdict(&failed, &POLICY, AttemptCounts::default(), MIDDLE).0, Verdict::Failed);
        let elsewhere = Outcome::CannotHere { why: "no such file".into() };
        let claimed = AttemptCounts { attempts: 3, failures: 1, losses: 1 };
        assert_eq!(verdict(&elsewhere, &POLICY, claimed, MIDDLE), (Verdict::Again { delay_ms: 0 }, claimed));
    }

    #[test]
    fn losses_are_not_failures_and_are_limited() {
        let mut counts = AttemptCounts::default();
        for n in 1..=MAX_LOSSES {
            let (verdict, after) = verdict(&Outcome::Lost { started: true }, &POLICY, counts, MIDDLE);
            assert_eq!((after.losses, after.failures), (n, 0));
            assert_eq!(verdict == Verdict::Failed, n == MAX_LOSSES);
            counts = after;
        }
    }

    #[test]
    fn jobs_that_are_lost_together_run_again_at_different_times() {
        let lost = |losses, random| {
            let claimed = AttemptCounts { losses, ..AttemptCounts::default() };
            verdict(&Outcome::Lost { started: true }, &POLICY, claimed, random).0
        };
        assert_eq!(lost(0, u64::MAX), Verdict::Again { delay_ms: 0 });
        assert_ne!(lost(1, u64::MAX), lost(1, MIDDLE));
    }

    #[test]
    fn only_the_causes_in_the_file_are_retried() {
        let on = |patterns: &[&str]| Some(patterns.iter().map(|text| text.parse().unwrap()).collect());
        let again = |on, cause: Cause| {
            let policy = RetryPolicy { on, ..POLICY };
            verdict(&Outcome::Failed { cause }, &policy, AttemptCounts::default(), MIDDLE).0 != Verdict::Failed
        };
        assert!(again(None, Cause::timeout(1.0)) && again(None, Cause::Memory { limit: 1, used: 2 }));
        assert!(again(on(&["timeout", "exit:75"]), Cause::Exit(75)));
        assert!(!again(on(&["timeout", "exit:75"]), Cause::Exit(1)));
        assert!(!again(on(&[]), Cause::Exit(1)));
        assert!(again(on(&["cannot-start"]), Cause::CannotStart("x".into())));
        assert!(!again(on(&["lost"]), Cause::LostTooOften), "a job that was lost too often is not retried");
    }

    #[test]
    fn a_claim_given_back_unstarted_is_charged_nothing() {
        let claimed = AttemptCounts { attempts: 3, failures: 1, losses: 1 };
        let (verdict_, after) = verdict(&Outcome::GivenBack { started: false }, &POLICY, claimed, MIDDLE);
        assert_eq!(verdict_, Verdict::Again { delay_ms: 0 });
        assert_eq!(after, AttemptCounts { attempts: 2, ..claimed });
        let (_, after) = verdict(&Outcome::GivenBack { started: true }, &POLICY, claimed, MIDDLE);
        assert_eq!(after, claimed);
    }

    #[test]
    fn the_delay_is_bounded_and_varied_by_a_quarter() {
        let near = |delay: Duration, expected: Duration| delay.abs_diff(expected) < Duration::from_millis(1);
        assert!(near(retry_delay(Duration::from_secs(5), 40, MIDDLE), MAX_RETRY_DELAY));
        assert!(near(retry_delay(Duration::from_secs(5000), 3, MIDDLE), Duration::from_secs(5000)));
        assert!(near(retry_delay(Duration::from_secs(8), 2, 0), Duration::from_secs(12)));
        assert!(near(retry_delay(Duration::from_secs(8), 2, u64::MAX), Duration::from_secs(20)));
    }
}
