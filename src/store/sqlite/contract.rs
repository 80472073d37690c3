//! Owns the traits of the contract for the embedded store: each request is one transaction over the functions beside it.

use std::ops::Range;

use super::{SqliteStore, dead, exchange, inputs, lease, read, report, staging, sweeps, wait};
use crate::job::{AttemptCounts, JobState, SweepId};
use crate::model::{FoundInputs, Input};
use crate::store::{
    Backlog, BlockLog, Counts, Exchange, ExchangeReply, ExpiredClaim, Heartbeat, HeldClaim, History, Inputs,
    LeaseStatus, NewSweep, PointSet, Queue, Rerun, Result, Scope, Span, StagedPart, StagedSweep, Staging, Store,
    StoreInfo, SweepRow, Sweeps, WorkWaiter, WorkerRow,
};

impl Queue for SqliteStore {
    fn exchange(&self, exchange: &Exchange) -> Result<ExchangeReply> {
        self.write(|connection, now| exchange::apply(connection, now, exchange))
    }

    fn heartbeat(&self, heartbeat: &Heartbeat) -> Result<Vec<(HeldClaim, LeaseStatus)>> {
        self.write(|connection, now| lease::heartbeat(connection, now, &self.machine, heartbeat))
    }

    fn unregister(&self, worker: &str) -> Result<()> {
        self.write(|connection, _| lease::unregister(connection, worker))
    }

    fn mark_worker_dead(&self, worker: &str) -> Result<u64> {
        self.write(|connection, now| lease::mark_worker_dead(connection, now, worker))
    }

    fn mark_dead_workers(&self) -> Result<u64> {
        if self.read(|connection, _| dead::find(connection, &self.machine))?.is_empty() {
            return Ok(0);
        }
        self.write(|connection, now| lease::mark_dead_workers(connection, now, &self.machine))
    }

    fn workers(&self) -> Result<Vec<WorkerRow>> {
        self.read(|connection, now| lease::workers(connection, now, &self.machine))
    }

    fn check_leases(&self) -> Result<Option<Vec<ExpiredClaim>>> {
        if !self.read(lease::is_check_due)? {
            return Ok(None);
        }
        self.write(lease::check)
    }

    fn expired_counts(&self) -> Result<Vec<(SweepId, u64)>> {
        self.read(|connection, now| lease::expired_counts(connection, now, &self.machine))
    }

    fn backlog(&self, scope: &Scope) -> Result<Backlog> {
        self.read(|connection, now| read::backlog(connection, now, scope))
    }

    fn work_waiter<'a>(&'a self, scope: &Scope) -> Result<Box<dyn WorkWaiter + 'a>> {
        Ok(Box::new(wait::Waiter::new(self, scope.clone())))
    }
}

impl Sweeps for SqliteStore {
    fn submit(&self, new: &NewSweep) -> Result<SweepId> {
        self.write(|connection, now| {
            staging::drop_timed_out(connection, now)?;
            sweeps::submit(connection, now, new)
        })
    }

    fn replace_document(&self, id: &SweepId, queue: &str, document: &[u8], inputs: Option<&FoundInputs>) -> Result<()> {
        self.write(|connection, _| {
            let sweep = sweeps::key(connection, id)?;
            inputs.map_or(Ok(()), |inputs| inputs::replace(connection, sweep, inputs))?;
            sweeps::replace_document(connection, sweep, queue, document)
        })
    }

    fn sweeps(&self) -> Result<Vec<SweepRow>> {
        self.read(|connection, _| sweeps::rows(connection))
    }

    fn sweep(&self, id: &SweepId) -> Result<SweepRow> {
        self.read(|connection, _| sweeps::row(connection, sweeps::key(connection, id)?))
    }

    fn document(&self, id: &SweepId) -> Result<Vec<u8>> {
        self.read(|connection, _| {
            let sweep = sweeps::key(connection, id)?;
            let document = "SELECT document FROM documents WHERE sweep = ?1";
            Ok(connection.query_row(document, [sweep], |row| row.get(0))?)
        })
    }

    fn set_paused(&self, id: &SweepId, reason: Option<&str>) -> Result<()> {
        self.write(|connection, _| sweeps::set_paused(connection, sweeps::key(connection, id)?, reason))
    }

    fn pause_unless_resumed(&self, id: &SweepId, failed_at_resume: u64, reason: &str) -> Result<bool> {
        self.write(|connection, _| {
            sweeps::pause_unless_resumed(connection, sweeps::key(connection, id)?, failed_at_resume, reason)
        })
    }

    fn cancel(&self, id: &SweepId) -> Result<Counts> {
        self.write(|connection, _| sweeps::cancel(connection, sweeps::key(connection, id)?))
    }

    fn remove(&self, id: &SweepId, force: bool) -> Result<()> {
        self.write(|connection, now| {
            staging::drop_timed_out(connection, now)?;
            sweeps::remove(connection, id, force)
        })?;
        while self.write(|connection, _| sweeps::clear(connection))? {}
        Ok(())
    }

    fn requeue(&self, id: &SweepId, ranges: &[Range<u64>]) -> Result<u64> {
        self.write(|connection, _| sweeps::requeue(connection, sweeps::key(connection, id)?, ranges))
    }

    fn rerun(&self, id: &SweepId, rerun: &Rerun) -> Result<bool> {
        self.write(|connection, _| sweeps::rerun(connection, sweeps::key(connection, id)?, rerun))
    }
}

impl Inputs for SqliteStore {
    fn add_inputs(&self, id: &SweepId, submission: u64, found: &FoundInputs) -> Result<Vec<Input>> {
        self.write(|connection, _| inputs::add_to(connection, id, submission, found))
    }

    fn inputs(&self, id: &SweepId) -> Result<FoundInputs> {
        self.read(|connection, _| inputs::read(connection, sweeps::key(connection, id)?))
    }

    fn inputs_revision(&self, id: &SweepId) -> Result<u64> {
        self.read(|connection, _| inputs::revision(connection, sweeps::key(connection, id)?))
    }
}

impl History for SqliteStore {
    fn spans(&self, id: &SweepId, set: PointSet, from: u64, limit: usize) -> Result<Vec<Span>> {
        self.read(|connection, _| read::spans(connection, sweeps::key(connection, id)?, set, from, limit))
    }

    fn point(&self, id: &SweepId, index: u64) -> Result<(JobState, Option<AttemptCounts>)> {
        self.read(|connection, _| read::point(connection, id, index))
    }

    fn log(&self, id: &SweepId, blocks: Range<u64>) -> Result<Vec<BlockLog>> {
        self.read(|connection, _| read::log(connection, sweeps::key(connection, id)?, blocks))
    }

    fn compact(&self, id: &SweepId, block: u64, read: &[Vec<u8>], chunk: &[u8]) -> Result<bool> {
        self.write(|connection, _| report::compact(connection, sweeps::key(connection, id)?, block, read, chunk))
    }

    fn columns(&self, id: &SweepId) -> Result<Vec<String>> {
        self.read(|connection, _| read::columns(connection, sweeps::key(connection, id)?))
    }

    fn outputs(&self, id: &SweepId, attempts: &[(u64, u32)]) -> Result<Vec<Option<Vec<u8>>>> {
        self.read(|connection, _| read::outputs(connection, sweeps::key(connection, id)?, attempts))
    }
}

impl Staging for SqliteStore {
    fn stage(&self, staged: &StagedSweep) -> Result<SweepId> {
        self.write(|connection, now| staging::stage(connection, now, staged))
    }

    fn add_staged(&self, staged: &StagedSweep, part: &StagedPart) -> Result<()> {
        self.write(|connection, now| staging::add(connection, now, staged, part))
    }

    fn commit_staged(&self, staged: &StagedSweep) -> Result<SweepId> {
        self.write(|connection, now| staging::commit(connection, now, staged))
    }
}

impl Store for SqliteStore {
    fn describe(&self) -> String {
        self.dir.display().to_string()
    }

    /// None: opening a store that is not on a local disk is refused.
    fn cautions(&self) -> Result<Vec<String>> {
        Ok(Vec::new())
    }

    fn info(&self) -> Result<StoreInfo> {
        self.read(|connection, now| {
            Ok(StoreInfo {
                program: format!("SQLite {}", rusqlite::version()),
                clock_ms: now,
                durability: "what is recorded is synced to the disk".into(),
                folder: Some(self.dir.clone()),
                memory: None,
                leases: lease::count(connection, now, &self.machine)?,
            })
        })
    }

    /// None: there is no server, and what is committed is on the disk.
    fn restarts(&self) -> Option<u64> {
        None
    }
}
