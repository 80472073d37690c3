//! Owns cancelling and removing sweeps.

use crate::error::{Error, Result};
use crate::human::count;
use crate::job::SweepId;
use crate::store::{Counts, Store, SweepRow};

/// Returns the index if the sweep has that point.
///
/// # Errors
/// If it does not.
pub fn check_index(row: &SweepRow, index: u64) -> Result<u64> {
    if index < row.counts.total {
        return Ok(index);
    }
    let (id, total) = (&row.id, row.counts.total);
    let error = Error::usage(format!("{id} has no point {index}"));
    Err(error.remedy(format!("{id} has {total} points, with indices from 0 to {}", total.saturating_sub(1))))
}

/// Cancels the pending points; workers end the running jobs. Returns the counts after that.
///
/// # Errors
/// If the store refuses.
pub fn cancel(store: &dyn Store, id: &SweepId) -> Result<Counts> {
    Ok(store.cancel(id)?)
}

/// Removes a sweep with its history and results.
///
/// # Errors
/// If it has running jobs and `force` is not set.
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
