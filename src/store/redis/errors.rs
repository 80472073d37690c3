//! Owns what the server's errors mean: which are temporary, and what to do about the others.

use std::error::Error;
use std::io;
use std::sync::Arc;

use redis::{ErrorKind, RedisError};

use super::address::Address;
use crate::store::{StoreError, StoreErrorKind};

/// The permissions that submitting and workers need, as words of a shell. `docs/stores.md` has the same.
const PERMISSIONS: &str = "'~sweep:*' -@all +@hash +@list +@set +@sortedset +@string +@stream +@connection +exists +unlink \
                           +rename +evalsha '+script|load' +time -@dangerous +info";

/// The server's code for an error (`OOM`, `READONLY`, …), of the first command that failed.
fn code(error: &RedisError) -> String {
    match error.clone().into_server_errors() {
        Some(errors) => errors.first().map(|(_, error)| error.code().to_owned()).unwrap_or_default(),
        None => error.code().unwrap_or_default().to_owned(),
    }
}

/// Why a request failed.
pub(super) struct Failure {
    /// The client library's error.
    pub(super) error: RedisError,
    /// Whether the server has accepted the connection. If not, the error is about that, and not about the request.
    is_connected: bool,
}

impl Failure {
    /// The connection could not be opened.
    pub(super) fn to_connect(error: RedisError) -> Failure {
        Failure { error, is_connected: false }
    }

    /// The server replied with an error, or the connection broke.
    pub(super) fn of_request(error: RedisError) -> Failure {
        Failure { error, is_connected: true }
    }
}

/// Whether the server replied with an error that has no code of its own: `ERR`.
pub(super) fn has_no_code(error: &RedisError) -> bool {
    code(error) == "ERR"
}

/// The server's message without the code, or the library's message.
fn words(error: &RedisError) -> String {
    let errors = error.clone().into_server_errors();
    let details = errors.iter().flat_map(|errors| errors.iter()).find_map(|(_, error)| error.details());
    details.map_or_else(|| error.to_string(), str::to_owned)
}

/// The layout of the store, if a script refused to run because of it.
pub(super) fn other_layout(error: &RedisError) -> Option<String> {
    (code(error) == "LAYOUT").then(|| words(error))
}

/// Whether the same request may succeed soon, without a change by anybody.
pub(super) fn is_temporary(error: &RedisError) -> bool {
    if let Some(trouble) = encryption(error) {
        return matches!(trouble, Encryption::Other);
    }
    error.is_io_error() || matches!(code(error).as_str(), "LOADING" | "BUSY" | "TRYAGAIN" | "MASTERDOWN")
}

/// What is wrong with an encrypted connection.
enum Encryption {
    /// The server's certificate is not accepted.
    Certificate(rustls::CertificateError),
    /// The server wants a certificate of this machine, or does not accept the one that it got.
    ClientCertificate(rustls::AlertDescription),
    /// The other end does not speak TLS.
    Plain,
    /// The certificates of this machine cannot be read, or the host is not a valid name for a certificate.
    Here(String),
    /// Something else, which may be temporary.
    Other,
}

/// What is wrong with the encryption; none: the error is about something else.
fn encryption(error: &RedisError) -> Option<Encryption> {
    use rustls::AlertDescription as Alert;
    let source = error.source()?;
    // The library wraps the source in a shared pointer, which is an error itself.
    let inner = source.downcast_ref::<Arc<dyn Error + Send + Sync>>().map_or(source, |shared| &**shared);
    let (io, named) = (inner.downcast_ref::<io::Error>(), inner.downcast_ref::<rustls::Error>());
    let wrapped = || io.and_then(io::Error::get_ref).and_then(|error| error.downcast_ref::<rustls::Error>());
    Some(match named.or_else(wrapped) {
        Some(rustls::Error::InvalidCertificate(why)) => Encryption::Certificate(why.clone()),
        Some(rustls::Error::AlertReceived(
            alert @ (Alert::CertificateRequired
            | Alert::BadCertificate
            | Alert::UnsupportedCertificate
            | Alert::CertificateRevoked
            | Alert::CertificateExpired
            | Alert::CertificateUnknown
            | Alert::UnknownCA
            | Alert::AccessDenied),
        )) => Encryption::ClientCertificate(*alert),
        Some(rustls::Error::InvalidMessage(_)) => Encryption::Plain,
        Some(_) => Encryption::Other,
        None if error.is_io_error() && io.is_none() => Encryption::Here(inner.to_string()),
        None => return None,
    })
}

/// How the error of a command begins that a script may not run for its user. Redis 7.0 has no code for it; later versions
/// reply `NOPERM`.
const SCRIPT_LACKS_PERMISSION: &str = "The user executing the script ";

/// What the failure of a script means for the caller. Our scripts return errors with a code. `ERR` is the code of an error
/// within a script, or of a command that a script ran: it found values that it cannot use.
pub(super) fn translate_script_failure(address: &Address, failure: &Failure) -> StoreError {
    if failure.is_connected && has_no_code(&failure.error) {
        let words = address.hide(words(&failure.error));
        if words.starts_with(SCRIPT_LACKS_PERMISSION) {
            return refusal(address, &failure.error, "NOPERM", &words);
        }
        return not_understood(address, &words);
    }
    translate(address, &failure.error)
}

/// The store holds values that this program, or one of its scripts, cannot use.
fn not_understood(address: &Address, words: &str) -> StoreError {
    StoreError::damaged(format!(
        "Redis at {} holds something under the keys `sweep:*` that sweep does not understand ({words})",
        address.shown()
    ))
    .remedy(
        "another program may have written there; use another database of that server, for example redis://HOST:PORT/1",
    )
}

/// What an error means for the caller.
pub(super) fn translate(address: &Address, error: &RedisError) -> StoreError {
    let code = code(error);
    let words = address.hide(words(error));
    if let Some(refused) = encryption(error).and_then(|trouble| encryption_refused(address, &trouble)) {
        return refused;
    }
    if is_temporary(error) {
        return unreachable(address, error, &code, &words);
    }
    match code.as_str() {
        "NOSWEEP" => match words.parse() {
            Ok(id) => StoreError::no_such_sweep(&id),
            Err(why) => StoreError::damaged(why),
        },
        _ if error.kind() == ErrorKind::UnexpectedReturnType => not_understood(address, &words),
        _ => refusal(address, error, &code, &words),
    }
}

/// The error for a failed encryption; none: it may be temporary.
fn encryption_refused(address: &Address, trouble: &Encryption) -> Option<StoreError> {
    use rustls::CertificateError as Why;
    let at = address.shown();
    let certificate = |what: &str| StoreError::refused(format!("the certificate of the server at {at} {what}"));
    Some(match trouble {
        Encryption::Certificate(Why::NotValidForName | Why::NotValidForNameContext { .. }) => {
            certificate("is for another name").remedy(format!(
                "write the host name of the certificate, which `{}` shows, or get a certificate for this name",
                openssl(address)
            ))
        }
        Encryption::Certificate(Why::Expired | Why::ExpiredContext { .. }) => {
            certificate("has expired").remedy("renew it on the server, or check the clock of this machine")
        }
        Encryption::Certificate(Why::UnknownIssuer) => {
            certificate("is signed by an authority that this machine does not know").remedy(
                "set the environment variable SSL_CERT_FILE to a file with that authority's certificate, or add it to the \
                 certificates of this machine",
            )
        }
        Encryption::Certificate(other) => {
            certificate(&format!("is not accepted ({})", rustls::Error::from(other.clone())))
                .remedy(format!("`{}` shows it", openssl(address)))
        }
        Encryption::ClientCertificate(rustls::AlertDescription::CertificateRequired) => {
            StoreError::refused(format!("the server at {at} wants a certificate of this machine"))
                .remedy("set SWEEP_TLS_CERT and SWEEP_TLS_KEY to PEM files with a certificate and its private key")
        }
        Encryption::ClientCertificate(why) => {
            StoreError::refused(format!("the server at {at} does not accept the certificate of this machine ({why:?})"))
                .remedy("check the files of SWEEP_TLS_CERT and SWEEP_TLS_KEY, and the authority that the server trusts")
        }
        Encryption::Plain => StoreError::refused(format!("the server at {at} does not speak TLS")).remedy(
            "write redis:// instead of rediss:// within a network that you trust, or use the port that is set as `tls-port`",
        ),
        Encryption::Here(why) => {
            StoreError::refused(format!("this machine cannot encrypt a connection to {at} ({why})")).remedy(
                "if SSL_CERT_FILE is set, check that it names a file with certificates; check that the host is a name or \
                 an address",
            )
        }
        Encryption::Other => return None,
    })
}

/// The command line that shows a server's certificate.
fn openssl(address: &Address) -> String {
    let place = address.shown().split_once("://").map_or("", |(_, rest)| rest).split('/').next().unwrap_or_default();
    format!("openssl s_client -connect {place} </dev/null")
}

fn unreachable(address: &Address, error: &RedisError, code: &str, words: &str) -> StoreError {
    let redis = format!("Redis at {}", address.shown());
    let ping = format!("`{} ping`", address.cli());
    let (message, remedy) = match code {
        "LOADING" => (format!("{redis} is still loading its data"), "wait until it has finished".into()),
        "BUSY" => (
            format!("{redis} is busy with a script"),
            format!("if this lasts, look for slow requests with `{} slowlog get`", address.cli()),
        ),
        _ if error.is_timeout() && address.is_encrypted() => (
            format!("{redis} does not reply in time"),
            format!(
                "check that the machine is up and not overloaded, and that the port speaks TLS: {ping}; write redis:// \
                 instead of rediss:// if it does not"
            ),
        ),
        _ if error.is_timeout() => (
            format!("{redis} does not reply in time"),
            format!("check that the machine is up and not overloaded: {ping}"),
        ),
        _ if error.is_connection_refusal() => (
            format!("{redis} cannot be reached: nothing listens there ({words})"),
            "start it with `redis-server`, or check host and port".into(),
        ),
        _ if error.is_connection_dropped() && !address.is_encrypted() => (
            format!("{redis} cannot be reached: {words}"),
            format!("check that {ping} replies, and write rediss:// if the port expects encrypted connections"),
        ),
        _ => (format!("{redis} cannot be reached: {words}"), format!("check that {ping} replies")),
    };
    StoreError::unreachable(message).remedy(remedy)
}

fn refusal(address: &Address, error: &RedisError, code: &str, words: &str) -> StoreError {
    use StoreErrorKind::{Full, InsufficientPermissions, Refused};
    let (redis, cli, scheme) = (format!("Redis at {}", address.shown()), address.cli(), address.scheme());
    let user = address.user();
    let refused = |kind, message: String, remedy: String| StoreError::new(kind, message).remedy(remedy);
    match (code, error.kind()) {
        ("OOM", _) => refused(
            Full,
            format!("{redis} has no memory left"),
            format!(
                "raise `maxmemory` (`{cli} config set maxmemory 4gb`), or remove sweeps that are collected (`sweep rm`)"
            ),
        ),
        ("READONLY", _) => refused(
            Refused,
            format!("{redis} is a replica now and accepts no changes"),
            format!("use its primary, which `{cli} info replication` names as master_host and master_port"),
        ),
        ("NOPERM", _) => refused(
            InsufficientPermissions,
            format!("{redis} does not let the user `{user}` do what sweep needs ({words})"),
            format!("allow it with `{cli} acl setuser {user} {PERMISSIONS}`"),
        ),
        ("MISCONF" | "NOREPLICAS", _) => refused(
            Refused,
            format!("{redis} accepts no changes now ({words})"),
            "look at the disk space and the log on its machine".into(),
        ),
        ("NOAUTH", _) => refused(
            InsufficientPermissions,
            format!("{redis} requires a password"),
            format!(
                "write it in the address, {scheme}://:PASSWORD@HOST:PORT or {scheme}://USER:PASSWORD@HOST:PORT, in the \
                 environment variable SWEEP_STORE or in the file of SWEEP_STORE_FILE"
            ),
        ),
        ("MOVED" | "CLUSTERDOWN" | "CROSSSLOT", _) => cluster(address.shown()),
        ("WRONGTYPE", _) => refused(
            StoreErrorKind::Damaged,
            format!("{redis} holds something under the keys `sweep:*` that is not sweep's"),
            "give sweep a database of its own, for example redis://HOST:PORT/1".into(),
        ),
        (_, ErrorKind::AuthenticationFailed) => refused(
            InsufficientPermissions,
            format!("{redis} refuses the user `{user}` with this password"),
            format!(
                "check both; if the server has one password and no users, leave the user out: \
                 {scheme}://:PASSWORD@HOST:PORT"
            ),
        ),
        (_, ErrorKind::Parse) => refused(
            Refused,
            format!("the server at {} does not reply as Redis does ({words})", address.shown()),
            "check host and port, and whether it expects an encrypted connection (rediss://)".into(),
        ),
        ("", _) => StoreError::refused(format!("{redis} cannot be used: {words}")),
        _ => StoreError::refused(format!("{redis} refuses the request: {code} {words}")),
    }
}

/// Why a Redis Cluster is refused.
pub(super) fn cluster(at: &str) -> StoreError {
    StoreError::refused(format!(
        "Redis at {at} runs as a Redis Cluster, which cannot change several keys in one step as sweep needs"
    ))
    .remedy("use a standalone server: one `redis-server` without `cluster-enabled` is enough for millions of jobs")
}
