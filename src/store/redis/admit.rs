//! Owns what a server must be like: its version, that it stands alone and keeps what it is given, and our layout in it.

use std::collections::HashMap;

use super::errors;
use super::link::Link;
use crate::store::{LAYOUT, Result, StoreError, StoreErrorKind};

/// The oldest version that will do, major and minor.
const OLDEST: (u64, u64) = (7, 0);

/// Looks at the server behind a new link.
pub(super) fn admit(link: &Link) -> Result<()> {
    let (info,): (String,) = link.pipe(redis::pipe().cmd("INFO"))?;
    check_server(link, &read_info(&info))?;
    let (layout,): (Option<String>,) = link.pipe(redis::pipe().cmd("GET").arg("sweep:layout"))?;
    let layout = match layout {
        Some(layout) => layout,
        None => {
            let mut commands = redis::pipe();
            commands.cmd("SET").arg("sweep:layout").arg(LAYOUT).arg("NX").ignore().cmd("GET").arg("sweep:layout");
            let (layout,): (String,) = link.pipe(&commands)?;
            layout
        }
    };
    if layout == LAYOUT.to_string() {
        return Ok(());
    }
    let message = format!(
        "Redis at {} holds sweeps in layout {layout}, and this version of sweep ({}) knows layout {LAYOUT}",
        link.address().shown(),
        env!("CARGO_PKG_VERSION"),
    );
    Err(StoreError::new(StoreErrorKind::Newer, message)
        .remedy("use the version that wrote them, or another database of that server, for example redis://HOST:PORT/1"))
}

/// The lines `name:value` of `INFO`.
pub(super) fn read_info(info: &str) -> HashMap<&str, &str> {
    info.lines().filter_map(|line| line.trim_end().split_once(':')).collect()
}

fn check_server(link: &Link, info: &HashMap<&str, &str>) -> Result<()> {
    let at = link.address().shown();
    let of = |name: &str| info.get(name).copied().unwrap_or_default();
    let version = of("redis_version");
    if read_version(version).is_none_or(|version| version < OLDEST) {
        let version = if version.is_empty() { "an unknown version" } else { version };
        return Err(StoreError::refused(format!(
            "Redis at {at} is {version}, and sweep needs {}.{} or newer, or Valkey",
            OLDEST.0, OLDEST.1
        ))
        .remedy("install a newer one"));
    }
    if of("cluster_enabled") == "1" || of("redis_mode") == "cluster" {
        return Err(errors::cluster(at));
    }
    if of("redis_mode") == "sentinel" {
        return Err(StoreError::refused(format!("the server at {at} is a Sentinel, which holds no data"))
            .remedy(format!("use the server that it watches; `{} sentinel masters` names it", link.address().cli())));
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
            "use a server that does not, or type `{} config set maxmemory-policy noeviction`",
            link.address().cli()
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
        let link = Link::new(super::super::address::Address::parse("redis://:s3cret@host").unwrap()).unwrap();
        check_server(&link, &read_info(info))
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
