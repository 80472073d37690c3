//! Owns putting back the jobs of lost workers, for commands that must not wait until another worker does it.

use std::thread;
use std::time::{Duration, Instant};

use crate::error::{Error, Result};
use crate::job::{JobAddress, SweepId};
use crate::store::{Exchange, LEASE, Store, SweepRow};
use crate::system::random;
use crate::worker::report::{FinishedAttempt, KnownColumns, group};

/// The most claims that one request reports.
const AT_ONCE: usize = 128;

/// How often the leases are checked.
const EVERY: Duration = Duration::from_secs(1);

/// How long [`recover_sweep`] waits for workers that may return: the longest time to which an absence prolongs a lease, and
/// the next check.
const PATIENCE: Duration = Duration::from_secs(LEASE.as_secs() + 2 * EVERY.as_secs());

/// Reports all claims whose leases have run out as lost, as workers do. Their jobs are then back in the queue, cancelled,
/// or failed if their workers were lost too often. Returns the jobs whose claims were found. None: somebody else has checked
/// the leases within the last second. A report is not accepted, and changes nothing, if the worker has renewed the claim
/// meanwhile or somebody else has reported it.
///
/// # Errors
/// If the store cannot be reached or refuses.
pub fn recover(store: &dyn Store) -> Result<Option<Vec<JobAddress>>> {
    store.mark_dead_workers()?;
    let Some(expired) = store.check_leases()? else { return Ok(None) };
    if expired.is_empty() {
        return Ok(Some(Vec::new()));
    }
    let lost: Vec<FinishedAttempt> = expired.iter().map(FinishedAttempt::expired).collect();
    let random = random().map_err(|error| Error::usage(error.to_string()))?;
    let worker = format!("{random:016x}");
    // A stale report is not sent again: somebody else has reported the claim, or the next check finds it.
    for (seq, some) in (1..).zip(lost.chunks(AT_ONCE)) {
        let reports = group(some, &KnownColumns::default());
        store.exchange(&Exchange { worker: worker.clone(), seq, reports, claim_request: None })?;
    }
    store.unregister(&worker)?;
    Ok(Some(expired.into_iter().map(|expired| expired.claim.job).collect()))
}

/// Puts back the jobs that lost workers of one sweep have left, and returns the sweep as it is then.
///
/// This waits in two cases. If somebody else has checked the leases within the last second, or there are more expired
/// leases than one check returns, the next check follows a second later. If nobody has checked the leases for long, the
/// store first gives their workers up to one lease to return; then this calls `waiting` once, with the number of jobs.
///
/// # Errors
/// If the store cannot be reached or refuses.
pub fn recover_sweep(store: &dyn Store, id: &SweepId, waiting: &mut dyn FnMut(u64)) -> Result<SweepRow> {
    let mut until = Instant::now() + PATIENCE;
    let mut row = store.sweep(id)?;
    // The claims that had expired and were not found by a check yet.
    let mut left = expired_claims(store, id)?;
    let (mut fewest, mut is_told) = (u64::MAX, false);
    while row.counts.running > 0 {
        let found = match recover(store) {
            // A full store takes no reports, but lets sweeps be removed.
            Err(Error::Store(error)) if error.is_refusal() => break,
            found => found?,
        };
        row = store.sweep(id)?;
        let expired = expired_claims(store, id)?;
        left = match found.map(|jobs| jobs.iter().filter(|job| job.sweep == *id).count() as u64) {
            Some(found) => left.saturating_sub(found).max(expired),
            // Somebody else checks the leases, and puts back what it finds.
            None => expired,
        };
        if left == 0 || row.counts.running == 0 || Instant::now() > until {
            break;
        }
        if expired > 0 && expired < fewest {
            // There are more than one check returns, and the number falls.
            until = until.max(Instant::now() + EVERY * 2);
        }
        fewest = fewest.min(expired);
        if expired == 0 && !std::mem::replace(&mut is_told, true) {
            waiting(left);
        }
        thread::sleep(EVERY);
    }
    Ok(row)
}

/// How many of the running jobs of a sweep have leases that have run out.
fn expired_claims(store: &dyn Store, id: &SweepId) -> Result<u64> {
    Ok(store.expired_counts()?.into_iter().find(|(sweep, _)| sweep == id).map_or(0, |(_, expired)| expired))
}
