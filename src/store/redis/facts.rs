//! Owns what the server tells of itself, for `sweep doctor`, and what could cost somebody their results.

use std::collections::HashMap;

use super::admit::read_info;
use super::link::Link;
use super::scripts::Call;
use crate::store::Result;
use crate::store::{Leases, Memory, StoreInfo};

/// What it tells; `leases` is the call of `facts.lua`.
pub(super) fn facts(link: &Link, leases: &Call<'_>) -> Result<StoreInfo> {
    let (clock_ms, held, run_out, unseen) = link.call(leases)?;
    let (info,): (String,) = link.pipe(redis::pipe().cmd("INFO"))?;
    let info = read_info(&info);
    let number = |name: &str| info.get(name).and_then(|value| value.parse::<u64>().ok());
    let memory = Memory {
        used: number("used_memory").unwrap_or_default(),
        most: number("maxmemory").filter(|most| *most > 0),
        policy: info.get("maxmemory_policy").copied().unwrap_or("unknown").to_owned(),
    };
    Ok(StoreInfo {
        program: program(&info),
        clock_ms,
        durability: durability(link, &info)?,
        folder: None,
        memory: Some(memory),
        leases: Leases { held, run_out, unseen },
    })
}

fn program(info: &HashMap<&str, &str>) -> String {
    let version = |name| info.get(name).copied();
    match (version("valkey_version"), version("redis_version")) {
        (Some(valkey), _) => format!("Valkey {valkey}"),
        (None, redis) => format!("Redis {}", redis.unwrap_or("of an unknown version")),
    }
}

fn durability(link: &Link, info: &HashMap<&str, &str>) -> Result<String> {
    if info.get("aof_enabled") == Some(&"1") {
        return Ok(match setting(link, "appendfsync")?.as_deref() {
            Some("always") => "append-only file, synced before each answer".into(),
            Some("no") => "append-only file, synced when the system likes: a crash may cost half a minute".into(),
            Some("everysec") => "append-only file, synced every second: a crash may cost about two".into(),
            _ => "append-only file".into(),
        });
    }
    Ok(match setting(link, "save")?.as_deref() {
        Some("") => "nothing is kept on disk".into(),
        _ => "snapshots alone".into(),
    })
}

/// A setting of the server; none: this user may not ask for it.
fn setting(link: &Link, name: &str) -> Result<Option<String>> {
    match link.pipe::<(Vec<String>,)>(redis::pipe().cmd("CONFIG").arg("GET").arg(name)) {
        Ok((pair,)) => Ok(pair.into_iter().nth(1)),
        Err(error) if error.is_refusal() => Ok(None),
        Err(error) => Err(error),
    }
}

/// Says so if the server keeps nothing on disk, or cannot. A server that does not tell its settings is taken at its word.
pub(super) fn cautions(link: &Link) -> Result<Vec<String>> {
    let (info,): (String,) = link.pipe(redis::pipe().cmd("INFO"))?;
    let info = read_info(&info);
    let (at, cli) = (link.address().shown(), link.address().cli());
    let mut cautions = Vec::new();
    if info.get("aof_enabled") != Some(&"1") {
        let remedy = format!("`{cli} config set appendonly yes` keeps all but the last seconds");
        let saves = setting(link, "save")?.is_none_or(|rule| !rule.is_empty());
        cautions.push(if saves {
            format!("Redis at {at} has no append-only file: if it crashes, what came after its last snapshot is gone; {remedy}")
        } else {
            format!("Redis at {at} keeps nothing on disk: when it stops, sweeps and results are gone; {remedy}")
        });
    }
    let failing = ["aof_last_write_status", "aof_last_bgrewrite_status", "rdb_last_bgsave_status"];
    if let Some(name) = failing.iter().find(|name| info.get(**name) == Some(&"err")) {
        cautions.push(format!(
            "Redis at {at} could not write to its disk ({name} is `err`): see to the disk and the log on its machine"
        ));
    }
    let policy = info.get("maxmemory_policy").copied().unwrap_or_default();
    if policy.starts_with("allkeys") {
        cautions.push(format!(
            "Redis at {at} will throw jobs away once it is given a limit of memory (maxmemory-policy {policy}); `{cli} \
             config set maxmemory-policy noeviction` prevents it"
        ));
    }
    Ok(cautions)
}
