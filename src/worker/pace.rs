//! Owns the decision when a worker talks to its store, and how many claims it asks for. Pure: `now` is an argument.
//!
//! One exchange carries outcomes out and claims in. Long jobs: a slot falls free, its outcome leaves and the next claim
//! comes in the same request, and nothing is claimed ahead. Short jobs: claims are taken ahead as far as the slots will
//! use them within [`HORIZON`], and outcomes wait for company, so that many jobs share a request: never for a number of
//! them, but for a time, which is that of a [`BATCH`] within [`FLUSH`]. When jobs turn out to be longer, what was claimed
//! ahead goes back to those who can run it.

use std::time::{Duration, Instant};

/// How long an outcome waits for others to be delivered with it: where few come, and at the longest.
pub const FLUSH: (Duration, Duration) = (Duration::from_millis(2), Duration::from_millis(25));

/// How many outcomes make a request worth its while: from here on, what a request costs is little beside them.
const BATCH: f64 = 128.0;

/// What is not worth waiting for: fewer outcomes than this in the longest time.
const COMPANY: f64 = 4.0;

/// How far ahead claims are taken: as many as the slots are expected to use in this time. Longer than outcomes wait and a
/// request takes on a slow disk together.
const HORIZON: Duration = Duration::from_millis(100);

/// The most claims taken ahead, whatever the jobs' length: a lost worker leaves no more than these behind.
const MOST_AHEAD: u32 = 512;

/// How long claims wait while no slot takes one, before jobs are taken to have become long.
const STUCK: Duration = Duration::from_millis(500);

/// Waiting between two requests for claims while jobs are ready that the worker was not given: grows from the first to the
/// second. A request for claims is one that the store writes down. None is sent while nothing is ready.
const IDLE: (Duration, Duration) = (Duration::from_millis(25), Duration::from_secs(2));

/// Waiting between two looks at the backlog while idle. A look only reads. The wait grows from the first to the second
/// with the time that the worker has been idle, by a [`PATIENCE`]th of it: a worker that waits for a job now and then
/// starts it at once, and many workers that are idle all night leave the store alone. The store tells of new work
/// ([`Pace::new_work`]), so looks are needed only in case that this fails.
const LOOK: (Duration, Duration) = (Duration::from_millis(10), Duration::from_secs(5));

/// The longest wait between two looks when the store tells of nothing: points wait for their time, or the wait for new
/// work fails.
const LOOK_UNTOLD: Duration = Duration::from_secs(1);

/// See [`LOOK`]: after a minute, one look a second.
const PATIENCE: u32 = 60;

/// How far apart workers look that learn of new work at the same time, on average, and the most by which all together
/// spread their looks.
const SPREAD: Duration = Duration::from_micros(500);
const MOST_SPREAD: Duration = Duration::from_millis(250);

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
    /// When a slot last took one; none: never.
    pub last_taken: Option<Instant>,
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
    /// Give this many claims back that wait for a slot.
    GiveBack(u32),
    /// See whether something has come into the queue.
    Look,
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
    /// When to look next whether something has come, while idle.
    look_at: Option<Instant>,
    /// Since when there has been nothing to do.
    idle_since: Option<Instant>,
    /// What was ready at the last look, for others or for nobody.
    ready: Option<u64>,
    /// Whether the store tells of new work, as far as is known.
    is_told: bool,
    /// After a request that the store did not answer, likewise.
    away: Option<(Instant, Duration)>,
}

impl Pace {
    /// A worker that has seen nothing yet.
    pub fn new() -> Self {
        Pace { job_seconds: None, idle: None, look_at: None, idle_since: None, ready: None, is_told: true, away: None }
    }

    /// Notes how long a job took.
    pub fn job_took(&mut self, seconds: f64) {
        let smoothed = self.job_seconds.map_or(seconds, |mean| mean + (seconds - mean) / 8.0);
        self.job_seconds = Some(smoothed);
    }

    /// Notes what can be told of jobs that have not ended: while claims wait and no slot has taken one for long, they take
    /// at least as long as that.
    pub fn observe(&mut self, view: &View, now: Instant) {
        let is_full = view.queued > 0 && view.running >= view.slots;
        let stuck =
            view.last_taken.filter(|_| is_full).map_or(Duration::ZERO, |last| now.saturating_duration_since(last));
        if stuck >= STUCK {
            self.job_seconds = Some(self.job_seconds.unwrap_or(0.0).max(stuck.as_secs_f64()));
        }
    }

    /// Notes the answer to a question for claims.
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
            // At once: that may have been the last outcome of all.
            self.look_at = Some(now);
        }
    }

    /// Notes what a look has found: jobs that are ready, and points that wait for their time. If more are ready than before,
    /// claims are requested at once; what was ready before is not for this worker.
    pub fn looked(&mut self, ready: u64, delayed: u64, now: Instant) {
        let idle_for = self.idle_since.map_or(Duration::ZERO, |since| now.saturating_duration_since(since));
        let longest = if self.is_told && delayed == 0 { LOOK.1 } else { LOOK_UNTOLD };
        self.look_at = Some(now + (idle_for / PATIENCE).clamp(LOOK.0, longest));
        if self.ready.is_some_and(|before| ready > before) || self.ready.is_none() && ready > 0 {
            self.idle = None;
        }
        self.ready = Some(ready);
    }

    /// Notes that the store told of new work, and that `workers` learned of it at once. The worker looks after a part
    /// `share` (from 0 to 1, random) of the time over which so many workers spread their looks.
    pub fn new_work(&mut self, workers: u32, share: f64, now: Instant) {
        self.is_told = true;
        let spread = SPREAD.saturating_mul(workers.saturating_sub(1)).min(MOST_SPREAD);
        let at = now + spread.mul_f64(share.clamp(0.0, 1.0));
        self.look_at = self.look_at.map(|look_at| look_at.min(at));
    }

    /// Notes whether the wait for new work can be relied on.
    pub fn set_told(&mut self, is_told: bool) {
        self.is_told = is_told;
    }

    /// Whether the worker has slots to spare and nothing to claim for them.
    pub fn is_idle(&self) -> bool {
        self.idle.is_some()
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

    /// How long an outcome waits for others.
    fn flush(&self, slots: u32) -> Duration {
        let (short, long) = FLUSH;
        let Some(seconds) = self.job_seconds else { return short };
        let between = seconds / f64::from(slots.max(1));
        if between * COMPANY > long.as_secs_f64() {
            return short;
        }
        Duration::from_secs_f64(between * BATCH).clamp(short, long)
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
        // Within twice of what is wanted lies what a job's length varies by.
        let slack = if ahead == 0 { 0 } else { ahead + view.slots };
        if !draining && view.queued > target + slack {
            return Step::GiveBack(view.queued - target);
        }
        let lacking = target.saturating_sub(view.queued);
        let starving = free > view.queued;
        let is_nothing_ready = self.ready == Some(0);
        let may_ask = !draining && self.idle.is_none_or(|(until, _)| now >= until && !is_nothing_ready);
        let ask = may_ask && (starving || lacking > ahead / 2);
        let flush_at = view.oldest_done.map(|oldest| oldest + self.flush(view.slots));
        let overdue = flush_at.is_some_and(|flush_at| now >= flush_at);
        // A slot waits, or nothing runs that could bring company: outcomes do not wait for it.
        let last = view.running == 0 && (draining || view.queued == 0);
        let at_once = view.done > 0 && (starving && may_ask || last);
        if ask || overdue || at_once {
            return Step::Exchange { want: if may_ask { lacking } else { 0 } };
        }
        let idle = self.idle.filter(|_| !draining && lacking > 0);
        let ask_at = idle.map(|(until, _)| until).filter(|_| !is_nothing_ready);
        let look_at = self.look_at.filter(|_| idle.is_some());
        if look_at.is_some_and(|look_at| now >= look_at) {
            return Step::Look;
        }
        let stuck_at = view.last_taken.filter(|_| view.queued > 0).map(|last| last + STUCK).filter(|at| *at > now);
        let latest = now + Duration::from_secs(1);
        Step::Wait([flush_at, ask_at, look_at, stuck_at].into_iter().flatten().fold(latest, Instant::min))
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
        View { slots: 4, running: 0, queued: 0, last_taken: None, done: 0, oldest_done: None, stopping: Stopping::No }
    }

    #[test]
    fn an_idle_worker_asks_for_its_slots_and_then_less_and_less_often() {
        let now = Instant::now();
        let mut pace = Pace::new();
        assert_eq!(pace.next(&view(), now), Step::Exchange { want: 4 });
        pace.answered(4, 0, now);
        let asks_after = |pace: &Pace| pace.idle.map(|(until, _)| until - now);
        assert_eq!(asks_after(&pace), Some(IDLE.0));
        pace.answered(4, 0, now);
        assert_eq!(asks_after(&pace), Some(IDLE.0 * 2));
        for _ in 0..20 {
            pace.answered(4, 0, now);
        }
        assert_eq!(asks_after(&pace), Some(IDLE.1));
        assert_eq!(pace.next(&view(), now + IDLE.1), Step::Exchange { want: 4 });
    }

    #[test]
    fn an_idle_worker_looks_often_and_asks_when_something_has_come() {
        let now = Instant::now();
        let mut pace = Pace::new();
        pace.answered(4, 0, now);
        let mut at = now;
        for (ready, asks) in [(0, false), (0, false), (3, true), (3, false), (2, false)] {
            pace.idle = Some((now + IDLE.1, IDLE.1));
            assert_eq!(pace.next(&view(), at), Step::Look);
            pace.looked(ready, 0, at);
            let next = if asks { Step::Exchange { want: 4 } } else { Step::Wait(at + LOOK.0) };
            assert_eq!(pace.next(&view(), at), next, "{ready} at {:?}", at - now);
            at += LOOK.0;
        }
        let full = View { running: 4, ..view() };
        assert!(matches!(pace.next(&full, at + LOOK.0), Step::Wait(_)), "who has no slot to spare does not look");
        for (idle, delayed, is_told, wait) in [
            (6, 0, true, Duration::from_millis(100)),
            (60, 0, true, Duration::from_secs(1)),
            (6000, 0, true, LOOK.1),
            (6000, 1, true, LOOK_UNTOLD),
            (6000, 0, false, LOOK_UNTOLD),
        ] {
            let at = now + Duration::from_secs(idle);
            pace.set_told(is_told);
            pace.looked(0, delayed, at);
            assert_eq!(pace.look_at, Some(at + wait), "after {idle} s, {delayed} delayed, told: {is_told}");
        }
    }

    #[test]
    fn a_worker_idle_for_a_minute_sends_at_most_one_request_a_second() {
        let begun = Instant::now();
        let mut pace = Pace::new();
        pace.answered(4, 0, begun);
        let (mut now, mut requests) = (begun, 0);
        while now < begun + Duration::from_secs(90) {
            match pace.next(&view(), now) {
                Step::Wait(until) => now = until.max(now + Duration::from_micros(1)),
                Step::Look => {
                    requests += u32::from(now >= begun + Duration::from_secs(60));
                    pace.looked(0, 0, now);
                }
                step => panic!("{step:?} after {:?}", now - begun),
            }
        }
        assert!(requests <= 30, "{requests}");
    }

    #[test]
    fn workers_that_learn_of_new_work_together_look_one_after_the_other() {
        let now = Instant::now();
        for (workers, share, after) in [
            (0, 0.5, Duration::ZERO),
            (1, 0.5, Duration::ZERO),
            (301, 0.0, Duration::ZERO),
            (301, 0.5, Duration::from_millis(75)),
            (100_000, 1.0, MOST_SPREAD),
        ] {
            let mut pace = Pace::new();
            pace.answered(4, 0, now);
            pace.looked(0, 0, now + Duration::from_secs(600));
            pace.new_work(workers, share, now);
            assert_eq!(pace.look_at, Some(now + after), "{workers} {share}");
            assert_eq!(pace.next(&view(), now + after), Step::Look);
            pace.looked(1, 0, now + after);
            assert_eq!(pace.next(&view(), now + after), Step::Exchange { want: 4 });
        }
        let mut busy = Pace::new();
        busy.answered(4, 4, now);
        busy.new_work(1, 0.0, now);
        assert_eq!(busy.look_at, None, "a worker that has work does not look");
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
        assert_eq!(pace.next(&busy, now), Step::Exchange { want: 400 });
        let stocked = View { running: 4, queued: 300, done: 10, oldest_done: Some(now), ..view() };
        let batch = Duration::from_millis(25);
        assert_eq!(pace.next(&stocked, now), Step::Wait(now + batch));
        assert_eq!(pace.next(&stocked, now + batch), Step::Exchange { want: 100 });
        let mut pace = Pace::new();
        pace.job_took(0.0);
        assert_eq!(pace.ahead(64), MOST_AHEAD);
    }

    #[test]
    fn what_was_claimed_ahead_goes_back_when_jobs_turn_out_to_be_long() {
        let now = Instant::now();
        let mut pace = Pace::new();
        pace.job_took(0.001);
        let full = View { running: 4, queued: 300, last_taken: Some(now), ..view() };
        let next = |pace: &mut Pace, view: &View, now| {
            pace.observe(view, now);
            pace.next(view, now)
        };
        let soon = now + STUCK / 2;
        assert_eq!(next(&mut pace, &full, soon), Step::Wait(now + STUCK));
        assert_eq!(next(&mut pace, &full, now + STUCK), Step::GiveBack(300), "nothing has ended for long");
        let empty = View { queued: 0, ..full };
        assert!(matches!(next(&mut pace, &empty, now + STUCK), Step::Wait(_)), "and no more is claimed ahead");
        // Those for slots that have just fallen free stay.
        let free = View { running: 2, queued: 2, ..full };
        assert!(matches!(next(&mut pace, &free, now + STUCK), Step::Wait(_)));
        // Jobs that end, and are longer than those before.
        let mut pace = Pace::new();
        pace.job_took(0.001);
        (0..20).for_each(|_| pace.job_took(0.02));
        let ahead = pace.ahead(4);
        assert!((1..40).contains(&ahead), "{ahead}");
        assert_eq!(next(&mut pace, &full, now), Step::GiveBack(300 - ahead));
    }

    #[test]
    fn an_outcome_waits_for_company_where_there_is_any_and_never_long() {
        let now = Instant::now();
        let one = View { running: 4, done: 1, oldest_done: Some(now), ..view() };
        // Unknown, long, and still too rare to wait for.
        for seconds in [None, Some(3600.0), Some(0.05)] {
            let mut pace = Pace::new();
            seconds.into_iter().for_each(|seconds| pace.job_took(seconds));
            assert_eq!(pace.flush(4), FLUSH.0, "{seconds:?}");
        }
        for seconds in [0.0, 1e-6, 0.001, 0.01, 0.02, 0.1, 1e9] {
            let mut pace = Pace::new();
            pace.job_took(seconds);
            assert!((FLUSH.0..=FLUSH.1).contains(&pace.flush(4)), "{seconds}");
        }
        let mut pace = Pace::new();
        pace.job_took(0.001);
        pace.answered(4, 0, now);
        let last = View { running: 0, ..one };
        assert_eq!(pace.next(&last, now), Step::Exchange { want: 0 }, "nothing runs that could bring company");
        let pace = Pace::new();
        assert_eq!(pace.next(&one, now), Step::Wait(now + FLUSH.0));
        assert_eq!(pace.next(&one, now + FLUSH.0), Step::Exchange { want: 0 });
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
