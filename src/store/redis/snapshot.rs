//! Owns several commands that read and run as one step.
//!
//! They are sent as a script, not as a transaction: when its memory is full, the server refuses every command within a
//! transaction, even one that only reads.

use redis::{FromRedisValue, ToRedisArgs};

use super::{RedisStore, header};
use crate::job::SweepId;
use crate::store::Result;

/// The commands, each with its arguments.
#[derive(Default)]
pub(super) struct Snapshot(Vec<Vec<Vec<u8>>>);

impl Snapshot {
    /// Commands about a sweep. The first reply tells whether it exists.
    pub(super) fn about(id: &SweepId) -> Snapshot {
        let mut snapshot = Snapshot::default();
        snapshot.cmd("EXISTS").arg(header(id));
        snapshot
    }

    /// Adds a command.
    pub(super) fn cmd(&mut self, name: &str) -> &mut Self {
        self.0.push(vec![name.into()]);
        self
    }

    /// Adds an argument to the last command, or several from a list.
    pub(super) fn arg(&mut self, argument: impl ToRedisArgs) -> &mut Self {
        if let Some(command) = self.0.last_mut() {
            command.extend(argument.to_redis_args());
        }
        self
    }
}

impl RedisStore {
    /// Runs the commands; the reply has the reply of each.
    pub(super) fn snapshot<T: FromRedisValue>(&self, snapshot: &Snapshot) -> Result<T> {
        let call = snapshot.0.iter().fold(self.call(&self.scripts.read), |call, command| {
            command.iter().fold(call.arg(command.len()), |call, word| call.arg(word.as_slice()))
        });
        self.run(&call)
    }
}
