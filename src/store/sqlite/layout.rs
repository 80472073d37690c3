//! Owns the layout of the database: its version, the creation of a new one, and the migration of an older one.

use std::path::Path;

use rusqlite::{Connection, OptionalExtension, TransactionBehavior};

use super::error::Done;
use crate::store::{StoreError, StoreErrorKind};
pub(super) use crate::stored::layout::LAYOUT;
use crate::stored::layout::OLDEST_LAYOUT as OLDEST;

/// The steps from each older layout to the next one. A step adds tables and columns with defaults and may change indexes,
/// but removes and changes no table and no column. So a request that only reads can read an older layout as it is; only
/// the clock is missing there.
const MIGRATIONS: [(u32, &str); 1] = [(2, include_str!("migrations/2_to_3.sql"))];

/// The layout of a database. None: it is empty. O(1).
///
/// # Errors
/// `Refused` for a database of another program, for one with triggers or views, and for a layout that is too old; `Newer`
/// for one that is too new.
pub(super) fn read(connection: &Connection, file: &Path) -> Done<Option<u32>> {
    let objects = "SELECT count(CASE WHEN type = 'table' THEN 1 END),
                          count(CASE WHEN type = 'table' AND name = 'meta' THEN 1 END),
                          count(CASE WHEN type NOT IN ('table', 'index') THEN 1 END) FROM sqlite_schema";
    let (tables, meta, others): (u32, u32, u32) =
        connection.query_row(objects, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    if others > 0 {
        let message = format!("{} contains triggers or views, which sweep does not create", file.display());
        return Err(StoreError::refused(message)
            .remedy("somebody has changed it; do not use it, and find out who: they could run commands as you")
            .into());
    }
    if tables == 0 {
        return Ok(None);
    }
    let layout = match meta {
        0 => None,
        _ => connection.query_row("SELECT value FROM meta WHERE name = 'layout'", [], |row| row.get(0)).optional()?,
    };
    let name = file.display();
    let message = |layout: u32| {
        format!(
            "the store {name} has layout {layout}, and this version of sweep ({}) knows layouts {OLDEST} to {LAYOUT}",
            env!("CARGO_PKG_VERSION")
        )
    };
    match layout {
        Some(OLDEST..=LAYOUT) => Ok(layout),
        Some(newer) if newer > LAYOUT => Err(StoreError::new(StoreErrorKind::Newer, message(newer))
            .remedy("update sweep on this machine, or use another store: `--store FOLDER`")
            .into()),
        Some(older) => Err(StoreError::refused(message(older))
            .remedy("use the version of sweep that wrote it, or another store: `--store FOLDER`")
            .into()),
        None => Err(StoreError::refused(format!("{name} is a database of another program"))
            .remedy("move it away, or use another store: `--store FOLDER`")
            .into()),
    }
}

/// Creates the tables of an empty database, or migrates an older layout to [`LAYOUT`], in one transaction. Does nothing
/// if another process has done it.
///
/// # Errors
/// As [`read`].
pub(super) fn prepare(connection: &mut Connection, file: &Path) -> Done<()> {
    if read(connection, file)? == Some(LAYOUT) {
        return Ok(());
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    match read(&transaction, file)? {
        None => {
            transaction.execute_batch(include_str!("schema.sql"))?;
            transaction.execute("INSERT INTO meta VALUES ('layout', ?1)", [LAYOUT])?;
        }
        Some(layout) => {
            for (_, step) in MIGRATIONS.iter().filter(|(from, _)| *from >= layout) {
                transaction.execute_batch(step)?;
            }
            transaction.execute("UPDATE meta SET value = ?1 WHERE name = 'layout'", [LAYOUT])?;
        }
    }
    Ok(transaction.commit()?)
}
