//! Owns the shared store: Redis 7.0 or newer, or Valkey; one server that stands alone.
//!
//! - [`address`]: what may be typed, and what is shown of it;
//! - [`link`]: the connection, and sending again; [`errors`]: what the server's errors mean;
//! - [`admit`]: what a server must be like; [`facts`]: what it tells of itself;
//! - [`scripts`] and `lua/`: each change is one script, and so one step; [`encode`]: its arguments, [`decode`]: replies;
//! - [`reads`]: what is read without a script.
//!
//! What it keeps; nothing expires, and nothing is kept for a point that waits for its first attempt:
//!
//! | key | what |
//! | --- | --- |
//! | `sweep:layout` | the version of this table, [`LAYOUT`] |
//! | `sweep:names` | hash: name → the last number given |
//! | `sweep:serial` | counts submissions |
//! | `sweep:requests` | hash: a submission's request id → sweep |
//! | `sweep:ids` | sorted set of sweeps by serial |
//! | `sweep:q:QUEUE` | sorted set by serial of those with jobs pending or running |
//! | `sweep:bell:QUEUE` | stream of one entry: the last time that jobs may have become claimable, see [`bell`] |
//! | `sweep:leased` | set of those with leases |
//! | `sweep:looked` | when expired leases were last looked for |
//! | `sweep:workers` | sorted set of workers by their last sign of life |
//! | `sweep:w:WORKER` | hash: its row, the number of its last exchange and the reply to that |
//! | `sweep:drafts` | sorted set of the tokens of sweeps in the making by when they were last heard of |
//! | `sweep:d:TOKEN` | hash: id, parts, reused, ready of one; it is filled under the keys that it will have |
//! | `sweep:trash` | set of removed sweeps whose keys are not all freed yet |
//! | `sweep:s:ID` | hash: header and counts of a sweep; without it there is no such sweep |
//! | `…:doc` | its document |
//! | `…:ready`, `…:cancelled` | sorted sets of ranges `start:stop` by start |
//! | `…:delayed`, `…:due` | sorted sets of delayed points by index and by time |
//! | `…:leases` | hash: index → `attempt token deadline length started doomed failures losses worker` |
//! | `…:failed` | sorted set of points |
//! | `…:tries` | sorted set by index of `index attempts failures losses token` for points tried without success |
//! | `…:columns` | hash: result column → `index position` of its first appearance |
//! | `…:blocks` | sorted set of the blocks that have one of the two: |
//! | `…:log:BLOCK` | list of chunks of records |
//! | `…:out:BLOCK` | hash: `index.attempt` → what it printed |

use std::fmt;
use std::ops::Range;

use redis::Script;

use self::address::Address;
use self::bell::Bell;
use self::link::Link;
use self::scripts::{Call, Scripts};
use super::{
    Backlog, BlockLog, Counts, Exchange, ExchangeReply, ExpiredClaim, Heartbeat, HeldClaim, History, LAYOUT,
    LeaseStatus, NewSweep, PointSet, Queue, Rerun, Result, STAGING_TIMEOUT, Scope, Span, StagedPart, StagedSweep,
    Staging, Store, StoreError, StoreInfo, SweepRow, Sweeps, WorkWaiter, WorkerRow, incomplete, staging_timed_out,
};
use crate::job::{AttemptCounts, JobState, MAX_POINTS, SweepId};
use crate::record::block_of;

mod address;
mod admit;
mod bell;
mod decode;
mod encode;
mod errors;
mod facts;
mod link;
mod reads;
mod scripts;

/// A worker whose last sign of life is older is not listed, milliseconds.
const ALIVE_MS: u64 = 60_000;

/// The most expired claims that one look returns.
const MOST_EXPIRED: usize = 1000;

/// Ranges that one request puts back, and about how many points one script moves: some milliseconds of the server.
const REQUEUE_RANGES: usize = 1000;
const REQUEUE_POINTS: usize = 5000;

/// Blocks that one script frees.
const PURGE_BLOCKS: usize = 500;

/// The shared store, over one connection that all threads use. Its methods block; they must not be called from within an
/// asynchronous task.
pub struct RedisStore {
    link: Link,
    scripts: Scripts,
}

/// Without what the address keeps secret.
impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RedisStore({})", self.describe())
    }
}

fn header(id: &SweepId) -> String {
    format!("sweep:s:{id}")
}

fn key(id: &SweepId, what: &str) -> String {
    format!("sweep:s:{id}:{what}")
}

impl RedisStore {
    /// Connects to `redis://[USER:PASSWORD@]HOST[:PORT][/DB]`, the same with `rediss://` for TLS (the server's certificate
    /// must be one that this machine, or the file that `SSL_CERT_FILE` names, knows), or `redis+unix:///PATH`.
    ///
    /// # Errors
    /// By [`StoreErrorKind`](super::StoreErrorKind): `BadAddress` for what is no address; `Unreachable` when no server
    /// replies; `InsufficientPermissions` for a wrong password; `Newer` for a newer layout; `Refused` for a certificate
    /// that is not accepted, a server before 7.0, a cluster, a replica, or one that evicts data.
    pub fn connect(url: &str) -> Result<RedisStore> {
        let link = Link::new(Address::parse(url)?)?;
        admit::admit(&link)?;
        Ok(RedisStore { link, scripts: Scripts::new() })
    }

    fn call<'a>(&'a self, script: &'a Script) -> Call<'a> {
        Call::new(script)
    }

    /// Frees what removed sweeps left behind, step by step.
    fn purge(&self) -> Result<()> {
        while self.link.call(&self.call(&self.scripts.purge).arg(PURGE_BLOCKS))? {}
        Ok(())
    }

    /// Puts the points of some ranges back, in as many steps as it takes.
    fn requeue_ranges(&self, id: &SweepId, mut ranges: Vec<Range<u64>>) -> Result<u64> {
        let mut moved = 0;
        while !ranges.is_empty() {
            let call = self.call(&self.scripts.requeue).arg(id.to_string()).arg(REQUEUE_POINTS);
            let call = ranges.iter().fold(call, |call, range| call.arg(range.start).arg(range.end));
            let (count, done, go_on): (u64, usize, u64) = self.link.call(&call)?;
            moved += count;
            ranges.drain(..done.min(ranges.len()));
            if let Some(range) = ranges.first_mut() {
                // Never back: a point that has failed again meanwhile stays failed.
                range.start = range.start.max(go_on);
            }
        }
        Ok(moved)
    }
}

impl Queue for RedisStore {
    fn exchange(&self, exchange: &Exchange) -> Result<ExchangeReply> {
        let script = if exchange.claim_request.is_some() { &self.scripts.exchange } else { &self.scripts.deliver };
        let call = encode::exchange(self.call(script), exchange);
        match self.link.call::<Option<String>>(&call)? {
            Some(reply) => decode::exchanged(&reply),
            None => Err(StoreError::stale_request(&exchange.worker, exchange.seq)),
        }
    }

    fn heartbeat(&self, heartbeat: &Heartbeat) -> Result<Vec<(HeldClaim, LeaseStatus)>> {
        let call = encode::heartbeat(self.call(&self.scripts.heartbeat), heartbeat);
        decode::lease_statuses(&self.link.call::<Vec<usize>>(&call)?, &heartbeat.held)
    }

    fn unregister(&self, worker: &str) -> Result<()> {
        let mut commands = redis::pipe();
        commands.atomic().cmd("UNLINK").arg(format!("sweep:w:{worker}")).ignore();
        commands.cmd("ZREM").arg("sweep:workers").arg(worker).ignore();
        self.link.pipe(&commands)
    }

    fn mark_worker_dead(&self, worker: &str) -> Result<u64> {
        self.link.call(&self.call(&self.scripts.abandon).arg(worker).arg(ALIVE_MS))
    }

    fn workers(&self) -> Result<Vec<WorkerRow>> {
        let rows: Vec<_> = self.link.call(&self.call(&self.scripts.workers).arg(ALIVE_MS))?;
        rows.into_iter().map(decode::worker).collect()
    }

    fn check_leases(&self) -> Result<Option<Vec<ExpiredClaim>>> {
        let rows: Option<Vec<_>> = self.link.call(&self.call(&self.scripts.expired).arg(MOST_EXPIRED))?;
        rows.map(decode::expired).transpose()
    }

    fn expired_counts(&self) -> Result<Vec<(SweepId, u64)>> {
        let rows: Vec<(String, u64)> = self.link.call(&self.call(&self.scripts.expired_counts))?;
        rows.into_iter().map(|(id, expired)| Ok((decode::sweep_id(&id)?, expired))).collect()
    }

    fn backlog(&self, scope: &Scope) -> Result<Backlog> {
        decode::backlog(self.link.call(&encode::backlog(self.call(&self.scripts.backlog), scope))?)
    }

    fn work_waiter<'a>(&'a self, scope: &Scope) -> Result<Box<dyn WorkWaiter + 'a>> {
        Ok(Box::new(Bell::new(Link::new(self.link.address().clone())?, scope.clone())))
    }
}

impl Sweeps for RedisStore {
    fn submit(&self, new: &NewSweep) -> Result<SweepId> {
        new.check()?;
        let call =
            self.call(&self.scripts.submit).arg(STAGING_TIMEOUT.as_millis() as u64).arg(LAYOUT).arg(&new.request);
        let call = call.arg(&new.name).arg(&new.queue).arg(&new.user).arg(new.total).arg(new.document.as_slice());
        decode::sweep_id(&self.link.call::<String>(&call)?)
    }

    fn replace_document(&self, id: &SweepId, queue: &str, document: &[u8]) -> Result<()> {
        self.link.call(&self.call(&self.scripts.redeclare).arg(id.to_string()).arg(queue).arg(document))
    }

    fn sweeps(&self) -> Result<Vec<SweepRow>> {
        reads::sweeps(&self.link)
    }

    fn sweep(&self, id: &SweepId) -> Result<SweepRow> {
        reads::sweep(&self.link, id)
    }

    fn document(&self, id: &SweepId) -> Result<Vec<u8>> {
        reads::document(&self.link, id)
    }

    fn set_paused(&self, id: &SweepId, reason: Option<&str>) -> Result<()> {
        self.link.call(&self.call(&self.scripts.pause).arg(id.to_string()).arg(reason))
    }

    fn pause_unless_resumed(&self, id: &SweepId, failed_at_resume: u64, reason: &str) -> Result<bool> {
        self.link.call(&self.call(&self.scripts.pause).arg(id.to_string()).arg(reason).arg(failed_at_resume))
    }

    fn cancel(&self, id: &SweepId) -> Result<Counts> {
        decode::counts(self.link.call(&self.call(&self.scripts.cancel).arg(id.to_string()))?)
    }

    fn remove(&self, id: &SweepId, force: bool) -> Result<()> {
        let call = self.call(&self.scripts.remove).arg(STAGING_TIMEOUT.as_millis() as u64);
        let call = call.arg(id.to_string()).arg(u8::from(force));
        match self.link.call::<u64>(&call)? {
            0 => self.purge(),
            held => {
                Err(StoreError::refused(format!("{id} has {held} running {}", if held == 1 { "job" } else { "jobs" }))
                    .remedy(format!(
                        "`sweep cancel {id}` ends them first; `sweep rm --force {id}` removes the sweep at once"
                    )))
            }
        }
    }

    fn requeue(&self, id: &SweepId, ranges: &[Range<u64>]) -> Result<u64> {
        // With no range, too, it is told that a sweep does not exist.
        reads::sweep(&self.link, id)?;
        let whole = |range: &Range<u64>| range.start.min(MAX_POINTS)..range.end.min(MAX_POINTS);
        let ranges: Vec<_> = ranges.iter().map(whole).filter(|range| !range.is_empty()).collect();
        ranges.chunks(REQUEUE_RANGES).map(|ranges| self.requeue_ranges(id, ranges.to_vec())).sum()
    }

    fn rerun(&self, id: &SweepId, rerun: &Rerun) -> Result<bool> {
        // An index beyond all points would not be exact in Lua.
        let index = rerun.index.min(MAX_POINTS);
        let call = self.call(&self.scripts.rerun).arg(id.to_string()).arg(index).arg(block_of(index));
        self.link.call(&call.arg(rerun.attempts).arg(rerun.chunks).arg(rerun.chunk.as_slice()))
    }
}

impl History for RedisStore {
    fn spans(&self, id: &SweepId, set: PointSet, from: u64, limit: usize) -> Result<Vec<Span>> {
        reads::spans(&self.link, id, set, from, limit)
    }

    fn point(&self, id: &SweepId, index: u64) -> Result<(JobState, Option<AttemptCounts>)> {
        reads::point(&self.link, id, index)
    }

    fn log(&self, id: &SweepId, blocks: Range<u64>) -> Result<Vec<BlockLog>> {
        reads::log(&self.link, id, blocks)
    }

    fn compact(&self, id: &SweepId, block: u64, read: &[Vec<u8>], chunk: &[u8]) -> Result<bool> {
        let Some(first) = read.first() else { return Ok(false) };
        let call = self.call(&self.scripts.compact).arg(id.to_string()).arg(block).arg(read.len());
        self.link.call(&call.arg(first.as_slice()).arg(chunk))
    }

    fn columns(&self, id: &SweepId) -> Result<Vec<String>> {
        reads::columns(&self.link, id)
    }

    fn outputs(&self, id: &SweepId, attempts: &[(u64, u32)]) -> Result<Vec<Option<Vec<u8>>>> {
        reads::outputs(&self.link, id, attempts)
    }
}

impl Staging for RedisStore {
    fn stage(&self, draft: &StagedSweep) -> Result<SweepId> {
        draft.sweep.check()?;
        let call = self.call(&self.scripts.begin).arg(STAGING_TIMEOUT.as_millis() as u64).arg(LAYOUT);
        let call = call.arg(&draft.token).arg(&draft.sweep.name);
        decode::sweep_id(&self.link.call::<String>(&call)?)
    }

    fn add_staged(&self, draft: &StagedSweep, fill: &StagedPart) -> Result<()> {
        let filled: bool = self.link.call(&encode::fill(self.call(&self.scripts.fill), draft, fill))?;
        if filled { Ok(()) } else { Err(staging_timed_out(draft)) }
    }

    fn commit_staged(&self, draft: &StagedSweep) -> Result<SweepId> {
        let new = &draft.sweep;
        let call = self.call(&self.scripts.commit).arg(&draft.token).arg(&new.request).arg(&new.queue);
        let call = call.arg(&new.user).arg(new.total).arg(new.document.as_slice());
        match self.link.call::<redis::Value>(&call)? {
            redis::Value::Nil => Err(staging_timed_out(draft)),
            redis::Value::Int(points) => Err(incomplete(draft, points.unsigned_abs())),
            id => decode::sweep_id(&decode::value::<String>(id)?),
        }
    }
}

impl Store for RedisStore {
    fn describe(&self) -> String {
        self.link.address().shown().to_owned()
    }

    fn cautions(&self) -> Result<Vec<String>> {
        facts::cautions(&self.link)
    }

    fn info(&self) -> Result<StoreInfo> {
        facts::facts(&self.link, &self.call(&self.scripts.facts).arg(ALIVE_MS))
    }

    fn restarts(&self) -> Option<u64> {
        Some(self.link.restarts())
    }
}
