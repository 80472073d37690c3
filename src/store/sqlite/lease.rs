//! Owns leases and the workers that hold them: heartbeats, expired leases, the list of workers.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension, params};

use super::dead;
use super::error::Done;
use super::guard::Machine;
use super::sweeps;
use crate::job::{AttemptCounts, JobAddress, SweepId};
use crate::store::Leases;
use crate::store::{Claim, ExpiredClaim, Heartbeat, HeldClaim, LeaseStatus, StoreError, WorkerRow};

/// The least time between two checks of all leases, whoever asks, milliseconds.
const CHECK_MS: u64 = 1_000;

/// If nobody has checked the leases for longer than this, the store or all machines were away, milliseconds.
const ABSENCE_MS: u64 = 5_000;

/// The most expired claims that one check returns. Later checks return the others.
const MOST_EXPIRED: u32 = 1_000;

/// A worker without a heartbeat for this long is not listed, milliseconds.
const LISTED_MS: u64 = 60_000;

/// A worker without a heartbeat for this long is deleted if it holds no lease, milliseconds.
const REMEMBERED_MS: u64 = 24 * 3600 * 1000;

/// Records a heartbeat, renews the claims that it names, and returns the status of those that do not go on. O(claims).
pub(super) fn heartbeat(
    connection: &Connection,
    now: u64,
    machine: &Machine,
    heartbeat: &Heartbeat,
) -> Done<Vec<(HeldClaim, LeaseStatus)>> {
    if write_worker(connection, now, machine, &heartbeat.worker)? {
        delete_old_workers(connection, now)?;
    }
    let renew = "UPDATE leases SET deadline_ms = ?4 + ?5, lease_ms = ?5,
                     started_ms = coalesce(started_ms, CASE WHEN ?6 THEN ?4 END)
                 WHERE sweep = ?1 AND point = ?2 AND token = ?3 RETURNING doomed";
    let mut renew = connection.prepare_cached(renew)?;
    let lease_ms = heartbeat.lease.as_millis() as u64;
    let (mut known, mut statuses) = (HashMap::new(), Vec::new());
    for held in &heartbeat.held {
        let (sweep, paused) = match known.get(&held.job.sweep) {
            Some(found) => *found,
            None => *known.entry(&held.job.sweep).or_insert(find_paused(connection, &held.job.sweep)?),
        };
        let token = held.token.cast_signed();
        let held_as = params![sweep, held.job.index, token, now, lease_ms, held.started];
        match renew.query_row(held_as, |row| row.get(0)).optional()? {
            Some(false) if paused && !held.started => statuses.push((held.clone(), LeaseStatus::Paused)),
            Some(false) => {}
            Some(true) => statuses.push((held.clone(), LeaseStatus::Cancelled)),
            None => statuses.push((held.clone(), LeaseStatus::Lost)),
        }
    }
    Ok(statuses)
}

/// The key of a sweep, and whether it is paused.
fn find_paused(connection: &Connection, id: &SweepId) -> Done<(Option<i64>, bool)> {
    let Some(sweep) = sweeps::find(connection, id)? else { return Ok((None, false)) };
    let mut paused = connection.prepare_cached("SELECT 1 FROM sweeps WHERE key = ?1 AND paused IS NOT NULL")?;
    Ok((Some(sweep), paused.exists([sweep])?))
}

/// Writes the row of a worker. Returns whether the worker is new.
fn write_worker(connection: &Connection, now: u64, machine: &Machine, worker: &WorkerRow) -> Done<bool> {
    let known = connection.prepare_cached("SELECT 1 FROM workers WHERE id = ?1")?.exists([&worker.id])?;
    let queues = serde_json::Value::from(worker.queues.clone()).to_string();
    let excluded: Vec<_> = worker.excluded.iter().map(SweepId::to_string).collect();
    let excluded = serde_json::Value::from(excluded).to_string();
    let upsert = "INSERT OR REPLACE INTO workers VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
    let WorkerRow { id, host, pid, slots, busy, .. } = worker;
    let row = params![id, host, pid, queues, slots, busy, excluded, machine.mark(), now];
    connection.prepare_cached(upsert)?.execute(row)?;
    if worker.excluded_why.is_empty() {
        connection.prepare_cached("DELETE FROM exclusions WHERE worker = ?1")?.execute([id])?;
    } else {
        let whys = serde_json::Value::from(worker.excluded_why.clone()).to_string();
        connection.prepare_cached("INSERT OR REPLACE INTO exclusions VALUES (?1, ?2)")?.execute([id, &whys])?;
    }
    Ok(!known)
}

/// Deletes the workers that had no heartbeat for a day and hold no lease, with their last replies. O(workers + leases).
fn delete_old_workers(connection: &Connection, now: u64) -> Done<()> {
    let before = now.saturating_sub(REMEMBERED_MS);
    connection
        .execute("DELETE FROM workers WHERE last_seen_ms < ?1 AND id NOT IN (SELECT worker FROM leases)", [before])?;
    connection.execute("DELETE FROM exclusions WHERE worker NOT IN (SELECT id FROM workers)", [])?;
    // There may be a reply to a worker that never had a heartbeat.
    connection.execute(
        "DELETE FROM replies WHERE at_ms < ?1 AND worker NOT IN (SELECT id FROM workers)
             AND worker NOT IN (SELECT worker FROM leases)",
        [before],
    )?;
    Ok(())
}

/// Deletes a worker.
pub(super) fn unregister(connection: &Connection, worker: &str) -> Done<()> {
    connection.execute("DELETE FROM workers WHERE id = ?1", [worker])?;
    connection.execute("DELETE FROM exclusions WHERE worker = ?1", [worker])?;
    connection.execute("DELETE FROM replies WHERE worker = ?1", [worker])?;
    Ok(())
}

/// Ends all leases of a dead worker and lists it no longer. Returns how many leases. O(leases).
pub(super) fn mark_worker_dead(connection: &Connection, now: u64, worker: &str) -> Done<u64> {
    // An absence prolongs no lease of length 0.
    let end = "UPDATE leases SET deadline_ms = ?2, lease_ms = 0 WHERE worker = ?1";
    let ended = connection.prepare_cached(end)?.execute(params![worker, now])?;
    let unlist = "UPDATE workers SET last_seen_ms = min(last_seen_ms, ?2) WHERE id = ?1";
    connection.prepare_cached(unlist)?.execute(params![worker, now.saturating_sub(LISTED_MS)])?;
    Ok(ended as u64)
}

/// How many leases there are. A lease of a worker that is certainly dead counts as run out. O(leases).
pub(super) fn count(connection: &Connection, now: u64, this: &Machine) -> Done<Leases> {
    let dead = dead::find_json(connection, this)?;
    let count = "SELECT count(*),
                     count(CASE WHEN deadline_ms <= ?1 OR worker IN (SELECT value FROM json_each(?3)) THEN 1 END),
                     count(CASE WHEN worker NOT IN (SELECT id FROM workers WHERE last_seen_ms > ?2) THEN 1 END)
                 FROM leases";
    let since = now.saturating_sub(LISTED_MS);
    let counts = |row: &rusqlite::Row<'_>| Ok(Leases { held: row.get(0)?, run_out: row.get(1)?, unseen: row.get(2)? });
    Ok(connection.prepare_cached(count)?.query_row(params![now, since, dead], counts)?)
}

/// Marks the workers of this machine as dead whose process has ended. Returns the number of their leases. O(leases) for each
/// of them.
pub(super) fn mark_dead_workers(connection: &Connection, now: u64, this: &Machine) -> Done<u64> {
    let mut leases = 0;
    for worker in dead::find(connection, this)? {
        leases += mark_worker_dead(connection, now, &worker)?;
    }
    Ok(leases)
}

/// How many leases of each sweep have run out; only sweeps that have any. A lease of a worker that is certainly dead counts
/// as well, because nobody can renew it. O(leases).
pub(super) fn expired_counts(connection: &Connection, now: u64, this: &Machine) -> Done<Vec<(SweepId, u64)>> {
    let dead = dead::find_json(connection, this)?;
    let counts = "SELECT name, number, count(*) FROM leases JOIN sweeps ON sweeps.key = leases.sweep
                  WHERE deadline_ms <= ?1 OR worker IN (SELECT value FROM json_each(?2))
                  GROUP BY leases.sweep ORDER BY leases.sweep";
    let mut counts = connection.prepare_cached(counts)?;
    let rows = counts
        .query_map(params![now, dead], |row| Ok((SweepId { name: row.get(0)?, number: row.get(1)? }, row.get(2)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The workers with a heartbeat in the last minute that are not certainly dead, newest first.
pub(super) fn workers(connection: &Connection, now: u64, this: &Machine) -> Done<Vec<WorkerRow>> {
    let seen = "SELECT id, host, pid, queues, slots, busy, last_seen_ms, unable, machine FROM workers
                WHERE last_seen_ms > ?1
                ORDER BY last_seen_ms DESC, id";
    let mut seen = connection.prepare_cached(seen)?;
    let mut rows = seen.query([now.saturating_sub(LISTED_MS)])?;
    let mut workers = Vec::new();
    while let Some(row) = rows.next()? {
        if dead::is_dead(this, &row.get::<_, String>(8)?, row.get(2)?) {
            continue;
        }
        workers.push(WorkerRow {
            id: row.get(0)?,
            host: row.get(1)?,
            pid: row.get(2)?,
            queues: list(&row.get::<_, String>(3)?)?,
            slots: row.get(4)?,
            busy: row.get(5)?,
            excluded: sweeps_of(&row.get::<_, String>(7)?)?,
            excluded_why: Vec::new(),
            last_seen_ms: row.get(6)?,
        });
    }
    if workers.iter().any(|worker| !worker.excluded.is_empty()) && has_exclusions(connection)? {
        let mut whys = connection.prepare_cached("SELECT whys FROM exclusions WHERE worker = ?1")?;
        for worker in &mut workers {
            let text: Option<String> = whys.query_row([&worker.id], |row| row.get(0)).optional()?;
            worker.excluded_why = text.map(|text| list(&text)).transpose()?.unwrap_or_default();
        }
    }
    Ok(workers)
}

/// Whether the store says why workers cannot run sweeps: not before it is migrated.
fn has_exclusions(connection: &Connection) -> Done<bool> {
    let table = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'exclusions'";
    Ok(connection.prepare_cached(table)?.exists([])?)
}

/// Decodes a list of texts.
fn list(json: &str) -> Result<Vec<String>, StoreError> {
    serde_json::from_str(json)
        .map_err(|error| StoreError::damaged(format!("the row of a worker in the store cannot be read: {error}")))
}

fn sweeps_of(json: &str) -> Result<Vec<SweepId>, StoreError> {
    let damaged = |why| StoreError::damaged(format!("the row of a worker in the store cannot be read: {why}"));
    list(json)?.iter().map(|id| id.parse().map_err(damaged)).collect()
}

/// Whether to check the leases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Check {
    /// No: somebody has just checked them.
    TooSoon,
    /// Yes.
    Now,
    /// Yes, and before that prolong every lease by this time, milliseconds.
    AfterAbsence(u64),
}

/// Decides whether to check the leases at `now`. The check before was at `last`; none: there was none.
///
/// As long as any worker is alive, somebody checks about once a second. A longer silence means that the store was away or
/// that all machines slept. Nobody could renew a lease then, so every lease is prolonged by that time. The same holds if
/// the clock was set back, or if nobody has ever checked. (If all workers were killed there is the same silence. Their
/// leases then run out up to one lease later.)
fn plan_check(last: Option<u64>, now: u64) -> Check {
    match last.map(|last| now.checked_sub(last)) {
        Some(Some(silence)) if silence < CHECK_MS => Check::TooSoon,
        Some(Some(silence)) if silence <= ABSENCE_MS => Check::Now,
        Some(Some(silence)) => Check::AfterAbsence(silence - CHECK_MS),
        Some(None) => Check::AfterAbsence(0),
        None => Check::AfterAbsence(now),
    }
}

/// Whether [`check`] would check the leases now. Only reads, so that callers who come too soon take no lock.
pub(super) fn is_check_due(connection: &Connection, now: u64) -> Done<bool> {
    Ok(plan_check(last_check(connection)?, now) != Check::TooSoon)
}

fn last_check(connection: &Connection) -> Done<Option<u64>> {
    let mut last = connection.prepare_cached("SELECT value FROM meta WHERE name = 'last-look'")?;
    Ok(last.query_row([], |row| row.get(0)).optional()?)
}

/// Finds claims whose leases have run out. None: somebody else has just checked them. O(leases), at most once a second.
pub(super) fn check(connection: &Connection, now: u64) -> Done<Option<Vec<ExpiredClaim>>> {
    match plan_check(last_check(connection)?, now) {
        Check::TooSoon => return Ok(None),
        Check::Now => {}
        Check::AfterAbsence(silence) => {
            // At most to a whole lease from now: a claim that was made or renewed during the silence missed only a part of
            // it, and a claim that was made before the clock was set back would hold for too long.
            let prolong = "UPDATE leases SET deadline_ms = min(deadline_ms + ?2, ?1 + lease_ms)";
            connection.prepare_cached(prolong)?.execute([now, silence])?;
        }
    }
    connection.prepare_cached("INSERT OR REPLACE INTO meta VALUES ('last-look', ?1)")?.execute([now])?;
    let expired = "SELECT name, number, point, token, attempt, failures, losses, worker, started_ms IS NOT NULL,
                       submitted_ms
                   FROM leases JOIN sweeps ON sweeps.key = leases.sweep WHERE deadline_ms <= ?1
                   ORDER BY deadline_ms, leases.sweep, point LIMIT ?2";
    let mut expired = connection.prepare_cached(expired)?;
    let rows = expired.query_map(params![now, MOST_EXPIRED], |row| {
        let sweep = SweepId { name: row.get(0)?, number: row.get(1)? };
        let tries = AttemptCounts { attempts: row.get(4)?, failures: row.get(5)?, losses: row.get(6)? };
        let job = JobAddress { sweep, index: row.get(2)? };
        let claim = Claim { job, submission: row.get(9)?, token: row.get::<_, i64>(3)?.cast_unsigned(), tries };
        Ok(ExpiredClaim { claim, worker: row.get(7)?, started: row.get(8)? })
    })?;
    Ok(Some(rows.collect::<Result<_, _>>()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_silence_counts_as_an_absence_and_not_as_dead_workers() {
        let last = Some(100_000);
        assert_eq!(plan_check(last, 100_000), Check::TooSoon);
        assert_eq!(plan_check(last, 100_999), Check::TooSoon);
        assert_eq!(plan_check(last, 101_000), Check::Now);
        assert_eq!(plan_check(last, 105_000), Check::Now);
        assert_eq!(plan_check(last, 105_001), Check::AfterAbsence(4_001));
        assert_eq!(plan_check(last, 99_999), Check::AfterAbsence(0), "the clock was set back");
        assert_eq!(plan_check(None, 100_000), Check::AfterAbsence(100_000));
    }
}
