//! Owns the tests of the process list: its order, and how it is shared.

use std::sync::Barrier;

use super::stat::tests::line;
use super::*;

fn pids(processes: &[ProcessInfo]) -> Vec<i32> {
    processes.iter().map(|process| process.pid).collect()
}

#[test]
fn descendants_are_found_whatever_the_order_of_ids() {
    let process = |(pid, parent)| stat::parse(line(pid, "x", "S", parent).as_bytes()).unwrap();
    let table = ProcessTable::of([(9, 2), (2, 1), (3, 9), (4, 3), (5, 1), (1, 0), (6, 6)].map(process).into());
    let found = |seeds: &[i32]| {
        let seeds = seeds.iter().filter_map(|pid| table.get(*pid)).copied();
        pids(&table.with_descendants(seeds))
    };
    assert_eq!(found(&[2]), [2, 3, 4, 9]);
    assert_eq!(found(&[3, 9, 6]), [3, 4, 6, 9]);
    assert_eq!(found(&[]), [0_i32; 0]);
    assert_eq!(pids(table.children(1)), [2, 5]);
    assert_eq!(pids(table.group(1)), [2, 5], "the lines of this test put a child into its parent's group");
    assert!(table.get(7).is_none());
}

/// Those who have asked while a reading was going on, here held up by the lock, share the next one.
#[test]
#[cfg(target_os = "linux")]
fn those_who_ask_together_share_a_reading() {
    let (tables, asked) = (Mutex::new(Vec::new()), Barrier::new(65));
    std::thread::scope(|threads| {
        let reading = lock();
        for _ in 0..64 {
            threads.spawn(|| {
                let moment = Instant::now();
                asked.wait();
                let table = ProcessTable::since(moment).unwrap();
                tables.lock().unwrap().push(table);
            });
        }
        asked.wait();
        drop(reading);
    });
    let mut different: Vec<_> = tables.lock().unwrap().iter().map(Arc::as_ptr).collect();
    different.sort_unstable();
    different.dedup();
    // Other tests read as well, and their readings serve, too.
    assert!(different.len() <= 16, "{} readings for 64 questions", different.len());
}

#[test]
#[cfg(target_os = "linux")]
fn a_new_process_is_in_a_reading_that_was_asked_for_afterwards() {
    let mut child = std::process::Command::new("sleep").arg("300").spawn().unwrap();
    let pid = child.id().cast_signed();
    let parent = std::process::id().cast_signed();
    assert!(ProcessTable::now().unwrap().get(pid).is_some_and(|process| process.parent == parent));
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(ProcessTable::now().unwrap().get(pid).is_none());
}
