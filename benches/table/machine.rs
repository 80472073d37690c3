//! Owns what is measured of a process, the arithmetic of several rounds, and what this machine is.

use std::fmt;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};

/// What a process cost.
#[derive(Clone, Copy, Debug)]
pub struct Cost {
    /// Start to end, seconds.
    pub wall: f64,
    /// Its own processor time, its children's not counted, seconds.
    pub own_cpu: f64,
}

/// Makes the environment that of a shell again. Cargo puts its folders into `LD_LIBRARY_PATH`, and every process that is
/// started then looks for its libraries there first: a quarter more time for `/bin/true`, whoever starts it.
pub fn like_a_shell() {
    for (name, _) in std::env::vars_os() {
        let is_cargos = |name: &str| name.starts_with("CARGO") || name == "LD_LIBRARY_PATH";
        if name.to_str().is_some_and(is_cargos) {
            // SAFETY: called by `main` first of all, before there is another thread.
            unsafe { std::env::remove_var(name) };
        }
    }
}

/// Runs a command to its end.
pub fn cost_of(command: &mut Command) -> Cost {
    run(command, |_| {})
}

/// The same, and the most memory that it was seen to have, bytes. It is looked for every few milliseconds.
pub fn cost_and_peak_of(command: &mut Command) -> (Cost, u64) {
    let mut peak = 0;
    let cost = run(command, |child| {
        while !has_ended(child, WaitIdOptions::NOHANG) {
            peak = peak.max(status_kib(child.id(), "VmHWM").unwrap_or(0) * 1024);
            std::thread::sleep(Duration::from_millis(5));
        }
    });
    (cost, peak)
}

fn run(command: &mut Command, meanwhile: impl FnOnce(&Child)) -> Cost {
    let begun = Instant::now();
    let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("starts");
    meanwhile(&child);
    // Blocks, since looks now and then would make steps of the figures; does not reap, since then nothing could be asked.
    has_ended(&child, WaitIdOptions::empty());
    let wall = begun.elapsed().as_secs_f64();
    let own_cpu = own_cpu(child.id());
    let ended = child.wait_with_output().expect("it is ours");
    assert!(ended.status.success(), "{command:?}: {}", String::from_utf8_lossy(&ended.stderr));
    Cost { wall, own_cpu }
}

fn has_ended(child: &Child, how: WaitIdOptions) -> bool {
    let look = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | how;
    waitid(WaitId::Pid(Pid::from_child(child)), look).expect("it is ours").is_some()
}

/// Processor time of a process so far, its children not counted, seconds. Also of one that has ended and is not reaped.
pub fn own_cpu(pid: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).expect("it is there");
    let fields: Vec<&str> = stat.rsplit_once(") ").expect("a process's line").1.split(' ').collect();
    let ticks: f64 = fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap();
    ticks / rustix::param::clock_ticks_per_second() as f64
}

/// A line of a process's `status` that is counted in KiB.
pub fn status_kib(pid: u32, name: &str) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.trim_start_matches(':').trim().split(' ').next()?.parse().ok()
}

/// A figure of several rounds: the middle one, and the least and the greatest.
#[derive(Clone, Copy, Debug)]
pub struct Figure {
    pub median: f64,
    pub least: f64,
    pub most: f64,
}

impl Figure {
    pub fn of(rounds: impl IntoIterator<Item = f64>) -> Figure {
        let mut rounds: Vec<f64> = rounds.into_iter().collect();
        rounds.sort_by(f64::total_cmp);
        Figure { median: rounds[rounds.len() / 2], least: rounds[0], most: rounds[rounds.len() - 1] }
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Figure { median, least, most } = self;
        if least == most {
            return write!(f, "{}", short(*median));
        }
        write!(f, "{} ({} – {})", short(*median), short(*least), short(*most))
    }
}

/// Three digits or so.
fn short(number: f64) -> String {
    match number.abs() {
        size if size >= 100.0 => grouped(number.round() as i64),
        size if size >= 10.0 => format!("{number:.1}"),
        size if size >= 1.0 => format!("{number:.2}"),
        _ => format!("{number:.3}"),
    }
}

fn grouped(number: i64) -> String {
    ::sweep::human::group(number.unsigned_abs())
}

/// The machine, in a line.
pub fn describe() -> String {
    let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let cpu = cpu
        .lines()
        .find_map(|line| line.strip_prefix("model name"))
        .map(|rest| rest.trim_start_matches(['\t', ' ', ':']));
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().unwrap_or("?").to_owned();
    format!(
        "{cores} cores ({}), Linux {}; load before the row {load}",
        cpu.unwrap_or("of an unnamed kind").trim(),
        kernel.trim().split('-').next().unwrap_or_default()
    )
}
