//! Owns staged sweeps: built part by part with points reused from older sweeps, then submitted as a whole.

use rusqlite::{Connection, OptionalExtension, params};

use super::error::Done;
use super::inputs;
use super::ranges::Kept;
use super::sweeps;
use crate::job::SweepId;
use crate::store::{STAGING_TIMEOUT, StagedPart, StagedSweep, incomplete, staging_timed_out};

/// The row of a staged sweep.
struct Row {
    key: i64,
    number: u64,
    parts: u64,
    reused: u64,
    ready: u64,
}

fn find(connection: &Connection, staged: &StagedSweep) -> Done<Option<Row>> {
    let row = "SELECT key, number, parts, reused, ready FROM drafts WHERE token = ?1";
    let mut row = connection.prepare_cached(row)?;
    let row = row.query_row([&staged.token], |row| {
        let (key, number, parts, reused, ready) = row.try_into()?;
        Ok(Row { key, number, parts, reused, ready })
    });
    Ok(row.optional()?)
}

/// Starts a staged sweep, once for each token.
pub(super) fn stage(connection: &Connection, now: u64, staged: &StagedSweep) -> Done<SweepId> {
    drop_timed_out(connection, now)?;
    let name = staged.sweep.name.clone();
    if let Some(Row { number, .. }) = find(connection, staged)? {
        return Ok(SweepId { name, number });
    }
    staged.sweep.check()?;
    let number = sweeps::count_up(connection, &name)?;
    // Keys are never used again, so inserting a row and deleting it in the same transaction reserves its key.
    let reserve = "INSERT INTO sweeps (name, number, request, queue, user, submitted_ms, total, pending)
                   VALUES (?1, ?2, ?3, '', '', 0, 0, 0)";
    connection.prepare_cached(reserve)?.execute(params![name, number, staged.token])?;
    let key = connection.last_insert_rowid();
    connection.prepare_cached("DELETE FROM sweeps WHERE key = ?1")?.execute([key])?;
    let insert = "INSERT INTO drafts (token, key, number, heard_ms) VALUES (?1, ?2, ?3, ?4)";
    connection.prepare_cached(insert)?.execute(params![staged.token, key, number, now])?;
    Ok(SweepId { name, number })
}

/// Adds a part, once.
pub(super) fn add(connection: &Connection, now: u64, staged: &StagedSweep, part: &StagedPart) -> Done<()> {
    let Some(row) = find(connection, staged)? else { return Err(staging_timed_out(staged).into()) };
    if part.part < row.parts {
        return Ok(());
    }
    let mut chunk = connection.prepare_cached("INSERT INTO chunks (sweep, block, chunk) VALUES (?1, ?2, ?3)")?;
    for (block, bytes) in &part.chunks {
        chunk.execute(params![row.key, block, bytes])?;
    }
    let mut range = connection.prepare_cached("INSERT INTO ranges VALUES (?1, ?2, ?3, ?4)")?;
    for ready in &part.ready {
        range.execute(params![row.key, Kept::Ready as u8, ready.start, ready.end])?;
    }
    let mut column = connection.prepare_cached("INSERT INTO columns VALUES (?1, ?2, ?3, ?4)")?;
    for (name, place) in &part.columns {
        column.execute(params![row.key, name, place.index, place.position])?;
    }
    let ready: u64 = part.ready.iter().map(|range| range.end - range.start).sum();
    let update =
        "UPDATE drafts SET parts = ?2, reused = reused + ?3, ready = ready + ?4, heard_ms = ?5 WHERE token = ?1";
    connection.prepare_cached(update)?.execute(params![staged.token, part.part + 1, part.points, ready, now])?;
    Ok(())
}

/// Submits the staged sweep, unless its request has submitted another one meanwhile.
pub(super) fn commit(connection: &Connection, now: u64, staged: &StagedSweep) -> Done<SweepId> {
    let row = find(connection, staged)?;
    let new = &staged.sweep;
    if let Some(id) = sweeps::find_request(connection, &new.request)? {
        if row.is_some() {
            clear(connection, "token = ?1", &staged.token)?;
        }
        return Ok(id);
    }
    let Some(Row { key, number, reused, ready, .. }) = row else { return Err(staging_timed_out(staged).into()) };
    if reused + ready != new.total {
        return Err(incomplete(staged, reused + ready).into());
    }
    let insert = "INSERT INTO sweeps (key, name, number, request, queue, user, submitted_ms, total, pending, succeeded,
                  reused) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?10)";
    let values = params![key, new.name, number, new.request, new.queue, new.user, now, new.total, ready, reused];
    connection.prepare_cached(insert)?.execute(values)?;
    sweeps::keep_document(connection, key, &new.document)?;
    inputs::add(connection, key, &new.inputs)?;
    connection.prepare_cached("DELETE FROM drafts WHERE token = ?1")?.execute([&staged.token])?;
    Ok(SweepId { name: new.name.clone(), number })
}

/// Drops the staged sweeps that have timed out.
pub(super) fn drop_timed_out(connection: &Connection, now: u64) -> Done<()> {
    clear(connection, "heard_ms < ?1", now.saturating_sub(STAGING_TIMEOUT.as_millis() as u64))
}

/// Drops the staged sweeps for which the condition `which` holds. [`sweeps::clear`] deletes their logs, which may be large.
fn clear(connection: &Connection, which: &str, value: impl rusqlite::ToSql) -> Done<()> {
    let mut forget = connection.prepare_cached(&format!("DELETE FROM drafts WHERE {which} RETURNING key"))?;
    let keys: Vec<i64> = forget.query_map([value], |row| row.get(0))?.collect::<Result<_, _>>()?;
    for key in keys {
        for table in ["ranges", "columns"] {
            connection.prepare_cached(&format!("DELETE FROM {table} WHERE sweep = ?1"))?.execute([key])?;
        }
        connection.prepare_cached("INSERT INTO removed VALUES (?1)")?.execute([key])?;
    }
    Ok(())
}
