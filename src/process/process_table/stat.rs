//! Owns what `/proc/PID/stat` and `smaps_rollup` say of one process.

/// A process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::process) struct ProcessInfo {
    pub(in crate::process) pid: i32,
    pub(in crate::process) parent: i32,
    pub(in crate::process) group: i32,
    /// It has ended and waits to be reaped.
    pub(in crate::process) is_dead: bool,
    /// When it started, in the system's clock ticks: with `pid` it names one process for ever.
    pub(super) started: u64,
    /// Its resident set, bytes; memory that it shares with others is counted for each of them.
    rss: u64,
}

/// Bytes that the line takes at most: 52 numbers of up to 20 digits, and a name of 64 bytes.
pub(super) const LONGEST: usize = 2048;

/// Where the fields stand that are read, counted from the one after the name.
const STATE: usize = 0;
const PARENT: usize = 1;
const GROUP: usize = 2;
const STARTED: usize = 19;
const RSS: usize = 21;

/// Reads `/proc/PID/stat`: "PID (NAME) STATE PPID PGRP …". NAME may hold anything, also `)`, and need not be UTF-8.
pub(super) fn parse(stat: &[u8]) -> Option<ProcessInfo> {
    let open = stat.iter().position(|byte| *byte == b'(')?;
    let close = stat.iter().rposition(|byte| *byte == b')')?;
    let pid = text(stat.get(..open)?)?.trim_end().parse().ok()?;
    let mut fields = stat.get(close..)?.strip_prefix(b") ")?.split(|byte| *byte == b' ').enumerate();
    // The fields are asked for in their order, so that the line is walked through once.
    let mut field = |wanted: usize| fields.find(|(at, _)| *at == wanted).and_then(|(_, field)| text(field));
    let is_dead = matches!(field(STATE)?, "Z" | "X");
    let parent = field(PARENT)?.parse().ok()?;
    let group = field(GROUP)?.parse().ok()?;
    let started = field(STARTED)?.parse().ok()?;
    let pages: u64 = field(RSS)?.parse().ok()?;
    let rss = pages.saturating_mul(rustix::param::page_size() as u64);
    Some(ProcessInfo { pid, parent, group, is_dead, started, rss })
}

fn text(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok()
}

/// The memory that some processes have together, bytes, where it is more than `limit`. None: it is not. What they share
/// is counted once where the kernel tells (`smaps_rollup`, since Linux 4.14); that is slow, and so asked only in doubt.
pub(in crate::process) fn memory_above(limit: u64, processes: &[ProcessInfo]) -> Option<u64> {
    let resident: u64 = processes.iter().map(|process| process.rss).sum();
    if resident <= limit {
        return None;
    }
    let used = processes.iter().map(|process| proportional(process.pid).unwrap_or(process.rss)).sum();
    (used > limit).then_some(used)
}

/// A process's resident set, bytes, with each shared page divided by the number of those who share it.
fn proportional(pid: i32) -> Option<u64> {
    let rollup = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
    let line = rollup.lines().find_map(|line| line.strip_prefix("Pss:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A line as the kernel writes it, of a process in its parent's group.
    pub(in crate::process::process_table) fn line(pid: i32, name: &str, state: &str, parent: i32) -> String {
        format!("{pid} ({name}) {state} {parent} {parent} 0 0 -1 0 0 0 0 0 1 1 0 0 20 0 1 0 777 1000 5 0\n")
    }

    #[test]
    fn names_may_hold_anything() {
        for name in ["sh", "a) Z 1 (b", "", "x y"] {
            let process = parse(line(7, name, "S", 3).as_bytes()).unwrap();
            assert_eq!((process.pid, process.parent, process.is_dead, process.started), (7, 3, false, 777));
            assert_eq!(process.rss, 5 * rustix::param::page_size() as u64);
        }
        assert!(parse(line(7, "sh", "Z", 3).as_bytes()).unwrap().is_dead);
        let not_utf8 = [b"7 (", &[0xff][..], b") S 3 3 0 0 -1 0 0 0 0 0 1 1 0 0 20 0 1 0 777 1000 5 0\n"].concat();
        assert_eq!(parse(&not_utf8).unwrap().pid, 7);
    }

    proptest! {
        #[test]
        fn any_bytes_are_parsed_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200), text in "[0-9]{1,20} \\([a-z )]{0,9}\\) [A-Z]( -?[0-9]{1,20}){0,30}") {
            let _ = parse(&bytes);
            let _ = parse(text.as_bytes());
        }
    }
}
