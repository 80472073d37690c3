//! Owns the Lua scripts: their texts, and the call of a script.

use redis::aio::MultiplexedConnection;
use redis::{FromRedisValue, RedisResult, Script, ToRedisArgs};

use super::layout::LAYOUT;

/// The scripts, each with the shared functions before it.
pub(super) struct Scripts {
    pub(super) submit: Script,
    pub(super) stage: Script,
    pub(super) add_staged: Script,
    pub(super) commit_staged: Script,
    pub(super) add_inputs: Script,
    pub(super) replace_document: Script,
    pub(super) pause: Script,
    pub(super) cancel: Script,
    pub(super) requeue: Script,
    pub(super) rerun: Script,
    pub(super) remove: Script,
    pub(super) purge: Script,
    pub(super) compact: Script,
    /// An exchange that requests claims.
    pub(super) exchange: Script,
    /// An exchange that requests none: the same text, which also runs when the memory is full.
    pub(super) deliver: Script,
    pub(super) heartbeat: Script,
    pub(super) unregister: Script,
    pub(super) mark_worker_dead: Script,
    pub(super) workers: Script,
    pub(super) check_leases: Script,
    pub(super) backlog: Script,
    pub(super) count_leases: Script,
    pub(super) migrate: Script,
    pub(super) read: Script,
}

/// When the server runs a script. It decides before the script begins, so that no script stops half-way.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    /// Adds data. Refused when the memory is full.
    Adds,
    /// Keeps running jobs alive, delivers their outcomes (no more than were claimed), or frees memory. Runs also when the
    /// memory is full.
    Vital,
    /// Changes nothing.
    Reads,
    /// As `Vital`, and for a store of an earlier layout.
    Migrates,
}

/// The text of a script that works on staged sweeps.
macro_rules! with_staging {
    ($file:literal) => {
        concat!(include_str!("lua/staging.lua"), include_str!($file))
    };
}

/// The text of a script that adds inputs.
macro_rules! with_inputs {
    ($file:literal) => {
        concat!(include_str!("lua/inputs.lua"), include_str!("lua/staging.lua"), include_str!($file))
    };
}

impl Scripts {
    pub(super) fn new() -> Scripts {
        let exchange =
            concat!(include_str!("lua/outcomes.lua"), include_str!("lua/claims.lua"), include_str!("lua/exchange.lua"));
        Scripts {
            submit: script(Kind::Adds, with_inputs!("lua/submit.lua")),
            stage: script(Kind::Adds, with_staging!("lua/stage.lua")),
            add_staged: script(Kind::Adds, with_staging!("lua/add_staged.lua")),
            commit_staged: script(Kind::Adds, with_inputs!("lua/commit_staged.lua")),
            // The outcome of the attempt that found them waits for it. A sweep has a limited number.
            add_inputs: script(Kind::Vital, with_inputs!("lua/add_inputs.lua")),
            replace_document: script(Kind::Adds, with_inputs!("lua/replace_document.lua")),
            pause: script(Kind::Vital, include_str!("lua/pause.lua")),
            cancel: script(Kind::Vital, include_str!("lua/cancel.lua")),
            requeue: script(Kind::Adds, include_str!("lua/requeue.lua")),
            rerun: script(Kind::Adds, include_str!("lua/rerun.lua")),
            remove: script(Kind::Vital, with_staging!("lua/remove.lua")),
            purge: script(Kind::Vital, include_str!("lua/purge.lua")),
            compact: script(Kind::Vital, include_str!("lua/compact.lua")),
            exchange: script(Kind::Adds, exchange),
            deliver: script(Kind::Vital, exchange),
            heartbeat: script(Kind::Vital, include_str!("lua/heartbeat.lua")),
            unregister: script(Kind::Vital, include_str!("lua/unregister.lua")),
            mark_worker_dead: script(Kind::Vital, include_str!("lua/mark_worker_dead.lua")),
            workers: script(Kind::Reads, include_str!("lua/workers.lua")),
            check_leases: script(Kind::Vital, include_str!("lua/check_leases.lua")),
            backlog: script(Kind::Reads, include_str!("lua/backlog.lua")),
            count_leases: script(Kind::Reads, include_str!("lua/count_leases.lua")),
            read: script(Kind::Reads, include_str!("lua/read.lua")),
            migrate: script(Kind::Migrates, include_str!("lua/migrate.lua")),
        }
    }
}

fn script(kind: Kind, text: &str) -> Script {
    let flags = match kind {
        Kind::Adds => "",
        Kind::Vital | Kind::Migrates => " flags=allow-oom",
        Kind::Reads => " flags=no-writes",
    };
    let check = if matches!(kind, Kind::Adds | Kind::Vital) { include_str!("lua/layout.lua") } else { "" };
    let library = include_str!("lua/lib.lua");
    Script::new(&format!("#!lua{flags}\nlocal LAYOUT = '{LAYOUT}'\n{library}\n{check}\n{text}"))
}

/// A call of a script. It may be sent more than once. If the server does not have the script, because it was restarted, the
/// call sends the script.
pub(super) struct Call<'a>(redis::ScriptInvocation<'a>);

impl<'a> Call<'a> {
    pub(super) fn new(script: &'a Script) -> Call<'a> {
        Call(script.prepare_invoke())
    }

    /// Adds an argument, or several from a list.
    pub(super) fn arg(mut self, argument: impl ToRedisArgs) -> Call<'a> {
        self.0.arg(argument);
        self
    }

    pub(super) async fn invoke<T: FromRedisValue>(&self, connection: &mut MultiplexedConnection) -> RedisResult<T> {
        self.0.invoke_async(connection).await
    }
}
