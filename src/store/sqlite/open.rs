//! Owns opening the embedded store: its folder, its file, the settings of a connection.

use std::fs::{self, DirBuilder, OpenOptions};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::error::{Done, Fault};
use super::layout;
use crate::store::{StoreError, StoreErrorKind};

/// How long a connection waits for a lock that another one holds.
const PATIENCE: Duration = Duration::from_secs(30);

/// How many compiled statements each connection keeps: more than there are.
const STATEMENTS: usize = 128;

/// Creates the folder of a store, with a `.gitignore` that keeps it out of version control. Whatever the umask, other users
/// may not write there, because whoever can change a sweep can run commands. (SQLite creates its files with at most 0644.)
pub(super) fn create_folder(dir: &Path) -> Result<(), StoreError> {
    let refused = |error: std::io::Error| {
        let kind = match error.kind() {
            ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => StoreErrorKind::InsufficientPermissions,
            _ => StoreErrorKind::Refused,
        };
        StoreError::new(kind, format!("the store's folder {} cannot be created or written ({error})", dir.display()))
            .remedy("use another folder: `--store FOLDER`")
    };
    DirBuilder::new().recursive(true).mode(0o755).create(dir).map_err(refused)?;
    let ignore = OpenOptions::new().write(true).create_new(true).mode(0o644).open(dir.join(".gitignore"));
    match ignore.and_then(|mut file| file.write_all(b"*\n")) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(refused(error)),
        _ => {}
    }
    Ok(())
}

/// What identifies a file: its device and its number there.
pub(super) type Identity = (u64, u64);

/// The identity of the file that has the database's name now. A connection continues with the file that it opened even if
/// that was deleted, and then nobody would ever read what it writes.
pub(super) fn identity(file: &Path) -> Result<Identity, StoreError> {
    let metadata = fs::metadata(file).map_err(|error| moved(file, &error.to_string()))?;
    Ok((metadata.dev(), metadata.ino()))
}

/// Refuses a request if the database is no longer the file that was opened.
pub(super) fn refuse_moved(file: &Path, opened: Identity) -> Result<(), StoreError> {
    if identity(file)? == opened { Ok(()) } else { Err(moved(file, "another file has its name")) }
}

fn moved(file: &Path, why: &str) -> StoreError {
    StoreError::refused(format!("the store {} was moved or deleted while it was in use ({why})", file.display()))
        .remedy("move it back, or run the command again")
}

/// Opens a connection that reads and writes. Creates the tables of a new database and migrates an older layout.
pub(super) fn to_write(file: &Path) -> Done<Connection> {
    let mut connection = settings(Connection::open(file)?)?;
    // Before anything is written, so that the database of another program stays as it is.
    layout::read(&connection, file)?;
    write_ahead(&connection)?;
    // FULL: what is recorded is on the disk before the request returns, and survives a power cut. Outcomes come in batches,
    // so many of them share one wait for the disk.
    connection.execute_batch("PRAGMA synchronous = FULL;")?;
    layout::prepare(&mut connection, file)?;
    Ok(connection)
}

/// Opens a connection that only reads. Returns it with the layout of the database; none: the database is empty.
pub(super) fn to_read(file: &Path) -> Done<(Connection, Option<u32>)> {
    // Not opened as read-only: such a connection would leave an empty log behind if it is the last one to close.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = settings(Connection::open_with_flags(file, flags)?)?;
    connection.execute_batch("PRAGMA query_only = ON;")?;
    let layout = layout::read(&connection, file)?;
    Ok((connection, layout))
}

fn settings(mut connection: Connection) -> Done<Connection> {
    connection.busy_handler(Some(patient()))?;
    // A database may come from somebody else (a copied project, `--store`). Nothing in its schema may run code or change
    // what a query means. `layout` refuses triggers and views as well.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_VIEW, false)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    connection.execute_batch("PRAGMA temp_store = MEMORY;")?;
    Ok(connection)
}

/// Switches to the write-ahead log. SQLite does not ask the busy handler while it does so.
fn write_ahead(connection: &Connection) -> Done<()> {
    let (mut wait, start) = (patient(), Instant::now());
    loop {
        let mode = connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get::<_, String>(0));
        match mode.map_err(Fault::from) {
            Err(fault) if fault.is_busy() && start.elapsed() < PATIENCE => wait(1),
            Err(fault) => return Err(fault),
            Ok(mode) if mode == "wal" => return Ok(()),
            Ok(_) => {
                return Err(StoreError::refused(
                    "the file system of the store has no shared memory, which the embedded store needs",
                )
                .remedy("use a folder on a local disk of this machine: `--store FOLDER`")
                .into());
            }
        };
    }
}

/// A busy handler that sleeps 0.2 to 2 ms each time, and gives up after [`PATIENCE`]. SQLite's own handler sleeps longer
/// each time, up to 0.1 s, so that one of two busy processes starves. The random part keeps processes from retrying at the
/// same moments.
fn patient() -> impl FnMut(i32) -> bool + Send + 'static {
    let mut state = RandomState::new().build_hasher().finish() | 1;
    let mut start = Instant::now();
    move |times| {
        if times == 0 {
            start = Instant::now();
        }
        // xorshift64; any generator is good enough.
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        thread::sleep(Duration::from_micros(200 + state % 1800));
        start.elapsed() < PATIENCE
    }
}
