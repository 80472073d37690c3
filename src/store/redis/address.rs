//! Owns the address of a Redis server: how it is written, and how it is shown (never with a password).

use std::time::Duration;

use redis::io::tcp::TcpSettings;
use redis::{ConnectionAddr, ConnectionInfo, ProtocolVersion};

use crate::store::{Result, StoreError, StoreErrorKind};

/// How long sent bytes may stay unacknowledged before the system closes the connection. Only some systems can do this.
#[cfg(any(target_os = "android", target_os = "fuchsia", target_os = "linux"))]
const UNACKNOWLEDGED: Duration = Duration::from_secs(15);

/// A Redis server's address.
#[derive(Clone)]
pub(super) struct Address {
    info: ConnectionInfo,
    shown: String,
}

impl Address {
    /// Reads `redis://[USER:PASSWORD@]HOST[:PORT][/DB]`, the same with `rediss://` for an encrypted connection,
    /// `redis+unix:///PATH` or `unix:///PATH`. `valkey` instead of `redis` means the same.
    pub(super) fn parse(url: &str) -> Result<Address> {
        let scheme = url.split_once("://").map_or("", |(scheme, _)| scheme);
        match scheme {
            "redis" | "valkey" | "rediss" | "valkeys" => refuse_extras(url)?,
            "redis+unix" | "valkey+unix" | "unix" => {}
            _ => {
                return Err(not_an_address(url, "it does not begin with `redis://` or `rediss://`"));
            }
        }
        let info: ConnectionInfo =
            // The library's error could hold a part of the URL and is not shown.
            url.parse().map_err(|_: redis::RedisError| match database(url).map(str::parse::<i64>) {
                Some(Err(_)) => not_an_address(url, "the database is not a whole number"),
                _ => not_an_address(url, "it is not a valid URL"),
            })?;
        if info.redis_settings().db() < 0 {
            return Err(not_an_address(url, "the database is a negative number"));
        }
        let shown = show(&info);
        let settings = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP2);
        let info = info.set_tcp_settings(tcp_settings()).set_redis_settings(settings);
        Ok(Address { info, shown })
    }

    /// The address for messages: without user and password.
    pub(super) fn shown(&self) -> &str {
        &self.shown
    }

    /// The address for the client library.
    pub(super) fn info(&self) -> &ConnectionInfo {
        &self.info
    }

    /// The user that the address names, or the default user.
    pub(super) fn user(&self) -> &str {
        self.info.redis_settings().username().unwrap_or("default")
    }

    /// A message of the server or the library, with `***` instead of the password if it occurs there.
    pub(super) fn hide(&self, text: String) -> String {
        match self.info.redis_settings().password() {
            Some(password) if !password.is_empty() => text.replace(password, "***"),
            _ => text,
        }
    }

    /// Whether the connection is encrypted.
    pub(super) fn is_encrypted(&self) -> bool {
        matches!(self.info.addr(), ConnectionAddr::TcpTls { .. })
    }

    /// How others could use the server or read what is sent to it. A server on this machine is not exposed by its address.
    pub(super) fn exposures(&self, has_certificate: bool) -> Vec<String> {
        if self.is_local() {
            return Vec::new();
        }
        let (at, mut all) = (self.shown(), Vec::new());
        let has_password = self.info.redis_settings().password().is_some_and(|password| !password.is_empty());
        let identifies_users = has_password || has_certificate && self.is_encrypted();
        if !identifies_users {
            all.push(format!(
                "Redis at {at} requires no password: whoever reaches it can run commands on its workers; give it users with \
                 passwords, see docs/stores.md"
            ));
        }
        if !self.is_encrypted() {
            all.push(format!(
                "the connection to {at} is not encrypted: commands, results and the password can be read on the network; use \
                 rediss://"
            ));
        }
        all
    }

    /// Whether the server is on this machine, as far as the address tells.
    fn is_local(&self) -> bool {
        match self.info.addr() {
            ConnectionAddr::Tcp(host, _) | ConnectionAddr::TcpTls { host, .. } => {
                let host = host.trim_matches(['[', ']']);
                host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
            }
            _ => true,
        }
    }

    /// The scheme of an address of this kind.
    pub(super) fn scheme(&self) -> &'static str {
        if self.is_encrypted() { "rediss" } else { "redis" }
    }

    /// The beginning of a `redis-cli` line that reaches this server.
    pub(super) fn cli(&self) -> String {
        match self.info.addr() {
            ConnectionAddr::Unix(path) => format!("redis-cli -s {}", path.display()),
            ConnectionAddr::Tcp(host, port) => format!("redis-cli -h {host} -p {port}"),
            ConnectionAddr::TcpTls { host, port, .. } => format!("redis-cli --tls -h {host} -p {port}"),
            _ => "redis-cli".into(),
        }
    }
}

/// The database that a URL names, as it is written; none: it names no database.
fn database(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("://")?;
    let place = rest.rsplit_once('@').map_or(rest, |(_, place)| place);
    let named = match place.split_once('?') {
        Some((_, query)) => query.split('&').find_map(|option| option.strip_prefix("db=")),
        None if rest.starts_with('/') => None,
        None => place.split_once('/').map(|(_, path)| path.trim_matches('/')),
    };
    named.filter(|named| !named.is_empty())
}

fn tcp_settings() -> TcpSettings {
    let settings = TcpSettings::default().set_nodelay(true);
    #[cfg(any(target_os = "android", target_os = "fuchsia", target_os = "linux"))]
    let settings = settings.set_user_timeout(UNACKNOWLEDGED);
    settings
}

fn show(info: &ConnectionInfo) -> String {
    let db = info.redis_settings().db();
    match info.addr() {
        ConnectionAddr::Unix(path) if db == 0 => format!("redis+unix://{}", path.display()),
        ConnectionAddr::Unix(path) => format!("redis+unix://{}?db={db}", path.display()),
        ConnectionAddr::Tcp(host, port) => show_tcp("redis", host, *port, db),
        ConnectionAddr::TcpTls { host, port, .. } => show_tcp("rediss", host, *port, db),
        other => format!("redis://{other}"),
    }
}

fn show_tcp(scheme: &str, host: &str, port: u16, db: i64) -> String {
    let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
    if db == 0 { format!("{scheme}://{host}:{port}") } else { format!("{scheme}://{host}:{port}/{db}") }
}

/// Refuses options after the address (`?…`, `#…`), which other programs accept.
fn refuse_extras(url: &str) -> Result<()> {
    let behind = |mark| url.rsplit_once('@').map_or(url, |(_, place)| place).split_once(mark).map(|(_, rest)| rest);
    let why = match (behind('#'), behind('?')) {
        (Some("insecure"), _) => {
            "`#insecure` would accept any server. Set the environment variable SSL_CERT_FILE to a file with the certificate \
             of the authority that signed the server's certificate"
        }
        (Some(_), _) => "sweep has no options after `#`",
        (None, Some(_)) => "sweep has no options after `?`; a database is written as `/DB`",
        (None, None) => return Ok(()),
    };
    Err(not_an_address(url, why))
}

/// An invalid address, without anything that may be a user, a password or an option.
fn redact(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").map_or(("", url), |(scheme, rest)| (scheme, rest));
    let place = rest.rsplit_once('@').map_or(rest, |(_, place)| place);
    let place = place.split(['?', '#']).next().unwrap_or_default();
    let hidden = if rest.contains('@') { "…@" } else { "" };
    if scheme.is_empty() { format!("{hidden}{place}") } else { format!("{scheme}://{hidden}{place}") }
}

fn not_an_address(url: &str, why: &str) -> StoreError {
    StoreError::new(
        StoreErrorKind::BadAddress,
        format!("`{}` is not the address of a Redis server: {why}", redact(url)),
    )
    .remedy(
        "write redis://HOST:PORT, redis://USER:PASSWORD@HOST:PORT/DB (rediss:// for an encrypted connection) or \
         redis+unix:///PATH/TO/SOCKET; in a user or password write `@` as %40, `/` as %2F, `:` as %3A, `#` as %23 and `%` \
         as %25",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_elsewhere_without_password_or_encryption_is_exposed() {
        let exposures = |url: &str, certificate| Address::parse(url).unwrap().exposures(certificate).join("\n");
        for url in ["redis://localhost", "redis://127.0.0.1:7", "redis://[::1]", "redis+unix:///s", "rediss://:a@h"] {
            assert_eq!(exposures(url, false), "", "{url}");
        }
        assert_eq!(exposures("rediss://h", true), "");
        assert!(exposures("rediss://h", false).contains("requires no password"));
        let both = exposures("redis://h", true);
        assert!(both.contains("requires no password") && both.contains("is not encrypted"), "{both}");
        let clear = exposures("redis://ada:geheim@h", false);
        assert!(clear.contains("is not encrypted") && !clear.contains("requires no") && !clear.contains("geheim"));
    }

    #[test]
    fn addresses_are_shown_without_user_and_password() {
        let cases = [
            ("redis://host", "redis://host:6379"),
            ("redis://host:7000/3", "redis://host:7000/3"),
            ("redis://:s3cret@host:7000", "redis://host:7000"),
            ("redis://me:s3%40cret@[::1]:7000/1", "redis://[::1]:7000/1"),
            ("rediss://me:s3cret@host", "rediss://host:6379"),
            ("valkeys://:s3cret@[::1]:7000/1", "rediss://[::1]:7000/1"),
            ("valkey://host", "redis://host:6379"),
            ("redis+unix:///run/redis.sock", "redis+unix:///run/redis.sock"),
            ("unix:///run/redis.sock?db=2&pass=s3cret", "redis+unix:///run/redis.sock?db=2"),
        ];
        for (url, shown) in cases {
            assert_eq!(Address::parse(url).unwrap().shown(), shown);
        }
    }

    #[test]
    fn what_is_no_address_is_refused_with_the_form_and_without_the_password() {
        let urls = [
            "redis://me:s3cret/@host",
            "redis://me:s3cret@host:port",
            "redis://:s3cret@host/zero",
            "redis://:s3cret@host/-1",
            "rediss://me:s3cret@host#insecure",
            "rediss://me:s3cret@host/1#other",
            "redis://me:s3cret@host?protocol=3",
            "redis://me:s3cret#x@host",
            "http://me:s3cret@host",
            "me:s3cret@host",
            "unix:///run/redis.sock?pass=s3cret&db=x",
            "redis://",
        ];
        for url in urls {
            let message = Address::parse(url).err().expect(url).to_string();
            assert!(!message.contains("s3cret"), "{message}");
            assert!(message.contains("redis://"), "{message}");
        }
    }

    #[test]
    fn a_password_in_foreign_words_is_hidden() {
        let address = Address::parse("redis://:s3cret@host").unwrap();
        assert_eq!(address.hide("no s3cret here".into()), "no *** here");
    }

    #[test]
    fn a_connection_that_anybody_could_read_is_refused_with_the_reason() {
        let message = |url| Address::parse(url).err().expect(url).to_string();
        assert!(message("rediss://host#insecure").contains("SSL_CERT_FILE"));
        assert!(message("rediss://host/?x=1").contains("no options after `?`"));
    }
}
