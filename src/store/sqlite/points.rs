//! Owns the sets of points that are not leased: moving a point from one set to another, and the counts of a sweep.

use rusqlite::{Connection, OptionalExtension, params};

use super::error::Done;
use super::ranges::{self, Kept};
use crate::job::AttemptCounts;

/// The set that a point without a lease is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Ready to be claimed.
    Ready,
    /// Waits until this time, milliseconds since the epoch.
    Delayed(u64),
    /// Failed.
    Failed,
    /// Cancelled.
    Cancelled,
    /// Succeeded: in no set.
    Succeeded,
}

/// Changes of the counts of a sweep.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    /// Ready or delayed.
    pub(super) pending: i64,
    /// Delayed; also counted in `pending`.
    pub(super) delayed: i64,
    /// Leased.
    pub(super) running: i64,
    /// Succeeded.
    pub(super) succeeded: i64,
    /// Failed.
    pub(super) failed: i64,
    /// Cancelled.
    pub(super) cancelled: i64,
}

impl Tally {
    /// Counts `number` more points in a set; fewer if it is negative.
    pub(super) fn count(&mut self, place: Place, number: i64) {
        match place {
            Place::Ready => self.pending += number,
            Place::Delayed(_) => {
                self.pending += number;
                self.delayed += number;
            }
            Place::Failed => self.failed += number,
            Place::Cancelled => self.cancelled += number,
            Place::Succeeded => self.succeeded += number,
        }
    }

    /// Adds the changes to the counts of a sweep.
    pub(super) fn apply(&self, connection: &Connection, sweep: i64) -> Done<()> {
        let update = "UPDATE sweeps SET pending = pending + ?2, delayed = delayed + ?3, running = running + ?4,
                      succeeded = succeeded + ?5, failed = failed + ?6, cancelled = cancelled + ?7 WHERE key = ?1";
        let Tally { pending, delayed, running, succeeded, failed, cancelled } = self;
        let changes = params![sweep, pending, delayed, running, succeeded, failed, cancelled];
        connection.prepare_cached(update)?.execute(changes)?;
        Ok(())
    }

    /// The same, and records `now` as the time of the last outcome: one statement, because each exchange does it.
    pub(super) fn apply_outcomes(&self, connection: &Connection, sweep: i64, now: u64) -> Done<()> {
        let update = "UPDATE sweeps SET pending = pending + ?2, delayed = delayed + ?3, running = running + ?4,
                      succeeded = succeeded + ?5, failed = failed + ?6, cancelled = cancelled + ?7,
                      last_outcome_ms = ?8 WHERE key = ?1";
        let Tally { pending, delayed, running, succeeded, failed, cancelled } = self;
        let changes = params![sweep, pending, delayed, running, succeeded, failed, cancelled, now];
        connection.prepare_cached(update)?.execute(changes)?;
        Ok(())
    }
}

/// The set that a point is in. It must not be leased.
pub(super) fn place(connection: &Connection, sweep: i64, point: u64) -> Done<Place> {
    let due = "SELECT due_ms FROM delayed WHERE sweep = ?1 AND point = ?2";
    if let Some(due) = connection.prepare_cached(due)?.query_row(params![sweep, point], |row| row.get(0)).optional()? {
        return Ok(Place::Delayed(due));
    }
    let failed = "SELECT 1 FROM failed WHERE sweep = ?1 AND point = ?2";
    if connection.prepare_cached(failed)?.exists(params![sweep, point])? {
        return Ok(Place::Failed);
    }
    if ranges::contains(connection, sweep, Kept::Ready, point)? {
        return Ok(Place::Ready);
    }
    Ok(if ranges::contains(connection, sweep, Kept::Cancelled, point)? { Place::Cancelled } else { Place::Succeeded })
}

/// Puts a point into a set. It must be in no set.
pub(super) fn put(connection: &Connection, sweep: i64, point: u64, place: Place) -> Done<()> {
    match place {
        Place::Ready => ranges::put(connection, sweep, Kept::Ready, point..point + 1),
        Place::Cancelled => ranges::put(connection, sweep, Kept::Cancelled, point..point + 1),
        Place::Delayed(due_ms) => {
            let insert = "INSERT INTO delayed VALUES (?1, ?2, ?3)";
            connection.prepare_cached(insert)?.execute(params![sweep, point, due_ms])?;
            Ok(())
        }
        Place::Failed => {
            connection.prepare_cached("INSERT INTO failed VALUES (?1, ?2)")?.execute([sweep, point as i64])?;
            Ok(())
        }
        Place::Succeeded => Ok(()),
    }
}

/// Removes a point from the set `place`, in which it must be.
pub(super) fn take(connection: &Connection, sweep: i64, point: u64, place: Place) -> Done<()> {
    match place {
        Place::Ready => ranges::take_point(connection, sweep, Kept::Ready, point).map(drop),
        Place::Cancelled => ranges::take_point(connection, sweep, Kept::Cancelled, point).map(drop),
        Place::Delayed(_) => {
            let delete = "DELETE FROM delayed WHERE sweep = ?1 AND point = ?2";
            connection.prepare_cached(delete)?.execute(params![sweep, point])?;
            Ok(())
        }
        Place::Failed => {
            let delete = "DELETE FROM failed WHERE sweep = ?1 AND point = ?2";
            connection.prepare_cached(delete)?.execute(params![sweep, point])?;
            Ok(())
        }
        Place::Succeeded => Ok(()),
    }
}

/// Keeps the attempt counts of a point that is not leased; nothing, if it has no attempts. With the token of its last
/// claim, the outcome of that claim is still accepted.
pub(super) fn keep_tries(
    connection: &Connection,
    sweep: i64,
    point: u64,
    tries: AttemptCounts,
    token: Option<u64>,
) -> Done<()> {
    if tries.attempts == 0 {
        return forget_tries(connection, sweep, point);
    }
    let AttemptCounts { attempts, failures, losses } = tries;
    let insert = "INSERT OR REPLACE INTO tries VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    let token = token.map(u64::cast_signed);
    connection.prepare_cached(insert)?.execute(params![sweep, point, attempts, failures, losses, token])?;
    Ok(())
}

/// Deletes the attempt counts of a point.
pub(super) fn forget_tries(connection: &Connection, sweep: i64, point: u64) -> Done<()> {
    let delete = "DELETE FROM tries WHERE sweep = ?1 AND point = ?2";
    connection.prepare_cached(delete)?.execute(params![sweep, point])?;
    Ok(())
}
