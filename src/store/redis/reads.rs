//! Owns what only reads: rows, spans, points, logs. These are plain commands, run as one step where their replies must
//! fit together.

use std::ops::Range;

use itertools::Itertools;

use super::decode::{self, HEADER, Header, Lease};
use super::snapshot::Snapshot;
use super::{RedisStore, header, key};
use crate::job::{AttemptCounts, JobState, MAX_POINTS, SweepId};
use crate::store::{BlockLog, PointSet, Result, Span, StoreError, SweepRow};

/// The most blocks that one request reads; of rows, 16 times as many.
const AT_ONCE: usize = 64;

/// The error that there is no such sweep, unless it exists.
pub(super) fn known(id: &SweepId, exists: bool) -> Result<()> {
    if exists { Ok(()) } else { Err(StoreError::no_such_sweep(id)) }
}

pub(super) fn sweeps(store: &RedisStore) -> Result<Vec<SweepRow>> {
    let (ids,): (Vec<String>,) =
        store.connection.pipe(redis::pipe().cmd("ZREVRANGE").arg("sweep:ids").arg(0).arg(-1))?;
    let ids: Vec<SweepId> = ids.iter().map(|id| decode::sweep_id(id)).collect::<Result<_>>()?;
    let mut rows = Vec::with_capacity(ids.len());
    for ids in ids.chunks(AT_ONCE * 16) {
        let mut commands = redis::pipe();
        for id in ids {
            commands.cmd("HMGET").arg(header(id)).arg(&HEADER);
        }
        let headers: Vec<Header> = store.connection.pipe(&commands)?;
        for (id, header) in ids.iter().zip(headers) {
            // A sweep that was removed since is omitted.
            rows.extend(decode::sweep_row(id, header)?);
        }
    }
    Ok(rows)
}

pub(super) fn sweep(store: &RedisStore, id: &SweepId) -> Result<SweepRow> {
    let (fields,): (Header,) = store.connection.pipe(redis::pipe().cmd("HMGET").arg(header(id)).arg(&HEADER))?;
    decode::sweep_row(id, fields)?.ok_or_else(|| StoreError::no_such_sweep(id))
}

pub(super) fn document(store: &RedisStore, id: &SweepId) -> Result<Vec<u8>> {
    let (exists, document): (bool, Option<Vec<u8>>) =
        store.snapshot(Snapshot::about(id).cmd("GET").arg(key(id, "doc")))?;
    known(id, exists)?;
    document.ok_or_else(|| StoreError::damaged(format!("the document of sweep {id} is missing in Redis")))
}

/// A number in the header of a sweep; 0 if it has no such field.
pub(super) fn header_number(store: &RedisStore, id: &SweepId, field: &str) -> Result<u64> {
    let ((exists, number),): ((Option<u64>, Option<u64>),) =
        store.connection.pipe(redis::pipe().cmd("HMGET").arg(header(id)).arg("serial").arg(field))?;
    known(id, exists.is_some())?;
    Ok(number.unwrap_or_default())
}

pub(super) fn spans(store: &RedisStore, id: &SweepId, set: PointSet, from: u64, limit: usize) -> Result<Vec<Span>> {
    let from = from.min(MAX_POINTS);
    // Redis takes signed numbers.
    let at_most = limit.min(u32::MAX as usize);
    let mut spans = match set {
        PointSet::Pending => pending(store, id, from, at_most)?,
        PointSet::Running => running(store, id, from)?,
        PointSet::Failed => failed(store, id, from, at_most)?,
        PointSet::Cancelled => cancelled(store, id, from, at_most)?,
    };
    spans.sort_by_key(|span| span.indices.start);
    spans.truncate(limit);
    Ok(spans)
}

/// Requests the ranges of a set that end after `from`: the one that may contain it, and those behind.
fn ask_ranges(commands: &mut Snapshot, at: &str, from: u64, limit: usize) {
    commands.cmd("ZREVRANGEBYSCORE").arg(at).arg(from).arg("-inf").arg("LIMIT").arg(0).arg(1);
    commands.cmd("ZRANGEBYSCORE").arg(at).arg(format!("({from}")).arg("+inf").arg("LIMIT").arg(0).arg(limit);
}

fn read_ranges(across: Vec<String>, behind: Vec<String>, from: u64, state: &JobState) -> Result<Vec<Span>> {
    let ranges = across.iter().chain(&behind).map(|text| decode::range(text));
    let spans = ranges.map_ok(|indices| Span { indices, state: state.clone() });
    spans.filter_ok(|span| span.indices.end > from).collect()
}

fn pending(store: &RedisStore, id: &SweepId, from: u64, limit: usize) -> Result<Vec<Span>> {
    let mut commands = Snapshot::about(id);
    ask_ranges(&mut commands, &key(id, "ready"), from, limit);
    let delayed = key(id, "delayed");
    commands.cmd("ZRANGEBYSCORE").arg(delayed).arg(from).arg("+inf").arg("LIMIT").arg(0).arg(limit);
    let (exists, across, behind, delayed): (bool, _, _, Vec<u64>) = store.snapshot(&commands)?;
    known(id, exists)?;
    let mut spans = read_ranges(across, behind, from, &JobState::Pending { due_ms: None })?;
    if !delayed.is_empty() {
        let members: Vec<String> = delayed.iter().map(|index| due_member(*index)).collect();
        let (due,): (Vec<Option<f64>>,) =
            store.connection.pipe(redis::pipe().cmd("ZMSCORE").arg(key(id, "due")).arg(members))?;
        // A point that was claimed since is omitted.
        let waiting = delayed.iter().zip(due).filter_map(|(index, due)| Some((*index, due?)));
        spans.extend(waiting.map(|(index, due)| Span {
            indices: index..index + 1,
            state: JobState::Pending { due_ms: Some(due as u64) },
        }));
    }
    Ok(spans)
}

/// A point as a member of the set of delayed points by time, see `lib.lua`.
fn due_member(index: u64) -> String {
    format!("{index:016}")
}

fn running(store: &RedisStore, id: &SweepId, from: u64) -> Result<Vec<Span>> {
    let (exists, leases): (bool, Vec<(u64, String)>) =
        store.snapshot(Snapshot::about(id).cmd("HGETALL").arg(key(id, "leases")))?;
    known(id, exists)?;
    let spans = leases.into_iter().filter(|(index, _)| *index >= from).map(|(index, lease)| {
        let state = Lease::read(&lease)?.state();
        Ok(Span { indices: index..index + 1, state })
    });
    spans.collect()
}

fn failed(store: &RedisStore, id: &SweepId, from: u64, limit: usize) -> Result<Vec<Span>> {
    let mut commands = Snapshot::about(id);
    commands.cmd("ZRANGEBYSCORE").arg(key(id, "failed")).arg(from).arg("+inf").arg("LIMIT").arg(0).arg(limit);
    let (exists, indices): (bool, Vec<u64>) = store.snapshot(&commands)?;
    known(id, exists)?;
    let runs = indices.into_iter().map(|index| index..index + 1).coalesce(|a, b| {
        // Neighbours make one span.
        if a.end == b.start { Ok(a.start..b.end) } else { Err((a, b)) }
    });
    Ok(runs.map(|indices| Span { indices, state: JobState::Failed }).collect())
}

fn cancelled(store: &RedisStore, id: &SweepId, from: u64, limit: usize) -> Result<Vec<Span>> {
    let mut commands = Snapshot::about(id);
    ask_ranges(&mut commands, &key(id, "cancelled"), from, limit);
    let (exists, across, behind): (bool, _, _) = store.snapshot(&commands)?;
    known(id, exists)?;
    read_ranges(across, behind, from, &JobState::Cancelled)
}

/// What is read of one point.
type PointFields = (Option<u64>, Option<String>, Option<f64>, Option<f64>, Vec<String>, Vec<String>, Vec<String>);

pub(super) fn point(store: &RedisStore, id: &SweepId, index: u64) -> Result<(JobState, Option<AttemptCounts>)> {
    let at = index.min(MAX_POINTS);
    let mut commands = Snapshot::default();
    commands.cmd("HGET").arg(header(id)).arg("total");
    commands.cmd("HGET").arg(key(id, "leases")).arg(at);
    commands.cmd("ZSCORE").arg(key(id, "due")).arg(due_member(at));
    commands.cmd("ZSCORE").arg(key(id, "failed")).arg(at);
    for set in ["ready", "cancelled"] {
        commands.cmd("ZREVRANGEBYSCORE").arg(key(id, set)).arg(at).arg("-inf").arg("LIMIT").arg(0).arg(1);
    }
    commands.cmd("ZRANGEBYSCORE").arg(key(id, "tries")).arg(at).arg(at);
    let (total, lease, due, failed, ready, cancelled, tries): PointFields = store.snapshot(&commands)?;
    let total = total.ok_or_else(|| StoreError::no_such_sweep(id))?;
    if index >= total {
        return Err(StoreError::refused(format!("{id} has no point {index}"))
            .remedy(format!("its {total} points have the indices from 0")));
    }
    if let Some(lease) = lease {
        let lease = Lease::read(&lease)?;
        return Ok((lease.state(), Some(lease.tries)));
    }
    let within = |ranges: &[String]| -> Result<bool> {
        Ok(ranges.first().map(|text| decode::range(text)).transpose()?.is_some_and(|range| range.contains(&index)))
    };
    let state = if let Some(due) = due {
        JobState::Pending { due_ms: Some(due as u64) }
    } else if failed.is_some() {
        JobState::Failed
    } else if within(&ready)? {
        JobState::Pending { due_ms: None }
    } else if within(&cancelled)? {
        JobState::Cancelled
    } else {
        return Ok((JobState::Succeeded, None));
    };
    let tries = tries.first().map(|row| decode::tries(row)).transpose()?;
    Ok((state, Some(tries.unwrap_or_default())))
}

pub(super) fn log(store: &RedisStore, id: &SweepId, blocks: Range<u64>) -> Result<Vec<BlockLog>> {
    let mut commands = Snapshot::about(id);
    let start = blocks.start.min(MAX_POINTS);
    let stop = format!("({}", blocks.end.min(MAX_POINTS));
    commands.cmd("ZRANGEBYSCORE").arg(key(id, "blocks")).arg(start).arg(stop);
    let (exists, blocks): (bool, Vec<u64>) = store.snapshot(&commands)?;
    known(id, exists)?;
    let mut logs = Vec::with_capacity(blocks.len());
    for blocks in blocks.chunks(AT_ONCE) {
        let mut commands = redis::pipe();
        for block in blocks {
            commands.cmd("LRANGE").arg(key(id, &format!("log:{block}"))).arg(0).arg(-1);
        }
        commands.cmd("EXISTS").arg(header(id));
        let mut replies: Vec<redis::Value> = store.connection.pipe(&commands)?;
        // Requested last: a sweep that is removed meanwhile must not seem to have less history.
        known(id, replies.pop().map(decode::value).transpose()?.unwrap_or(false))?;
        for (block, chunks) in blocks.iter().zip(replies) {
            let chunks: Vec<Vec<u8>> = decode::value(chunks)?;
            // A block may have outputs alone.
            if !chunks.is_empty() {
                logs.push((*block, chunks));
            }
        }
    }
    Ok(logs)
}

pub(super) fn columns(store: &RedisStore, id: &SweepId) -> Result<Vec<String>> {
    let (exists, places): (bool, Vec<(String, String)>) =
        store.snapshot(Snapshot::about(id).cmd("HGETALL").arg(key(id, "columns")))?;
    known(id, exists)?;
    let mut columns = Vec::with_capacity(places.len());
    for (name, place) in places {
        columns.push((decode::place(&place)?, name));
    }
    columns.sort();
    Ok(columns.into_iter().map(|(_, name)| name).collect())
}

pub(super) fn outputs(store: &RedisStore, id: &SweepId, attempts: &[(u64, u32)]) -> Result<Vec<Option<Vec<u8>>>> {
    let mut commands = Snapshot::about(id);
    for (index, attempt) in attempts {
        let outputs = key(id, &format!("out:{}", crate::record::block_of(*index)));
        commands.cmd("HGET").arg(outputs).arg(format!("{index}.{attempt}"));
    }
    let mut replies = store.snapshot::<Vec<redis::Value>>(&commands)?.into_iter();
    known(id, replies.next().map(decode::value).transpose()?.unwrap_or(false))?;
    replies.map(decode::value).collect()
}
