//! Owns the version of the keys: which versions are read, and how an earlier one is brought up to date.
//!
//! Each script that writes checks the version first (`layout.lua`), so a process that connected before another one moved
//! the store to a newer layout changes nothing any more. Reading writes nothing: a store of layout 2 is read as it is,
//! and the first request that changes something moves it.

use super::connection::Connection;
use crate::store::{Result, StoreError, StoreErrorKind};
pub(super) use crate::stored::layout::LAYOUT;

/// The versions that can be moved to this one: the one before, and one that another process has begun to move.
const EARLIER: [&str; 2] = ["2", "2>3"];

/// Sweeps that one step of the migration moves: some milliseconds of the server.
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

/// Whether the migration turns this layout into ours.
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
