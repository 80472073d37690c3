//! Owns the end of everything that a dead worker left running, found by its mark.

use std::time::Duration;

use rustix::process::{Signal, getpid};

use super::process_table::{ProcessInfo, ProcessTable};

/// How often all are stopped, until the list does not change any more.
const STOP_ROUNDS: u32 = 20;

/// How often all are killed, until none is left; with [`PAUSE`] some seconds.
const KILL_ROUNDS: u32 = 200;

/// Time for the system to take killed processes away.
const PAUSE: Duration = Duration::from_millis(20);

/// Kills every process whose mark begins with `prefix`, and what descends from it. They are stopped first, so that none
/// starts another while the list is read. Returns how many there were; after some seconds it gives up on those that the
/// system does not end. Without `/proc` it finds none. O(processes of the machine) for each round.
pub fn kill_marked(prefix: &str) -> usize {
    let mut ended = 0;
    for _ in 0..KILL_ROUNDS {
        let found = stop_all(prefix);
        if found.is_empty() {
            break;
        }
        ended = ended.max(found.len());
        for process in &found {
            process.signal(Signal::KILL);
        }
        std::thread::sleep(PAUSE);
    }
    ended
}

/// Stops them, and those that they started meanwhile. Returns all of them.
fn stop_all(prefix: &str) -> Vec<ProcessInfo> {
    let mut found = alive(prefix);
    for _ in 0..STOP_ROUNDS {
        for process in &found {
            process.signal(Signal::STOP);
        }
        let again = alive(prefix);
        let is_settled = again.iter().all(|process| found.binary_search_by_key(&process.pid, |one| one.pid).is_ok());
        found = again;
        if is_settled {
            break;
        }
    }
    found
}

/// The living ones, in the order of their ids, this process excepted.
fn alive(prefix: &str) -> Vec<ProcessInfo> {
    let me = getpid().as_raw_nonzero().get();
    let Some(table) = ProcessTable::now() else { return Vec::new() };
    let is_marked = |process: &&ProcessInfo| process.mark().is_some_and(|mark| mark.starts_with(prefix));
    let mut found = table.with_descendants(table.all().iter().filter(is_marked).copied());
    found.retain(|process| !process.is_dead && process.pid != me);
    found
}
