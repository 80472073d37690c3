//! Owns what a store tells of itself, for `sweep doctor`.

use std::path::PathBuf;

/// What a store tells of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreInfo {
    /// Its program and version: `SQLite 3.50.4`, `Redis 7.0.15`.
    pub program: String,
    /// Its clock, milliseconds since the epoch.
    pub clock_ms: u64,
    /// When what it has recorded is safe, in words.
    pub durability: String,
    /// Its folder on this machine; none: it is a server.
    pub folder: Option<PathBuf>,
    /// The memory it keeps its data in; none: it keeps them on disk.
    pub memory: Option<Memory>,
    /// The claims that are held.
    pub leases: Leases,
}

/// The memory of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Memory {
    /// In use, bytes.
    pub used: u64,
    /// At most, bytes; none: all that the machine has.
    pub most: Option<u64>,
    /// What it throws away when that is full, in its own words.
    pub policy: String,
}

/// How many claims are held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Leases {
    /// All.
    pub held: u64,
    /// Those that have run out and were not put back yet.
    pub run_out: u64,
    /// Those whose worker has given no sign of life for a minute, run out or not.
    pub unseen: u64,
}
