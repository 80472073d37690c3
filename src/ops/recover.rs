//! Owns putting back the jobs of lost workers, for commands that must not wait until another worker does it.

use std::thread;
use std::time::{Duration, Instant};

use crate::error::{Error, Result};
use crate::job::SweepId;
use crate::store::{Exchange, LEASE, Store, SweepRow};
use crate::worker::report::{Finished, KnownColumns, group};

/// The most claims that one request reports.
const AT_ONCE: usize = 128;

/// How often the leases are checked.
const EVERY: Duration = Duration::from_secs(1);

/// Reports all claims whose leases have run out as lost, as workers do. Their jobs are then back in the queue, cancelled,
/// or failed if their workers were lost too often. Returns the number of claims that were found.
///
/// # Errors
/// If the store cannot be reached or refuses.
pub fn recover(store: &dyn Store) -> Result<u64> {
    store.mark_dead_workers()?;
    let lost: Vec<Finished> = store.expired()?.iter().map(Finished::expired).collect();
    if lost.is_empty() {
        return Ok(0);
    }
    let random =
        getrandom::u64().map_err(|error| Error::usage(format!("the system gave no random number: {error}")))?;
    let worker = format!("{random:016x}");
    // A stale report is not sent again: somebody else has reported the claim, or the next check finds it.
    for (seq, some) in (1..).zip(lost.chunks(AT_ONCE)) {
        let reports = group(some, &KnownColumns::default());
        store.exchange(&Exchange { worker: worker.clone(), seq, reports, claim_request: None })?;
    }
    store.unregister(&worker)?;
    Ok(lost.len() as u64)
}

/// Puts back the jobs that lost workers of one sweep have left. If leases have run out and nobody has checked them for
/// long, the store first gives their workers up to one lease to return; this waits that long, and calls `waiting` once
/// before. Returns the sweep as it is then.
///
/// # Errors
/// If the store cannot be reached or refuses.
pub fn recover_sweep(store: &dyn Store, id: &SweepId, waiting: &mut dyn FnMut(u64)) -> Result<SweepRow> {
    let begun = Instant::now();
    let mut row = store.sweep(id)?;
    let expired = expired_claims(store, id)?;
    let mut is_first = true;
    while row.counts.running > 0 {
        match recover(store) {
            // A full store takes no reports, but lets sweeps be removed.
            Err(Error::Store(error)) if error.is_refusal() => break,
            recovered => drop(recovered?),
        }
        row = store.sweep(id)?;
        let may_return = expired > 0 && row.counts.running > 0 && begun.elapsed() < LEASE * 2 + EVERY;
        if !may_return {
            break;
        }
        if std::mem::take(&mut is_first) {
            waiting(expired);
        }
        thread::sleep(EVERY);
    }
    Ok(row)
}

/// How many of the running jobs of a sweep have leases that have run out.
fn expired_claims(store: &dyn Store, id: &SweepId) -> Result<u64> {
    Ok(store.expired_counts()?.into_iter().find(|(sweep, _)| sweep == id).map_or(0, |(_, expired)| expired))
}
