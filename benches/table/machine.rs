//! Owns the measurement of a process, the statistics over several rounds, and the description of this machine.

use std::fmt;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};

/// The cost of a process.
#[derive(Clone, Copy, Debug)]
pub struct Cost {
    /// Wall time in seconds.
    pub wall: f64,
    /// Own processor time in seconds, without that of its children.
    pub own_cpu: f64,
}

/// Removes Cargo's variables from the environment. Cargo puts its folders into `LD_LIBRARY_PATH`, and every process then
/// searches there first for its libraries: `/bin/true` takes a quarter more time, whoever starts it.
pub fn like_a_shell() {
    for (name, _) in std::env::vars_os() {
        let is_cargos = |name: &str| name.starts_with("CARGO") || name == "LD_LIBRARY_PATH";
        if name.to_str().is_some_and(is_cargos) {
            // SAFETY: `main` calls this first, before there is another thread.
            unsafe { std::env::remove_var(name) };
        }
    }
}

/// Runs a command and waits for its end.
pub fn cost_of(command: &mut Command) -> Cost {
    run(command, |_| {})
}

/// The same, with the largest memory of the process in bytes, sampled every few milliseconds.
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
    // Blocks, because polling would round the figures. Does not reap, because `/proc` is read afterwards.
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

/// Processor time of a process so far in seconds, without its children. Also works for a zombie.
pub fn own_cpu(pid: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).expect("it is there");
    let fields: Vec<&str> = stat.rsplit_once(") ").expect("a process's line").1.split(' ').collect();
    let ticks: f64 = fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap();
    ticks / rustix::param::clock_ticks_per_second() as f64
}

/// A field of a process's `status` in KiB.
pub fn status_kib(pid: u32, name: &str) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.trim_start_matches(':').trim().split(' ').next()?.parse().ok()
}

/// A figure of several rounds: median, minimum and maximum.
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

/// Formats a number with about three digits.
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

/// Describes the machine in one line.
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
