//! Owns whole sweeps: submit, find, pause, cancel, put points back in the queue, remove.

use std::ops::Range;

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::error::Done;
use super::inputs;
use super::points::{self, Place, Tally};
use super::ranges::{self, Kept};
use crate::job::{AttemptCounts, MAX_POINTS, SweepId};
use crate::record;
use crate::store::{Counts, NewSweep, Rerun, StoreError, SweepRow};

/// The key of a sweep. None: there is no such sweep.
pub(super) fn find(connection: &Connection, id: &SweepId) -> Done<Option<i64>> {
    let key = "SELECT key FROM sweeps WHERE name = ?1 AND number = ?2";
    let mut key = connection.prepare_cached(key)?;
    // SQLite's numbers are larger than every sweep's.
    let Ok(number) = i64::try_from(id.number) else { return Ok(None) };
    Ok(key.query_row(params![id.name, number], |row| row.get(0)).optional()?)
}

/// The key of a sweep if it has this submission.
pub(super) fn find_submission(connection: &Connection, id: &SweepId, submission: u64) -> Done<Option<i64>> {
    let Some(sweep) = find(connection, id)? else { return Ok(None) };
    let mut same = connection.prepare_cached("SELECT 1 FROM sweeps WHERE key = ?1 AND submitted_ms = ?2")?;
    // SQLite's numbers are larger than every time.
    let submission = submission.min(i64::MAX as u64);
    Ok(same.exists(params![sweep, submission])?.then_some(sweep))
}

/// The key of a sweep, or the error that there is no such sweep.
pub(super) fn key(connection: &Connection, id: &SweepId) -> Done<i64> {
    Ok(find(connection, id)?.ok_or_else(|| StoreError::no_such_sweep(id))?)
}

/// The sweep that a request has submitted. None: it has submitted none yet.
pub(super) fn find_request(connection: &Connection, request: &str) -> Done<Option<SweepId>> {
    let sweep = "SELECT name, number FROM sweeps WHERE request = ?1";
    let id = |row: &Row<'_>| Ok(SweepId { name: row.get(0)?, number: row.get(1)? });
    Ok(connection.prepare_cached(sweep)?.query_row([request], id).optional()?)
}

/// Gives out the next number of a name.
pub(super) fn count_up(connection: &Connection, name: &str) -> Done<u64> {
    let count = "INSERT INTO names VALUES (?1, 1) ON CONFLICT DO UPDATE SET last = last + 1 RETURNING last";
    Ok(connection.prepare_cached(count)?.query_row([name], |row| row.get(0))?)
}

/// Submits a sweep, once for each request.
pub(super) fn submit(connection: &Connection, now: u64, new: &NewSweep) -> Done<SweepId> {
    if let Some(id) = find_request(connection, &new.request)? {
        return Ok(id);
    }
    new.check()?;
    let number = count_up(connection, &new.name)?;
    let insert = "INSERT INTO sweeps (name, number, request, queue, user, submitted_ms, total, pending)
                  VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7)";
    let values = params![new.name, number, new.request, new.queue, new.user, now, new.total];
    connection.prepare_cached(insert)?.execute(values)?;
    let sweep = connection.last_insert_rowid();
    keep_document(connection, sweep, &new.document)?;
    inputs::add(connection, sweep, &new.inputs)?;
    ranges::put(connection, sweep, Kept::Ready, 0..new.total)?;
    Ok(SweepId { name: new.name.clone(), number })
}

/// Writes the document of a sweep.
pub(super) fn keep_document(connection: &Connection, sweep: i64, document: &[u8]) -> Done<()> {
    let insert = "INSERT OR REPLACE INTO documents VALUES (?1, ?2)";
    connection.prepare_cached(insert)?.execute(params![sweep, document])?;
    Ok(())
}

/// Replaces the document and the queue of a sweep.
pub(super) fn replace_document(connection: &Connection, sweep: i64, queue: &str, document: &[u8]) -> Done<()> {
    connection.prepare_cached("UPDATE sweeps SET queue = ?2 WHERE key = ?1")?.execute(params![sweep, queue])?;
    keep_document(connection, sweep, document)
}

const ROW: &str = "SELECT name, number, queue, user, submitted_ms, last_outcome_ms, paused, total, pending, running,
                   succeeded, failed, cancelled, reused, forgiven FROM sweeps";

fn read_row(row: &Row<'_>) -> rusqlite::Result<SweepRow> {
    Ok(SweepRow {
        id: SweepId { name: row.get(0)?, number: row.get(1)? },
        queue: row.get(2)?,
        user: row.get(3)?,
        submitted_ms: row.get(4)?,
        last_outcome_ms: row.get(5)?,
        paused: row.get(6)?,
        failed_at_resume: row.get(14)?,
        counts: Counts {
            total: row.get(7)?,
            pending: row.get(8)?,
            running: row.get(9)?,
            succeeded: row.get(10)?,
            failed: row.get(11)?,
            cancelled: row.get(12)?,
            reused: row.get(13)?,
        },
    })
}

/// All sweeps, newest first.
pub(super) fn rows(connection: &Connection) -> Done<Vec<SweepRow>> {
    let mut rows = connection.prepare_cached(&format!("{ROW} ORDER BY key DESC"))?;
    let rows = rows.query_map([], read_row)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// One sweep.
pub(super) fn row(connection: &Connection, sweep: i64) -> Done<SweepRow> {
    let mut row = connection.prepare_cached(&format!("{ROW} WHERE key = ?1"))?;
    Ok(row.query_row([sweep], read_row)?)
}

/// The counts of one sweep.
pub(super) fn counts(connection: &Connection, sweep: i64) -> Done<Counts> {
    Ok(row(connection, sweep)?.counts)
}

/// Pauses a sweep, or resumes it and records how many points have failed until then.
pub(super) fn set_paused(connection: &Connection, sweep: i64, reason: Option<&str>) -> Done<()> {
    let update = "UPDATE sweeps SET paused = ?2, forgiven = CASE WHEN ?2 IS NULL THEN failed ELSE forgiven END
                  WHERE key = ?1";
    connection.prepare_cached(update)?.execute(params![sweep, reason])?;
    Ok(())
}

/// Pauses a sweep that is not paused and was not resumed since the caller read it. Returns whether it is now paused for
/// this reason.
pub(super) fn pause_unless_resumed(
    connection: &Connection,
    sweep: i64,
    failed_at_resume: u64,
    reason: &str,
) -> Done<bool> {
    let update = "UPDATE sweeps SET paused = ?3 WHERE key = ?1 AND paused IS NULL AND forgiven = ?2";
    connection.prepare_cached(update)?.execute(params![sweep, failed_at_resume.min(MAX_POINTS), reason])?;
    let mut paused = connection.prepare_cached("SELECT 1 FROM sweeps WHERE key = ?1 AND paused = ?2")?;
    Ok(paused.exists(params![sweep, reason])?)
}

/// Cancels the ready and delayed points, and marks the leases.
pub(super) fn cancel(connection: &Connection, sweep: i64) -> Done<Counts> {
    let each = [
        "UPDATE ranges SET state = 1 WHERE sweep = ?1 AND state = 0",
        "INSERT INTO ranges SELECT sweep, 1, point, point + 1 FROM delayed WHERE sweep = ?1",
        "DELETE FROM delayed WHERE sweep = ?1",
        "UPDATE leases SET doomed = 1 WHERE sweep = ?1",
        "UPDATE sweeps SET cancelled = cancelled + pending, pending = 0, delayed = 0 WHERE key = ?1",
    ];
    for statement in each {
        connection.prepare_cached(statement)?.execute([sweep])?;
    }
    counts(connection, sweep)
}

/// Puts the failed and cancelled points of some ranges back in the queue. Returns how many.
pub(super) fn requeue(connection: &Connection, sweep: i64, chosen: &[Range<u64>]) -> Done<u64> {
    let mut moved = 0;
    for range in chosen {
        // Larger numbers than SQLite has are beyond every point.
        let range = range.start.min(MAX_POINTS)..range.end.min(MAX_POINTS);
        let cancelled = ranges::take(connection, sweep, Kept::Cancelled, range.clone())?;
        moved += put_back(connection, sweep, &cancelled, Place::Cancelled)?;
        moved += put_back(connection, sweep, &take_failed(connection, sweep, range)?, Place::Failed)?;
    }
    let forgive = "UPDATE sweeps SET forgiven = min(forgiven, failed) WHERE key = ?1";
    connection.prepare_cached(forgive)?.execute([sweep])?;
    Ok(moved)
}

/// Puts a succeeded point back in the queue and appends a record of that to the log. Returns whether it did.
pub(super) fn rerun(connection: &Connection, sweep: i64, rerun: &Rerun) -> Done<bool> {
    let (index, block) = (rerun.index, record::block_of(rerun.index));
    if index >= counts(connection, sweep)?.total {
        return Ok(false);
    }
    let leased = "SELECT 1 FROM leases WHERE sweep = ?1 AND point = ?2";
    let leased = connection.prepare_cached(leased)?.exists(params![sweep, index])?;
    if leased || points::place(connection, sweep, index)? != Place::Succeeded {
        return Ok(false);
    }
    let chunks = "SELECT count(*) FROM chunks WHERE sweep = ?1 AND block = ?2";
    let chunks: u64 = connection.prepare_cached(chunks)?.query_row(params![sweep, block], |row| row.get(0))?;
    if chunks != rerun.chunks {
        return Ok(false);
    }
    points::keep_tries(
        connection,
        sweep,
        index,
        AttemptCounts { attempts: rerun.attempts, ..AttemptCounts::default() },
        None,
    )?;
    points::put(connection, sweep, index, Place::Ready)?;
    let insert = "INSERT INTO chunks (sweep, block, chunk) VALUES (?1, ?2, ?3)";
    connection.prepare_cached(insert)?.execute(params![sweep, block, rerun.chunk])?;
    let mut tally = Tally::default();
    tally.count(Place::Succeeded, -1);
    tally.count(Place::Ready, 1);
    tally.apply(connection, sweep)?;
    Ok(true)
}

/// Removes the failed points of a range from their set. Returns them as ranges.
fn take_failed(connection: &Connection, sweep: i64, range: Range<u64>) -> Done<Vec<Range<u64>>> {
    let failed = "SELECT point FROM failed WHERE sweep = ?1 AND point >= ?2 AND point < ?3 ORDER BY point";
    let mut failed = connection.prepare_cached(failed)?;
    let mut runs: Vec<Range<u64>> = Vec::new();
    for point in failed.query_map(params![sweep, range.start, range.end], |row| row.get(0))? {
        let point: u64 = point?;
        match runs.last_mut() {
            Some(run) if run.end == point => run.end += 1,
            _ => runs.push(point..point + 1),
        }
    }
    let delete = "DELETE FROM failed WHERE sweep = ?1 AND point >= ?2 AND point < ?3";
    connection.prepare_cached(delete)?.execute(params![sweep, range.start, range.end])?;
    Ok(runs)
}

/// Puts points that were removed from the set `from` in the queue. Their failures and losses count from zero. Returns how
/// many points.
fn put_back(connection: &Connection, sweep: i64, runs: &[Range<u64>], from: Place) -> Done<u64> {
    let anew = "UPDATE tries SET failures = 0, losses = 0 WHERE sweep = ?1 AND point >= ?2 AND point < ?3";
    let mut anew = connection.prepare_cached(anew)?;
    let mut moved = 0;
    for run in runs {
        anew.execute(params![sweep, run.start, run.end])?;
        ranges::put(connection, sweep, Kept::Ready, run.clone())?;
        moved += run.end - run.start;
    }
    let mut tally = Tally::default();
    tally.count(from, -(moved as i64));
    tally.count(Place::Ready, moved as i64);
    tally.apply(connection, sweep)?;
    Ok(moved)
}

/// Removes a sweep. [`clear`] deletes its logs and outputs, which may be large.
pub(super) fn remove(connection: &Connection, id: &SweepId, force: bool) -> Done<()> {
    let sweep = key(connection, id)?;
    let running = counts(connection, sweep)?.running;
    if running > 0 && !force {
        let jobs = if running == 1 { "job" } else { "jobs" };
        return Err(StoreError::refused(format!("{id} has {running} running {jobs}"))
            .remedy(format!("`sweep cancel {id}` ends them first; `sweep rm --force {id}` removes the sweep at once"))
            .into());
    }
    let tables =
        ["documents", "inputs", "input_summaries", "ranges", "delayed", "failed", "leases", "tries", "columns"];
    for table in tables {
        connection.execute(&format!("DELETE FROM {table} WHERE sweep = ?1"), [sweep])?;
    }
    connection.execute("DELETE FROM sweeps WHERE key = ?1", [sweep])?;
    connection.execute("INSERT INTO removed VALUES (?1)", [sweep])?;
    Ok(())
}

/// Deletes a part of the logs and outputs of removed sweeps. Returns whether there may be more. In parts, so that no other
/// request waits for long. If the process is killed before the end, the next command that removes a sweep does the rest.
pub(super) fn clear(connection: &Connection) -> Done<bool> {
    const PART: usize = 2_000;
    let next = "SELECT sweep FROM removed LIMIT 1";
    let next: Option<i64> = connection.prepare_cached(next)?.query_row([], |row| row.get(0)).optional()?;
    let Some(sweep) = next else { return Ok(false) };
    let mut gone = 0;
    for table in ["chunks", "outputs"] {
        let part = format!("DELETE FROM {table} WHERE id IN (SELECT id FROM {table} WHERE sweep = ?1 LIMIT ?2)");
        gone += connection.prepare_cached(&part)?.execute(params![sweep, PART])?;
    }
    if gone == 0 {
        connection.execute("DELETE FROM removed WHERE sweep = ?1", [sweep])?;
    }
    Ok(true)
}
