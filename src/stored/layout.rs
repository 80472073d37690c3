//! Owns the versions of a store's layout: its tables and columns (SQLite), or its keys and fields (Redis).
//!
//! | layout | written by | |
//! | --- | --- | --- |
//! | 2 | sweep 0.1 | |
//! | 3 | sweep 0.1 | indexes of leases and of unfinished sweeps; inputs; SQLite also has the clock |
//!
//! A store keeps its layout version in itself, and checks it when it is opened. The steps from one layout to the next are
//! code beside the SQL and the Lua scripts, in `store/sqlite` and `store/redis`. What both do:
//!
//! - [`LAYOUT`]: used as it is.
//! - [`OLDEST_LAYOUT`] to [`LAYOUT`]: migrated in one transaction, by the first command that writes. It may be sent twice.
//! - Newer than [`LAYOUT`]: refused as [`crate::store::StoreErrorKind::Newer`]; sweep must be updated.
//! - Older than [`OLDEST_LAYOUT`]: refused; no release wrote it.
//!
//! A table, column, index, key or field that an older version of sweep does not look at, and need not keep up to date,
//! is added without a new layout version. Everything else that changes is a new one.

/// The version that this version of sweep writes.
pub const LAYOUT: u32 = 3;

/// The oldest version that this version of sweep opens.
pub const OLDEST_LAYOUT: u32 = 2;
