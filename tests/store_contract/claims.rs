//! Owns the checks of which worker gets which job, and in what order.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use sweep::job::{AttemptCounts, MAX_POINTS, SweepId, Verdict};
use sweep::store::{Scope, Store};

use crate::harness::{
    ALL_ACCEPTED, Bench, LONG, Worker, counts, eventually, grouped, only, outcome, queue, ranges, recorded, submit,
};
use sweep::store::PointSet;

const AGAIN: Verdict = Verdict::Again { delay_ms: 0 };

pub fn two_hundred_workers_claim_each_of_ten_thousand_jobs_once(bench: &dyn Bench) {
    const JOBS: u64 = 10_000;
    let connections: Vec<Arc<dyn Store>> = (0..8).map(|_| bench.connect()).collect();
    let store = &*connections[0];
    let id = submit(store, "race", "default", JOBS);
    let mut claimed: Vec<u64> = thread::scope(|scope| {
        let threads: Vec<_> = (0..200)
            .map(|n: usize| {
                let store = Arc::clone(&connections[n % connections.len()]);
                let most = (n % 9 + 1) as u32;
                scope.spawn(move || claim_until_empty(&*store, most))
            })
            .collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    claimed.sort_unstable();
    assert!(claimed.iter().copied().eq(0..JOBS), "every index is claimed once: {} claims", claimed.len());
    let mut log = recorded(store, &id);
    log.sort_unstable();
    assert!(log.into_iter().eq((0..JOBS).map(|index| (index, 1))), "every index is recorded once");
    let counts = counts(store, &id);
    assert_eq!((counts.succeeded, counts.pending, counts.running), (JOBS, 0, 0));
    assert!(counts.is_settled());
}

/// Claims jobs and reports them with the next claim until none is left. Returns the indices that it claimed.
fn claim_until_empty(store: &dyn Store, most: u32) -> Vec<u64> {
    let mut worker = Worker::new(store);
    let (mut had, mut held) = (Vec::new(), Vec::new());
    loop {
        let want = crate::harness::want(queue("default"), most, LONG);
        let replied = worker.exchange(grouped(held), Some(want));
        assert_eq!(replied.stale, vec![]);
        assert!(replied.claims.len() <= most as usize);
        if replied.claims.is_empty() {
            return had;
        }
        had.extend(replied.claims.iter().map(|claim| claim.job.index));
        held = replied.claims.iter().map(|claim| outcome(claim, Verdict::Succeeded)).collect();
    }
}

pub fn claims_are_given_from_the_smallest_index(bench: &dyn Bench) {
    let store = &*bench.connect();
    let id = submit(store, "order", "default", 10);
    let mut worker = Worker::new(store);
    let claims = worker.claim(only(&id), 4, LONG);
    assert_eq!(indices(&claims), [0, 1, 2, 3]);
    for claim in &claims {
        assert_eq!(claim.job.sweep, id);
        assert_eq!(claim.token, claims[0].token);
        assert_eq!(claim.tries, AttemptCounts { attempts: 1, failures: 0, losses: 0 });
    }
    assert_eq!(worker.report(vec![outcome(&claims[2], AGAIN), outcome(&claims[0], AGAIN)]), ALL_ACCEPTED);
    assert_eq!(ranges(store, &id, PointSet::Pending), [0..1, 2..3, 4..10]);
    assert_eq!(counts(store, &id).running, 2);
    let mut other = Worker::new(store);
    assert_eq!(indices(&other.claim(only(&id), 5, LONG)), [0, 2, 4, 5, 6]);
    assert_eq!(indices(&worker.claim(only(&id), 5, LONG)), [7, 8, 9]);
    assert_eq!(worker.claim(only(&id), 5, LONG), vec![]);
    assert_eq!(counts(store, &id).running, 10);
}

fn indices(claims: &[sweep::store::Claim]) -> Vec<u64> {
    claims.iter().map(|claim| claim.job.index).collect()
}

pub fn queues_are_served_in_order_and_the_oldest_sweep_first(bench: &dyn Bench) {
    let store = &*bench.connect();
    let older = submit(store, "z", "slow", 2);
    let newer = submit(store, "a", "slow", 2);
    let quick = submit(store, "m", "quick", 1);
    submit(store, "m", "elsewhere", 1);
    let mut worker = Worker::new(store);
    let scope = Scope::Queues(vec!["quick".into(), "nobody's".into(), "slow".into()]);
    let mut given = Vec::new();
    loop {
        let claims = worker.claim(scope.clone(), 2, LONG);
        let Some(first) = claims.first() else { break };
        assert!(claims.iter().all(|claim| claim.job.sweep == first.job.sweep), "all of one sweep: {claims:?}");
        given.push((first.job.sweep.clone(), claims.len()));
    }
    assert_eq!(given, [(quick, 1), (older, 2), (newer, 2)]);
}

pub fn a_scope_of_one_sweep_ignores_queues(bench: &dyn Bench) {
    let store = &*bench.connect();
    submit(store, "first", "default", 1);
    let second = submit(store, "second", "never served", 1);
    let mut worker = Worker::new(store);
    assert_eq!(worker.claim_one(&second, LONG).job.sweep, second);
    assert_eq!(worker.claim(only(&second), 1, LONG), vec![]);
    let gone = SweepId { name: "second".into(), number: 9 };
    assert_eq!(worker.claim(only(&gone), 1, LONG), vec![], "no claims of a sweep that does not exist");
}

pub fn a_paused_sweep_gives_no_claims(bench: &dyn Bench) {
    let store = &*bench.connect();
    let paused = submit(store, "paused", "default", 3);
    let other = submit(store, "other", "default", 3);
    let mut worker = Worker::new(store);
    let running = worker.claim_one(&paused, LONG);
    for _ in 0..2 {
        store.set_paused(&paused, Some("too many failures")).unwrap();
    }
    assert_eq!(store.sweep(&paused).unwrap().paused.as_deref(), Some("too many failures"));
    assert_eq!(worker.claim(only(&paused), 1, LONG), vec![]);
    assert_eq!(worker.claim(queue("default"), 1, LONG)[0].job.sweep, other);
    assert!(worker.finish(&running, Verdict::Succeeded), "a running job may end");
    for _ in 0..2 {
        store.set_paused(&paused, None).unwrap();
    }
    assert_eq!(store.sweep(&paused).unwrap().paused, None);
    assert_eq!(worker.claim(queue("default"), 1, LONG)[0].job.index, 1);
    assert_eq!(counts(store, &paused).succeeded, 1);
}

pub fn excluded_sweeps_give_no_claims(bench: &dyn Bench) {
    let store = &*bench.connect();
    let ids: Vec<_> = ["a", "b", "c"].iter().map(|name| submit(store, name, "default", 1)).collect();
    let mut worker = Worker::new(store);
    let mut claim = |scope: Scope, except: &[&SweepId]| {
        let except = except.iter().map(|id| (*id).clone()).collect();
        let want = sweep::store::ClaimRequest { excluded: except, ..crate::harness::want(scope, 9, LONG) };
        worker.exchange(vec![], Some(want)).claims.first().map(|claim| claim.job.sweep.clone())
    };
    assert_eq!(claim(only(&ids[0]), &[&ids[0]]), None);
    assert_eq!(claim(queue("default"), &[&ids[0], &ids[1], &ids[2]]), None);
    assert_eq!(claim(queue("default"), &[&ids[1], &ids[0]]).as_ref(), Some(&ids[2]));
    let gone = SweepId { name: "a".into(), number: 9 };
    assert_eq!(claim(queue("default"), &[&gone, &ids[0]]).as_ref(), Some(&ids[1]));
    assert_eq!(claim(queue("default"), &[]).as_ref(), Some(&ids[0]), "a worker that can run it gets it");
}

pub fn a_worker_pauses_a_sweep_only_if_nobody_has_paused_or_resumed_it(bench: &dyn Bench) {
    let store = &*bench.connect();
    let id = submit(store, "pauses", "default", 5);
    let reason = || store.sweep(&id).unwrap().paused;
    for _ in 0..2 {
        assert!(store.pause_unless_resumed(&id, 0, "3 failed").unwrap(), "the same request gets the same reply");
    }
    assert!(!store.pause_unless_resumed(&id, 0, "4 failed").unwrap());
    assert_eq!(reason().as_deref(), Some("3 failed"), "the first reason of a worker stays");
    store.set_paused(&id, Some("by ada")).unwrap();
    assert!(!store.pause_unless_resumed(&id, 0, "3 failed").unwrap());
    assert_eq!(reason().as_deref(), Some("by ada"), "a person's reason replaces it");
    let mut worker = Worker::new(store);
    store.set_paused(&id, None).unwrap();
    let claims = worker.claim(only(&id), 2, LONG);
    assert_eq!(worker.report(claims.iter().map(|claim| outcome(claim, Verdict::Failed)).collect()), ALL_ACCEPTED);
    store.set_paused(&id, None).unwrap();
    assert!(!store.pause_unless_resumed(&id, 0, "2 failed").unwrap(), "the sweep was resumed since then");
    assert_eq!(reason(), None);
    assert!(store.pause_unless_resumed(&id, 2, "more failed").unwrap());
    assert_eq!(reason().as_deref(), Some("more failed"));
}

pub fn a_huge_sweep_is_submitted_at_once(bench: &dyn Bench) {
    let store = &*bench.connect();
    let start = Instant::now();
    for total in [1_000_000_000_000_000, MAX_POINTS] {
        let id = submit(store, "huge", "default", total);
        let mut worker = Worker::new(store);
        let claims = worker.claim(only(&id), 300, LONG);
        assert!(indices(&claims).into_iter().eq(0..300));
        assert_eq!(
            worker.report(claims.iter().map(|claim| outcome(claim, Verdict::Succeeded)).collect()),
            ALL_ACCEPTED
        );
        assert_eq!(ranges(store, &id, PointSet::Pending), vec![300..total]);
        assert_eq!(counts(store, &id).pending, total - 300);
        assert_eq!(store.cancel(&id).unwrap().cancelled, total - 300);
        assert_eq!(store.requeue(&id, &[total - 1..total]).unwrap(), 1);
        assert_eq!(worker.claim_one(&id, LONG).job.index, total - 1);
        assert_eq!(counts(store, &id).cancelled, total - 301);
    }
    // A store that goes through the points one by one would take days.
    assert!(start.elapsed() < Duration::from_secs(30), "{:?}", start.elapsed());
    eventually("the sweeps are listed", || (store.sweeps().unwrap().len() == 2).then_some(()));
}
