//! Owns the shared store: one standalone server, Redis 7.0 or newer, or Valkey.
//!
//! - [`address`]: how the address of a server is written, and how it is shown;
//! - [`connection`]: the connection, and how requests are repeated; [`errors`]: what the server's errors mean;
//! - [`server_check`]: the requirements on a server; [`layout`]: the version of the keys, and the migration;
//! - [`store_info`]: what `sweep doctor` shows; [`info_reply`]: the reply to `INFO`;
//! - [`queue`], [`sweeps`], [`inputs`], [`history`], [`staging`]: the five parts of the contract; [`wait`]: how idle workers wait;
//! - [`scripts`] and `lua/`: each change is one script, and so one step; [`encode`]: its arguments, [`decode`]: replies;
//! - [`reads`]: requests that only read; [`snapshot`]: several commands that read, as one step.
//!
//! The keys in the server. None of them expires. A point that waits for its first attempt needs no entry of its own:
//!
//! | key | what |
//! | --- | --- |
//! | `sweep:layout` | the version of the keys, [`LAYOUT`](crate::stored::layout::LAYOUT) |
//! | `sweep:names` | hash: name → the last number given |
//! | `sweep:serial` | number of submissions so far |
//! | `sweep:requests` | hash: a submission's request id → sweep |
//! | `sweep:ids` | sorted set of sweeps by serial |
//! | `sweep:q:QUEUE` | sorted set by serial of sweeps with pending jobs, unless paused |
//! | `sweep:running:QUEUE` | the same of those that only have leases |
//! | `sweep:paused:QUEUE` | the same of those that are paused and have pending jobs or leases |
//! | `sweep:bell:QUEUE` | stream of one entry: the last time that jobs may have become claimable, see [`wait`] |
//! | `sweep:deadlines` | sorted set of the sweeps with leases, by a time that is no later than their earliest deadline |
//! | `sweep:scans` | hash: sweep → how far its leases were read, while a check reads them in parts |
//! | `sweep:absences` | list of the times in which nobody checked leases, as `end length` |
//! | `sweep:looked` | when leases were last checked |
//! | `sweep:set-back` | when a check last noticed that the server's clock was set back |
//! | `sweep:heartbeats` | sorted set of workers by their last heartbeat |
//! | `sweep:holds:WORKER` | set of the sweeps of which it has leases; may name others |
//! | `sweep:worker:WORKER` | hash: its row, the number of its last exchange and the reply to that |
//! | `sweep:drafts` | sorted set of the tokens of staged sweeps by the time of their last request |
//! | `sweep:d:TOKEN` | hash: id, parts, reused, ready of one staged sweep; its points are already under the keys of the sweep |
//! | `sweep:trash` | set of removed sweeps whose keys are not all freed yet |
//! | `sweep:s:ID` | hash: header and counts of a sweep; without it there is no such sweep |
//! | `…:doc` | its document |
//! | `…:inputs` | hash: path → input, see `inputs.lua` |
//! | `…:ready`, `…:cancelled` | sorted sets of ranges `start:stop` by start |
//! | `…:delayed`, `…:due` | sorted sets of delayed points by index and by time |
//! | `…:leases` | hash: index → `attempt token deadline length started cancels failures losses worker`, see `lib.lua` |
//! | `…:failed` | sorted set of points |
//! | `…:tries` | sorted set by index of `index attempts failures losses token` for points tried without success |
//! | `…:columns` | hash: result column → `index position` of its first appearance |
//! | `…:blocks` | sorted set of the blocks that have a log or outputs |
//! | `…:log:BLOCK` | list of chunks of records |
//! | `…:out:BLOCK` | hash: `index.attempt` → what the attempt printed |

use std::fmt;

use redis::{FromRedisValue, Script};

use self::address::Address;
use self::connection::{Called, Connection};
use self::scripts::{Call, Scripts};
use super::{Leases, Result, Store, StoreInfo};
use crate::job::SweepId;

mod address;
mod connection;
mod decode;
mod encode;
mod errors;
mod history;
mod info_reply;
mod inputs;
mod layout;
mod queue;
mod reads;
mod scripts;
mod server_check;
mod snapshot;
mod staging;
mod store_info;
mod sweeps;
mod tls;
mod wait;

/// A worker whose last heartbeat is older is not listed, milliseconds.
const ALIVE_MS: u64 = 60_000;

/// The shared store, over one connection that all threads use. Its methods block; they must not be called from within an
/// asynchronous task.
pub struct RedisStore {
    connection: Connection,
    scripts: Scripts,
}

/// Shows no user and no password.
impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RedisStore({})", self.describe())
    }
}

fn header(id: &SweepId) -> String {
    format!("sweep:s:{id}")
}

fn key(id: &SweepId, what: &str) -> String {
    format!("sweep:s:{id}:{what}")
}

impl RedisStore {
    /// Connects to `redis://[USER:PASSWORD@]HOST[:PORT][/DB]`, to the same with `rediss://` for TLS, or to
    /// `redis+unix:///PATH`. With TLS, this machine must trust the server's certificate; `SSL_CERT_FILE` may name a file with
    /// further certificates. Writes nothing.
    ///
    /// # Errors
    /// By [`StoreErrorKind`](super::StoreErrorKind): `BadAddress` for an invalid address; `Unreachable` when no server
    /// replies; `InsufficientPermissions` for a wrong password; `Newer` for a newer layout; `Refused` for a certificate
    /// that is not accepted, a server before 7.0, a cluster, a replica, or one that evicts data.
    pub fn connect(url: &str) -> Result<RedisStore> {
        let connection = Connection::new(Address::parse(url)?)?;
        server_check::check(&connection)?;
        layout::check(&connection)?;
        Ok(RedisStore { connection, scripts: Scripts::new() })
    }

    fn call<'a>(&'a self, script: &'a Script) -> Call<'a> {
        Call::new(script)
    }

    /// Runs a script, after the migration if the store has an earlier layout.
    fn run<T: FromRedisValue>(&self, call: &Call<'_>) -> Result<T> {
        loop {
            match self.connection.call(call)? {
                Called::Done(reply) => return Ok(reply),
                Called::OtherLayout(layout) if layout::can_be_moved(&layout) => self.migrate()?,
                Called::OtherLayout(layout) => {
                    return Err(layout::unknown(self.connection.address().shown(), &layout));
                }
            }
        }
    }

    /// Migrates a store of an earlier layout, in steps. Several processes may do so at once.
    fn migrate(&self) -> Result<()> {
        while self.run(&self.call(&self.scripts.migrate).arg(layout::MIGRATE_SWEEPS))? {}
        Ok(())
    }
}

impl Store for RedisStore {
    fn describe(&self) -> String {
        self.connection.address().shown().to_owned()
    }

    fn exposures(&self) -> Vec<String> {
        self.connection.address().exposures(tls::is_set())
    }

    fn cautions(&self) -> Result<Vec<String>> {
        store_info::cautions(&self.connection)
    }

    fn info(&self) -> Result<StoreInfo> {
        let mut leases = Leases::default();
        for sweep in store_info::leased_sweeps(&self.connection)? {
            self.count_leases(&sweep, &mut leases)?;
        }
        store_info::info(&self.connection, leases)
    }

    fn restarts(&self) -> Option<u64> {
        Some(self.connection.restarts())
    }
}
