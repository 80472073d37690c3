//! Owns putting back the jobs of lost workers before a command changes a sweep.

use crate::error::Result;
use crate::human::count;
use crate::job::SweepId;
use crate::ops::recover::recover_sweep;
use crate::store::{LEASE, Store, SweepRow};

/// Puts back the jobs that lost workers of a sweep have left; prints a message if it has to wait. Returns the sweep after
/// that.
///
/// # Errors
/// If the store cannot be reached or refuses.
pub fn recover_lost(store: &dyn Store, id: &SweepId) -> Result<SweepRow> {
    recover_sweep(store, id, &mut |expired| {
        let jobs = count(expired, "job");
        let seconds = LEASE.as_secs();
        message!("{id}: no heartbeat for {jobs}; waiting up to {seconds} s in case their workers return");
    })
}
