//! Owns which workers are certainly dead: those that ran on this machine and whose process is gone.

use rusqlite::Connection;
use rustix::process::{Pid, test_kill_process};

use super::error::Done;
use super::guard::Machine;
use super::lease;

/// Marks the workers dead that are certainly gone; returns the number of their leases. O(leases).
pub(super) fn mark(connection: &Connection, now: u64, this: &Machine) -> Done<u64> {
    let mut leases = 0;
    for worker in find(connection, this)? {
        leases += lease::mark_worker_dead(connection, now, &worker)?;
    }
    Ok(leases)
}

/// The ids of the workers that hold leases and are certainly gone. Locks nothing.
pub(super) fn find(connection: &Connection, this: &Machine) -> Done<Vec<String>> {
    // A lease without a length is one of a worker that is known to be dead.
    let holders = "SELECT id, pid, machine FROM workers WHERE id IN (SELECT worker FROM leases WHERE lease_ms > 0)";
    let mut holders = connection.prepare_cached(holders)?;
    let mut rows = holders.query([])?;
    let mut dead = Vec::new();
    while let Some(row) = rows.next()? {
        let is_dead = match this.shares_processes(&row.get::<_, String>(2)?) {
            Some(true) => is_gone(row.get(1)?),
            Some(false) => true,
            None => false,
        };
        if is_dead {
            dead.push(row.get(0)?);
        }
    }
    Ok(dead)
}

/// Whether there is no such process. A process that has ended, and whose parent has not noticed yet, is gone.
fn is_gone(pid: u32) -> bool {
    let Some(id) = i32::try_from(pid).ok().and_then(Pid::from_raw) else { return false };
    if test_kill_process(id) == Err(rustix::io::Errno::SRCH) {
        return true;
    }
    // After the command's name in parentheses, which may contain anything.
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
        // Its parent, this test, has not waited for it.
        while cfg!(target_os = "linux") && !is_gone(child.id()) {
            assert!(std::time::Instant::now() < until, "the child goes on");
            std::thread::yield_now();
        }
        child.wait().unwrap();
        assert!(is_gone(child.id()));
    }
}
