//! Owns the checks of the clock of the embedded store, and of its workers whose process is gone.

use std::path::Path;
use std::time::Duration;

use rusqlite::Connection;

use sweep::job::Verdict;
use sweep::store::sqlite::SqliteStore;
use sweep::store::{Heartbeat, HeldClaim, Queue, WorkerRow};

use crate::harness::{LONG, Worker, eventually, only, submit, worker_row};
use crate::sqlite_only::places;

/// Changes a store to the state that it has after somebody has set the clock of the machine by `by_ms`.
#[cfg(target_os = "linux")]
fn pretend_that_the_clock_was_set(file: &Path, by_ms: i64) {
    let connection = Connection::open(file).unwrap();
    for change in [
        "UPDATE clock SET offset_ms = offset_ms - ?1",
        "UPDATE leases SET deadline_ms = deadline_ms - ?1",
        "UPDATE delayed SET due_ms = due_ms - ?1",
        "UPDATE workers SET last_seen_ms = last_seen_ms - ?1",
        "UPDATE meta SET value = value - ?1 WHERE name = 'last-look'",
    ] {
        connection.execute(change, [by_ms]).unwrap();
    }
}

#[test]
#[cfg(target_os = "linux")]
fn retries_and_leases_keep_their_remaining_time_when_the_clock_is_set() {
    const HOUR: i64 = 3_600_000;
    for by_ms in [-HOUR, HOUR] {
        let (_folder, dir, file) = places();
        let store = SqliteStore::open(&dir).unwrap();
        let id = submit(&store, "clock", "default", 3);
        let mut worker = Worker::new(&store);
        worker.beat(&[], LONG);
        store.expired().unwrap();
        let claims = worker.claim(only(&id), 3, Duration::from_secs(600));
        assert!(worker.finish(&claims[0], Verdict::Again { delay_ms: 100 }));
        assert!(worker.finish(&claims[1], Verdict::Again { delay_ms: 600_000 }));
        let Worker { id: name, seq, .. } = worker;
        drop(store);
        pretend_that_the_clock_was_set(&file, by_ms);
        let store = SqliteStore::open(&dir).unwrap();
        let mut worker = Worker { store: &store, id: name, seq };
        let again = eventually("the short retry is due", || worker.claim(only(&id), 3, LONG).pop());
        assert_eq!(again.job.index, 0, "{by_ms}");
        assert_eq!(store.workers().unwrap().len(), 1, "{by_ms}: it had a heartbeat just now");
        assert_eq!(store.expired_counts().unwrap(), [], "{by_ms}");
        let left: i64 = Connection::open(&file)
            .unwrap()
            .query_row("SELECT min(due_ms) - (SELECT last_seen_ms FROM workers) FROM delayed", [], |row| row.get(0))
            .unwrap();
        assert!((590_000..=630_000).contains(&left), "{by_ms}: {left} ms left");
    }
}

#[test]
fn a_retry_waits_no_longer_than_it_had_left_after_a_restart_with_an_earlier_clock() {
    let (_folder, dir, file) = places();
    let store = SqliteStore::open(&dir).unwrap();
    let id = submit(&store, "start", "default", 1);
    let mut worker = Worker::new(&store);
    store.expired().unwrap();
    let claim = worker.claim_one(&id, LONG);
    assert!(worker.finish(&claim, Verdict::Again { delay_ms: 100 }));
    let Worker { id: name, seq, .. } = worker;
    drop(store);
    let connection = Connection::open(&file).unwrap();
    // The state that a machine leaves whose clock was an hour ahead and that was then restarted.
    connection
        .execute_batch(
            "UPDATE clock SET boot = 'an earlier start', offset_ms = offset_ms + 3600000;
             UPDATE delayed SET due_ms = due_ms + 3600000;
             UPDATE meta SET value = value + 3600000 WHERE name = 'last-look';",
        )
        .unwrap();
    let store = SqliteStore::open(&dir).unwrap();
    let mut worker = Worker { store: &store, id: name, seq };
    eventually("the retry is due", || worker.claim(only(&id), 1, LONG).pop());
}

#[test]
#[cfg(target_os = "linux")]
fn claims_of_a_killed_worker_of_this_machine_are_found_at_once() {
    let (_folder, dir, _) = places();
    let store = SqliteStore::open(&dir).unwrap();
    let id = submit(&store, "killed", "default", 2);
    let (mut dead, mut alive) = (Worker::new(&store), Worker::new(&store));
    let claims = [dead.claim_one(&id, LONG), alive.claim_one(&id, LONG)];
    let mut process = std::process::Command::new("sleep").arg("600").spawn().unwrap();
    for (worker, pid, claim) in [(&dead, process.id(), &claims[0]), (&alive, std::process::id(), &claims[1])] {
        let held = vec![HeldClaim { job: claim.job.clone(), token: claim.token, started: true }];
        let worker = WorkerRow { pid, ..worker_row(&worker.id) };
        store.heartbeat(&Heartbeat { worker, lease: LONG, held }).unwrap();
    }
    assert_eq!(store.mark_dead_workers().unwrap(), 0);
    process.kill().unwrap();
    process.wait().unwrap();
    assert_eq!(store.mark_dead_workers().unwrap(), 1);
    assert_eq!(store.mark_dead_workers().unwrap(), 0, "a worker is marked once");
    assert_eq!(store.expired_counts().unwrap(), [(id, 1)]);
    let found = eventually("the claim is found", || Some(store.expired().unwrap()).filter(|found| !found.is_empty()));
    assert_eq!(found[0].claim, claims[0]);
    assert_eq!(found.len(), 1);
}
