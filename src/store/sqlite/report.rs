//! Owns recording outcomes: whether one is accepted, and where it moves its point.

use std::collections::BTreeSet;

use rusqlite::{Connection, OptionalExtension, params};

use super::error::Done;
use super::points::{self, Place, Tally};
use super::sweeps;
use crate::job::{MAX_POINTS, Verdict};
use crate::store::{ColumnPlace, Report, ReportEntry};

/// Where an outcome that is accepted finds its point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Found {
    /// The claim still holds. `cancel_requested`: the sweep was cancelled since.
    Claimed { cancel_requested: bool },
    /// The claim was reported lost, and nobody has claimed the job since.
    Lost(Place),
}

/// Applies a report as a whole. If any claim is stale, applies nothing and returns the indices of the stale ones. None:
/// applied.
pub(super) fn apply(connection: &Connection, now: u64, report: &Report) -> Done<Option<Vec<u64>>> {
    let Some(sweep) = sweeps::find_submission(connection, &report.sweep, report.submission)? else {
        return Ok(Some(report.entries.iter().map(|entry| entry.index).collect()));
    };
    let (mut found, mut stale, mut seen) = (Vec::new(), Vec::new(), BTreeSet::new());
    for entry in &report.entries {
        match find(connection, now, sweep, entry)? {
            Some(how) if seen.insert(entry.index) => found.push((entry, how)),
            _ if stale.contains(&entry.index) => {}
            _ => stale.push(entry.index),
        }
    }
    if !stale.is_empty() {
        return Ok(Some(stale));
    }
    let mut tally = Tally::default();
    for (entry, how) in found {
        accept(connection, now, sweep, entry, how, &mut tally)?;
    }
    tally.apply_outcomes(connection, sweep, now)?;
    keep_chunk(connection, sweep, report)?;
    for (name, place) in &report.columns {
        keep_column(connection, sweep, name, *place)?;
    }
    Ok(None)
}

/// Finds the point of an outcome. None: the claim is stale.
fn find(connection: &Connection, now: u64, sweep: i64, entry: &ReportEntry) -> Done<Option<Found>> {
    if entry.index >= MAX_POINTS {
        return Ok(None);
    }
    let token = entry.token.cast_signed();
    let lease = "SELECT attempt, token, deadline_ms, doomed FROM leases WHERE sweep = ?1 AND point = ?2";
    let mut lease = connection.prepare_cached(lease)?;
    let lease = lease.query_row(params![sweep, entry.index], |row| {
        let held: (u32, i64) = (row.get(0)?, row.get(1)?);
        Ok((held, row.get::<_, u64>(2)?, row.get::<_, bool>(3)?))
    });
    if let Some((held, deadline, cancel_requested)) = lease.optional()? {
        let may = held == (entry.attempt, token) && (!entry.only_if_expired || deadline <= now);
        return Ok(may.then_some(Found::Claimed { cancel_requested }));
    }
    if entry.only_if_expired {
        return Ok(None);
    }
    let last = "SELECT 1 FROM tries WHERE sweep = ?1 AND point = ?2 AND attempts = ?3 AND token = ?4";
    if !connection.prepare_cached(last)?.exists(params![sweep, entry.index, entry.attempt, token])? {
        return Ok(None);
    }
    Ok(Some(Found::Lost(points::place(connection, sweep, entry.index)?)))
}

fn accept(
    connection: &Connection,
    now: u64,
    sweep: i64,
    entry: &ReportEntry,
    found: Found,
    tally: &mut Tally,
) -> Done<()> {
    let cancelled = match found {
        Found::Claimed { cancel_requested } => {
            let delete = "DELETE FROM leases WHERE sweep = ?1 AND point = ?2";
            connection.prepare_cached(delete)?.execute(params![sweep, entry.index])?;
            tally.running -= 1;
            cancel_requested
        }
        Found::Lost(place) => {
            points::take(connection, sweep, entry.index, place)?;
            tally.count(place, -1);
            place == Place::Cancelled
        }
    };
    let place = destination(entry.verdict, cancelled, now);
    points::put(connection, sweep, entry.index, place)?;
    tally.count(place, 1);
    if place == Place::Succeeded {
        points::forget_tries(connection, sweep, entry.index)?;
    } else {
        // A claim has one outcome. Only if it was reported lost may the worker's own outcome still arrive, so only then
        // the token is kept.
        let token = entry.only_if_expired.then_some(entry.token);
        points::keep_tries(connection, sweep, entry.index, entry.tries, token)?;
    }
    if let Some(output) = &entry.output {
        let insert = "INSERT OR REPLACE INTO outputs (sweep, point, attempt, output) VALUES (?1, ?2, ?3, ?4)";
        connection.prepare_cached(insert)?.execute(params![sweep, entry.index, entry.attempt, output])?;
    }
    Ok(())
}

/// The place to which a verdict moves a point. A cancelled point does not go back in the queue.
fn destination(verdict: Verdict, cancelled: bool, now: u64) -> Place {
    match verdict {
        Verdict::Succeeded => Place::Succeeded,
        Verdict::Failed => Place::Failed,
        Verdict::Cancelled => Place::Cancelled,
        Verdict::Again { .. } if cancelled => Place::Cancelled,
        Verdict::Again { delay_ms: 0 } => Place::Ready,
        // SQLite's numbers end at 2^63 ms, which is 292 million years.
        Verdict::Again { delay_ms } => Place::Delayed(now.saturating_add(delay_ms).min(i64::MAX as u64)),
    }
}

fn keep_chunk(connection: &Connection, sweep: i64, report: &Report) -> Done<()> {
    if !report.chunk.is_empty() {
        let insert = "INSERT INTO chunks (sweep, block, chunk) VALUES (?1, ?2, ?3)";
        connection.prepare_cached(insert)?.execute(params![sweep, report.block, report.chunk])?;
    }
    Ok(())
}

/// Compaction: replaces the chunks `read` at the start of a block's log by `chunk`. Returns whether it did, see
/// [`History::compact`](crate::store::History::compact).
pub(super) fn compact(connection: &Connection, sweep: i64, block: u64, read: &[Vec<u8>], chunk: &[u8]) -> Done<bool> {
    let ids = "SELECT id FROM chunks WHERE sweep = ?1 AND block = ?2 ORDER BY id LIMIT ?3";
    let mut ids = connection.prepare_cached(ids)?;
    // SQLite's numbers are larger than every block.
    let block = block.min(i64::MAX as u64);
    let ids: Vec<i64> =
        ids.query_map(params![sweep, block, read.len()], |row| row.get(0))?.collect::<Result<_, _>>()?;
    let (Some(first), [id, rest @ ..]) = (read.first(), ids.as_slice()) else { return Ok(false) };
    if ids.len() < read.len() {
        return Ok(false);
    }
    let replace = "UPDATE chunks SET chunk = ?3 WHERE id = ?1 AND chunk = ?2";
    if connection.prepare_cached(replace)?.execute(params![id, first, chunk])? == 0 {
        return Ok(false);
    }
    let mut delete = connection.prepare_cached("DELETE FROM chunks WHERE id = ?1")?;
    for id in rest {
        delete.execute([id])?;
    }
    Ok(true)
}

fn keep_column(connection: &Connection, sweep: i64, name: &str, place: ColumnPlace) -> Done<()> {
    let upsert = "INSERT INTO columns VALUES (?1, ?2, ?3, ?4)
                  ON CONFLICT DO UPDATE SET point = excluded.point, position = excluded.position
                  WHERE (excluded.point, excluded.position) < (point, position)";
    connection.prepare_cached(upsert)?.execute(params![sweep, name, place.index, place.position])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verdict_decides_where_a_point_goes_unless_it_is_cancelled() {
        let again = |delay_ms| Verdict::Again { delay_ms };
        assert_eq!(destination(again(0), false, 1000), Place::Ready);
        assert_eq!(destination(again(7), false, 1000), Place::Delayed(1007));
        assert_eq!(destination(again(u64::MAX), false, 1000), Place::Delayed(i64::MAX as u64));
        assert_eq!(destination(again(0), true, 1000), Place::Cancelled);
        assert_eq!(destination(again(7), true, 1000), Place::Cancelled);
        assert_eq!(destination(Verdict::Succeeded, true, 1000), Place::Succeeded);
        assert_eq!(destination(Verdict::Failed, true, 1000), Place::Failed);
        assert_eq!(destination(Verdict::Cancelled, false, 1000), Place::Cancelled);
    }
}
