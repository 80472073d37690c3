//! Owns the checks of `sweep doctor`: from measured values to findings with remedies. Pure.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Serialize;

use crate::human::{bytes, count, duration};
use crate::process::LeftoverProcess;
use crate::store::{Leases, Memory, StoreInfo};
use crate::store::{Result, StoreError};

/// Open files that a worker needs per slot (pipes, process handle), and for everything else.
const FILES: (u64, u64) = (8, 64);

/// Free disk space in bytes below which there is a warning, and below which the check is bad.
const LITTLE: (u64, u64) = (1 << 30, 16 << 20);

/// The difference of clocks from which on there is a warning.
const CLOCKS: Duration = Duration::from_secs(2);

/// The latency of a request from which on there is a warning.
const SLOW: Duration = Duration::from_millis(50);

/// The result of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Finding {
    /// No problem.
    Good,
    /// It works, but problems are likely.
    Warning,
    /// The store cannot be used.
    Bad,
}

impl Finding {
    /// Its name.
    pub fn word(self) -> &'static str {
        match self {
            Finding::Good => "good",
            Finding::Warning => "warning",
            Finding::Bad => "bad",
        }
    }
}

/// A check: one line of the report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What was checked.
    pub name: &'static str,
    /// The result.
    pub finding: Finding,
    /// What was found, and the remedy unless it is good.
    pub says: String,
}

/// The measured values of a usable store.
#[derive(Clone, Debug)]
pub struct StoreProbe {
    /// Its address or folder.
    pub name: String,
    /// What it reports about itself.
    pub facts: StoreInfo,
    /// Settings that endanger results, each with its remedy.
    pub cautions: Vec<String>,
    /// How others could read or change what is in it, each with its remedy.
    pub exposures: Vec<String>,
    /// Workers that take no jobs of a sweep, each with the reason.
    pub exclusions: Vec<String>,
    /// By how much this machine's clock is ahead of the store's, milliseconds.
    pub clock_ahead_ms: i64,
    /// How long a request takes.
    pub takes: Duration,
}

/// The measured values of this machine.
#[derive(Clone, Debug)]
pub struct MachineProbe {
    /// Cores that this process may use.
    pub cores: u64,
    /// The most files that this process may have open; none: any number.
    pub open_files: Option<u64>,
    /// The disks that sweep writes to.
    pub disks: Vec<DiskProbe>,
    /// Processes of lost workers; none: not known on this system.
    pub strays: Option<Vec<LeftoverProcess>>,
}

/// A disk.
#[derive(Clone, Debug)]
pub struct DiskProbe {
    /// What is kept there.
    pub of: &'static str,
    /// Where.
    pub at: PathBuf,
    /// Free bytes; none: unknown.
    pub free: Option<u64>,
}

fn check(name: &'static str, finding: Finding, says: impl Into<String>) -> Check {
    Check { name, finding, says: says.into() }
}

fn good(name: &'static str, says: impl Into<String>) -> Check {
    check(name, Finding::Good, says)
}

fn warning(name: &'static str, says: impl Into<String>) -> Check {
    check(name, Finding::Warning, says)
}

/// The check where there is no embedded store yet: whether one can be created.
pub fn none_yet(folder: &Path, place: &Result<()>) -> Check {
    match place {
        Ok(()) => good("store", format!("no store yet; `sweep run` and `sweep submit` create {}", folder.display())),
        Err(error) => unusable(error),
    }
}

/// The check for a store that cannot be used.
pub fn unusable(error: &StoreError) -> Check {
    check("store", Finding::Bad, error.to_string())
}

/// The checks of a store.
pub fn of_store(probe: &StoreProbe) -> Vec<Check> {
    let StoreProbe { name, facts, cautions, exposures, exclusions, .. } = probe;
    let mut all = vec![good("store", format!("{name} answers: {}", facts.program))];
    if cautions.is_empty() {
        all.push(good("durability", facts.durability.clone()));
    }
    all.extend(cautions.iter().map(|caution| warning("durability", caution.clone())));
    all.extend(exposures.iter().map(|exposure| warning("security", exposure.clone())));
    all.extend(facts.memory.as_ref().map(memory));
    all.push(latency(probe.takes));
    all.push(clock(probe));
    all.extend(leases(facts.leases));
    all.extend(exclusions.iter().map(|exclusion| warning("workers", exclusion.clone())));
    all
}

fn memory(memory: &Memory) -> Check {
    let Memory { used, most, policy } = memory;
    let in_use = bytes(*used);
    match most {
        None => good("memory", format!("{in_use} in use, no limit")),
        Some(most) if *used > most / 10 * 9 => warning(
            "memory",
            format!(
                "{in_use} of {} in use: when it is full, no sweep can be submitted and no job claimed; raise \
                 `maxmemory`, or remove collected sweeps with `sweep rm`",
                bytes(*most)
            ),
        ),
        Some(most) => good("memory", format!("{in_use} of {} in use ({policy})", bytes(*most))),
    }
}

fn latency(takes: Duration) -> Check {
    let says = format!("a request takes {:.2} ms", takes.as_secs_f64() * 1e3);
    if takes > SLOW {
        return warning("latency", format!("{says}: shorter jobs wait for the store; use a store that is nearer"));
    }
    good("latency", says)
}

fn clock(probe: &StoreProbe) -> Check {
    if probe.facts.folder.is_some() {
        return good("clock", "the store uses this machine's clock");
    }
    let apart = Duration::from_millis(probe.clock_ahead_ms.unsigned_abs());
    if apart < CLOCKS {
        return good("clock", "the clocks of this machine and the store agree");
    }
    let way = if probe.clock_ahead_ms > 0 { "ahead of" } else { "behind" };
    warning(
        "clock",
        format!(
            "this machine's clock is {} {way} the store's: leases are not affected, but times in tables are; set the \
             clock (`timedatectl set-ntp true`)",
            duration(apart.as_secs_f64())
        ),
    )
}

fn leases(leases: Leases) -> Vec<Check> {
    let Leases { held, run_out, unseen } = leases;
    let mut all = Vec::new();
    if run_out > 0 {
        let claims = count(run_out, "claim");
        all.push(warning(
            "leases",
            format!("{claims} of lost workers: any worker puts them back in the queue; `sweep worker` starts one"),
        ));
    }
    // Most of them have run out as well, and are counted above.
    if unseen > run_out {
        let claims = count(unseen, "claim");
        all.push(warning(
            "leases",
            format!(
                "{claims} of workers without a heartbeat for a minute: when they run out, any worker puts them back in the \
                 queue; `sweep status` lists the live workers"
            ),
        ));
    }
    if all.is_empty() {
        all.push(good("leases", leases_of_live_workers(held)));
    }
    all
}

fn leases_of_live_workers(held: u64) -> String {
    if held == 0 { "no claims".into() } else { format!("{}, all of live workers", count(held, "claim")) }
}

/// The checks of this machine.
pub fn of_machine(machine: &MachineProbe) -> Vec<Check> {
    let MachineProbe { cores, disks, .. } = machine;
    let mut all = vec![good("cores", format!("{cores}; a worker runs that many jobs at once unless `-j` is given"))];
    all.push(open_files(machine));
    all.extend(disks.iter().map(disk));
    all.push(stray_processes(machine.strays.as_deref()));
    all
}

fn open_files(machine: &MachineProbe) -> Check {
    let needs = machine.cores * FILES.0 + FILES.1;
    match machine.open_files {
        None => good("open files", "no limit"),
        Some(limit) if limit < needs => warning(
            "open files",
            format!(
                "at most {limit}, but a worker with {} needs {needs}; run `ulimit -n {needs}` before you start it",
                count(machine.cores, "slot")
            ),
        ),
        Some(limit) => {
            good("open files", format!("at most {limit}, enough for {}", count((limit - FILES.1) / FILES.0, "slot")))
        }
    }
}

fn disk(disk: &DiskProbe) -> Check {
    let at = disk.at.display();
    let Some(free) = disk.free else {
        return good("disk", format!("{at}, for {}: free space unknown", disk.of));
    };
    let says = format!("{} free in {at}, for {}", bytes(free), disk.of);
    let make_room = "free some space; workers wait while the disk is full";
    match free {
        _ if free < LITTLE.1 => check("disk", Finding::Bad, format!("{says}: {make_room}")),
        _ if free < LITTLE.0 => warning("disk", format!("{says}: {make_room}")),
        _ => good("disk", says),
    }
}

fn stray_processes(strays: Option<&[LeftoverProcess]>) -> Check {
    let Some(strays) = strays else {
        return good("strays", "not checked on this system");
    };
    let Some(first) = strays.first() else { return good("strays", "no processes of lost workers") };
    let pids: Vec<String> = strays.iter().map(|stray| stray.pid.to_string()).collect();
    let number = strays.len() as u64;
    let processes = if number == 1 { "a process".to_owned() } else { format!("{number} processes") };
    warning(
        "strays",
        format!(
            "{processes} of lost workers still running, for example {} `{}`; `kill {}` ends them",
            first.pid,
            first.command,
            pids.join(" ")
        ),
    )
}

#[cfg(test)]
mod tests;
