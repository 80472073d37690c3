//! Owns the address of a Redis server: what may be typed, and what may be shown of it (never a password).

use std::time::Duration;

use redis::io::tcp::TcpSettings;
use redis::{ConnectionAddr, ConnectionInfo, ProtocolVersion};

use crate::store::{Result, StoreError};

/// How long sent bytes may stay unacknowledged before the system gives the connection up; where the system knows it.
#[cfg(any(target_os = "android", target_os = "fuchsia", target_os = "linux"))]
const UNACKNOWLEDGED: Duration = Duration::from_secs(15);

/// A Redis server's address.
pub(super) struct Address {
    info: ConnectionInfo,
    shown: String,
}

impl Address {
    /// Reads `redis://[USER:PASSWORD@]HOST[:PORT][/DB]`, `redis+unix:///PATH` or `unix:///PATH`.
    pub(super) fn parse(url: &str) -> Result<Address> {
        let scheme = url.split_once("://").map_or("", |(scheme, _)| scheme);
        match scheme {
            "redis" | "redis+unix" | "unix" => {}
            "rediss" | "valkeys" => return Err(StoreError::Refused(no_tls(url))),
            _ => return Err(StoreError::Refused(not_an_address(url, "it does not begin with `redis://`"))),
        }
        let info: ConnectionInfo =
            url.parse().map_err(|error: redis::RedisError| match error.detail().unwrap_or_default() {
                // The description is a fixed text; a detail could hold a part of the URL and is not shown.
                _ if error.to_string().contains("database") => {
                    StoreError::Refused(not_an_address(url, "the database is not a whole number"))
                }
                _ => StoreError::Refused(not_an_address(url, "its parts cannot be told apart")),
            })?;
        let shown = show(&info);
        let settings = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP2);
        let info = info.set_tcp_settings(tcp_settings()).set_redis_settings(settings);
        Ok(Address { info, shown })
    }

    /// For people: without user and password.
    pub(super) fn shown(&self) -> &str {
        &self.shown
    }

    /// For the client.
    pub(super) fn info(&self) -> &ConnectionInfo {
        &self.info
    }

    /// The user that the address names.
    pub(super) fn user(&self) -> &str {
        self.info.redis_settings().username().unwrap_or("default")
    }

    /// A server's or library's words, with the password made unreadable should it ever occur in them.
    pub(super) fn hide(&self, text: String) -> String {
        match self.info.redis_settings().password() {
            Some(password) if !password.is_empty() => text.replace(password, "***"),
            _ => text,
        }
    }

    /// The beginning of a `redis-cli` line that reaches this server.
    pub(super) fn cli(&self) -> String {
        match self.info.addr() {
            ConnectionAddr::Unix(path) => format!("redis-cli -s {}", path.display()),
            ConnectionAddr::Tcp(host, port) => format!("redis-cli -h {host} -p {port}"),
            _ => "redis-cli".into(),
        }
    }
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
        ConnectionAddr::Tcp(host, port) => {
            let host = if host.contains(':') { format!("[{host}]") } else { host.clone() };
            if db == 0 { format!("redis://{host}:{port}") } else { format!("redis://{host}:{port}/{db}") }
        }
        other => format!("redis://{other}"),
    }
}

/// An address that could not be read, without anything that may be a user, a password or a query.
fn redact(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").map_or(("", url), |(scheme, rest)| (scheme, rest));
    let place = rest.rsplit_once('@').map_or(rest, |(_, place)| place);
    let place = place.split(['?', '#']).next().unwrap_or_default();
    let hidden = if rest.contains('@') { "…@" } else { "" };
    if scheme.is_empty() { format!("{hidden}{place}") } else { format!("{scheme}://{hidden}{place}") }
}

fn not_an_address(url: &str, why: &str) -> String {
    format!(
        "`{}` is not the address of a Redis server: {why}. Type redis://HOST:PORT, redis://USER:PASSWORD@HOST:PORT/DB \
         or redis+unix:///PATH/TO/SOCKET; in a user or password write `@` as %40, `/` as %2F, `:` as %3A, `#` as %23 \
         and `%` as %25",
        redact(url)
    )
}

fn no_tls(url: &str) -> String {
    format!(
        "`{}` asks for an encrypted connection, which sweep does not speak yet. Use redis:// within a network that \
         you trust, or through a tunnel: `ssh -N -L 6379:localhost:6379 HOST` and then redis://localhost:6379",
        redact(url)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_shown_without_user_and_password() {
        let cases = [
            ("redis://host", "redis://host:6379"),
            ("redis://host:7000/3", "redis://host:7000/3"),
            ("redis://:s3cret@host:7000", "redis://host:7000"),
            ("redis://me:s3%40cret@[::1]:7000/1", "redis://[::1]:7000/1"),
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
            "rediss://me:s3cret@host",
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
}
