//! Owns the outcomes that were accepted lately, for a store that may forget its last seconds when it crashes.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::report::Finished;

/// What a Redis with `appendfsync everysec` may forget is about two seconds.
const KEPT_FOR: Duration = Duration::from_secs(3);

/// The most outcomes kept, with what they printed: short jobs beyond these run again instead.
const MOST: usize = 2000;

/// The outcomes of the last seconds, oldest first.
#[derive(Default)]
pub struct Recent {
    accepted: VecDeque<(Instant, Finished)>,
    restarts: u64,
}

impl Recent {
    /// Keeps an outcome that the store has just accepted.
    pub fn keep(&mut self, finished: Finished, now: Instant) {
        self.accepted.push_back((now, finished));
        while self.accepted.len() > MOST || self.accepted.front().is_some_and(|(at, _)| now - *at > KEPT_FOR) {
            self.accepted.pop_front();
        }
    }

    /// What is to be delivered anew when the store was started so often by now; nothing if it was not since the last
    /// call.
    pub fn to_repeat(&mut self, restarts: u64) -> Vec<Finished> {
        if restarts == self.restarts {
            return Vec::new();
        }
        self.restarts = restarts;
        self.accepted.drain(..).map(|(_, finished)| finished.repeated()).collect()
    }
}
