//! Owns what changes a sweep by hand: cancel, remove.

use crate::error::{Error, Result};
use crate::human::count;
use crate::job::SweepId;
use crate::store::{Counts, Store, SweepRow};

/// The index, if the sweep has such a point.
///
/// # Errors
/// If it has not.
pub fn check_index(row: &SweepRow, index: u64) -> Result<u64> {
    if index < row.counts.total {
        return Ok(index);
    }
    let (id, total) = (&row.id, row.counts.total);
    let error = Error::usage(format!("{id} has no point {index}"));
    Err(error.remedy(format!("{id} has {total} points, with indices from 0 to {}", total.saturating_sub(1))))
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
        let id = &row.id;
        return Err(Error::usage(format!("{id} has {}", count(running, "running job"))).remedy(format!(
            "`sweep cancel {id}` ends running jobs; `sweep rm {id} --force` removes the sweep at once"
        )));
    }
    Ok(store.remove(&row.id, force)?)
}
