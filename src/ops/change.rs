//! Owns what changes a sweep by hand: retry, cancel, remove.

use std::ops::Range;

use crate::error::{Error, Result};
use crate::job::{JobState, SweepId};
use crate::ops::filter::Filter;
use crate::ops::points::Walk;
use crate::space::Space;
use crate::store::{Counts, Set, Store, SweepRow};

/// Which points are to be put back.
pub enum Which<'a> {
    /// Every failed and cancelled one.
    All,
    /// Those at these indices.
    Indices(&'a [u64]),
    /// Those of a set, failed or cancelled, for which a filter holds, if there is one.
    Chosen {
        /// The sets.
        sets: &'a [Set],
        /// What must hold, and the points that it is asked about.
        filter: Option<(&'a Filter, &'a Space)>,
    },
}

/// Puts failed and cancelled points back in the queue. Returns how many.
///
/// # Errors
/// If an index lies outside the sweep, or names a point that is neither failed nor cancelled; if the filter fails.
pub fn retry(store: &dyn Store, row: &SweepRow, which: &Which<'_>) -> Result<u64> {
    let ranges = match which {
        Which::All => vec![Range { start: 0, end: row.counts.total }],
        Which::Indices(indices) => indices.iter().map(|index| named(store, row, *index)).collect::<Result<_>>()?,
        Which::Chosen { sets, filter } => chosen(store, row, sets, *filter)?,
    };
    Ok(store.requeue(&row.id, &ranges)?)
}

fn named(store: &dyn Store, row: &SweepRow, index: u64) -> Result<Range<u64>> {
    let (state, _) = store.point(&row.id, check_index(row, index)?)?;
    if !matches!(state.word(), "failed" | "cancelled") {
        return Err(Error::usage(format!(
            "{}/{index} is {}; only failed and cancelled points can be put back in the queue",
            row.id,
            state.word()
        )));
    }
    Ok(index..index + 1)
}

/// The points of some sets for which the filter holds, as ranges in order of index.
fn chosen(
    store: &dyn Store,
    row: &SweepRow,
    sets: &[Set],
    filter: Option<(&Filter, &Space)>,
) -> Result<Vec<Range<u64>>> {
    let mut ranges: Vec<Range<u64>> = Vec::new();
    for run in Walk::of(store, &row.id, row.counts.total, sets) {
        let (indices, state) = run?;
        if state == JobState::Succeeded {
            continue;
        }
        let Some((filter, space)) = filter else {
            ranges.push(indices);
            continue;
        };
        for index in indices {
            let Some(point) = space.point(index) else { break };
            if filter.holds(&point)? {
                match ranges.last_mut().filter(|last| last.end == index) {
                    Some(last) => last.end += 1,
                    None => ranges.push(index..index + 1),
                }
            }
        }
    }
    Ok(ranges)
}

/// The index, if the sweep has such a point.
///
/// # Errors
/// If it has not.
pub fn check_index(row: &SweepRow, index: u64) -> Result<u64> {
    if index < row.counts.total {
        return Ok(index);
    }
    Err(Error::usage(format!(
        "{} has no point {index}: it has {} points, 0 to {}",
        row.id,
        row.counts.total,
        row.counts.total.saturating_sub(1)
    )))
}

/// Takes what has not run out of the queue; running jobs are ended by their workers. Returns the counts after.
///
/// # Errors
/// If the store does not do it.
pub fn cancel(store: &dyn Store, id: &SweepId) -> Result<Counts> {
    Ok(store.cancel(id)?)
}

/// Removes a sweep with its history and results.
///
/// # Errors
/// If jobs of it run and `force` is not given.
pub fn remove(store: &dyn Store, row: &SweepRow, force: bool) -> Result<()> {
    let running = row.counts.running;
    if running > 0 && !force {
        return Err(Error::usage(format!(
            "{id} has {running} running {jobs}; `sweep cancel {id}` ends {them} first, `sweep rm {id} --force` removes the \
             sweep under {them}",
            id = row.id,
            jobs = if running == 1 { "job" } else { "jobs" },
            them = if running == 1 { "it" } else { "them" },
        )));
    }
    Ok(store.remove(&row.id, force)?)
}
