//! Owns the connection to the server: several threads share it, and it is opened again when it breaks.
//!
//! The runtime has no thread of its own: the calling thread drives the connection while it waits for its reply. If several
//! threads wait, one of them drives it for all. This saves two thread switches for each request.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;
use std::time::{Duration, Instant};

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, FromRedisValue, Pipeline, RedisError, RedisResult};
use tokio::runtime::Runtime;
use tokio::sync::{Mutex, Notify};

use super::address::Address;
use super::errors::{self, Failure};
use super::info_reply;
use super::scripts::Call;
use super::tls;
use crate::store::{Result, StoreError};

/// How long the server may take for a reply. Long, because a request that timed out was probably executed.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// How long opening a connection may take.
const CONNECT_WITHIN: Duration = Duration::from_secs(2);

/// How long a request is repeated over new connections before the caller gets the error that the store is away.
const PATIENCE: Duration = Duration::from_secs(1);

/// The connection.
pub(super) struct Connection {
    address: Address,
    client: Client,
    runtime: Runtime,
    live: Mutex<Live>,
    restarts: AtomicU64,
}

/// The reply to a request.
type Asked<T> = std::result::Result<T, Failure>;

/// The result of a script.
pub(super) enum Called<T> {
    /// It ran.
    Done(T),
    /// It changed nothing, because the store has this layout.
    OtherLayout(String),
}

/// The connection that is open now, if any, with a number that distinguishes it from the one before.
#[derive(Default)]
struct Live {
    generation: u64,
    connection: Option<MultiplexedConnection>,
    /// The run id of the server at the last connection; each start of a server has another one.
    run: Option<String>,
    /// Whether the run id was requested over this connection.
    is_run_known: bool,
}

impl Connection {
    /// A connection that is opened by its first request.
    pub(super) fn new(address: Address) -> Result<Connection> {
        let trouble = |why: String| StoreError::refused(format!("the connection to Redis cannot be prepared: {why}"));
        let client = match tls::client_certificate()?.filter(|_| address.is_encrypted()) {
            Some(certificate) => Client::build_with_tls(address.info().clone(), certificate),
            None => Client::open(address.info().clone()),
        };
        let client = client.map_err(|error| {
            trouble(address.hide(error.to_string()))
                .remedy("check the address, and the files of SWEEP_TLS_CERT and SWEEP_TLS_KEY")
        })?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| trouble(error.to_string()))?;
        Ok(Connection { address, client, runtime, live: Mutex::default(), restarts: AtomicU64::new(0) })
    }

    /// The server's address.
    pub(super) fn address(&self) -> &Address {
        &self.address
    }

    /// How often a new connection found that the server was restarted, or is another server.
    pub(super) fn restarts(&self) -> u64 {
        self.restarts.load(Ordering::Relaxed)
    }

    /// Runs a script.
    pub(super) fn call<T: FromRedisValue>(&self, call: &Call<'_>) -> Result<Called<T>> {
        let reply = self.ask(async |connection| match call.invoke(connection).await {
            Ok(reply) => Ok(Called::Done(reply)),
            Err(error) => errors::other_layout(&error).map(Called::OtherLayout).ok_or(error),
        });
        reply.map_err(|failure| errors::translate_script_failure(&self.address, &failure))
    }

    /// Sends some commands and waits for all their replies.
    pub(super) fn pipe<T: FromRedisValue>(&self, commands: &Pipeline) -> Result<T> {
        let reply = self.ask(async |connection| commands.query_async(connection).await);
        reply.map_err(|failure| errors::translate(&self.address, &failure.error))
    }

    /// As [`Connection::pipe`], until `stop` is notified: then it returns `None`, and drops the request.
    pub(super) fn pipe_until_stopped<T: FromRedisValue>(
        &self,
        commands: &Pipeline,
        stop: &Notify,
    ) -> Result<Option<T>> {
        self.runtime.block_on(async {
            let mut reply = pin!(self.ask_async(async |connection| commands.query_async(connection).await));
            let mut stopped = pin!(stop.notified());
            poll_fn(|context| match stopped.as_mut().poll(context) {
                Poll::Ready(()) => Poll::Ready(Ok(None)),
                Poll::Pending => reply.as_mut().poll(context).map_ok(Some),
            })
            .await
            .map_err(|failure| errors::translate(&self.address, &failure.error))
        })
    }

    fn ask<T>(&self, request: impl AsyncFn(&mut MultiplexedConnection) -> RedisResult<T>) -> Asked<T> {
        self.runtime.block_on(self.ask_async(request))
    }

    /// Sends a request, and repeats it for a while if the connection breaks: every request may be sent twice.
    async fn ask_async<T>(&self, request: impl AsyncFn(&mut MultiplexedConnection) -> RedisResult<T>) -> Asked<T> {
        let begun = Instant::now();
        let mut pause = Duration::from_millis(10);
        loop {
            let failure = match self.ask_once(&request).await {
                Ok(reply) => return Ok(reply),
                Err(failure) => failure,
            };
            let Failure { error, .. } = &failure;
            if !errors::is_temporary(error) || error.is_timeout() || begun.elapsed() + pause > PATIENCE {
                return Err(failure);
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_millis(200));
        }
    }

    async fn ask_once<T>(&self, request: impl AsyncFn(&mut MultiplexedConnection) -> RedisResult<T>) -> Asked<T> {
        let (generation, is_run_known, mut connection) = self.connection().await.map_err(Failure::to_connect)?;
        let reply = request(&mut connection).await;
        if reply.as_ref().is_err_and(breaks_connection) {
            let mut live = self.live.lock().await;
            if live.generation == generation {
                live.connection = None;
            }
        } else if reply.is_ok() && !is_run_known {
            self.note_run(generation, connection).await;
        }
        let Err(error) = reply else { return reply.map_err(Failure::of_request) };
        if errors::has_no_code(&error) && !is_run_known {
            self.ping().await?;
        }
        Err(Failure::of_request(error))
    }

    /// Finds out why the first request over a connection failed: a server that requires a password, or that has too many
    /// clients, replies to a long request with an error that does not tell so. It replies to a short one with the reason.
    async fn ping(&self) -> Asked<()> {
        let connection = self.client.get_multiplexed_async_connection_with_config(&config()).await;
        let mut connection = connection.map_err(Failure::to_connect)?;
        redis::cmd("PING").exec_async(&mut connection).await.map_err(Failure::to_connect)
    }

    /// Requests the run id of the server over a new connection. This comes after the first request, so that it cannot make
    /// that one fail. If the connection breaks now, the next connection requests it.
    async fn note_run(&self, generation: u64, mut connection: MultiplexedConnection) {
        let info = redis::pipe().cmd("INFO").arg("server").query_async(&mut connection).await;
        let (info,): (String,) = match info {
            Ok(info) => info,
            Err(error) if breaks_connection(&error) => return,
            // A server that does not tell its run id: restarts are not noticed.
            Err(_) => Default::default(),
        };
        let run = info_reply::parse(&info).get("run_id").map(|run| (*run).to_owned());
        let mut live = self.live.lock().await;
        if live.generation != generation || live.is_run_known {
            return;
        }
        if live.run.is_some() && run.is_some() && run != live.run {
            self.restarts.fetch_add(1, Ordering::Relaxed);
        }
        live.run = run.or(live.run.take());
        live.is_run_known = true;
    }

    async fn connection(&self) -> RedisResult<(u64, bool, MultiplexedConnection)> {
        let mut live = self.live.lock().await;
        if let Some(connection) = &live.connection {
            return Ok((live.generation, live.is_run_known, connection.clone()));
        }
        let connection = self.client.get_multiplexed_async_connection_with_config(&config()).await?;
        live.generation += 1;
        live.is_run_known = false;
        live.connection = Some(connection.clone());
        Ok((live.generation, false, connection))
    }
}

/// How connections are opened.
fn config() -> AsyncConnectionConfig {
    AsyncConnectionConfig::new().set_connection_timeout(Some(CONNECT_WITHIN)).set_response_timeout(Some(ANSWER_WITHIN))
}

/// Whether a connection cannot be used after this error. A time-out is such an error: the other end may have disappeared,
/// which the system would notice much later.
fn breaks_connection(error: &RedisError) -> bool {
    error.is_io_error() || error.is_unrecoverable_error()
}
