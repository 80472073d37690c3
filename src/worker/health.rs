//! Owns the judgement whether jobs of a sweep fail because of this machine, and for how long the worker then steps back
//! from the sweep. Pure: `now` is an argument.
//!
//! A failure that looks like the machine's (the job cannot start, the disk is full, a library is missing) counts
//! against the worker first. So do failures in a row while jobs of the same sweep succeed elsewhere. If another worker
//! may run the sweep, the worker puts the point back without a charge and takes no jobs of the sweep for a pause. The
//! point is the test: if it fails elsewhere too, the sweep is the reason, and failures here are charged as usual. If
//! jobs fail again after the pause, the next pause is twice as long. If no other worker may run the sweep, failures are
//! charged.

use std::time::{Duration, Instant};

use crate::store::Counts;

/// The first and the longest pause.
pub const PAUSE: (Duration, Duration) = (Duration::from_secs(2), Duration::from_secs(300));

/// After this many failures in a row, whatever the cause, the worker compares itself with the other workers.
const STREAK: u32 = 5;

/// How old the sweep's counts may be that failures are compared with.
const BASELINE: Duration = Duration::from_secs(1);

/// How long failures are charged before the worker looks for other workers again, if there was none.
const ALONE: Duration = Duration::from_secs(1);

/// How long failures are charged after a point had failed elsewhere too.
const FAILS_EVERYWHERE: Duration = Duration::from_secs(600);

/// What a failure looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureKind {
    /// The job could not be started, for a reason that is not the job's own.
    CannotStart,
    /// It has a [`MachineFault`](crate::process::MachineFault).
    Machine,
    /// Any other failure.
    Other,
}

/// What to do about a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// Charge the point.
    Charge,
    /// Put the point back without a charge: the worker has stepped back from the sweep already.
    PutBack,
    /// Read the sweep's counts and ask [`SweepHealth::compare`].
    ReadCounts,
    /// Step back if another worker may run the sweep, and put the point back without a charge; otherwise charge it.
    Suspect,
}

/// What a worker knows of its own failures with one sweep.
#[derive(Debug, Default)]
pub struct SweepHealth {
    /// Failures here since the last success here.
    streak: u32,
    /// The sweep's counts at the beginning of the streak or a little earlier, and when they were read.
    baseline: Option<(Counts, Instant)>,
    /// Successes and failures here since then.
    here: (u64, u64),
    /// Pauses in a row without a success after them.
    pauses: u32,
    /// Whether the worker has stepped back.
    is_back: bool,
    /// Failures are charged until then.
    charge_until: Option<Instant>,
}

impl SweepHealth {
    /// A job has succeeded here.
    pub fn succeeded(&mut self) {
        self.streak = 0;
        self.here.0 += 1;
        // A job that started before the pause says nothing about the machine after it.
        if !self.is_back {
            self.pauses = 0;
        }
    }

    /// A job has failed here.
    pub fn failed(&mut self, kind: FailureKind, now: Instant) -> Judgement {
        self.streak = self.streak.saturating_add(1);
        self.here.1 += 1;
        if self.is_back {
            return Judgement::PutBack;
        }
        if self.charge_until.is_some_and(|until| now < until) {
            return Judgement::Charge;
        }
        if kind != FailureKind::Other || self.pauses > 0 {
            return Judgement::Suspect;
        }
        // After 5, 10, 20, ... failures in a row.
        let is_time = self.streak.is_multiple_of(STREAK) && (self.streak / STREAK).is_power_of_two();
        let is_old = self.baseline.is_none_or(|(_, read)| now.saturating_duration_since(read) > BASELINE);
        if is_time || self.streak == 1 && is_old { Judgement::ReadCounts } else { Judgement::Charge }
    }

    /// Compares failures here with what jobs of the sweep do elsewhere. `counts`: the sweep's; `held`: how many of its
    /// running jobs are this worker's.
    pub fn compare(&mut self, counts: &Counts, held: u64, now: Instant) -> Judgement {
        let Some((baseline, _)) = self.baseline.filter(|_| self.streak >= STREAK) else {
            self.baseline = Some((*counts, now));
            self.here = (0, 1);
            return Judgement::Charge;
        };
        let succeeded = counts.succeeded.saturating_sub(baseline.succeeded + self.here.0);
        let failed = counts.failed.saturating_sub(baseline.failed + self.here.1);
        let most_succeed = succeeded >= u64::from(STREAK) && succeeded > failed;
        let none_fails = failed == 0 && (succeeded > 0 || counts.running > held);
        if most_succeed || none_fails { Judgement::Suspect } else { Judgement::Charge }
    }

    /// The worker steps back. Returns for how long.
    pub fn step_back(&mut self) -> Duration {
        let pause = PAUSE.0.saturating_mul(1 << self.pauses.min(16)).min(PAUSE.1);
        self.pauses += 1;
        self.is_back = true;
        pause
    }

    /// The worker takes jobs again.
    pub fn take_again(&mut self) {
        self.is_back = false;
        self.streak = 0;
    }

    /// No other worker may run the sweep: the worker goes on, and failures are charged for a while.
    pub fn is_alone(&mut self, now: Instant) {
        self.is_back = false;
        self.pauses = 0;
        self.charge_until = Some(now + ALONE);
    }

    /// The point that was put back has failed elsewhere too: this machine is not the reason.
    pub fn fails_everywhere(&mut self, now: Instant) {
        self.pauses = 0;
        self.charge_until = Some(now + FAILS_EVERYWHERE);
    }

    /// Whether the worker has stepped back.
    pub fn is_back(&self) -> bool {
        self.is_back
    }
}

#[cfg(test)]
mod tests;
