//! Owns the contract of the queue: claims, leases, outcomes, and the workers that hold them.

use std::time::Duration;

use super::{
    Backlog, Exchange, ExchangeReply, ExpiredClaim, Heartbeat, HeldClaim, LeaseStatus, NewWork, Result, Scope,
    WorkerRow,
};
use crate::job::SweepId;

/// The requests of workers.
///
/// # Errors
/// See [`Store`](super::Store).
pub trait Queue {
    /// Records outcomes and gives claims in one step; see [`Exchange`].
    ///
    /// The store accepts an outcome in two cases:
    /// - the claim is held with the token of the outcome;
    /// - the lease ran out, another worker reported the claim lost (`only_if_expired`), and nobody has claimed the job
    ///   since: it is ready, delayed, cancelled or failed, and its last claim had this attempt and token.
    ///
    /// A claim has one outcome: a second one is stale, also under a new sequence number. If a report names an index
    /// twice, that index is stale.
    ///
    /// Then the verdict decides where the point goes, with two exceptions: `Again` for a lease that `cancel` marked
    /// cancels the point, and a late `Again` for a cancelled point leaves it cancelled.
    ///
    /// A sweep that was removed is no error here: its reports are stale, and it gives no claims.
    ///
    /// Delayed points that are due are given first, then ready points in the order of their indices.
    fn exchange(&self, exchange: &Exchange) -> Result<ExchangeReply>;

    /// Registers the worker, records that it is alive and renews the claims that it names. Returns the claims that do
    /// not simply go on, with their status, in the order of `held`.
    fn heartbeat(&self, heartbeat: &Heartbeat) -> Result<Vec<(HeldClaim, LeaseStatus)>>;

    /// Removes a worker that has stopped in good order and holds no claims any more.
    fn unregister(&self, worker: &str) -> Result<()>;

    /// Records that the process of a worker is known to be dead. All its leases end now and no absence prolongs them, so
    /// the next [`Queue::expired`] returns them; the worker is listed no longer. Returns the number of its leases. An
    /// outcome that still arrives is judged as for any lease that ran out. A heartbeat of the worker undoes this.
    /// O(leases of the worker).
    fn mark_worker_dead(&self, worker: &str) -> Result<u64>;

    /// Finds workers whose process is certainly gone, as far as the store can: a store that serves one machine looks at
    /// the processes there. Marks each as [`Queue::mark_worker_dead`] does. Returns the number of their leases; 0: there
    /// are none, or this store cannot know.
    ///
    /// For commands that must not wait for a worker: `wait`, `cancel`, `retry` and `rm`. They call this, then
    /// [`Queue::check_leases`], report each claim as lost by [`Queue::exchange`] under a random worker id, as a worker does
    /// (same verdict, same charge), and unregister that id. They repeat it once a second while expired claims are left:
    /// after an absence the check first gives every worker up to a whole lease to renew its claims. A worker that is alive
    /// but frozen keeps its claims until its leases run out.
    fn mark_dead_workers(&self) -> Result<u64> {
        Ok(0)
    }

    /// The workers whose last heartbeat is at most about a minute old, newest first, without those that are certainly dead as
    /// far as the store can know, see [`Queue::mark_dead_workers`].
    fn workers(&self) -> Result<Vec<WorkerRow>>;

    /// Claims whose leases have run out. The store checks the leases at most once a second, whoever asks. None: another
    /// caller has checked them within the last second. If nobody has checked for some seconds (the store was away, or
    /// every machine slept), the check first prolongs every lease by that time, up to a whole lease from now, so that
    /// the absence counts against nobody. Claims are returned by each check until they are reported.
    fn check_leases(&self) -> Result<Option<Vec<ExpiredClaim>>>;

    /// As [`Queue::check_leases`], for callers that do not need to know whether somebody else has just checked.
    fn expired(&self) -> Result<Vec<ExpiredClaim>> {
        Ok(self.check_leases()?.unwrap_or_default())
    }

    /// The sweeps that have claims whose leases have run out, each with the number of these claims.
    /// [`Counts::running`](super::Counts::running) includes them, but as far as the store knows no worker runs them. Claims
    /// of workers that are certainly dead count as well, see [`Queue::mark_dead_workers`]. Only reads. O(leases) at most.
    fn expired_counts(&self) -> Result<Vec<(SweepId, u64)>>;

    /// The jobs within a scope that are left to run. Delayed points that are due count as ready. Workers that are idle ask
    /// for this now and then. O(unfinished sweeps of the scope that are not paused).
    fn backlog(&self, scope: &Scope) -> Result<Backlog>;

    /// Creates what tells an idle worker of new work in its scope. Sends no request yet.
    fn work_waiter<'a>(&'a self, scope: &Scope) -> Result<Box<dyn WorkWaiter + 'a>>;
}

/// Tells an idle worker of new work, at next to no cost for the store while nothing happens.
pub trait WorkWaiter: Send + Sync {
    /// Blocks until jobs of the scope may have become claimable, or the last job of a sweep of the scope may have ended,
    /// since the wait before; at most for `at_most`. None: nothing has happened. The first call only records the present
    /// state and returns. A hint: an event may be reported without a cause, and one may be missed, so callers also ask for
    /// the backlog now and then.
    ///
    /// # Errors
    /// As [`Store`](super::Store). A later wait reports what happened meanwhile.
    fn wait(&self, at_most: Duration) -> Result<Option<NewWork>>;

    /// Ends the wait that is under way and every later one at once. Called from another thread.
    fn stop(&self);
}
