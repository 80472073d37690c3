//! Owns what the server's errors mean: which pass by themselves, and what to do about the others.

use redis::{ErrorKind, RedisError};

use super::address::Address;
use crate::store::StoreError;

/// The server's own word for an error (`OOM`, `READONLY`, …), of the first command that failed.
fn code(error: &RedisError) -> String {
    match error.clone().into_server_errors() {
        Some(errors) => errors.first().map(|(_, error)| error.code().to_owned()).unwrap_or_default(),
        None => error.code().unwrap_or_default().to_owned(),
    }
}

/// The server's words behind its code, or the library's.
fn words(error: &RedisError) -> String {
    let errors = error.clone().into_server_errors();
    let details = errors.iter().flat_map(|errors| errors.iter()).find_map(|(_, error)| error.details());
    details.map_or_else(|| error.to_string(), str::to_owned)
}

/// Whether the same request may succeed later without anybody doing anything.
pub(super) fn is_passing(error: &RedisError) -> bool {
    error.is_io_error() || matches!(code(error).as_str(), "LOADING" | "BUSY" | "TRYAGAIN" | "MASTERDOWN")
}

/// What an error means for the caller.
pub(super) fn translate(address: &Address, error: &RedisError) -> StoreError {
    let code = code(error);
    let words = address.hide(words(error));
    if is_passing(error) {
        return unreachable(address, error, &code, &words);
    }
    match code.as_str() {
        "NOSWEEP" => match words.parse() {
            Ok(id) => StoreError::NoSuchSweep(id),
            Err(why) => StoreError::Damaged(why),
        },
        _ => StoreError::Refused(refusal(address, error, &code, &words)),
    }
}

fn unreachable(address: &Address, error: &RedisError, code: &str, words: &str) -> StoreError {
    let why = match code {
        "LOADING" => "it is still loading its data; it answers as soon as that is done".into(),
        "BUSY" => {
            format!("it is held up by a script; if that goes on, look with `{} slowlog get`", address.cli())
        }
        _ if error.is_timeout() => {
            format!(
                "it does not answer in time; see that the machine is up and not overloaded: `{} ping`",
                address.cli()
            )
        }
        _ if error.is_connection_refusal() => format!(
            "nothing listens there; start it with `redis-server`, or see that host and port are right ({words})"
        ),
        _ => format!("{words}; see that `{} ping` answers", address.cli()),
    };
    StoreError::Unreachable { store: address.shown().to_owned(), why }
}

fn refusal(address: &Address, error: &RedisError, code: &str, words: &str) -> String {
    let at = address.shown();
    let cli = address.cli();
    let user = address.user();
    match code {
        "OOM" => {
            return format!(
                "Redis at {at} has no memory left: raise `maxmemory` (`{cli} config set maxmemory 4gb`), or remove \
                 sweeps that are collected (`sweep rm`)"
            );
        }
        "READONLY" => {
            return format!(
                "Redis at {at} is a replica now and takes no changes: use its primary, which `{cli} info replication` \
                 names as master_host and master_port"
            );
        }
        "NOPERM" => {
            return format!(
                "Redis at {at} does not let the user `{user}` do what sweep needs ({words}): allow it with `{cli} acl \
                 setuser {user} ~sweep:* +@all -@dangerous +info`"
            );
        }
        "MISCONF" | "NOREPLICAS" => {
            return format!(
                "Redis at {at} takes no changes now ({words}): mend that on its machine; disk space and its log tell \
                 more"
            );
        }
        "NOAUTH" => {
            return format!(
                "Redis at {at} wants a password: give it in the address, redis://:PASSWORD@HOST:PORT or \
                 redis://USER:PASSWORD@HOST:PORT, best by the environment variable SWEEP_STORE"
            );
        }
        "MOVED" | "CLUSTERDOWN" | "CROSSSLOT" => return cluster(at),
        "WRONGTYPE" => {
            return format!(
                "Redis at {at} holds something under the keys `sweep:*` that is not sweep's: give sweep a database of \
                 its own, for example redis://HOST:PORT/1"
            );
        }
        _ => {}
    }
    match error.kind() {
        ErrorKind::AuthenticationFailed => format!(
            "Redis at {at} refuses the user `{user}` with this password: see that both are right; if it has only one \
             password and no users, leave the user away: redis://:PASSWORD@HOST:PORT"
        ),
        ErrorKind::Parse => format!(
            "what listens at {at} does not answer as Redis does: see that host and port are right, and that it does \
             not ask for an encrypted connection ({words})"
        ),
        _ if code.is_empty() => format!("Redis at {at} cannot be used: {words}"),
        _ => format!("Redis at {at} refuses the request: {code} {words}"),
    }
}

/// Why a Redis Cluster is refused.
pub(super) fn cluster(at: &str) -> String {
    format!(
        "Redis at {at} runs as a Redis Cluster, and sweep changes several keys in one step, which a cluster does not \
         do: use a server that stands alone; one `redis-server` without `cluster-enabled` is enough for millions of \
         jobs"
    )
}
