//! Owns the decision when a worker sends requests to its store, and for how many claims it asks. Pure: `now` is an
//! argument.
//!
//! One request (an exchange) delivers outcomes and returns claims. Long jobs: when a slot becomes free, one request
//! delivers its outcome and returns the next claim; nothing is claimed ahead. Short jobs: as many claims are taken
//! ahead as the slots will use within [`HORIZON`], and an outcome waits for further ones, so that many jobs share a
//! request. It waits for a time and not for a number of outcomes: for as long as a [`BATCH`] takes, within [`FLUSH`].
//! When jobs become longer, claims that were taken ahead are given back, so that others can run them.

use std::time::{Duration, Instant};

/// How long an outcome waits for others to be delivered with it: if few come, and at most.
pub const FLUSH: (Duration, Duration) = (Duration::from_millis(2), Duration::from_millis(25));

/// With this many outcomes, the cost of a request is small compared with theirs.
const BATCH: f64 = 128.0;

/// An outcome does not wait if fewer outcomes than this are expected in the longest wait.
const FEW: f64 = 4.0;

/// How far ahead claims are taken: as many as the slots are expected to use in this time. It is longer than an outcome
/// waits plus a request on a slow disk.
const HORIZON: Duration = Duration::from_millis(100);

/// The most claims that are taken ahead. They wait for the end of their lease if the worker is lost.
const MOST_AHEAD: u32 = 512;

/// If claims wait for this long and no slot takes one, jobs have become long.
const STUCK: Duration = Duration::from_millis(500);

/// Wait between two claim requests while jobs are ready that this worker did not get: grows from the first to the
/// second. The store has to write for a claim request. None is sent while no job is ready.
const IDLE: (Duration, Duration) = (Duration::from_millis(25), Duration::from_secs(2));

/// Wait between two reads of the backlog (looks) while idle. The wait grows from the first to the second: it is the
/// idle time divided by [`PATIENCE`]. So a worker that was idle for a moment starts a new job at once, and many workers
/// that are idle all night cost the store little. The store reports new work ([`Pace::new_work`]); looks are for the
/// case that this fails.
const LOOK: (Duration, Duration) = (Duration::from_millis(10), Duration::from_secs(5));

/// The longest wait between two looks if the store reports no new work: delayed points, or notices fail.
const LOOK_WITHOUT_NOTICES: Duration = Duration::from_secs(1);

/// See [`LOOK`]: after a minute, one look a second.
const PATIENCE: u32 = 60;

/// The average time between the looks of workers that get a notice of new work together, and the longest time over
/// which all of them spread their looks.
const SPREAD: Duration = Duration::from_micros(500);
const MOST_SPREAD: Duration = Duration::from_millis(250);

/// Wait before a request is sent again to a store that is away: grows from the first to the second.
const AWAY: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(2));

/// How a worker is about to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stopping {
    /// It does not stop.
    No,
    /// It takes no new jobs and finishes the running ones.
    Drain,
    /// It ends its jobs and gives their claims back.
    Now,
}

/// The counts of a worker's state at one moment.
#[derive(Clone, Copy, Debug)]
pub struct StateSnapshot {
    /// Slots.
    pub slots: u32,
    /// Slots that run a job.
    pub running: u32,
    /// Claims that wait for a slot.
    pub queued: u32,
    /// When a slot last took one; none: never.
    pub last_taken: Option<Instant>,
    /// Outcomes to deliver.
    pub done: u32,
    /// When the oldest of them was added.
    pub oldest_done: Option<Instant>,
    /// Outcomes that cannot be delivered yet, because their inputs were not looked at.
    pub unverified: u32,
    /// Whether and how the worker stops.
    pub stopping: Stopping,
}

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NextAction {
    /// Deliver all outcomes, and ask for claims.
    Exchange {
        /// How many claims; 0: none.
        want: u32,
    },
    /// Give back this many of the claims that wait for a slot.
    GiveBack(u32),
    /// Read the backlog.
    Look,
    /// Wait until something happens, at most until this time.
    Wait(Instant),
    /// End: the worker was told to stop, and everything is delivered.
    End,
}

/// How long jobs take, and when to send the next request.
#[derive(Debug)]
pub struct Pace {
    /// Smoothed wall time of a job, spawn to exit, of this worker.
    job_seconds: Option<f64>,
    /// After a claim request that returned nothing: when to send the next one, and how long that wait is.
    idle: Option<(Instant, Duration)>,
    /// When to look next whether something has come, while idle.
    look_at: Option<Instant>,
    /// When the worker became idle.
    idle_since: Option<Instant>,
    /// How many jobs were ready at the last look, for any worker.
    ready: Option<u64>,
    /// Whether the store reports new work, as far as is known.
    has_notices: bool,
    /// After a request that the store did not answer: when to send it again, and how long that wait is.
    away: Option<(Instant, Duration)>,
}

impl Pace {
    /// The pace of a worker that has just started.
    pub fn new() -> Self {
        Pace {
            job_seconds: None,
            idle: None,
            look_at: None,
            idle_since: None,
            ready: None,
            has_notices: true,
            away: None,
        }
    }

    /// Notes how long a job took.
    pub fn job_took(&mut self, seconds: f64) {
        let smoothed = self.job_seconds.map_or(seconds, |mean| mean + (seconds - mean) / 8.0);
        self.job_seconds = Some(smoothed);
    }

    /// Adjusts the duration of jobs by those that have not ended: if claims wait and no slot has taken one for a time,
    /// jobs take at least that time.
    pub fn observe(&mut self, view: &StateSnapshot, now: Instant) {
        let is_full = view.queued > 0 && view.running >= view.slots;
        let stuck =
            view.last_taken.filter(|_| is_full).map_or(Duration::ZERO, |last| now.saturating_duration_since(last));
        if stuck >= STUCK {
            self.job_seconds = Some(self.job_seconds.unwrap_or(0.0).max(stuck.as_secs_f64()));
        }
    }

    /// Notes the reply to a request: how many claims it asked for, and how many the store gave.
    pub fn answered(&mut self, asked: u32, given: u32, now: Instant) {
        self.away = None;
        if given > 0 {
            self.idle = None;
            self.ready = None;
            self.idle_since = None;
        } else if asked > 0 {
            self.idle_since.get_or_insert(now);
            self.idle = Some(back_off(self.idle, IDLE, now));
        }
        if given == 0 {
            // At once: these may have been the last outcomes of all.
            self.look_at = Some(now);
        }
    }

    /// Notes the result of a look: jobs that are ready, and delayed points. If more jobs are ready than before, claims
    /// are requested at once. This worker cannot get the jobs that were ready before.
    pub fn looked(&mut self, ready: u64, delayed: u64, now: Instant) {
        let idle_for = self.idle_since.map_or(Duration::ZERO, |since| now.saturating_duration_since(since));
        let longest = if self.has_notices && delayed == 0 { LOOK.1 } else { LOOK_WITHOUT_NOTICES };
        self.look_at = Some(now + (idle_for / PATIENCE).clamp(LOOK.0, longest));
        if self.ready.is_some_and(|before| ready > before) || self.ready.is_none() && ready > 0 {
            self.idle = None;
        }
        self.ready = Some(ready);
    }

    /// Notes that the store reported new work to `workers` workers at once. The worker looks after the part `share`
    /// (random, from 0 to 1) of the time over which that many workers spread their looks.
    pub fn new_work(&mut self, workers: u32, share: f64, now: Instant) {
        self.has_notices = true;
        let spread = SPREAD.saturating_mul(workers.saturating_sub(1)).min(MOST_SPREAD);
        let at = now + spread.mul_f64(share.clamp(0.0, 1.0));
        self.look_at = self.look_at.map(|look_at| look_at.min(at));
    }

    /// Notes whether the store reports new work.
    pub fn set_notices(&mut self, has_notices: bool) {
        self.has_notices = has_notices;
    }

    /// Whether the worker has free slots and got no claims for them.
    pub fn is_idle(&self) -> bool {
        self.idle.is_some()
    }

    /// Notes that the store did not answer. Returns when to send the same request again.
    pub fn unanswered(&mut self, now: Instant) -> Instant {
        let next = back_off(self.away, AWAY, now);
        self.away = Some(next);
        next.0
    }

    /// How many claims to hold besides those of running jobs.
    fn ahead(&self, slots: u32) -> u32 {
        let Some(seconds) = self.job_seconds else { return 0 };
        let per_slot = HORIZON.as_secs_f64() / seconds.max(1e-6);
        // Jobs that take longer than the horizon are claimed when their slot is free.
        if per_slot < 1.0 { 0 } else { (per_slot * f64::from(slots)).min(f64::from(MOST_AHEAD)) as u32 }
    }

    /// How long an outcome waits for others.
    fn flush(&self, slots: u32) -> Duration {
        let (short, long) = FLUSH;
        let Some(seconds) = self.job_seconds else { return short };
        let between = seconds / f64::from(slots.max(1));
        if between * FEW > long.as_secs_f64() {
            return short;
        }
        Duration::from_secs_f64(between * BATCH).clamp(short, long)
    }

    /// What to do next.
    pub fn next(&self, view: &StateSnapshot, now: Instant) -> NextAction {
        let draining = view.stopping != Stopping::No;
        if draining && view.running == 0 && view.queued == 0 && view.done == 0 && view.unverified == 0 {
            return NextAction::End;
        }
        let ahead = self.ahead(view.slots);
        let free = view.slots.saturating_sub(view.running);
        let target = free + ahead;
        // Up to twice the target is kept, because the duration of jobs varies.
        let slack = if ahead == 0 { 0 } else { ahead + view.slots };
        if !draining && view.queued > target + slack {
            return NextAction::GiveBack(view.queued - target);
        }
        let lacking = target.saturating_sub(view.queued);
        let starving = free > view.queued;
        let is_nothing_ready = self.ready == Some(0);
        let may_ask = !draining && self.idle.is_none_or(|(until, _)| now >= until && !is_nothing_ready);
        let ask = may_ask && (starving || lacking > ahead / 2);
        let flush_at = view.oldest_done.map(|oldest| oldest + self.flush(view.slots));
        let overdue = flush_at.is_some_and(|flush_at| now >= flush_at);
        // A slot waits, or no job runs whose outcome could be delivered with these: do not wait.
        let last = view.running == 0 && (draining || view.queued == 0);
        let at_once = view.done > 0 && (starving && may_ask || last);
        if ask || overdue || at_once {
            return NextAction::Exchange { want: if may_ask { lacking } else { 0 } };
        }
        let idle = self.idle.filter(|_| !draining && lacking > 0);
        let ask_at = idle.map(|(until, _)| until).filter(|_| !is_nothing_ready);
        let look_at = self.look_at.filter(|_| idle.is_some());
        if look_at.is_some_and(|look_at| now >= look_at) {
            return NextAction::Look;
        }
        let stuck_at = view.last_taken.filter(|_| view.queued > 0).map(|last| last + STUCK).filter(|at| *at > now);
        let latest = now + Duration::from_secs(1);
        NextAction::Wait([flush_at, ask_at, look_at, stuck_at].into_iter().flatten().fold(latest, Instant::min))
    }
}

impl Default for Pace {
    fn default() -> Self {
        Pace::new()
    }
}

fn back_off(
    last: Option<(Instant, Duration)>,
    (first, most): (Duration, Duration),
    now: Instant,
) -> (Instant, Duration) {
    let wait = last.map_or(first, |(_, wait)| (wait * 2).min(most));
    (now + wait, wait)
}

#[cfg(test)]
mod tests;
