//! Owns the requirements on a server: its version, that it is standalone, and that it deletes no data by itself.

use std::collections::HashMap;

use super::connection::Connection;
use super::{errors, info_reply};
use crate::store::{Result, StoreError};

/// The oldest version that sweep supports, major and minor.
const OLDEST: (u64, u64) = (7, 0);

/// Checks the server at the other end of a new connection.
pub(super) fn check(connection: &Connection) -> Result<()> {
    let (info,): (String,) = connection.pipe(redis::pipe().cmd("INFO"))?;
    check_server(connection, &info_reply::parse(&info))
}

fn check_server(connection: &Connection, info: &HashMap<&str, &str>) -> Result<()> {
    let at = connection.address().shown();
    let of = |name: &str| info.get(name).copied().unwrap_or_default();
    let version = of("redis_version");
    if read_version(version).is_none_or(|version| version < OLDEST) {
        let version = if version.is_empty() { "an unknown version" } else { version };
        return Err(StoreError::refused(format!(
            "Redis at {at} is {version}, and sweep needs {}.{} or newer, or Valkey",
            OLDEST.0, OLDEST.1
        ))
        .remedy("install a newer version"));
    }
    if of("cluster_enabled") == "1" || of("redis_mode") == "cluster" {
        return Err(errors::cluster(at));
    }
    if of("redis_mode") == "sentinel" {
        return Err(StoreError::refused(format!("the server at {at} is a Sentinel, which holds no data")).remedy(
            format!("use the server that it watches; `{} sentinel masters` names it", connection.address().cli()),
        ));
    }
    if of("role") == "slave" {
        return Err(StoreError::refused(format!("Redis at {at} is a replica and accepts no changes")).remedy(format!(
            "use its primary redis://{}:{}",
            of("master_host"),
            of("master_port")
        )));
    }
    let policy = of("maxmemory_policy");
    if policy.starts_with("allkeys") && of("maxmemory") != "0" {
        return Err(StoreError::refused(format!(
            "Redis at {at} deletes data when its memory is full (maxmemory-policy {policy}), and jobs would be lost"
        ))
        .remedy(format!(
            "use another server, or run `{} config set maxmemory-policy noeviction`",
            connection.address().cli()
        )));
    }
    Ok(())
}

fn read_version(version: &str) -> Option<(u64, u64)> {
    let mut parts = version.split('.').map(|part| part.parse().ok());
    Some((parts.next()??, parts.next()??))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(info: &str) -> Result<()> {
        let connection =
            Connection::new(super::super::address::Address::parse("redis://:s3cret@host").unwrap()).unwrap();
        check_server(&connection, &info_reply::parse(info))
    }

    #[test]
    fn servers_are_admitted_and_refused() {
        let good = "# Server\r\nredis_version:7.0.0\r\nrole:master\r\ncluster_enabled:0\r\nmaxmemory:0\r\n\
                    maxmemory_policy:allkeys-lru\r\n";
        assert_eq!(verdict(good), Ok(()));
        assert_eq!(verdict("redis_version:7.2.4\r\nvalkey_version:8.1.0\r\n"), Ok(()));
        assert_eq!(verdict("redis_version:10.2.4\r\n"), Ok(()));
        for (info, word) in [
            ("redis_version:7.0.15\r\nredis_mode:sentinel\r\n", "Sentinel"),
            ("redis_version:6.2.14\r\n", "6.2.14"),
            ("", "unknown version"),
            ("redis_version:7.0.15\r\ncluster_enabled:1\r\n", "Cluster"),
            ("redis_version:7.0.15\r\nredis_mode:cluster\r\n", "Cluster"),
            ("redis_version:7.0.15\r\nrole:slave\r\nmaster_host:a\r\nmaster_port:7\r\n", "redis://a:7"),
            ("redis_version:7.0.15\r\nmaxmemory:100\r\nmaxmemory_policy:allkeys-lfu\r\n", "noeviction"),
        ] {
            let message = verdict(info).unwrap_err();
            assert!(message.to_string().contains(word), "{message}");
        }
    }
}
