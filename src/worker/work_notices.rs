//! Owns the thread that waits for the store's notices of new work while the worker is idle.

use std::time::Duration;

use super::state::WorkerState;
use crate::store::WorkWaiter;
use crate::system::random;

/// The longest duration of one wait.
const WAIT: Duration = Duration::from_secs(5);

/// The shortest time between two waits, however often the store reports new work.
const APART: Duration = Duration::from_millis(50);

/// Time between two attempts while the store is away or refuses to wait.
const AWAY: Duration = Duration::from_secs(1);

/// A notice for the dispatcher.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum WorkNotice {
    /// There may be new work.
    NewWork {
        /// How many workers get this notice at the same time; 0: unknown.
        workers: u32,
        /// A random number from 0 to 1, different for each worker.
        share: f64,
    },
    /// The store cannot report new work now.
    Failed,
    /// It can again.
    Restored,
}

/// Waits for new work while the worker is idle, until the worker has ended. Who ends the worker also stops the waiter.
pub(super) fn listen(waiter: &dyn WorkWaiter, state: &WorkerState) {
    let mut has_failed = false;
    while state.wait_until_idle() {
        match waiter.wait(WAIT) {
            Ok(Some(news)) => {
                has_failed = false;
                state.notify(WorkNotice::NewWork { workers: news.workers, share: random_share() });
                state.wait_until_closed(APART);
            }
            Ok(None) if has_failed => {
                has_failed = false;
                state.notify(WorkNotice::Restored);
            }
            Ok(None) => {}
            Err(_) => {
                has_failed = true;
                state.notify(WorkNotice::Failed);
                state.wait_until_closed(AWAY);
            }
        }
    }
}

/// Returns a random number from 0 to 1; 0.5 if the system has no randomness.
fn random_share() -> f64 {
    random().map_or(0.5, |random| random as f64 / u64::MAX as f64)
}
