//! Owns what `sweep doctor` shows about a server, and the warnings about settings that could lose results.

use std::collections::HashMap;

use itertools::Itertools;

use super::connection::Connection;
use super::info_reply;
use crate::store::{Leases, Memory, Result, StoreInfo};

/// The sweeps that may have leases, in a store of this layout and of layout 2.
pub(super) fn leased_sweeps(connection: &Connection) -> Result<Vec<String>> {
    let mut commands = redis::pipe();
    commands.cmd("ZRANGE").arg("sweep:deadlines").arg(0).arg(-1).cmd("SMEMBERS").arg("sweep:leased");
    let (sweeps, of_layout_2): (Vec<String>, Vec<String>) = connection.pipe(&commands)?;
    Ok(sweeps.into_iter().chain(of_layout_2).unique().collect())
}

/// The sweeps that may have leases that have run out: in a store of this layout those whose earliest deadline may have
/// come, and those that a check is reading.
pub(super) fn sweeps_with_expired_leases(connection: &Connection) -> Result<Vec<String>> {
    let mut commands = redis::pipe();
    commands.cmd("TIME").cmd("ZRANGE").arg("sweep:deadlines").arg(0).arg(-1).arg("WITHSCORES");
    commands.cmd("SMEMBERS").arg("sweep:leased");
    let (time, deadlines, of_layout_2): (_, Vec<(String, f64)>, Vec<String>) = connection.pipe(&commands)?;
    let (seconds, _): (f64, u64) = time;
    let now = (seconds + 1.0) * 1000.0;
    let due = deadlines.into_iter().filter(|(_, deadline)| *deadline <= now || deadline.is_infinite());
    Ok(due.map(|(sweep, _)| sweep).chain(of_layout_2).unique().collect())
}

/// The server's version, clock, durability and memory.
pub(super) fn info(connection: &Connection, leases: Leases) -> Result<StoreInfo> {
    let mut commands = redis::pipe();
    commands.cmd("INFO").cmd("TIME");
    let (info, (seconds, micros)): (String, (u64, u64)) = connection.pipe(&commands)?;
    let info = info_reply::parse(&info);
    let number = |name: &str| info.get(name).and_then(|value| value.parse::<u64>().ok());
    let memory = Memory {
        used: number("used_memory").unwrap_or_default(),
        most: number("maxmemory").filter(|most| *most > 0),
        policy: info.get("maxmemory_policy").copied().unwrap_or("unknown").to_owned(),
    };
    Ok(StoreInfo {
        program: program(&info),
        clock_ms: seconds.saturating_mul(1000).saturating_add(micros / 1000),
        durability: durability(connection, &info)?,
        folder: None,
        memory: Some(memory),
        leases,
    })
}

fn program(info: &HashMap<&str, &str>) -> String {
    let version = |name| info.get(name).copied();
    match (version("valkey_version"), version("redis_version")) {
        (Some(valkey), _) => format!("Valkey {valkey}"),
        (None, redis) => format!("Redis {}", redis.unwrap_or("of an unknown version")),
    }
}

fn durability(connection: &Connection, info: &HashMap<&str, &str>) -> Result<String> {
    if info.get("aof_enabled") == Some(&"1") {
        return Ok(match setting(connection, "appendfsync")?.as_deref() {
            Some("always") => "append-only file, synced before each reply".into(),
            Some("no") => "append-only file, synced by the system: a crash may lose half a minute".into(),
            Some("everysec") => "append-only file, synced every second: a crash may lose about two seconds".into(),
            _ => "append-only file".into(),
        });
    }
    Ok(match setting(connection, "save")?.as_deref() {
        Some("") => "nothing is kept on disk".into(),
        _ => "snapshots only".into(),
    })
}

/// A setting of the server; none if this user may not read it. A user of its own usually may not, because settings include
/// passwords: it is not even tried, because the server would log each refusal.
fn setting(connection: &Connection, name: &str) -> Result<Option<String>> {
    if connection.address().user() != "default" {
        return Ok(None);
    }
    match connection.pipe::<(Vec<String>,)>(redis::pipe().cmd("CONFIG").arg("GET").arg(name)) {
        Ok((pair,)) => Ok(pair.into_iter().nth(1)),
        Err(error) if error.is_refusal() => Ok(None),
        Err(error) => Err(error),
    }
}

/// Warnings if the server keeps nothing on disk, cannot write to it, or may delete data. Settings that this user may not
/// read are assumed to be good.
pub(super) fn cautions(connection: &Connection) -> Result<Vec<String>> {
    let (info,): (String,) = connection.pipe(redis::pipe().cmd("INFO"))?;
    let info = info_reply::parse(&info);
    let (at, cli) = (connection.address().shown(), connection.address().cli());
    let mut cautions = Vec::new();
    if info.get("aof_enabled") != Some(&"1") {
        let remedy = format!("`{cli} config set appendonly yes` keeps all but the last seconds");
        let saves = setting(connection, "save")?.is_none_or(|rule| !rule.is_empty());
        cautions.push(if saves {
            format!("Redis at {at} has no append-only file: if it crashes, everything since its last snapshot is lost; {remedy}")
        } else {
            format!("Redis at {at} keeps nothing on disk: when it stops, sweeps and results are lost; {remedy}")
        });
    }
    let failing = ["aof_last_write_status", "aof_last_bgrewrite_status", "rdb_last_bgsave_status"];
    if let Some(name) = failing.iter().find(|name| info.get(**name) == Some(&"err")) {
        cautions.push(format!(
            "Redis at {at} could not write to its disk ({name} is `err`); look at the disk and the log on its machine"
        ));
    }
    let policy = info.get("maxmemory_policy").copied().unwrap_or_default();
    if policy.starts_with("allkeys") {
        cautions.push(format!(
            "Redis at {at} will delete jobs once it gets a memory limit (maxmemory-policy {policy}); `{cli} \
             config set maxmemory-policy noeviction` prevents it"
        ));
    }
    Ok(cautions)
}
