//! Owns how an idle worker learns of new work: it polls a counter of SQLite that costs some microseconds.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::error::Done;
use super::{SqliteStore, sweeps};
use crate::store::{NewWork, Result, Scope, WorkWaiter};

/// The shortest and the longest time between two polls. Between them, it is the time since the last event divided by
/// [`PATIENCE`].
const POLL: (Duration, Duration) = (Duration::from_millis(10), Duration::from_millis(250));

/// See [`POLL`].
const PATIENCE: u32 = 500;

/// See [`WorkWaiter`].
pub(super) struct Waiter<'a> {
    store: &'a SqliteStore,
    scope: Scope,
    seen: Mutex<Seen>,
    stopped: Mutex<bool>,
    stop: Condvar,
}

/// The state at the last comparison.
struct Seen {
    /// The time of the last event.
    at: Instant,
    /// SQLite's `data_version`: changes whenever another connection has committed.
    version: Option<i64>,
    open: Option<String>,
}

impl<'a> Waiter<'a> {
    pub(super) fn new(store: &'a SqliteStore, scope: Scope) -> Self {
        let seen = Mutex::new(Seen { at: Instant::now(), version: None, open: None });
        Waiter { store, scope, seen, stopped: Mutex::default(), stop: Condvar::new() }
    }

    /// Sleeps for this time. Returns whether the waiter was stopped.
    fn pause(&self, length: Duration) -> bool {
        let stopped = self.stopped.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.stop.wait_timeout_while(stopped, length, |stopped| !*stopped);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

impl WorkWaiter for Waiter<'_> {
    fn wait(&self, at_most: Duration) -> Result<Option<NewWork>> {
        let until = Instant::now() + at_most;
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let is_first = seen.version.is_none();
        loop {
            if self.store.read(|connection, _| has_new_work(connection, &self.scope, &mut seen))? {
                seen.at = Instant::now();
                return Ok(Some(NewWork::default()));
            }
            let poll = (seen.at.elapsed() / PATIENCE).clamp(POLL.0, POLL.1);
            let left = until.saturating_duration_since(Instant::now());
            if is_first || left.is_zero() || self.pause(left.min(poll)) {
                return Ok(None);
            }
        }
    }

    fn stop(&self) {
        *self.stopped.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.stop.notify_all();
    }
}

/// Whether jobs of the scope may have become claimable, or a sweep of it may have ended, since the last comparison.
/// Heartbeats change the file too, so a change of the file is only the reason to compare the sweeps of the scope.
fn has_new_work(connection: &Connection, scope: &Scope, seen: &mut Seen) -> Done<bool> {
    let version: i64 = connection.prepare_cached("PRAGMA data_version")?.query_row([], |row| row.get(0))?;
    if seen.version.replace(version) == Some(version) {
        return Ok(false);
    }
    let open = open_jobs(connection, scope)?;
    let before = seen.open.replace(open.clone());
    Ok(before.is_some_and(|before| before != open))
}

/// A text that changes when work arrives: which sweeps have pending jobs, and how many. O(unfinished sweeps of the scope
/// that are not paused).
fn open_jobs(connection: &Connection, scope: &Scope) -> Done<String> {
    match scope {
        Scope::Sweep(id) => {
            let open = "SELECT pending || ' ' || (running > 0) || ' ' || (paused IS NULL) FROM sweeps WHERE key = ?1";
            let Some(sweep) = sweeps::find(connection, id)? else { return Ok(String::new()) };
            Ok(connection.prepare_cached(open)?.query_row([sweep], |row| row.get(0))?)
        }
        Scope::Queues(queues) => {
            let open = "SELECT count(*) || ' ' || ifnull(sum(key), 0) || ' ' || ifnull(sum(pending), 0)
                        FROM sweeps WHERE queue = ?1 AND pending + running > 0 AND paused IS NULL AND pending > 0";
            let mut open = connection.prepare_cached(open)?;
            let described = queues.iter().map(|queue| open.query_row([queue], |row| row.get::<_, String>(0)));
            Ok(described.collect::<std::result::Result<Vec<_>, _>>()?.join(","))
        }
    }
}
