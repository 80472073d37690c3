//! Owns opening the embedded store: its folder, its file, the settings of a connection, the check of its layout.

use std::fs::{self, DirBuilder, OpenOptions};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::{Connection, OptionalExtension, TransactionBehavior};

use super::error::{Done, Fault};
use crate::store::{LAYOUT, StoreError, StoreErrorKind};

/// How long a connection waits for a lock that another holds.
const PATIENCE: Duration = Duration::from_secs(30);

/// Statements kept compiled for each connection: more than there are.
const STATEMENTS: usize = 128;

/// Makes the folder of a store, and keeps it out of version control. Whatever the umask, not everybody may write there:
/// who can change a sweep can have commands run. (SQLite makes its files 0644 at most.)
pub(super) fn make_folder(dir: &Path) -> Result<(), StoreError> {
    let refused = |error: std::io::Error| {
        let kind = match error.kind() {
            ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => StoreErrorKind::InsufficientPermissions,
            _ => StoreErrorKind::Refused,
        };
        StoreError::new(kind, format!("the store's folder {} cannot be created or written ({error})", dir.display()))
            .remedy("use another one: `--store FOLDER`")
    };
    DirBuilder::new().recursive(true).mode(0o775).create(dir).map_err(refused)?;
    let ignore = OpenOptions::new().write(true).create_new(true).mode(0o664).open(dir.join(".gitignore"));
    match ignore.and_then(|mut file| file.write_all(b"*\n")) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(refused(error)),
        _ => {}
    }
    Ok(())
}

/// Which file it is that stands under a name: its device and its number there.
pub(super) type Identity = (u64, u64);

/// Which file it is that stands under the database's name, now. A connection goes on with the file that it opened, also
/// when that was deleted, and nobody would ever read again what it writes.
pub(super) fn identity(file: &Path) -> Result<Identity, StoreError> {
    let metadata = fs::metadata(file).map_err(|error| moved(file, &error.to_string()))?;
    Ok((metadata.dev(), metadata.ino()))
}

/// Refuses to go on when the database is not the file that was opened.
pub(super) fn refuse_moved(file: &Path, opened: Identity) -> Result<(), StoreError> {
    if identity(file)? == opened { Ok(()) } else { Err(moved(file, "another file stands there")) }
}

fn moved(file: &Path, why: &str) -> StoreError {
    StoreError::refused(format!("the store {} was moved or deleted while it was in use ({why})", file.display()))
        .remedy("put it back, or start again")
}

/// Opens a connection to the database, which is laid out if it is new.
pub(super) fn connect(file: &Path) -> Done<Connection> {
    let mut connection = Connection::open(file)?;
    connection.busy_handler(Some(patient()))?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    // Before anything is written: a database of something else stays as it is.
    let new = layout(&connection, file)?.is_none();
    write_ahead(&connection)?;
    // FULL: what is recorded is on the disk before anybody is told so, and outlives a power cut. Outcomes come in
    // batches, so that many share the wait for it.
    connection.execute_batch("PRAGMA synchronous = FULL; PRAGMA temp_store = MEMORY;")?;
    if new {
        lay_out(&mut connection, file)?;
    }
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
                    "this file system has no shared memory, which the embedded store needs",
                )
                .remedy("use a folder on a local disk of this machine: `--store FOLDER`")
                .into());
            }
        };
    }
}

/// Checks that the database has the layout that is known here; none: it is empty.
fn layout(connection: &Connection, file: &Path) -> Done<Option<u32>> {
    let tables = "SELECT count(*), count(CASE WHEN name = 'meta' THEN 1 END) FROM sqlite_schema WHERE type = 'table'";
    let (tables, meta): (u32, u32) = connection.query_row(tables, [], |row| Ok((row.get(0)?, row.get(1)?)))?;
    if tables == 0 {
        return Ok(None);
    }
    let known = match meta {
        0 => None,
        _ => connection.query_row("SELECT value FROM meta WHERE name = 'layout'", [], |row| row.get(0)).optional()?,
    };
    let name = file.display();
    match known {
        Some(LAYOUT) => Ok(known),
        Some(other) => {
            let message =
                format!("the store {name} has layout {other}, and this version of sweep knows layout {LAYOUT}");
            Err(StoreError::new(StoreErrorKind::Newer, message)
                .remedy("use the version of sweep that wrote it, or another store: `--store FOLDER`")
                .into())
        }
        None => Err(StoreError::refused(format!("{name} is a database of another program"))
            .remedy("move it away, or use another store: `--store FOLDER`")
            .into()),
    }
}

/// Lays out a new database, unless another process was quicker.
fn lay_out(connection: &mut Connection, file: &Path) -> Done<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    if layout(&transaction, file)?.is_none() {
        transaction.execute_batch(include_str!("schema.sql"))?;
        transaction.execute("INSERT INTO meta VALUES ('layout', ?1)", [LAYOUT])?;
    }
    Ok(transaction.commit()?)
}

/// A busy handler that sleeps 0.2 to 2 ms each time, and gives up after [`PATIENCE`]. SQLite's own sleeps longer and
/// longer, up to 0.1 s, and so one of two busy processes starves. The jitter keeps them from falling into step.
fn patient() -> impl FnMut(i32) -> bool + Send + 'static {
    let mut state = RandomState::new().build_hasher().finish() | 1;
    let mut start = Instant::now();
    move |times| {
        if times == 0 {
            start = Instant::now();
        }
        // xorshift64: any generator will do.
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        thread::sleep(Duration::from_micros(200 + state % 1800));
        start.elapsed() < PATIENCE
    }
}
