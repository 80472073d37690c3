//! Owns the information about a store that `sweep doctor` shows.

use std::path::PathBuf;

/// Information about a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreInfo {
    /// Its program and version: `SQLite 3.50.4`, `Redis 7.0.15`.
    pub program: String,
    /// Its clock, milliseconds since the epoch.
    pub clock_ms: u64,
    /// When recorded outcomes are durable, in words.
    pub durability: String,
    /// Its folder on this machine. None: it is a server.
    pub folder: Option<PathBuf>,
    /// The memory in which it keeps its data. None: it keeps them on disk.
    pub memory: Option<Memory>,
    /// The leases.
    pub leases: Leases,
}

/// The memory of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Memory {
    /// In use, bytes.
    pub used: u64,
    /// The limit, bytes. None: all memory of the machine.
    pub most: Option<u64>,
    /// The server's policy when the limit is reached: the name of `maxmemory-policy`.
    pub policy: String,
}

/// How many leases there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Leases {
    /// All leases.
    pub held: u64,
    /// Those that have run out and whose jobs were not put back yet.
    pub run_out: u64,
    /// Those whose worker had no heartbeat for a minute, whether they have run out or not.
    pub unseen: u64,
}
