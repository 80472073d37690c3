//! Owns the checks of `doctor` as data: from what was found to lines, each good or with what to do. Pure.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Serialize;

use crate::human::{bytes, count, duration};
use crate::process::LeftoverProcess;
use crate::store::{Leases, Memory, StoreInfo};
use crate::store::{Result, StoreError};

/// Open files that a worker needs for a slot (pipes of the job, what tells of its end), and for all else.
const FILES: (u64, u64) = (8, 64);

/// Less free disk than this is worth a warning, and less than this is none, bytes.
const LITTLE: (u64, u64) = (1 << 30, 16 << 20);

/// A difference of clocks that shows in tables.
const CLOCKS: Duration = Duration::from_secs(2);

/// A request that takes longer holds short jobs up.
const SLOW: Duration = Duration::from_millis(50);

/// How a check came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Finding {
    /// As it should be.
    Good,
    /// It works, and may bite.
    Warning,
    /// The store cannot be used.
    Bad,
}

impl Finding {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Finding::Good => "good",
            Finding::Warning => "warning",
            Finding::Bad => "bad",
        }
    }
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What was looked at, in a word or two.
    pub name: &'static str,
    /// How it came out.
    pub finding: Finding,
    /// What was found; where it is not good, with what to do.
    pub says: String,
}

/// What was found of a store that can be used.
#[derive(Clone, Debug)]
pub struct StoreProbe {
    /// Where it is, for people.
    pub name: String,
    /// What it tells of itself.
    pub facts: StoreInfo,
    /// What could cost somebody their results, each with its remedy.
    pub cautions: Vec<String>,
    /// By how much this machine's clock is ahead of the store's, milliseconds.
    pub clock_ahead_ms: i64,
    /// How long a request takes.
    pub takes: Duration,
}

/// What was found of this machine.
#[derive(Clone, Debug)]
pub struct MachineProbe {
    /// Cores that this process may use.
    pub cores: u64,
    /// The most files that this process may have open; none: any number.
    pub open_files: Option<u64>,
    /// The disks that matter.
    pub disks: Vec<Disk>,
    /// Strays; none: this system does not tell.
    pub strays: Option<Vec<LeftoverProcess>>,
}

/// A disk.
#[derive(Clone, Debug)]
pub struct Disk {
    /// What is kept there.
    pub of: &'static str,
    /// Where.
    pub at: PathBuf,
    /// Free bytes; none: the system does not tell.
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

/// There is no embedded store yet; and whether one can be made there.
pub fn none_yet(folder: &Path, place: &Result<()>) -> Check {
    match place {
        Ok(()) => good("store", format!("none yet; `sweep run` or `sweep submit` makes {}", folder.display())),
        Err(error) => unusable(error),
    }
}

/// A store that cannot be used.
pub fn unusable(error: &StoreError) -> Check {
    check("store", Finding::Bad, error.to_string())
}

/// The checks of a store.
pub fn of_store(probe: &StoreProbe) -> Vec<Check> {
    let StoreProbe { name, facts, cautions, .. } = probe;
    let mut all = vec![good("store", format!("{name} answers: {}", facts.program))];
    if cautions.is_empty() {
        all.push(good("durability", facts.durability.clone()));
    }
    all.extend(cautions.iter().map(|caution| warning("durability", caution.clone())));
    all.extend(facts.memory.as_ref().map(memory));
    all.push(latency(probe.takes));
    all.push(clock(probe));
    all.extend(leases(facts.leases));
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
                "{in_use} of {} in use: when it is full no sweeps are taken and no jobs given out; raise `maxmemory`, or \
                 remove sweeps that are collected (`sweep rm`)",
                bytes(*most)
            ),
        ),
        Some(most) => good("memory", format!("{in_use} of {} in use ({policy})", bytes(*most))),
    }
}

fn latency(takes: Duration) -> Check {
    let says = format!("a request takes {:.1} ms", takes.as_secs_f64() * 1e3);
    if takes > SLOW {
        return warning(
            "latency",
            format!("{says}: jobs shorter than that wait for the store; use one that is nearer"),
        );
    }
    good("latency", says)
}

fn clock(probe: &StoreProbe) -> Check {
    if probe.facts.folder.is_some() {
        return good("clock", "the store's is this machine's");
    }
    let apart = Duration::from_millis(probe.clock_ahead_ms.unsigned_abs());
    if apart < CLOCKS {
        return good("clock", "this machine's and the store's agree");
    }
    let way = if probe.clock_ahead_ms > 0 { "ahead of" } else { "behind" };
    warning(
        "clock",
        format!(
            "this machine's is {} {way} the store's: leases go by the store's and do not suffer, but times in tables are \
             this machine's; set it right (`timedatectl set-ntp true`)",
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
            format!("{claims} of lost workers not put back yet: any worker does it within seconds; `sweep worker` starts one"),
        ));
    }
    // Those that have run out are mostly the same.
    if unseen > run_out {
        let claims = count(unseen, "claim");
        all.push(warning(
            "leases",
            format!(
                "{claims} of workers that gave no sign of life for a minute: when they have run out, any worker puts them \
                 back; `sweep status` shows the workers that live"
            ),
        ));
    }
    if all.is_empty() {
        all.push(good("leases", format!("{}, all of workers that live", count(held, "claim"))));
    }
    all
}

/// The checks of this machine.
pub fn of_machine(machine: &MachineProbe) -> Vec<Check> {
    let MachineProbe { cores, disks, .. } = machine;
    let mut all = vec![good("cores", format!("{cores}: as many jobs at once, unless `-j` says otherwise"))];
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
                "at most {limit}, and a worker with {} needs {needs}: `ulimit -n {needs}` before it is started",
                count(machine.cores, "slot")
            ),
        ),
        Some(limit) => {
            good("open files", format!("at most {limit}, enough for {}", count((limit - FILES.1) / FILES.0, "slot")))
        }
    }
}

fn disk(disk: &Disk) -> Check {
    let at = disk.at.display();
    let Some(free) = disk.free else {
        return good("disk", format!("{at}, for {}: the system does not tell what is free", disk.of));
    };
    let says = format!("{} free in {at}, for {}", bytes(free), disk.of);
    let make_room = "make room: workers wait while the disk is full, and deliver when it is not";
    match free {
        _ if free < LITTLE.1 => check("disk", Finding::Bad, format!("{says}: {make_room}")),
        _ if free < LITTLE.0 => warning("disk", format!("{says}: {make_room}")),
        _ => good("disk", says),
    }
}

fn stray_processes(strays: Option<&[LeftoverProcess]>) -> Check {
    let Some(strays) = strays else {
        return good("strays", "this system does not tell of other processes (Linux does)");
    };
    let Some(first) = strays.first() else { return good("strays", "no process of a lost worker") };
    let pids: Vec<String> = strays.iter().map(|stray| stray.pid.to_string()).collect();
    let number = strays.len() as u64;
    let processes = if number == 1 { "a process".to_owned() } else { format!("{number} processes") };
    warning(
        "strays",
        format!(
            "{processes} left running by workers that are gone, for example {} `{}`: end what you do not need, `kill {}`",
            first.pid,
            first.command,
            pids.join(" ")
        ),
    )
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
