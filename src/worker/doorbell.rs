//! Owns the thread through which the store tells an idle worker of new work.

use std::time::Duration;

use super::state::WorkerState;
use crate::store::WorkWaiter;

/// How long one wait lasts at most.
const WAIT: Duration = Duration::from_secs(5);

/// The least time between two waits, however often the store tells of new work.
const APART: Duration = Duration::from_millis(50);

/// Time between two attempts while the store is away or refuses to wait.
const AWAY: Duration = Duration::from_secs(1);

/// What the doorbell says to the worker's loop.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Ring {
    /// There may be new work.
    NewWork {
        /// How many workers learn of it at the same time; 0: unknown.
        workers: u32,
        /// A random number from 0 to 1, other for each worker.
        share: f64,
    },
    /// The store cannot tell of new work now.
    Failed,
    /// It can again.
    Restored,
}

/// Waits while the worker is idle, until it is over. Whoever ends the worker also stops the waiter.
pub(super) fn listen(waiter: &dyn WorkWaiter, state: &WorkerState) {
    let mut has_failed = false;
    while state.wait_until_idle() {
        match waiter.wait(WAIT) {
            Ok(Some(news)) => {
                has_failed = false;
                state.ring(Ring::NewWork { workers: news.workers, share: random_share() });
                state.wait_until_closed(APART);
            }
            Ok(None) if has_failed => {
                has_failed = false;
                state.ring(Ring::Restored);
            }
            Ok(None) => {}
            Err(_) => {
                has_failed = true;
                state.ring(Ring::Failed);
                state.wait_until_closed(AWAY);
            }
        }
    }
}

/// A random number from 0 to 1. Without randomness the worker takes its turn in the middle.
fn random_share() -> f64 {
    super::dispatcher::random().map_or(0.5, |random| random as f64 / u64::MAX as f64)
}
