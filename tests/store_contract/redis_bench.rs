//! Owns a Redis server for one check.

use std::sync::Arc;

use sweep::store::Store;
use sweep::store::redis::RedisStore;

use crate::harness::Bench;

#[path = "../common/redis_server.rs"]
mod redis_server;

use redis_server::RedisServer;

/// The Redis store on a server of its own.
pub struct RedisBench {
    server: RedisServer,
}

impl RedisBench {
    pub fn fresh() -> RedisBench {
        RedisBench { server: RedisServer::start() }
    }

    /// Sends a command line to the server, as another program would. Returns the reply.
    pub fn say(&self, line: &str) -> String {
        self.server.say(line)
    }
}

impl Bench for RedisBench {
    fn connect(&self) -> Arc<dyn Store> {
        Arc::new(RedisStore::connect(&self.server.url()).unwrap())
    }
}
