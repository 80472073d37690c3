//! Owns reading the status of sweeps and workers from the store. Changes nothing.

use std::collections::HashMap;

use crate::error::{Error, Result};
use crate::job::{SweepId, Verdict};
use crate::ops::inputs::KnownInputs;
use crate::record::block_of;
use crate::status::rate::{End, pause_ms, recent_rate};
use crate::status::text::exclusion;
use crate::status::{Activity, StatusSnapshot};
use crate::store::{PointSet, Store, StoreErrorKind, SweepRow, WorkerRow};
use crate::stored;

/// The most spans of running points that are read to find the blocks with the newest outcomes.
const RUNNING: usize = 64;

/// The status of some sweeps and of all workers. O(1) requests for each sweep that has running jobs, and one for all
/// others.
///
/// # Errors
/// If the store cannot be read.
pub fn snapshot(store: &dyn Store, sweeps: &[SweepRow]) -> Result<StatusSnapshot> {
    let workers = store.workers()?;
    let mut rates = HashMap::new();
    for row in sweeps {
        if let Some(rate) = rate(store, row, &workers)? {
            rates.insert(row.id.clone(), rate);
        }
    }
    let running = sweeps.iter().any(|row| row.counts.running > 0);
    let expired = if running { store.expired_counts()?.into_iter().collect() } else { HashMap::new() };
    Ok(StatusSnapshot::new(sweeps, &workers, &Activity { rates, expired }))
}

/// Adds the inputs of the sweeps to their status. Reads their documents.
///
/// # Errors
/// If the store cannot be read.
pub fn add_inputs(store: &dyn Store, snapshot: &mut StatusSnapshot, sweeps: &[SweepRow]) -> Result<()> {
    for (status, row) in snapshot.sweeps.iter_mut().zip(sweeps) {
        let inputs = match KnownInputs::of_stored(store, &row.id) {
            // The rest of the status can be read all the same.
            Err(Error::Store(error)) if error.kind == StoreErrorKind::Newer => continue,
            inputs => inputs?,
        };
        // Text and numbers: they always have a JSON form.
        status.inputs = serde_json::to_value(inputs).ok();
    }
    Ok(())
}

/// The number of points of a sweep that end per second at present; none: unknown. Points are claimed in order of index, so the
/// newest outcomes are in the blocks of the running points and in those before them.
fn rate(store: &dyn Store, row: &SweepRow, workers: &[WorkerRow]) -> Result<Option<f64>> {
    let Some(last_outcome_ms) = row.last_outcome_ms.filter(|_| row.counts.running > 0 && row.paused.is_none()) else {
        return Ok(None);
    };
    // Both times are from the store's clock. Without a worker nothing runs.
    let Some(now_ms) = workers.iter().map(|worker| worker.last_seen_ms).max() else { return Ok(None) };
    let ends = recent_ends(store, &row.id)?;
    let longest = ends.iter().map(|end| end.seconds).fold(0.0, f64::max);
    if now_ms.saturating_sub(last_outcome_ms) > pause_ms(longest) {
        return Ok(None);
    }
    Ok(recent_rate(ends))
}

fn recent_ends(store: &dyn Store, id: &SweepId) -> Result<Vec<End>> {
    let running = store.spans(id, PointSet::Running, 0, RUNNING)?;
    let blocks = running.iter().map(|span| block_of(span.indices.start)).rev().take(2);
    let mut blocks: Vec<u64> = blocks.flat_map(|block| [block, block.saturating_sub(1)]).collect();
    blocks.sort_unstable();
    blocks.dedup();
    let mut ends = Vec::new();
    for block in blocks {
        for (_, chunks) in store.log(id, block..block + 1)? {
            for chunk in chunks {
                let records = stored::decode_chunk(&chunk)?.into_iter();
                // Reused points did not run here, and a lost attempt has no host.
                let records = records.filter(|record| record.origin.is_none() && !record.host.is_empty());
                let ended = records.filter(|record| matches!(record.verdict, Verdict::Succeeded | Verdict::Failed));
                ends.extend(ended.map(|record| End { ended_ms: record.ended_ms, seconds: record.seconds }));
            }
        }
    }
    Ok(ends)
}

/// The workers that take no jobs of a sweep (none: of any), one line each, with the reason.
pub fn exclusions(workers: &[WorkerRow], sweep: Option<&SweepId>) -> Vec<String> {
    let mut lines = Vec::new();
    for worker in workers {
        for id in worker.excluded.iter().filter(|id| sweep.is_none_or(|sweep| *id == sweep)) {
            let why = worker.why_excluded(id).unwrap_or_default();
            lines.push(exclusion(&worker.id, &worker.host, &id.to_string(), why));
        }
    }
    lines
}
