//! Owns opening the embedded store: its folder, its file, the settings of a connection.

use std::fs::{self, DirBuilder, OpenOptions};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::{Connection, OpenFlags};

use super::error::{Done, Fault};
use super::layout;
use crate::store::{StoreError, StoreErrorKind};

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

/// Opens a connection that reads and writes. Creates the tables of a new database and migrates an older layout.
pub(super) fn to_write(file: &Path) -> Done<Connection> {
    let mut connection = settings(Connection::open(file)?)?;
    // Before anything is written: a database of something else stays as it is.
    layout::read(&connection, file)?;
    write_ahead(&connection)?;
    // FULL: what is recorded is on the disk before the caller knows of it, and survives a power cut. Outcomes come in
    // batches, so that many share the wait for the disk.
    connection.execute_batch("PRAGMA synchronous = FULL;")?;
    layout::prepare(&mut connection, file)?;
    Ok(connection)
}

/// Opens a connection that only reads, with the layout of the database; none: it is empty.
pub(super) fn to_read(file: &Path) -> Done<(Connection, Option<u32>)> {
    // Not opened as read-only: such a connection would leave an empty log behind when it is the last one to close.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = settings(Connection::open_with_flags(file, flags)?)?;
    connection.execute_batch("PRAGMA query_only = ON;")?;
    let layout = layout::read(&connection, file)?;
    Ok((connection, layout))
}

fn settings(mut connection: Connection) -> Done<Connection> {
    connection.busy_handler(Some(patient()))?;
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
                    "this file system has no shared memory, which the embedded store needs",
                )
                .remedy("use a folder on a local disk of this machine: `--store FOLDER`")
                .into());
            }
        };
    }
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
