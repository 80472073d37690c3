//! Owns the version of the keys: which versions are read, and how an earlier one is brought up to date.
//!
//! Each script that writes checks the version first (`layout.lua`). So a process that connected before another one migrated
//! the store to a newer layout changes nothing any more. Reading writes nothing: a store of layout 2 is read as it is. The
//! first request that writes migrates it.

use super::connection::Connection;
use crate::store::{Result, StoreError, StoreErrorKind};
pub(super) use crate::stored::layout::LAYOUT;

/// The versions that can be migrated: the one before, and one whose migration another process has begun.
const EARLIER: [&str; 2] = ["2", "2>3"];

/// How many sweeps one step of the migration moves: this takes the server some milliseconds.
pub(super) const MIGRATE_SWEEPS: usize = 500;

/// Refuses a store whose layout cannot be read. An empty database has none yet.
pub(super) fn check(connection: &Connection) -> Result<()> {
    let (layout,): (Option<String>,) = connection.pipe(redis::pipe().cmd("GET").arg("sweep:layout"))?;
    match layout {
        Some(layout) if layout != LAYOUT.to_string() && !can_be_moved(&layout) => {
            Err(unknown(connection.address().shown(), &layout))
        }
        _ => Ok(()),
    }
}

/// Whether a store of this layout can be migrated.
pub(super) fn can_be_moved(layout: &str) -> bool {
    EARLIER.contains(&layout)
}

/// The error for a layout that this version does not know.
pub(super) fn unknown(at: &str, layout: &str) -> StoreError {
    let version = env!("CARGO_PKG_VERSION");
    let message = format!(
        "Redis at {at} holds sweeps in layout {layout}, and this version of sweep ({version}) knows layout {LAYOUT}"
    );
    StoreError::new(StoreErrorKind::Newer, message)
        .remedy("use the version that wrote them, or another database of that server, for example redis://HOST:PORT/1")
}
