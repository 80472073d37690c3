//! Owns the two sets of points that are kept as ranges: ready and cancelled.
//!
//! Each function takes O(log n + k) for n ranges in the set and k ranges that it reads or changes.

use std::ops::Range;

use rusqlite::{Connection, OptionalExtension, params};

use super::error::Done;

/// Which set. The numbers are those of the column `state`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kept {
    /// Ready to be claimed.
    Ready = 0,
    /// Cancelled.
    Cancelled = 1,
}

/// Adds points to a set, none of which is in it, and merges them with neighbouring ranges.
pub(super) fn put(connection: &Connection, sweep: i64, kept: Kept, points: Range<u64>) -> Done<()> {
    if points.is_empty() {
        return Ok(());
    }
    let Range { start: mut first, end: mut past } = points;
    if let Some(before) = at_or_before(connection, sweep, kept, first)?
        && before.end == first
    {
        delete(connection, sweep, kept, before.start)?;
        first = before.start;
    }
    let joined = "DELETE FROM ranges WHERE sweep = ?1 AND state = ?2 AND first = ?3 RETURNING past";
    let mut joined = connection.prepare_cached(joined)?;
    if let Some(end) = joined.query_row(params![sweep, kept as u8, past], |row| row.get(0)).optional()? {
        past = end;
    }
    insert(connection, sweep, kept, first..past)
}

/// Removes those of some points that are in the set. Returns them in order.
pub(super) fn take(connection: &Connection, sweep: i64, kept: Kept, points: Range<u64>) -> Done<Vec<Range<u64>>> {
    let mut taken = Vec::new();
    if points.is_empty() {
        return Ok(taken);
    }
    let mut touched: Vec<Range<u64>> = Vec::new();
    if let Some(before) = at_or_before(connection, sweep, kept, points.start)? {
        touched.push(before);
    }
    let within = "SELECT first, past FROM ranges WHERE sweep = ?1 AND state = ?2 AND first > ?3 AND first < ?4
                  ORDER BY first";
    let mut within = connection.prepare_cached(within)?;
    let rows = within.query_map(params![sweep, kept as u8, points.start, points.end], read)?;
    for row in rows {
        touched.push(row?);
    }
    for range in touched {
        let cut = range.start.max(points.start)..range.end.min(points.end);
        if cut.is_empty() {
            continue;
        }
        delete(connection, sweep, kept, range.start)?;
        insert(connection, sweep, kept, range.start..cut.start)?;
        insert(connection, sweep, kept, cut.end..range.end)?;
        taken.push(cut);
    }
    Ok(taken)
}

/// Removes one point. Returns whether it was in the set.
pub(super) fn take_point(connection: &Connection, sweep: i64, kept: Kept, point: u64) -> Done<bool> {
    Ok(!take(connection, sweep, kept, point..point + 1)?.is_empty())
}

/// Removes up to `most` points, the smallest first. Returns them in order.
pub(super) fn take_first(connection: &Connection, sweep: i64, kept: Kept, most: u64) -> Done<Vec<Range<u64>>> {
    let (mut taken, mut left) = (Vec::new(), most);
    let smallest = "SELECT first, past FROM ranges WHERE sweep = ?1 AND state = ?2 ORDER BY first LIMIT 1";
    let mut smallest = connection.prepare_cached(smallest)?;
    while left > 0 {
        let Some(range) = smallest.query_row(params![sweep, kept as u8], read).optional()? else { break };
        let cut = range.start + left.min(range.end - range.start);
        delete(connection, sweep, kept, range.start)?;
        insert(connection, sweep, kept, cut..range.end)?;
        left -= cut - range.start;
        taken.push(range.start..cut);
    }
    Ok(taken)
}

/// Whether a point is in the set.
pub(super) fn contains(connection: &Connection, sweep: i64, kept: Kept, point: u64) -> Done<bool> {
    Ok(at_or_before(connection, sweep, kept, point)?.is_some_and(|range| range.contains(&point)))
}

/// Up to `limit` ranges that end after `from`, in order.
pub(super) fn list(connection: &Connection, sweep: i64, kept: Kept, from: u64, limit: usize) -> Done<Vec<Range<u64>>> {
    let start = at_or_before(connection, sweep, kept, from)?.map_or(from, |range| range.start);
    let following = "SELECT first, past FROM ranges WHERE sweep = ?1 AND state = ?2 AND first >= ?3 AND past > ?4
                     ORDER BY first LIMIT ?5";
    let mut following = connection.prepare_cached(following)?;
    let rows = following.query_map(params![sweep, kept as u8, start, from, limit], read)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The last range that starts at a point or before it.
fn at_or_before(connection: &Connection, sweep: i64, kept: Kept, point: u64) -> Done<Option<Range<u64>>> {
    let before = "SELECT first, past FROM ranges WHERE sweep = ?1 AND state = ?2 AND first <= ?3
                  ORDER BY first DESC LIMIT 1";
    let mut before = connection.prepare_cached(before)?;
    Ok(before.query_row(params![sweep, kept as u8, point], read).optional()?)
}

fn insert(connection: &Connection, sweep: i64, kept: Kept, range: Range<u64>) -> Done<()> {
    if !range.is_empty() {
        let mut insert = connection.prepare_cached("INSERT INTO ranges VALUES (?1, ?2, ?3, ?4)")?;
        insert.execute(params![sweep, kept as u8, range.start, range.end])?;
    }
    Ok(())
}

fn delete(connection: &Connection, sweep: i64, kept: Kept, first: u64) -> Done<()> {
    let delete = "DELETE FROM ranges WHERE sweep = ?1 AND state = ?2 AND first = ?3";
    connection.prepare_cached(delete)?.execute(params![sweep, kept as u8, first])?;
    Ok(())
}

fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<Range<u64>> {
    Ok(row.get(0)?..row.get(1)?)
}
