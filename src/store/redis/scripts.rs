//! Owns the Lua scripts: their texts, and a call of one.

use redis::aio::MultiplexedConnection;
use redis::{FromRedisValue, RedisResult, Script, ToRedisArgs};

/// The scripts, each with the shared functions before it.
pub(super) struct Scripts {
    pub(super) submit: Script,
    pub(super) begin: Script,
    pub(super) fill: Script,
    pub(super) commit: Script,
    pub(super) redeclare: Script,
    pub(super) pause: Script,
    pub(super) cancel: Script,
    pub(super) requeue: Script,
    pub(super) rerun: Script,
    pub(super) remove: Script,
    pub(super) purge: Script,
    pub(super) compact: Script,
    /// An exchange with a wish for claims.
    pub(super) exchange: Script,
    /// One without: the same text.
    pub(super) deliver: Script,
    pub(super) heartbeat: Script,
    pub(super) abandon: Script,
    pub(super) workers: Script,
    pub(super) expired: Script,
    pub(super) expired_counts: Script,
    pub(super) backlog: Script,
    pub(super) facts: Script,
}

/// What the server may do with a script. It decides before the script begins, so that none is stopped half-way.
#[derive(Clone, Copy)]
enum Kind {
    /// Refused when the memory is full: what brings more to keep.
    Fills,
    /// Runs all the same: what keeps running jobs alive, delivers what they did (no more than was claimed), or frees.
    Vital,
    /// Changes nothing.
    Reads,
}

/// A script that has to do with sweeps in the making.
macro_rules! drafts {
    ($file:literal) => {
        concat!(include_str!("lua/drafts.lua"), include_str!($file))
    };
}

impl Scripts {
    pub(super) fn new() -> Scripts {
        let exchange =
            concat!(include_str!("lua/outcomes.lua"), include_str!("lua/claims.lua"), include_str!("lua/exchange.lua"));
        Scripts {
            submit: script(Kind::Fills, drafts!("lua/submit.lua")),
            begin: script(Kind::Fills, drafts!("lua/begin.lua")),
            fill: script(Kind::Fills, drafts!("lua/fill.lua")),
            commit: script(Kind::Fills, drafts!("lua/commit.lua")),
            redeclare: script(Kind::Fills, include_str!("lua/redeclare.lua")),
            pause: script(Kind::Vital, include_str!("lua/pause.lua")),
            cancel: script(Kind::Vital, include_str!("lua/cancel.lua")),
            requeue: script(Kind::Fills, include_str!("lua/requeue.lua")),
            rerun: script(Kind::Fills, include_str!("lua/rerun.lua")),
            remove: script(Kind::Vital, drafts!("lua/remove.lua")),
            purge: script(Kind::Vital, include_str!("lua/purge.lua")),
            compact: script(Kind::Vital, include_str!("lua/compact.lua")),
            exchange: script(Kind::Fills, exchange),
            deliver: script(Kind::Vital, exchange),
            heartbeat: script(Kind::Vital, include_str!("lua/heartbeat.lua")),
            abandon: script(Kind::Vital, include_str!("lua/abandon.lua")),
            workers: script(Kind::Reads, include_str!("lua/workers.lua")),
            expired: script(Kind::Vital, include_str!("lua/expired.lua")),
            expired_counts: script(Kind::Reads, include_str!("lua/expired_counts.lua")),
            backlog: script(Kind::Reads, include_str!("lua/backlog.lua")),
            facts: script(Kind::Reads, include_str!("lua/facts.lua")),
        }
    }
}

fn script(kind: Kind, text: &str) -> Script {
    let flags = match kind {
        Kind::Fills => "",
        Kind::Vital => " flags=allow-oom",
        Kind::Reads => " flags=no-writes",
    };
    Script::new(&format!("#!lua{flags}\n{}\n{text}", include_str!("lua/lib.lua")))
}

/// A call of a script: may be sent more than once. A server that does not have the script (it was restarted) is given
/// it.
pub(super) struct Call<'a>(redis::ScriptInvocation<'a>);

impl<'a> Call<'a> {
    pub(super) fn new(script: &'a Script) -> Call<'a> {
        Call(script.prepare_invoke())
    }

    /// With one more argument (or several, from a list).
    pub(super) fn arg(mut self, argument: impl ToRedisArgs) -> Call<'a> {
        self.0.arg(argument);
        self
    }

    pub(super) async fn invoke<T: FromRedisValue>(&self, connection: &mut MultiplexedConnection) -> RedisResult<T> {
        self.0.invoke_async(connection).await
    }
}
