//! Owns where points stand: taking a point out of its set and putting it into another, with the counts that follow.

use rusqlite::{Connection, OptionalExtension, params};

use super::error::Done;
use super::ranges::{self, Kept};
use crate::job::AttemptCounts;

/// Where a point stands that is not claimed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Ready to be claimed.
    Ready,
    /// Waits for a time, milliseconds since the epoch.
    Delayed(u64),
    /// Failed.
    Failed,
    /// Cancelled.
    Cancelled,
    /// Succeeded: in no set.
    Succeeded,
}

/// What changes in the counts of a sweep.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    /// Ready or delayed.
    pub(super) pending: i64,
    /// The part of the pending that is delayed.
    pub(super) delayed: i64,
    /// Claimed.
    pub(super) running: i64,
    /// Succeeded.
    pub(super) succeeded: i64,
    /// Failed.
    pub(super) failed: i64,
    /// Cancelled.
    pub(super) cancelled: i64,
}

impl Tally {
    /// Counts `number` more points at a place; less, if it is negative.
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
        connection.prepare_cached(update)?.execute(params![
            sweep,
            self.pending,
            self.delayed,
            self.running,
            self.succeeded,
            self.failed,
            self.cancelled
        ])?;
        Ok(())
    }
}

/// Where an unclaimed point stands.
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

/// Puts a point that is in no set at a place.
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

/// Takes an unclaimed point out of the set that it stands in.
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

/// Keeps the tries of a point that is not claimed; with a token, the outcome of its last claim may still come. Without
/// attempts there is nothing to keep.
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

/// Forgets the tries of a point.
pub(super) fn forget_tries(connection: &Connection, sweep: i64, point: u64) -> Done<()> {
    let delete = "DELETE FROM tries WHERE sweep = ?1 AND point = ?2";
    connection.prepare_cached(delete)?.execute(params![sweep, point])?;
    Ok(())
}
