//! Owns the checks of heartbeats, expired leases, and absences.

use std::time::{Duration, Instant};

use sweep::job::{JobState, Verdict};
use sweep::store::{Claim, ExpiredClaim, LeaseStatus, Store};

use crate::harness::{
    ALL_ACCEPTED, Bench, LIMIT, LONG, SHORT, Worker, counts, eventually, given_back, let_time_pass, only, outcome,
    submit, word, worker_row,
};

const AGAIN: Verdict = Verdict::Again { delay_ms: 0 };

/// A lease that is long enough for some requests and runs out while a check waits.
const LEASE: Duration = Duration::from_millis(300);

/// Checks the leases until expired claims are found. Callers check them once before there are claims, so that the store
/// sees no absence.
fn find(store: &dyn Store) -> Vec<ExpiredClaim> {
    eventually("expired claims are found", || Some(store.expired().unwrap()).filter(|found| !found.is_empty()))
}

pub fn an_expired_claim_is_found_and_its_job_claimed_again(bench: &dyn Bench) {
    let store = &*bench.connect();
    let id = submit(store, "lost", "default", 4);
    assert_eq!(store.expired().unwrap(), vec![]);
    let (mut dead, mut finder) = (Worker::new(store), Worker::new(store));
    let claims = dead.claim(only(&id), 3, LEASE);
    assert_eq!(dead.beat(&[(&claims[0], false), (&claims[1], true), (&claims[2], false)], LEASE), vec![]);
    let alive = finder.claim_one(&id, LONG);
    let began = Instant::now();
    let mut found = find(store);
    // The lease is 0.3 s, and the leases are checked once a second.
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    found.sort_by_key(|expired| expired.claim.job.index);
    let expected = |claim: &Claim, started| ExpiredClaim { claim: claim.clone(), worker: dead.id.clone(), started };
    assert_eq!(found, [expected(&claims[0], false), expected(&claims[1], true), expected(&claims[2], false)]);
    for expired in &found {
        assert!(finder.report_lost(&expired.claim, AGAIN));
        assert!(!finder.report_lost(&expired.claim, AGAIN), "a claim is reported lost once");
    }
    let again = finder.claim(only(&id), 9, LONG);
    let again: Vec<_> = again.iter().map(|claim| (claim.job.index, claim.tries.attempts)).collect();
    assert_eq!(again, [(0, 2), (1, 2), (2, 2)]);
    assert_eq!(word(store, &id, alive.job.index), "running");
    assert_eq!(counts(store, &id).running, 4);
}

pub fn leases_are_checked_once_a_second(bench: &dyn Bench) {
    let (one, two) = (bench.connect(), bench.connect());
    let id = submit(&*one, "looks", "default", 1);
    assert_eq!(one.expired().unwrap(), vec![]);
    let mut dead = Worker::new(&*one);
    dead.claim_one(&id, SHORT);
    // Nobody reports the claim, so each check finds it again.
    find(&*one);
    let began = Instant::now();
    let other = two.expired().unwrap();
    // If the machine is so slow that a second has passed, the second check may find it.
    assert!(
        other.is_empty() || began.elapsed() > Duration::from_millis(900),
        "the limit holds for all callers together"
    );
    find(&*two);
    assert!(began.elapsed() > Duration::from_millis(800), "{:?}", began.elapsed());
}

pub fn a_heartbeat_renews_only_the_claims_that_it_names(bench: &dyn Bench) {
    let store = &*bench.connect();
    let id = submit(store, "beats", "default", 3);
    let mut worker = Worker::new(store);
    let claims = worker.claim(only(&id), 3, SHORT);
    let_time_pass(Duration::from_millis(5));
    // A heartbeat may renew a lease that has run out but was not found yet.
    assert_eq!(worker.beat(&[(&claims[1], true)], LONG), vec![]);
    let mut finder = Worker::new(store);
    assert!(finder.report_lost(&claims[0], AGAIN));
    assert!(!finder.report_lost(&claims[1], AGAIN), "it was renewed");
    assert!(finder.report_lost(&claims[2], Verdict::Failed));
    assert_eq!(worker.beat(&[(&claims[0], true), (&claims[1], false)], LONG), [(0, LeaseStatus::Lost)]);

    let JobState::Running { started_ms: Some(started), .. } = store.point(&id, 1).unwrap().0 else {
        panic!("the job stays started");
    };
    let_time_pass(Duration::from_millis(5));
    assert_eq!(worker.beat(&[(&claims[1], true)], LONG), vec![]);
    let expected = JobState::Running { attempt: 1, worker: worker.id.clone(), started_ms: Some(started) };
    assert_eq!(store.point(&id, 1).unwrap().0, expected, "the first time of the start stays");

    store.cancel(&id).unwrap();
    assert_eq!(
        worker.beat(&[(&claims[2], true), (&claims[1], true)], LONG),
        [(2, LeaseStatus::Lost), (1, LeaseStatus::Cancelled)]
    );
    assert!(worker.finish(&claims[1], Verdict::Cancelled));
    assert_eq!(counts(store, &id).running, 0);
}

pub fn a_claim_that_holds_cannot_be_reported_lost(bench: &dyn Bench) {
    let store = &*bench.connect();
    let id = submit(store, "holds", "default", 1);
    let (mut worker, mut finder) = (Worker::new(store), Worker::new(store));
    let claim = worker.claim_one(&id, LONG);
    assert!(!finder.report_lost(&claim, AGAIN));
    // A heartbeat may also shorten a lease.
    assert_eq!(worker.beat(&[(&claim, true)], SHORT), vec![]);
    let_time_pass(Duration::from_millis(5));
    let wrong = Claim { token: claim.token ^ 1, ..claim.clone() };
    assert!(!finder.report_lost(&wrong, AGAIN));
    assert!(finder.report_lost(&claim, AGAIN));
    assert_eq!(counts(store, &id).pending, 1);
}

pub fn an_absence_counts_against_no_lease(bench: &dyn Bench) {
    let store = &*bench.connect();
    let id = submit(store, "gap", "default", 1);
    assert_eq!(store.expired().unwrap(), vec![]);
    let mut worker = Worker::new(store);
    let claim = worker.claim_one(&id, Duration::from_secs(6));
    // Longer than the lease, and than the silence after which the store assumes an absence.
    let_time_pass(Duration::from_millis(6500));
    let checked = Instant::now();
    assert_eq!(store.expired().unwrap(), vec![], "the lease was prolonged by the absence");
    let mut finder = Worker::new(store);
    let is_lost = finder.report_lost(&claim, AGAIN);
    if is_lost && checked.elapsed() > Duration::from_secs(5) {
        // The machine stalled for as long as the lease.
        return;
    }
    assert!(!is_lost);
    assert_eq!(worker.beat(&[(&claim, true)], Duration::from_secs(1)), vec![]);
    assert_eq!(find(store).len(), 1, "it runs out in its time");
}

pub fn an_absence_does_not_prolong_a_later_claim(bench: &dyn Bench) {
    let store = &*bench.connect();
    let id = submit(store, "silence", "default", 1);
    assert_eq!(store.expired().unwrap(), vec![]);
    let_time_pass(Duration::from_millis(6500));
    let mut worker = Worker::new(store);
    let claim = worker.claim_one(&id, Duration::from_secs(2));
    let claimed = Instant::now();
    let found = find(store);
    assert_eq!(found[0].claim, claim);
    // If the silence before it prolonged it, it would hold for more than 8 s.
    assert!(claimed.elapsed() < Duration::from_secs(6).min(LIMIT), "{:?}", claimed.elapsed());
}

pub fn a_heartbeat_reports_claims_of_a_paused_sweep_until_they_are_started(bench: &dyn Bench) {
    let store = &*bench.connect();
    let (id, other) = (submit(store, "paused", "default", 3), submit(store, "other", "default", 1));
    let mut worker = Worker::new(store);
    let (claims, elsewhere) = (worker.claim(only(&id), 3, LONG), worker.claim_one(&other, LONG));
    store.set_paused(&id, Some("why not")).unwrap();
    let held = [(&claims[0], false), (&elsewhere, false), (&claims[1], true), (&claims[2], false)];
    assert_eq!(worker.beat(&held, LONG), [(0, LeaseStatus::Paused), (2, LeaseStatus::Paused)]);
    // The worker still holds the claim.
    assert_eq!(worker.report(vec![given_back(&claims[0]), outcome(&claims[1], Verdict::Succeeded)]), ALL_ACCEPTED);
    assert_eq!((counts(store, &id).pending, counts(store, &id).succeeded), (1, 1));
    assert_eq!(worker.beat(&[(&claims[0], false), (&claims[2], true)], LONG), [(0, LeaseStatus::Lost)]);
    store.cancel(&id).unwrap();
    assert_eq!(
        worker.beat(&[(&claims[2], false)], LONG),
        [(2, LeaseStatus::Cancelled)],
        "cancelled comes before paused"
    );
}

pub fn leases_of_a_dead_worker_end_at_once(bench: &dyn Bench) {
    let store = &*bench.connect();
    let (id, other) = (submit(store, "dead", "default", 4), submit(store, "dead", "default", 1));
    assert_eq!(store.expired().unwrap(), vec![]);
    let (mut dead, mut finder) = (Worker::new(store), Worker::new(store));
    let claims = dead.claim(only(&id), 2, LONG);
    let elsewhere = dead.claim_one(&other, LONG);
    dead.beat(&[(&claims[0], true), (&claims[1], false), (&elsewhere, false)], LONG);
    let alive = finder.claim_one(&id, LONG);
    finder.beat(&[(&alive, true)], LONG);
    for _ in 0..2 {
        assert_eq!(store.mark_worker_dead(&dead.id).unwrap(), 3);
    }
    assert_eq!(store.mark_worker_dead("nobody").unwrap(), 0);
    let listed: Vec<_> = store.workers().unwrap().into_iter().map(|row| row.id).collect();
    assert_eq!(listed, [finder.id.clone()]);
    let mut found = find(store);
    found.sort_by_key(|expired| (expired.claim.job.clone(), expired.claim.job.index));
    let expected = |claim: &Claim, started| ExpiredClaim { claim: claim.clone(), worker: dead.id.clone(), started };
    assert_eq!(found, [expected(&claims[0], true), expected(&claims[1], false), expected(&elsewhere, false)]);
    assert!(dead.finish(&claims[0], Verdict::Succeeded), "an outcome may still arrive");
    assert!(!finder.report_lost(&claims[0], AGAIN));
    assert!(finder.report_lost(&claims[1], AGAIN));
    assert_eq!((counts(store, &id).running, counts(store, &other).running), (1, 1));
    // A worker that is alive continues with its claims.
    assert_eq!(dead.beat(&[(&claims[1], true), (&elsewhere, true)], LONG), [(1, LeaseStatus::Lost)]);
    assert!(!finder.report_lost(&elsewhere, AGAIN));
    assert_eq!(store.workers().unwrap()[0].id, dead.id);
}

pub fn an_absence_prolongs_no_lease_of_a_dead_worker(bench: &dyn Bench) {
    let store = &*bench.connect();
    let id = submit(store, "away", "default", 2);
    assert_eq!(store.expired().unwrap(), vec![]);
    let (mut dead, mut alive) = (Worker::new(store), Worker::new(store));
    let claim = dead.claim_one(&id, LONG);
    alive.claim_one(&id, LONG);
    store.mark_worker_dead(&dead.id).unwrap();
    // Longer than the silence after which the store assumes an absence.
    let_time_pass(Duration::from_millis(6500));
    let found = store.expired().unwrap();
    assert_eq!(found, [ExpiredClaim { claim, worker: dead.id, started: false }]);
}

pub fn workers_are_listed_until_they_unregister(bench: &dyn Bench) {
    let store = &*bench.connect();
    let (first, second) = (Worker::new(store), Worker::new(store));
    first.beat(&[], LONG);
    let_time_pass(Duration::from_millis(5));
    second.beat(&[], LONG);
    let workers = store.workers().unwrap();
    let ids: Vec<_> = workers.iter().map(|row| row.id.clone()).collect();
    assert_eq!(ids, [second.id.clone(), first.id.clone()], "newest first");
    assert!(workers[0].last_seen_ms > workers[1].last_seen_ms);
    let mut expected = worker_row(&second.id);
    expected.last_seen_ms = workers[0].last_seen_ms;
    assert_eq!(workers[0], expected);
    let_time_pass(Duration::from_millis(5));
    first.beat(&[], LONG);
    assert_eq!(store.workers().unwrap()[0].id, first.id, "it had a heartbeat");
    for _ in 0..2 {
        store.unregister(&first.id).unwrap();
    }
    let workers = store.workers().unwrap();
    assert_eq!(workers.len(), 1);
    assert_eq!(workers[0].id, second.id);
}

pub fn expired_counts_names_the_sweeps_whose_leases_have_run_out(bench: &dyn Bench) {
    let store = &*bench.connect();
    let (id, other) = (submit(store, "looks", "default", 4), submit(store, "other", "default", 2));
    let (mut dead, mut alive) = (Worker::new(store), Worker::new(store));
    dead.claim(only(&id), 3, SHORT);
    let claim = alive.claim_one(&id, LONG);
    alive.claim_one(&other, LONG);
    let_time_pass(Duration::from_millis(5));
    for _ in 0..2 {
        assert_eq!(store.expired_counts().unwrap(), [(id.clone(), 3)], "reading changes nothing");
    }
    assert_eq!(counts(store, &id).running, 4);
    alive.beat(&[(&claim, true)], SHORT);
    let_time_pass(Duration::from_millis(5));
    assert_eq!(store.expired_counts().unwrap(), [(id.clone(), 4)]);
    alive.beat(&[(&claim, true)], LONG);
    assert_eq!(store.expired_counts().unwrap(), [(id, 3)]);
}
