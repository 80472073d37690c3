//! Owns the inputs of sweeps; see [`Inputs`](crate::store::Inputs).

use rusqlite::{Connection, OptionalExtension, params};

use super::error::Done;
use super::sweeps;
use crate::job::SweepId;
use crate::model::{FoundInputs, Input};
use crate::store::{MAX_INPUTS, StoreError};
use crate::stored::{decode_input, encode_input};

/// The row of a sweep in `input_summaries`.
#[derive(Clone, Copy, Default, PartialEq)]
struct Summary {
    observed: bool,
    stored: u64,
    omitted: u64,
    revision: u64,
}

fn summary(connection: &Connection, sweep: i64) -> Done<Summary> {
    let row = "SELECT observed, stored, omitted, revision FROM input_summaries WHERE sweep = ?1";
    let mut row = connection.prepare_cached(row)?;
    let row = row.query_row([sweep], |row| {
        let (observed, stored, omitted, revision) = row.try_into()?;
        Ok(Summary { observed, stored, omitted, revision })
    });
    Ok(row.optional()?.unwrap_or_default())
}

/// Adds inputs if the sweep has this submission. Returns the stored ones whose state differs.
pub(super) fn add_to(connection: &Connection, id: &SweepId, submission: u64, found: &FoundInputs) -> Done<Vec<Input>> {
    match sweeps::find_submission(connection, id, submission)? {
        Some(sweep) => add(connection, sweep, found),
        None => Ok(Vec::new()),
    }
}

/// Adds inputs to the sweep with this key. Returns the stored ones whose state differs.
pub(super) fn add(connection: &Connection, sweep: i64, found: &FoundInputs) -> Done<Vec<Input>> {
    let before = summary(connection, sweep)?;
    let mut after = Summary { observed: before.observed || found.observed, ..before };
    let (mut differing, mut rest) = (Vec::new(), found.omitted);
    let mut known = connection.prepare_cached("SELECT input FROM inputs WHERE sweep = ?1 AND path = ?2")?;
    let mut insert = connection.prepare_cached("INSERT INTO inputs VALUES (?1, ?2, ?3)")?;
    for input in &found.inputs {
        let text: Option<String> = known.query_row(params![sweep, input.path], |row| row.get(0)).optional()?;
        match text {
            Some(text) => {
                let stored = decode_input(&input.path, &text).map_err(StoreError::from)?;
                differing.extend((stored.state != input.state).then_some(stored));
            }
            None if after.stored < MAX_INPUTS as u64 => {
                insert.execute(params![sweep, input.path, encode_input(input)])?;
                after.stored += 1;
            }
            None => rest += 1,
        }
    }
    after.omitted = before.omitted.max(rest);
    if after != before {
        let write = "INSERT OR REPLACE INTO input_summaries VALUES (?1, ?2, ?3, ?4, ?5)";
        let values = params![sweep, after.observed, after.stored, after.omitted, before.revision + 1];
        connection.prepare_cached(write)?.execute(values)?;
    }
    Ok(differing)
}

/// Replaces all inputs of the sweep with this key.
pub(super) fn replace(connection: &Connection, sweep: i64, found: &FoundInputs) -> Done<()> {
    connection.prepare_cached("DELETE FROM inputs WHERE sweep = ?1")?.execute([sweep])?;
    let revision = summary(connection, sweep)?.revision + 1;
    let reset = "INSERT OR REPLACE INTO input_summaries VALUES (?1, 0, 0, 0, ?2)";
    connection.prepare_cached(reset)?.execute(params![sweep, revision])?;
    add(connection, sweep, found).map(drop)
}

/// The inputs of a sweep, in the order of their paths.
pub(super) fn read(connection: &Connection, sweep: i64) -> Done<FoundInputs> {
    if !has_tables(connection)? {
        return Ok(FoundInputs::default());
    }
    let Summary { observed, omitted, .. } = summary(connection, sweep)?;
    let mut rows = connection.prepare_cached("SELECT path, input FROM inputs WHERE sweep = ?1 ORDER BY path")?;
    let mut rows = rows.query([sweep])?;
    let mut inputs = Vec::new();
    while let Some(row) = rows.next()? {
        let (path, text): (String, String) = row.try_into()?;
        inputs.push(decode_input(&path, &text).map_err(StoreError::from)?);
    }
    Ok(FoundInputs { inputs, observed, omitted })
}

/// How often the inputs of a sweep have changed.
pub(super) fn revision(connection: &Connection, sweep: i64) -> Done<u64> {
    if has_tables(connection)? { Ok(summary(connection, sweep)?.revision) } else { Ok(0) }
}

/// Layout 2 had no inputs. A request that only reads finds such a store as it is.
fn has_tables(connection: &Connection) -> Done<bool> {
    let table = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'input_summaries'";
    Ok(connection.prepare_cached(table)?.exists([])?)
}
