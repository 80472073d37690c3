//! Owns the embedded store: one SQLite database in a folder, for several processes of one machine at once.
//!
//! - `schema.sql`: the tables;
//! - [`open`]: the folder, the file, the settings of a connection; [`guard`]: one machine only;
//! - [`sweeps`]: sweeps put in, cancelled, put back, removed; [`staging`]: sweeps made from older ones;
//! - [`exchange`], with [`report`] and [`claim`]: a worker's one request; [`lease`]: signs of life and lost claims;
//! - [`points`] and [`ranges`]: the sets in which points stand;
//! - [`read`]: what only reads; [`wait`]: how an idle worker learns of new work;
//! - [`error`]: what goes wrong, in words.
//!
//! Whatever writes is one `BEGIN IMMEDIATE` transaction: one that reads first and writes later would find, nine times in
//! ten, that another has written in between. The store's clock is this machine's, read once within each transaction.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use rusqlite::{Connection, TransactionBehavior};

use self::error::{Done, Fault};
use self::guard::Machine;
use super::{
    Backlog, BlockLog, Counts, Exchange, ExchangeReply, ExpiredClaim, Heartbeat, HeldClaim, History, LeaseStatus,
    NewSweep, PointSet, Queue, Rerun, Result, Scope, Span, StagedPart, StagedSweep, Staging, Store, StoreInfo,
    SweepRow, Sweeps, WorkWaiter, WorkerRow,
};
use crate::job::{AttemptCounts, JobState, SweepId};

mod claim;
mod error;
mod exchange;
mod guard;
mod lease;
mod open;
mod points;
mod ranges;
mod read;
mod report;
mod staging;
mod sweeps;
mod wait;

/// The database's name within the store's folder.
const FILE: &str = "sweep.db";

/// Whether a path is that of an embedded store's file, or of one that SQLite keeps beside it.
pub fn is_of_store(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).and_then(|name| name.strip_prefix(FILE));
    name.is_some_and(|rest| rest.is_empty() || rest.starts_with('-')) && path.with_file_name(FILE).exists()
}

/// The embedded store. It has two connections: what a `collect` reads does not hold up what workers report.
pub struct SqliteStore {
    dir: PathBuf,
    file: PathBuf,
    identity: open::Identity,
    machine: Machine,
    writer: Mutex<Connection>,
    reader: Mutex<Connection>,
}

impl SqliteStore {
    /// Opens the store in the folder `dir` (named `.sweep` where nobody says otherwise), and makes both if they are not
    /// there.
    ///
    /// # Errors
    /// By [`StoreErrorKind`](super::StoreErrorKind): `InsufficientPermissions` or `Refused` for a folder that cannot be
    /// created; `Refused` for one on a network file system, a database of another program, and a store that a worker of
    /// another machine uses; `Newer` for a newer layout; `Damaged` for a file that is no database; `Unreachable` if
    /// another process keeps it locked.
    pub fn open(dir: &Path) -> Result<SqliteStore> {
        open::make_folder(dir)?;
        guard::refuse_network(dir)?;
        // Where the store is does not change with the process's directory.
        let dir = std::path::absolute(dir).unwrap_or_else(|_| dir.into());
        let (file, machine) = (dir.join(FILE), Machine::this());
        let connect = || {
            let writer = open::connect(&file)?;
            guard::refuse_other_machine(&writer, &dir, &machine, now_ms())?;
            Ok((writer, open::connect(&file)?))
        };
        let (writer, reader) = connect().map_err(|fault: Fault| fault.at(&file))?;
        let identity = open::identity(&file)?;
        let (writer, reader) = (Mutex::new(writer), Mutex::new(reader));
        Ok(SqliteStore { dir, file, identity, machine, writer, reader })
    }

    /// Whether a store may be made in the folder `dir`, which is not there yet.
    ///
    /// # Errors
    /// As for [`SqliteStore::open`].
    pub fn check_place(dir: &Path) -> Result<()> {
        dir.ancestors().find(|folder| folder.is_dir()).map_or(Ok(()), guard::refuse_network)
    }

    /// Does some work as one transaction that writes, at one time of the store's clock.
    fn write<T>(&self, work: impl FnOnce(&Connection, u64) -> Done<T>) -> Result<T> {
        self.transact(&self.writer, TransactionBehavior::Immediate, work)
    }

    /// Does some work that only reads, on one state of the store.
    fn read<T>(&self, work: impl FnOnce(&Connection, u64) -> Done<T>) -> Result<T> {
        self.transact(&self.reader, TransactionBehavior::Deferred, work)
    }

    fn transact<T>(
        &self,
        connection: &Mutex<Connection>,
        behavior: TransactionBehavior,
        work: impl FnOnce(&Connection, u64) -> Done<T>,
    ) -> Result<T> {
        let all = || {
            let mut connection = lock(connection);
            open::refuse_moved(&self.file, self.identity)?;
            let transaction = connection.transaction_with_behavior(behavior)?;
            let value = work(&transaction, now_ms())?;
            transaction.commit()?;
            Ok(value)
        };
        all().map_err(|fault: Fault| fault.at(&self.file))
    }
}

/// A thread that panicked within a transaction has left it rolled back, so the connection is good.
fn lock(connection: &Mutex<Connection>) -> MutexGuard<'_, Connection> {
    connection.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The store's clock: milliseconds since the epoch.
fn now_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as u64
}

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

    fn workers(&self) -> Result<Vec<WorkerRow>> {
        self.read(lease::workers)
    }

    fn check_leases(&self) -> Result<Option<Vec<ExpiredClaim>>> {
        if !self.read(lease::is_time_to_look)? {
            return Ok(None);
        }
        self.write(lease::expired)
    }

    fn expired_counts(&self) -> Result<Vec<(SweepId, u64)>> {
        self.read(lease::expired_counts)
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

    fn replace_document(&self, id: &SweepId, queue: &str, document: &[u8]) -> Result<()> {
        self.write(|connection, _| sweeps::replace_document(connection, sweeps::key(connection, id)?, queue, document))
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

    /// None: the folder is on a local disk, or opening it would have been refused.
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
                leases: lease::count(connection, now)?,
            })
        })
    }

    /// Never: there is no server, and what is committed is on the disk.
    fn restarts(&self) -> Option<u64> {
        None
    }
}
