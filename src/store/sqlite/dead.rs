//! Owns finding workers that are certainly dead: they ran on this machine, and their process has ended.

use rusqlite::Connection;
use rustix::process::{Pid, test_kill_process};

use super::error::Done;
use super::guard::Machine;

/// The ids of the workers that hold leases and are certainly dead. Only reads. A frozen process is not dead. O(leases).
pub(super) fn find(connection: &Connection, this: &Machine) -> Done<Vec<String>> {
    // A lease of length 0 is that of a worker that is marked as dead already.
    let holders = "SELECT id, pid, machine FROM workers WHERE id IN (SELECT worker FROM leases WHERE lease_ms > 0)";
    let mut holders = connection.prepare_cached(holders)?;
    let mut rows = holders.query([])?;
    let mut dead = Vec::new();
    while let Some(row) = rows.next()? {
        if is_dead(this, &row.get::<_, String>(2)?, row.get(1)?) {
            dead.push(row.get(0)?);
        }
    }
    Ok(dead)
}

/// The ids of [`find`] as a JSON array, for queries with `json_each`.
pub(super) fn find_json(connection: &Connection, this: &Machine) -> Done<String> {
    Ok(serde_json::Value::from(find(connection, this)?).to_string())
}

/// Whether a worker is certainly dead: its process ran on this machine, which `machine` names, and has ended.
pub(super) fn is_dead(this: &Machine, machine: &str, pid: u32) -> bool {
    match this.shares_processes(machine) {
        Some(true) => is_gone(pid),
        Some(false) => true,
        None => false,
    }
}

/// Whether there is no such process. A process that has ended, but whose parent has not waited for it yet, is gone too.
fn is_gone(pid: u32) -> bool {
    let Some(id) = i32::try_from(pid).ok().and_then(Pid::from_raw) else { return false };
    if test_kill_process(id) == Err(rustix::io::Errno::SRCH) {
        return true;
    }
    // The state follows the command's name in parentheses, which may contain anything.
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat.rsplit_once(") ").and_then(|(_, rest)| rest.chars().next());
    matches!(state, Some('Z' | 'X'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_that_has_ended_is_gone() {
        assert!(!is_gone(std::process::id()));
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let until = std::time::Instant::now() + std::time::Duration::from_secs(30);
        // Its parent is this test, which has not waited for it yet.
        while cfg!(target_os = "linux") && !is_gone(child.id()) {
            assert!(std::time::Instant::now() < until, "the child still runs");
            std::thread::yield_now();
        }
        child.wait().unwrap();
        assert!(is_gone(child.id()));
    }
}
