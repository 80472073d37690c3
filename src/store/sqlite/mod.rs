//! Owns the embedded store: one SQLite database in a folder, for several processes of one machine at once.
//!
//! - `schema.sql` and [`layout`]: the tables, their version and the migrations;
//! - [`open`]: the folder, the file, the settings of a connection; [`guard`]: one machine only; [`clock`]: its time;
//! - [`sweeps`]: submit, cancel, requeue, remove; [`staging`]: sweeps that are built from older ones;
//! - [`exchange`], with [`report`] and [`claim`]: the working request of a worker;
//! - [`lease`]: heartbeats and expired claims; [`dead`]: workers that are certainly dead;
//! - [`points`] and [`ranges`]: the sets that make up the states of points;
//! - [`read`]: requests that only read; [`wait`]: how an idle worker learns of new work;
//! - [`error`]: what each error of SQLite means.
//!
//! Every request that writes is one `BEGIN IMMEDIATE` transaction. A transaction that reads first and writes later would
//! nearly always find that another one has written in between. The clock is read once within each transaction.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::{Connection, TransactionBehavior};

use self::clock::Reading;
use self::error::{Done, Fault};
use self::guard::Machine;
use self::layout::LAYOUT;
use super::{
    Backlog, BlockLog, Counts, Exchange, ExchangeReply, ExpiredClaim, Heartbeat, HeldClaim, History, LeaseStatus,
    NewSweep, PointSet, Queue, Rerun, Result, Scope, Span, StagedPart, StagedSweep, Staging, Store, StoreError,
    StoreErrorKind, StoreInfo, SweepRow, Sweeps, WorkWaiter, WorkerRow,
};
use crate::job::{AttemptCounts, JobState, SweepId};

mod claim;
mod clock;
mod dead;
mod error;
mod exchange;
mod guard;
mod layout;
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

/// The embedded store. It has two connections: what a `collect` reads does not hold up what workers report. The one that
/// writes is opened at the first request that writes, so a command that only reads changes nothing, not even the layout.
pub struct SqliteStore {
    dir: PathBuf,
    file: PathBuf,
    identity: open::Identity,
    machine: Machine,
    /// Closed before the writer: the last connection to close moves the log into the database.
    reader: Mutex<Connection>,
    writer: Mutex<Option<Connection>>,
    /// Whether the database has the table of the clock, as far as this process knows.
    has_clock: AtomicBool,
}

impl SqliteStore {
    /// Opens the store in the folder `dir` (`.sweep` by default), and creates both if they do not exist. Migrates a store
    /// of an older layout.
    ///
    /// # Errors
    /// By [`StoreErrorKind`](super::StoreErrorKind): `InsufficientPermissions` or `Refused` for a folder that cannot be
    /// created; `Refused` for one on a network file system, a database of another program, and a store that a worker of
    /// another machine uses; `Newer` for a newer layout; `Damaged` for a file that is no database; `Unreachable` if
    /// another process keeps it locked.
    pub fn open(dir: &Path) -> Result<SqliteStore> {
        open::make_folder(dir)?;
        guard::refuse_network(dir)?;
        let file = dir.join(FILE);
        let writer = open::to_write(&file).map_err(|fault| fault.at(&file))?;
        SqliteStore::with(dir, Some(writer))
    }

    /// Opens the store in the folder `dir`, which must exist. Reads an older layout as it is; the first request that
    /// writes migrates it.
    ///
    /// # Errors
    /// As [`SqliteStore::open`]; `NoStore` if there is none.
    pub fn open_existing(dir: &Path) -> Result<SqliteStore> {
        guard::refuse_network(dir)?;
        if dir.is_dir() && !dir.join(FILE).exists() {
            let message = format!("there is no store in the folder {}", dir.display());
            return Err(StoreError::new(StoreErrorKind::NoStore, message)
                .remedy("`sweep run FILE` or `sweep submit FILE` creates one, `--store URL` names another"));
        }
        SqliteStore::with(dir, None)
    }

    fn with(dir: &Path, writer: Option<Connection>) -> Result<SqliteStore> {
        // Where the store is does not change with the process's directory.
        let dir = std::path::absolute(dir).unwrap_or_else(|_| dir.into());
        let (file, machine) = (dir.join(FILE), Machine::this());
        let connect = || {
            let (reader, layout) = open::to_read(&file)?;
            let (writer, layout) = match (writer, layout) {
                // Another process is about to create it.
                (None, None) => (Some(open::to_write(&file)?), Some(LAYOUT)),
                found => found,
            };
            let has_clock = layout == Some(LAYOUT);
            let now = read_clock(&reader, &machine, has_clock)?;
            guard::refuse_other_machine(&reader, &dir, &machine, now)?;
            Ok((writer, reader, has_clock))
        };
        let (writer, reader, has_clock) = connect().map_err(|fault: Fault| fault.at(&file))?;
        let identity = open::identity(&file)?;
        let (writer, reader, has_clock) = (Mutex::new(writer), Mutex::new(reader), AtomicBool::new(has_clock));
        Ok(SqliteStore { dir, file, identity, machine, writer, reader, has_clock })
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
        let all = || {
            let mut writer = lock(&self.writer);
            open::refuse_moved(&self.file, self.identity)?;
            let connection = match &mut *writer {
                Some(connection) => connection,
                none => {
                    let opened = none.insert(open::to_write(&self.file)?);
                    self.has_clock.store(true, Ordering::Relaxed);
                    opened
                }
            };
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let now = clock::set(&transaction, &self.machine.boot, Reading::now())?;
            let value = work(&transaction, now)?;
            transaction.commit()?;
            Ok(value)
        };
        all().map_err(|fault: Fault| fault.at(&self.file))
    }

    /// Does some work that only reads, on one state of the store.
    fn read<T>(&self, work: impl FnOnce(&Connection, u64) -> Done<T>) -> Result<T> {
        let all = || {
            let mut connection = lock(&self.reader);
            open::refuse_moved(&self.file, self.identity)?;
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Deferred)?;
            let now = read_clock(&transaction, &self.machine, self.has_clock.load(Ordering::Relaxed))?;
            let value = work(&transaction, now)?;
            transaction.commit()?;
            Ok(value)
        };
        all().map_err(|fault: Fault| fault.at(&self.file))
    }
}

/// The store's clock for a request that only reads.
fn read_clock(connection: &Connection, machine: &Machine, has_clock: bool) -> Done<u64> {
    let reading = Reading::now();
    if has_clock { clock::now(connection, &machine.boot, reading) } else { Ok(reading.wall()) }
}

/// A thread that panicked within a transaction has left it rolled back, so the connection is good.
fn lock<T>(connection: &Mutex<T>) -> MutexGuard<'_, T> {
    connection.lock().unwrap_or_else(PoisonError::into_inner)
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
        if !self.read(lease::is_time_to_look)? {
            return Ok(None);
        }
        self.write(lease::expired)
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
                leases: lease::count(connection, now, &self.machine)?,
            })
        })
    }

    /// Never: there is no server, and what is committed is on the disk.
    fn restarts(&self) -> Option<u64> {
        None
    }
}
