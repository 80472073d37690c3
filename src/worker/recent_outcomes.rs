//! Owns the outcomes that the store accepted in the last seconds: a store may forget these when it crashes.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::report::FinishedAttempt;

/// A Redis with `appendfsync everysec` may forget about two seconds.
const KEPT_FOR: Duration = Duration::from_secs(3);

/// The most outcomes that are kept, with their output. If the store forgets more, those jobs run again.
const MOST: usize = 2000;

/// The outcomes of the last seconds, oldest first.
#[derive(Default)]
pub struct RecentOutcomes {
    accepted: VecDeque<(Instant, FinishedAttempt)>,
    restarts: u64,
}

impl RecentOutcomes {
    /// Keeps an outcome that the store has just accepted.
    pub fn keep(&mut self, finished: FinishedAttempt, now: Instant) {
        self.accepted.push_back((now, finished));
        while self.accepted.len() > MOST || self.accepted.front().is_some_and(|(at, _)| now - *at > KEPT_FOR) {
            self.accepted.pop_front();
        }
    }

    /// Takes the outcomes to deliver again, if the store was restarted since the last call. `restarts`: how often it
    /// was restarted so far.
    pub fn to_repeat(&mut self, restarts: u64) -> Vec<FinishedAttempt> {
        if restarts == self.restarts {
            return Vec::new();
        }
        self.restarts = restarts;
        self.accepted.drain(..).map(|(_, finished)| finished.repeated()).collect()
    }
}
