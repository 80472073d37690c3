//! Owns the requests of workers: exchanges, heartbeats, lost claims; see [`Queue`].

use super::connection::Connection;
use super::wait::Waiter;
use super::{ALIVE_MS, RedisStore, decode, encode, store_info};
use crate::job::SweepId;
use crate::store::{
    Backlog, Exchange, ExchangeReply, ExpiredClaim, Heartbeat, HeldClaim, LeaseStatus, Leases, Queue, Result, Scope,
    StoreError, WorkWaiter, WorkerRow,
};

/// The most expired claims that one check returns, and about how many leases it reads: this takes the server some
/// milliseconds.
const MOST_EXPIRED: usize = 1000;
const CHECKED_LEASES: usize = 5000;

impl RedisStore {
    /// Ends the leases of a worker in one sweep, in steps. Returns how many there were.
    fn end_leases(&self, worker: &str, sweep: &str) -> Result<u64> {
        let (mut cursor, mut ended) = ("0".to_owned(), 0);
        loop {
            let call = self.call(&self.scripts.mark_worker_dead).arg(worker).arg(ALIVE_MS).arg(sweep).arg(&cursor);
            let (next, more): (String, u64) = self.run(&call)?;
            (cursor, ended) = (next, ended + more);
            if cursor == "0" {
                return Ok(ended);
            }
        }
    }

    /// Adds the leases of one sweep, in steps.
    pub(super) fn count_leases(&self, sweep: &str, leases: &mut Leases) -> Result<()> {
        let mut cursor = "0".to_owned();
        loop {
            let call = self.call(&self.scripts.count_leases).arg(ALIVE_MS).arg(sweep).arg(&cursor);
            let (next, held, run_out, unseen): (String, u64, u64, u64) = self.run(&call)?;
            leases.held += held;
            leases.run_out += run_out;
            leases.unseen += unseen;
            cursor = next;
            if cursor == "0" {
                return Ok(());
            }
        }
    }
}

impl Queue for RedisStore {
    fn exchange(&self, exchange: &Exchange) -> Result<ExchangeReply> {
        let script = if exchange.claim_request.is_some() { &self.scripts.exchange } else { &self.scripts.deliver };
        let call = encode::exchange(self.call(script), exchange);
        match self.run::<Option<String>>(&call)? {
            Some(reply) => decode::exchanged(&reply),
            None => Err(StoreError::stale_request(&exchange.worker, exchange.seq)),
        }
    }

    fn heartbeat(&self, heartbeat: &Heartbeat) -> Result<Vec<(HeldClaim, LeaseStatus)>> {
        let call = encode::heartbeat(self.call(&self.scripts.heartbeat), heartbeat);
        decode::lease_statuses(&self.run::<Vec<usize>>(&call)?, &heartbeat.held)
    }

    fn unregister(&self, worker: &str) -> Result<()> {
        self.run(&self.call(&self.scripts.unregister).arg(worker))
    }

    fn mark_worker_dead(&self, worker: &str) -> Result<u64> {
        // First without a sweep: a worker without leases is no longer listed either, and an earlier layout is migrated
        // before the keys of this one are read.
        let mut ended = self.end_leases(worker, "")?;
        let sweeps = redis::pipe().cmd("SMEMBERS").arg(format!("sweep:holds:{worker}")).to_owned();
        let (sweeps,): (Vec<String>,) = self.connection.pipe(&sweeps)?;
        for sweep in sweeps {
            ended += self.end_leases(worker, &sweep)?;
        }
        Ok(ended)
    }

    fn workers(&self) -> Result<Vec<WorkerRow>> {
        let rows: Vec<_> = self.run(&self.call(&self.scripts.workers).arg(ALIVE_MS))?;
        rows.into_iter().map(decode::worker).collect()
    }

    fn check_leases(&self) -> Result<Option<Vec<ExpiredClaim>>> {
        let call = self.call(&self.scripts.check_leases).arg(MOST_EXPIRED).arg(CHECKED_LEASES);
        self.run::<Option<Vec<_>>>(&call)?.map(decode::expired).transpose()
    }

    fn expired_counts(&self) -> Result<Vec<(SweepId, u64)>> {
        let mut expired = Vec::new();
        for sweep in store_info::sweeps_with_expired_leases(&self.connection)? {
            let mut leases = Leases::default();
            self.count_leases(&sweep, &mut leases)?;
            if leases.run_out > 0 {
                expired.push((decode::sweep_id(&sweep)?, leases.run_out));
            }
        }
        Ok(expired)
    }

    fn backlog(&self, scope: &Scope) -> Result<Backlog> {
        decode::backlog(self.run(&encode::backlog(self.call(&self.scripts.backlog), scope))?)
    }

    fn work_waiter<'a>(&'a self, scope: &Scope) -> Result<Box<dyn WorkWaiter + 'a>> {
        let connection = Connection::new(self.connection.address().clone())?;
        Ok(Box::new(Waiter::new(connection, scope.clone())))
    }
}
