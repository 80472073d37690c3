//! Owns the embedded store: one SQLite database in a folder, for several processes of one machine at once.
//!
//! - `schema.sql` and [`layout`]: the tables, their version and the migrations;
//! - [`contract`]: the traits of the contract, each request as one transaction;
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

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::{Connection, TransactionBehavior};

use self::clock::Reading;
use self::error::{Done, Fault};
use self::guard::Machine;
use self::layout::LAYOUT;
use super::{Result, StoreError, StoreErrorKind};

mod claim;
mod clock;
mod contract;
mod dead;
mod error;
mod exchange;
mod guard;
mod inputs;
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

/// Whether a path is the database of an embedded store, or one of the files that SQLite keeps beside it.
pub fn is_of_store(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).and_then(|name| name.strip_prefix(FILE));
    name.is_some_and(|rest| rest.is_empty() || rest.starts_with('-')) && path.with_file_name(FILE).exists()
}

/// The embedded store. It has two connections, so that a `collect` that reads does not delay the reports of workers. The one
/// that writes is opened by the first request that writes, so a command that only reads changes nothing, not even the
/// layout.
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
    /// By [`StoreErrorKind`]: `InsufficientPermissions` or `Refused` for a folder that cannot be
    /// created; `Refused` for one on a network file system, a database of another program, and a store that a worker of
    /// another machine uses; `Newer` for a newer layout; `Damaged` for a file that is no database; `Unreachable` if
    /// another process keeps it locked.
    pub fn open(dir: &Path) -> Result<SqliteStore> {
        open::create_folder(dir)?;
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

    /// Checks whether a store may be created in the folder `dir`, which does not exist yet.
    ///
    /// # Errors
    /// As for [`SqliteStore::open`].
    pub fn check_place(dir: &Path) -> Result<()> {
        dir.ancestors().find(|folder| folder.is_dir()).map_or(Ok(()), guard::refuse_network)
    }

    /// Runs `work` in one transaction that writes. It gets the store's clock, milliseconds since the epoch.
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

    /// Runs `work`, which only reads, on one state of the store. It gets the store's clock, milliseconds since the epoch.
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

/// If a thread panicked during a transaction, that was rolled back, so the connection is still good.
fn lock<T>(connection: &Mutex<T>) -> MutexGuard<'_, T> {
    connection.lock().unwrap_or_else(PoisonError::into_inner)
}
