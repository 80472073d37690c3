//! Owns the decision when a worker talks to its store, and how many claims it asks for. Pure: `now` is an argument.
//!
//! One exchange carries outcomes out and claims in. Long jobs: a slot falls free, its outcome leaves and the next claim
//! comes in the same request, and nothing is claimed ahead. Short jobs: claims are taken ahead as far as the slots will
//! use them within [`HORIZON`], and outcomes wait at most [`FLUSH`], so that many jobs share a request.

use std::time::{Duration, Instant};

/// The longest that an outcome waits for others to be delivered with it.
pub const FLUSH: Duration = Duration::from_millis(5);

/// How far ahead claims are taken: as many as the slots are expected to use in this time.
const HORIZON: Duration = Duration::from_millis(40);

/// The most claims taken ahead, whatever the jobs' length: a lost worker leaves no more than these behind.
const MOST_AHEAD: u32 = 512;

/// Waiting between two questions for work when there was none: grows from the first to the second.
const IDLE: (Duration, Duration) = (Duration::from_millis(5), Duration::from_millis(250));

/// Waiting before a request is sent again to a store that is away: grows from the first to the second.
const AWAY: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(2));

/// How a worker is about to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stopping {
    /// It goes on.
    No,
    /// It claims no more and lets running jobs finish.
    Drain,
    /// It ends its jobs and gives their claims back.
    Now,
}

/// What the worker sees at one moment.
#[derive(Clone, Copy, Debug)]
pub struct View {
    /// Slots.
    pub slots: u32,
    /// Slots that run a job.
    pub running: u32,
    /// Claims that wait for a slot.
    pub queued: u32,
    /// Outcomes to deliver.
    pub done: u32,
    /// Since when the oldest of them waits.
    pub oldest_done: Option<Instant>,
    /// Whether and how the worker stops.
    pub stopping: Stopping,
}

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Deliver the outcomes that there are, and ask for this many claims.
    Exchange {
        /// 0: ask for none.
        want: u32,
    },
    /// Wait for something to happen, at the longest until then.
    Wait(Instant),
    /// Everything is delivered and the worker is to stop.
    Finished,
}

/// The worker's sense of time: how long jobs take, and when to ask again.
#[derive(Debug)]
pub struct Pace {
    /// Smoothed wall time of a job, spawn to exit, of this worker.
    job_seconds: Option<f64>,
    /// After a question that brought nothing: not before that time again, and how long the next wait is.
    idle: Option<(Instant, Duration)>,
    /// After a request that the store did not answer, likewise.
    away: Option<(Instant, Duration)>,
}

impl Pace {
    /// A worker that has seen nothing yet.
    pub fn new() -> Self {
        Pace { job_seconds: None, idle: None, away: None }
    }

    /// Notes how long a job took.
    pub fn job_took(&mut self, seconds: f64) {
        let smoothed = self.job_seconds.map_or(seconds, |mean| mean + (seconds - mean) / 8.0);
        self.job_seconds = Some(smoothed);
    }

    /// Notes the answer to a question for claims.
    pub fn answered(&mut self, asked: u32, given: u32, now: Instant) {
        self.away = None;
        if given > 0 {
            self.idle = None;
        } else if asked > 0 {
            self.idle = Some(back_off(self.idle, IDLE, now));
        }
    }

    /// Notes that the store did not answer. Returns when to send the same request again.
    pub fn unanswered(&mut self, now: Instant) -> Instant {
        let next = back_off(self.away, AWAY, now);
        self.away = Some(next);
        next.0
    }

    /// How many claims to hold ready beside those that run.
    fn ahead(&self, slots: u32) -> u32 {
        let Some(seconds) = self.job_seconds else { return 0 };
        let per_slot = HORIZON.as_secs_f64() / seconds.max(1e-6);
        // Jobs that take longer than the horizon are claimed when their slot is free.
        if per_slot < 1.0 { 0 } else { (per_slot * f64::from(slots)).min(f64::from(MOST_AHEAD)) as u32 }
    }

    /// What to do next.
    pub fn next(&self, view: &View, now: Instant) -> Step {
        let draining = view.stopping != Stopping::No;
        if draining && view.running == 0 && view.queued == 0 && view.done == 0 {
            return Step::Finished;
        }
        let ahead = self.ahead(view.slots);
        let free = view.slots.saturating_sub(view.running);
        let target = free + ahead;
        let lacking = target.saturating_sub(view.queued);
        let starving = free > view.queued;
        let may_ask = !draining && self.idle.is_none_or(|(until, _)| now >= until);
        let ask = may_ask && (starving || lacking > ahead / 2);
        let overdue = view.oldest_done.is_some_and(|oldest| now >= oldest + FLUSH);
        // A slot waits, or the worker is about to end: outcomes do not wait for company.
        let at_once = view.done > 0 && (starving && may_ask || draining && view.running == 0);
        if ask || overdue || at_once {
            return Step::Exchange { want: if may_ask { lacking } else { 0 } };
        }
        let flush_at = view.oldest_done.map(|oldest| oldest + FLUSH);
        let ask_at = self.idle.filter(|_| !draining && lacking > 0).map(|(until, _)| until);
        let latest = now + Duration::from_secs(1);
        Step::Wait(flush_at.into_iter().chain(ask_at).fold(latest, Instant::min))
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
mod tests {
    use super::*;

    fn view() -> View {
        View { slots: 4, running: 0, queued: 0, done: 0, oldest_done: None, stopping: Stopping::No }
    }

    #[test]
    fn an_idle_worker_asks_for_its_slots_and_then_less_and_less_often() {
        let now = Instant::now();
        let mut pace = Pace::new();
        assert_eq!(pace.next(&view(), now), Step::Exchange { want: 4 });
        pace.answered(4, 0, now);
        let Step::Wait(first) = pace.next(&view(), now) else { panic!("it asks again at once") };
        pace.answered(4, 0, first);
        let Step::Wait(second) = pace.next(&view(), first) else { panic!("it asks again at once") };
        assert!(second - first > first - now);
        for _ in 0..20 {
            pace.answered(4, 0, now);
        }
        let Step::Wait(last) = pace.next(&view(), now) else { panic!("it asks again at once") };
        assert_eq!(last - now, IDLE.1);
    }

    #[test]
    fn long_jobs_are_not_claimed_ahead() {
        let now = Instant::now();
        let mut pace = Pace::new();
        pace.job_took(3.0);
        let full = View { running: 4, ..view() };
        assert!(matches!(pace.next(&full, now), Step::Wait(_)));
        let one_free = View { running: 3, done: 1, oldest_done: Some(now), ..view() };
        assert_eq!(pace.next(&one_free, now), Step::Exchange { want: 1 });
    }

    #[test]
    fn short_jobs_are_claimed_ahead_within_bounds_and_share_requests() {
        let now = Instant::now();
        let mut pace = Pace::new();
        pace.job_took(0.001);
        let busy = View { running: 4, ..view() };
        assert_eq!(pace.next(&busy, now), Step::Exchange { want: 160 });
        let stocked = View { running: 4, queued: 100, done: 10, oldest_done: Some(now), ..view() };
        assert_eq!(pace.next(&stocked, now), Step::Wait(now + FLUSH));
        assert_eq!(pace.next(&stocked, now + FLUSH), Step::Exchange { want: 60 });
        let mut pace = Pace::new();
        pace.job_took(0.0);
        assert_eq!(pace.ahead(64), MOST_AHEAD);
    }

    #[test]
    fn an_outcome_never_waits_longer_than_the_flush_time() {
        let now = Instant::now();
        let pace = Pace::new();
        let one = View { running: 4, done: 1, oldest_done: Some(now), ..view() };
        assert_eq!(pace.next(&one, now), Step::Wait(now + FLUSH));
        assert_eq!(pace.next(&one, now + FLUSH), Step::Exchange { want: 0 });
    }

    #[test]
    fn a_draining_worker_claims_nothing_delivers_and_finishes() {
        let now = Instant::now();
        let pace = Pace::new();
        let drain = View { stopping: Stopping::Drain, ..view() };
        assert_eq!(pace.next(&drain, now), Step::Finished);
        let busy = View { running: 1, ..drain };
        assert!(matches!(pace.next(&busy, now), Step::Wait(_)));
        let last = View { done: 1, oldest_done: Some(now), ..drain };
        assert_eq!(pace.next(&last, now), Step::Exchange { want: 0 });
    }

    #[test]
    fn a_store_that_is_away_is_asked_less_and_less_often() {
        let now = Instant::now();
        let mut pace = Pace::new();
        assert_eq!(pace.unanswered(now), now + AWAY.0);
        for _ in 0..20 {
            pace.unanswered(now);
        }
        assert_eq!(pace.unanswered(now), now + AWAY.1);
        pace.answered(1, 1, now);
        assert_eq!(pace.unanswered(now), now + AWAY.0);
    }
}
