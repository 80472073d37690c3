//! Owns what the server's errors mean: which pass by themselves, and what to do about the others.

use std::error::Error;
use std::io;
use std::sync::Arc;

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
    if let Some(trouble) = encryption(error) {
        return matches!(trouble, Encryption::Other);
    }
    error.is_io_error() || matches!(code(error).as_str(), "LOADING" | "BUSY" | "TRYAGAIN" | "MASTERDOWN")
}

/// What is wrong with an encrypted connection.
enum Encryption {
    /// The server's certificate is not accepted.
    Certificate(rustls::CertificateError),
    /// The other end does not speak TLS.
    Plain,
    /// The certificates of this machine cannot be read, or the name is none that a certificate can bear.
    Here(String),
    /// Something else, which may pass.
    Other,
}

/// What is wrong with the encryption; none: nothing is.
fn encryption(error: &RedisError) -> Option<Encryption> {
    let source = error.source()?;
    // The library keeps it behind a shared pointer, which is an error itself.
    let inner = source.downcast_ref::<Arc<dyn Error + Send + Sync>>().map_or(source, |shared| &**shared);
    let (io, named) = (inner.downcast_ref::<io::Error>(), inner.downcast_ref::<rustls::Error>());
    let wrapped = || io.and_then(io::Error::get_ref).and_then(|error| error.downcast_ref::<rustls::Error>());
    Some(match named.or_else(wrapped) {
        Some(rustls::Error::InvalidCertificate(why)) => Encryption::Certificate(why.clone()),
        Some(rustls::Error::InvalidMessage(_)) => Encryption::Plain,
        Some(_) => Encryption::Other,
        None if error.is_io_error() && io.is_none() => Encryption::Here(inner.to_string()),
        None => return None,
    })
}

/// What an error means for the caller.
pub(super) fn translate(address: &Address, error: &RedisError) -> StoreError {
    let code = code(error);
    let words = address.hide(words(error));
    if let Some(why) = encryption(error).and_then(|trouble| encryption_refused(address, &trouble)) {
        return StoreError::Refused(why);
    }
    if is_passing(error) {
        return unreachable(address, error, &code, &words);
    }
    match code.as_str() {
        "NOSWEEP" => match words.parse() {
            Ok(id) => StoreError::NoSuchSweep(id),
            Err(why) => StoreError::Damaged(why),
        },
        // One of our scripts, or we, did not understand what stands there.
        _ if error.kind() == ErrorKind::UnexpectedReturnType || words.contains("user_script") => {
            StoreError::Damaged(format!(
                "Redis at {} holds something under the keys `sweep:*` that sweep does not understand ({words}): did something \
                 else write there? Use another database of that server, for example redis://HOST:PORT/1",
                address.shown()
            ))
        }
        _ => StoreError::Refused(refusal(address, error, &code, &words)),
    }
}

/// Why an encrypted connection is refused, and what to do; none: it may pass.
fn encryption_refused(address: &Address, trouble: &Encryption) -> Option<String> {
    use rustls::CertificateError as Why;
    let at = address.shown();
    Some(match trouble {
        Encryption::Certificate(Why::NotValidForName | Why::NotValidForNameContext { .. }) => format!(
            "the certificate of the server at {at} is for another name: write the host as its certificate has it, which \
             `{}` shows, or have one made for this name",
            openssl(address)
        ),
        Encryption::Certificate(Why::Expired | Why::ExpiredContext { .. }) => {
            format!(
                "the certificate of the server at {at} has expired: have it renewed there, or see that the clock here is right"
            )
        }
        Encryption::Certificate(Why::UnknownIssuer) => format!(
            "the certificate of the server at {at} is signed by an authority that this machine does not know: name the \
             file with that authority's certificate by the environment variable SSL_CERT_FILE, or add it to the \
             certificates of this machine"
        ),
        Encryption::Certificate(other) => format!(
            "the certificate of the server at {at} is not accepted ({}): `{}` shows it",
            rustls::Error::from(other.clone()),
            openssl(address)
        ),
        Encryption::Plain => format!(
            "what listens at {at} does not speak TLS: write redis:// instead of rediss:// within a network that you trust, \
             or see that the port is the one of `tls-port`"
        ),
        Encryption::Here(why) => format!(
            "no encrypted connection to {at} can be made from here ({why}): see that SSL_CERT_FILE, if it is set, names a \
             file with certificates, and that the host is a name or an address"
        ),
        Encryption::Other => return None,
    })
}

/// The line that shows a server's certificate.
fn openssl(address: &Address) -> String {
    let place = address.shown().split_once("://").map_or("", |(_, rest)| rest).split('/').next().unwrap_or_default();
    format!("openssl s_client -connect {place} </dev/null")
}

fn unreachable(address: &Address, error: &RedisError, code: &str, words: &str) -> StoreError {
    let why = match code {
        "LOADING" => "it is still loading its data; it answers as soon as that is done".into(),
        "BUSY" => {
            format!("it is held up by a script; if that goes on, look with `{} slowlog get`", address.cli())
        }
        _ if error.is_timeout() && address.is_encrypted() => format!(
            "it does not answer in time; see that the machine is up and not overloaded, and that the port is one that \
             speaks TLS (`{} ping`; write redis:// instead of rediss:// if it does not)",
            address.cli()
        ),
        _ if error.is_timeout() => {
            format!(
                "it does not answer in time; see that the machine is up and not overloaded: `{} ping`",
                address.cli()
            )
        }
        _ if error.is_connection_refusal() => format!(
            "nothing listens there; start it with `redis-server`, or see that host and port are right ({words})"
        ),
        _ if error.is_connection_dropped() && !address.is_encrypted() => format!(
            "{words}; see that `{} ping` answers, and write rediss:// if the port is one for encrypted connections",
            address.cli()
        ),
        _ => format!("{words}; see that `{} ping` answers", address.cli()),
    };
    StoreError::Unreachable { store: address.shown().to_owned(), why }
}

fn refusal(address: &Address, error: &RedisError, code: &str, words: &str) -> String {
    // What a server says that wants a password, to a request of many arguments.
    let code = if words.contains("unauthenticated") { "NOAUTH" } else { code };
    let at = address.shown();
    let cli = address.cli();
    let user = address.user();
    let scheme = address.scheme();
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
                "Redis at {at} wants a password: give it in the address, {scheme}://:PASSWORD@HOST:PORT or \
                 {scheme}://USER:PASSWORD@HOST:PORT, best by the environment variable SWEEP_STORE"
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
             password and no users, leave the user away: {scheme}://:PASSWORD@HOST:PORT"
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
