//! Owns, for tests, what a store of an earlier release holds: `tests/fixtures/earlier_stores`.

use std::path::PathBuf;

use rusqlite::{Connection, OpenFlags};

/// The folder with the sweep files and their inputs.
pub(crate) fn study() -> PathBuf {
    fixtures().join("study")
}

fn fixtures() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/earlier_stores")
}

fn blobs(query: &str) -> Vec<Vec<u8>> {
    let file = format!("file:{}?immutable=1", fixtures().join("embedded/sweep.db").display());
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
    let connection = Connection::open_with_flags(file, flags).unwrap();
    let mut statement = connection.prepare(query).unwrap();
    statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

/// The documents of all sweeps.
pub(crate) fn documents() -> Vec<Vec<u8>> {
    blobs("SELECT document FROM documents ORDER BY sweep")
}

/// The chunks of all sweeps.
pub(crate) fn chunks() -> Vec<Vec<u8>> {
    blobs("SELECT chunk FROM chunks ORDER BY id")
}

/// The output of all attempts.
pub(crate) fn outputs() -> Vec<Vec<u8>> {
    blobs("SELECT output FROM outputs ORDER BY id")
}
