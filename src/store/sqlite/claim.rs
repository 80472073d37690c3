//! Owns giving claims: from which sweep, and which points.

use std::collections::BTreeMap;
use std::ops::Range;

use rusqlite::{Connection, OptionalExtension, params};

use super::error::Done;
use super::points::Tally;
use super::ranges::{self, Kept};
use super::sweeps;
use crate::job::{AttemptCounts, JobAddress, SweepId};
use crate::store::{Claim, ClaimRequest, Scope};

/// Gives a worker up to as many claims as it asks for, all of one sweep.
pub(super) fn give(connection: &Connection, now: u64, worker: &str, request: &ClaimRequest) -> Done<Vec<Claim>> {
    let Some((sweep, id, submission)) = choose(connection, now, &request.scope, &request.excluded)? else {
        return Ok(Vec::new());
    };
    let due = take_due(connection, now, sweep, request.most)?;
    let left = u64::from(request.most) - due.len() as u64;
    let ready = ranges::take_first(connection, sweep, Kept::Ready, left)?;
    let mut given = Vec::new();
    for point in &due {
        given.push((*point, take_tries(connection, sweep, *point..*point + 1)?.remove(point)));
    }
    for range in ready {
        let mut tried = take_tries(connection, sweep, range.clone())?;
        given.extend(range.map(|point| (point, tried.remove(&point))));
    }
    let tally = Tally {
        pending: -(given.len() as i64),
        delayed: -(due.len() as i64),
        running: given.len() as i64,
        ..Tally::default()
    };
    tally.apply(connection, sweep)?;
    let claim = |(index, tried): (u64, Option<AttemptCounts>)| {
        let tried = tried.unwrap_or_default();
        let tries = AttemptCounts { attempts: tried.attempts + 1, ..tried };
        Claim { job: JobAddress { sweep: id.clone(), index }, submission, token: request.token, tries }
    };
    let claims: Vec<Claim> = given.into_iter().map(claim).collect();
    lease(connection, now, sweep, worker, request, &claims)?;
    Ok(claims)
}

/// The first sweep of the scope that has points to claim and is not excluded.
fn choose(connection: &Connection, now: u64, scope: &Scope, excluded: &[SweepId]) -> Done<Option<(i64, SweepId, u64)>> {
    // The first two conditions choose the index `unpaused_sweeps`.
    const CLAIMABLE: &str = "pending + running > 0 AND paused IS NULL AND pending > 0 AND (pending > delayed OR EXISTS
        (SELECT 1 FROM delayed WHERE delayed.sweep = sweeps.key AND due_ms <= ?2))";
    match scope {
        Scope::Sweep(id) if excluded.contains(id) => Ok(None),
        Scope::Sweep(id) => {
            let Some(sweep) = sweeps::find(connection, id)? else { return Ok(None) };
            let claimable = format!("SELECT submitted_ms FROM sweeps WHERE key = ?1 AND {CLAIMABLE}");
            let mut claimable = connection.prepare_cached(&claimable)?;
            let submission = claimable.query_row(params![sweep, now], |row| row.get(0)).optional()?;
            Ok(submission.map(|submission| (sweep, id.clone(), submission)))
        }
        Scope::Queues(queues) => {
            let oldest = format!(
                "SELECT key, name, number, submitted_ms FROM sweeps WHERE queue = ?1 AND {CLAIMABLE} ORDER BY key"
            );
            let mut oldest = connection.prepare_cached(&oldest)?;
            for queue in queues {
                // SQLite reads one row at a time, and nearly always the first one is chosen.
                let mut found = oldest.query(params![queue, now])?;
                while let Some(row) = found.next()? {
                    let id = SweepId { name: row.get(1)?, number: row.get(2)? };
                    if !excluded.contains(&id) {
                        return Ok(Some((row.get(0)?, id, row.get(3)?)));
                    }
                }
            }
            Ok(None)
        }
    }
}

/// Removes the delayed points that are due from their set, oldest first.
fn take_due(connection: &Connection, now: u64, sweep: i64, most: u32) -> Done<Vec<u64>> {
    let due = "SELECT point FROM delayed WHERE sweep = ?1 AND due_ms <= ?2 ORDER BY due_ms, point LIMIT ?3";
    let mut due = connection.prepare_cached(due)?;
    let due: Vec<u64> = due.query_map(params![sweep, now, most], |row| row.get(0))?.collect::<Result<_, _>>()?;
    let mut delete = connection.prepare_cached("DELETE FROM delayed WHERE sweep = ?1 AND point = ?2")?;
    for point in &due {
        delete.execute(params![sweep, point])?;
    }
    Ok(due)
}

/// Removes the attempt counts of those points that have any. From now on the lease has them.
fn take_tries(connection: &Connection, sweep: i64, points: Range<u64>) -> Done<BTreeMap<u64, AttemptCounts>> {
    let delete = "DELETE FROM tries WHERE sweep = ?1 AND point >= ?2 AND point < ?3
                  RETURNING point, attempts, failures, losses";
    let mut delete = connection.prepare_cached(delete)?;
    let rows = delete.query_map(params![sweep, points.start, points.end], |row| {
        Ok((row.get(0)?, AttemptCounts { attempts: row.get(1)?, failures: row.get(2)?, losses: row.get(3)? }))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn lease(
    connection: &Connection,
    now: u64,
    sweep: i64,
    worker: &str,
    request: &ClaimRequest,
    claims: &[Claim],
) -> Done<()> {
    let insert = "INSERT INTO leases (sweep, point, attempt, failures, losses, token, worker, deadline_ms, lease_ms)
                  VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
    let mut insert = connection.prepare_cached(insert)?;
    let lease_ms = request.lease.as_millis() as u64;
    for claim in claims {
        let AttemptCounts { attempts, failures, losses } = claim.tries;
        let token = claim.token.cast_signed();
        let deadline = now + lease_ms;
        let index = claim.job.index;
        insert.execute(params![sweep, index, attempts, failures, losses, token, worker, deadline, lease_ms])?;
    }
    Ok(())
}
