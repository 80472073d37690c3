//! Owns the checks of commands that put back the jobs of lost workers: nothing is recorded twice, and no command waits
//! longer than necessary.

use std::time::{Duration, Instant};

use sweep::job::{SweepId, Verdict};
use sweep::ops::recover::{recover, recover_sweep};
use sweep::store::{LeaseStatus, Store};

use crate::harness::{
    Bench, LIMIT, LONG, SHORT, Worker, counts, eventually, grouped, let_time_pass, only, outcome, recorded, submit,
};

/// Longer than the pause between two checks after which the store assumes an absence.
const ABSENCE: Duration = Duration::from_millis(6500);

/// The waits of a command that does not wait for the return of workers.
const NO_WAIT: [u64; 0] = [];

/// Runs [`recover_sweep`]. Returns how many jobs it said that it waits for.
fn put_back(store: &dyn Store, id: &SweepId) -> Vec<u64> {
    let mut waits = Vec::new();
    recover_sweep(store, id, &mut |jobs| waits.push(jobs)).unwrap();
    waits
}

pub fn jobs_of_a_dead_worker_are_put_back_although_the_leases_were_just_checked(bench: &dyn Bench) {
    let store = &*bench.connect();
    let id = submit(store, "dead", "default", 3);
    let mut dead = Worker::new(store);
    dead.claim(only(&id), 3, LONG);
    store.mark_worker_dead(&dead.id).unwrap();
    // The check finds the claims, but the process that checked ends before it reports them.
    eventually("the leases are checked", || store.check_leases().unwrap());
    assert_eq!(put_back(store, &id), NO_WAIT, "there is no absence");
    assert_eq!((counts(store, &id).pending, counts(store, &id).running), (3, 0));
}

pub fn nobody_waits_for_jobs_that_a_live_worker_runs(bench: &dyn Bench) {
    let store = &*bench.connect();
    let id = submit(store, "alive", "default", 5);
    let (mut dead, mut alive) = (Worker::new(store), Worker::new(store));
    store.expired().unwrap();
    dead.claim(only(&id), 3, SHORT);
    let held = alive.claim(only(&id), 2, LONG);
    let_time_pass(Duration::from_millis(5));
    let start = Instant::now();
    assert_eq!(put_back(store, &id), NO_WAIT);
    assert_eq!((counts(store, &id).pending, counts(store, &id).running), (3, 2));
    assert_eq!(put_back(store, &id), NO_WAIT);
    assert!(start.elapsed() < Duration::from_secs(15), "less than a lease: {:?}", start.elapsed());
    assert_eq!(alive.beat(&[(&held[0], true), (&held[1], true)], LONG), []);
}

pub fn after_an_absence_a_worker_can_return_before_its_jobs_are_put_back(bench: &dyn Bench) {
    let store = &*bench.connect();
    let id = submit(store, "absence", "default", 2);
    let (mut dead, mut returns) = (Worker::new(store), Worker::new(store));
    eventually("the leases are checked", || store.check_leases().unwrap());
    dead.claim_one(&id, Duration::from_secs(3));
    let held = returns.claim_one(&id, Duration::from_secs(3));
    let_time_pass(ABSENCE);
    let mut waits = Vec::new();
    let row = recover_sweep(store, &id, &mut |jobs| {
        waits.push(jobs);
        assert_eq!(returns.beat(&[(&held, true)], LONG), [], "it still has its claim");
        // The other worker does not return. Its lease is over after 3 s.
    })
    .unwrap();
    assert_eq!(waits, [2], "it says so once");
    assert_eq!((row.counts.pending, row.counts.running), (1, 1));
}

pub fn a_frozen_worker_finds_its_claims_lost_and_its_outcome_counts_once(bench: &dyn Bench) {
    let store = &*bench.connect();
    let id = submit(store, "frozen", "default", 3);
    let (mut frozen, mut other) = (Worker::new(store), Worker::new(store));
    store.expired().unwrap();
    let claims = frozen.claim(only(&id), 3, SHORT);
    let_time_pass(Duration::from_millis(5));
    store.cancel(&id).unwrap();
    put_back(store, &id);
    assert_eq!((counts(store, &id).cancelled, counts(store, &id).running), (3, 0));
    assert_eq!(store.requeue(&id, &[1..3]).unwrap(), 2);
    let again = other.claim_one(&id, SHORT);
    assert_eq!((again.job.index, again.tries.attempts), (1, 2));
    let held: Vec<_> = claims.iter().map(|claim| (claim, true)).collect();
    assert_eq!(frozen.beat(&held, LONG), [0, 1, 2].map(|index| (index, LeaseStatus::Lost)));
    let_time_pass(Duration::from_millis(5));
    assert!(frozen.finish(&claims[0], Verdict::Succeeded), "the point is cancelled, but an outcome counts");
    assert!(!frozen.finish(&claims[1], Verdict::Succeeded), "another worker has claimed it");
    assert!(frozen.finish(&claims[2], Verdict::Succeeded), "it is in the queue, and nobody has claimed it");
    assert!(!frozen.finish(&claims[0], Verdict::Failed) && !frozen.finish(&claims[2], Verdict::Failed));
    // The heartbeat has not renewed the claim of the other worker.
    assert!(frozen.report_lost(&again, Verdict::Again { delay_ms: 0 }));
    assert_eq!((counts(store, &id).succeeded, counts(store, &id).pending), (2, 1));
}

pub fn commands_and_a_worker_at_the_same_time_record_each_job_once(bench: &dyn Bench) {
    const JOBS: u64 = 300;
    let connections = [(); 4].map(|()| bench.connect());
    let [store, commands @ ..] = &connections;
    let store = &**store;
    let id = submit(store, "race", "default", JOBS);
    store.expired().unwrap();
    let mut worker = Worker::new(store);
    let claims = worker.claim(only(&id), JOBS as u32, SHORT);
    let_time_pass(Duration::from_millis(5));
    let accepted: u64 = std::thread::scope(|scope| {
        for command in commands {
            let id = &id;
            scope.spawn(move || {
                let start = Instant::now();
                while command.sweep(id).unwrap().counts.running > 0 {
                    recover(&**command).unwrap();
                    assert!(start.elapsed() < LIMIT, "jobs still run: {:?}", command.sweep(id).unwrap());
                    let_time_pass(Duration::from_millis(20));
                }
            });
        }
        let mut report = |claim| worker.exchange(grouped(vec![outcome(claim, Verdict::Succeeded)]), None);
        claims.iter().filter(|claim| report(claim).stale.is_empty()).count() as u64
    });
    let counts = counts(store, &id);
    assert_eq!(accepted, JOBS, "nobody has claimed a job since, so every outcome counts");
    assert_eq!((counts.succeeded, counts.pending, counts.running), (JOBS, 0, 0));
    let mut log = recorded(store, &id);
    log.sort_unstable();
    assert!(log.into_iter().eq((0..JOBS).map(|index| (index, 1))), "every job is recorded once");
    assert_eq!(store.workers().unwrap(), [], "commands leave no worker behind");
}
