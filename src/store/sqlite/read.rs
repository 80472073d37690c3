//! Owns the requests that only read: backlog, spans, points, logs, columns, outputs.

use std::ops::Range;

use rusqlite::{Connection, OptionalExtension, params};

use super::error::Done;
use super::points::{self, Place};
use super::ranges::{self, Kept};
use super::sweeps;
use crate::job::{AttemptCounts, JobState, SweepId};
use crate::store::{Backlog, BlockLog, PointSet, Scope, Span, StoreError};

/// The most paused sweeps of one queue that a backlog names.
const MOST_PAUSED: u32 = 100;

/// What there is to do within a scope. O(unfinished sweeps of the scope that are not paused).
pub(super) fn backlog(connection: &Connection, now: u64, scope: &Scope) -> Done<Backlog> {
    let mut backlog = Backlog::default();
    match scope {
        Scope::Sweep(id) => {
            let sweep = sweeps::key(connection, id)?;
            add_backlog(connection, now, "key = ?1", sweep, &mut backlog)?;
        }
        Scope::Queues(queues) => {
            for (n, queue) in queues.iter().enumerate() {
                if !queues.iter().take(n).any(|earlier| earlier == queue) {
                    add_backlog(connection, now, "queue = ?1", queue, &mut backlog)?;
                }
            }
        }
    }
    Ok(backlog)
}

fn add_backlog(
    connection: &Connection,
    now: u64,
    which: &str,
    value: impl rusqlite::ToSql + Copy,
    backlog: &mut Backlog,
) -> Done<()> {
    // Both queries repeat the condition of their index in `schema.sql`.
    let unpaused = format!(
        "SELECT pending, delayed, running, CASE WHEN delayed > 0 THEN
             (SELECT count(*) FROM delayed WHERE delayed.sweep = sweeps.key AND due_ms <= ?2) ELSE 0 END
         FROM sweeps WHERE {which} AND pending + running > 0 AND paused IS NULL"
    );
    let mut unpaused = connection.prepare_cached(&unpaused)?;
    let mut rows = unpaused.query(params![value, now])?;
    while let Some(row) = rows.next()? {
        let (pending, delayed, running, due): (u64, u64, u64, u64) = row.try_into()?;
        backlog.ready += pending.saturating_sub(delayed).saturating_add(due);
        backlog.delayed += delayed.saturating_sub(due);
        backlog.leased += running;
    }
    let paused = format!(
        "SELECT name, number FROM sweeps WHERE {which} AND pending + running > 0 AND paused IS NOT NULL
         ORDER BY key LIMIT ?2"
    );
    let mut paused = connection.prepare_cached(&paused)?;
    let rows =
        paused.query_map(params![value, MOST_PAUSED], |row| Ok(SweepId { name: row.get(0)?, number: row.get(1)? }))?;
    for row in rows {
        backlog.paused.push(row?);
    }
    Ok(())
}

/// Up to `limit` spans of a set that end after `from`.
pub(super) fn spans(connection: &Connection, sweep: i64, set: PointSet, from: u64, limit: usize) -> Done<Vec<Span>> {
    // Larger numbers than SQLite has are beyond every point, and a larger limit than there are points.
    let (from, limit) = (from.min(i64::MAX as u64), limit.min(u32::MAX as usize));
    match set {
        PointSet::Pending => pending(connection, sweep, from, limit),
        PointSet::Cancelled => {
            let ranges = ranges::list(connection, sweep, Kept::Cancelled, from, limit)?;
            Ok(ranges.into_iter().map(|indices| Span { indices, state: JobState::Cancelled }).collect())
        }
        PointSet::Failed => {
            let points = "SELECT point, NULL FROM failed WHERE sweep = ?1 AND point >= ?2 ORDER BY point LIMIT ?3";
            single(connection, points, (sweep, from, limit), |_| Ok(JobState::Failed))
        }
        PointSet::Running => {
            let points = "SELECT point, attempt, worker, started_ms FROM leases WHERE sweep = ?1 AND point >= ?2
                          ORDER BY point LIMIT ?3";
            single(connection, points, (sweep, from, limit), |row| {
                Ok(JobState::Running { attempt: row.get(1)?, worker: row.get(2)?, started_ms: row.get(3)? })
            })
        }
    }
}

/// Ready and delayed points, in the order of their indices.
fn pending(connection: &Connection, sweep: i64, from: u64, limit: usize) -> Done<Vec<Span>> {
    let ready = ranges::list(connection, sweep, Kept::Ready, from, limit)?;
    let ready = ready.into_iter().map(|indices| Span { indices, state: JobState::Pending { due_ms: None } });
    let delayed = "SELECT point, due_ms FROM delayed WHERE sweep = ?1 AND point >= ?2 ORDER BY point LIMIT ?3";
    let mut spans =
        single(connection, delayed, (sweep, from, limit), |row| Ok(JobState::Pending { due_ms: Some(row.get(1)?) }))?;
    spans.extend(ready);
    spans.sort_by_key(|span| span.indices.start);
    spans.truncate(limit);
    Ok(spans)
}

/// Spans of one point each.
fn single(
    connection: &Connection,
    points: &str,
    which: (i64, u64, usize),
    state: impl Fn(&rusqlite::Row<'_>) -> rusqlite::Result<JobState>,
) -> Done<Vec<Span>> {
    let mut points = connection.prepare_cached(points)?;
    let rows = points.query_map(which, |row| {
        let point: u64 = row.get(0)?;
        Ok(Span { indices: point..point + 1, state: state(row)? })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The state of a point, with its attempt counts unless it has succeeded.
pub(super) fn point(connection: &Connection, id: &SweepId, index: u64) -> Done<(JobState, Option<AttemptCounts>)> {
    let sweep = sweeps::key(connection, id)?;
    let total = sweeps::counts(connection, sweep)?.total;
    if index >= total {
        return Err(StoreError::refused(format!("{id} has no point {index}"))
            .remedy(format!("its {total} points have the indices from 0"))
            .into());
    }
    let lease = "SELECT attempt, worker, started_ms, failures, losses FROM leases WHERE sweep = ?1 AND point = ?2";
    let lease = connection.prepare_cached(lease)?.query_row(params![sweep, index], |row| {
        let attempt = row.get(0)?;
        let state = JobState::Running { attempt, worker: row.get(1)?, started_ms: row.get(2)? };
        Ok((state, Some(AttemptCounts { attempts: attempt, failures: row.get(3)?, losses: row.get(4)? })))
    });
    if let Some(running) = lease.optional()? {
        return Ok(running);
    }
    let state = match points::place(connection, sweep, index)? {
        Place::Succeeded => return Ok((JobState::Succeeded, None)),
        Place::Ready => JobState::Pending { due_ms: None },
        Place::Delayed(due_ms) => JobState::Pending { due_ms: Some(due_ms) },
        Place::Failed => JobState::Failed,
        Place::Cancelled => JobState::Cancelled,
    };
    let tries = "SELECT attempts, failures, losses FROM tries WHERE sweep = ?1 AND point = ?2";
    let tries = connection.prepare_cached(tries)?.query_row(params![sweep, index], |row| {
        Ok(AttemptCounts { attempts: row.get(0)?, failures: row.get(1)?, losses: row.get(2)? })
    });
    Ok((state, Some(tries.optional()?.unwrap_or_default())))
}

/// The logs of a range of blocks.
pub(super) fn log(connection: &Connection, sweep: i64, blocks: Range<u64>) -> Done<Vec<BlockLog>> {
    let blocks = blocks.start.min(i64::MAX as u64)..blocks.end.min(i64::MAX as u64);
    let chunks = "SELECT block, chunk FROM chunks WHERE sweep = ?1 AND block >= ?2 AND block < ?3 ORDER BY block, id";
    let mut chunks = connection.prepare_cached(chunks)?;
    let mut rows = chunks.query(params![sweep, blocks.start, blocks.end])?;
    let mut log: Vec<BlockLog> = Vec::new();
    while let Some(row) = rows.next()? {
        let (block, chunk) = (row.get(0)?, row.get(1)?);
        match log.last_mut() {
            Some((last, chunks)) if *last == block => chunks.push(chunk),
            _ => log.push((block, vec![chunk])),
        }
    }
    Ok(log)
}

/// The result columns, in the order of their first appearance.
pub(super) fn columns(connection: &Connection, sweep: i64) -> Done<Vec<String>> {
    let names = "SELECT name FROM columns WHERE sweep = ?1 ORDER BY point, position, name";
    let mut names = connection.prepare_cached(names)?;
    let rows = names.query_map([sweep], |row| row.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The output of attempts.
pub(super) fn outputs(connection: &Connection, sweep: i64, attempts: &[(u64, u32)]) -> Done<Vec<Option<Vec<u8>>>> {
    let output = "SELECT output FROM outputs WHERE sweep = ?1 AND point = ?2 AND attempt = ?3";
    let mut output = connection.prepare_cached(output)?;
    let mut find = |(index, attempt): &(u64, u32)| {
        let index = (*index).min(i64::MAX as u64);
        output.query_row(params![sweep, index, attempt], |row| row.get(0)).optional()
    };
    Ok(attempts.iter().map(&mut find).collect::<Result<_, _>>()?)
}
