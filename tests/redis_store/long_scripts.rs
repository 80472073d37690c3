//! Owns the tests of work that is done in parts, so that the server is not blocked for long.

use std::time::Duration;

use sweep::job::Verdict;
use sweep::store::redis::RedisStore;
use sweep::store::{
    ClaimRequest, Exchange, ExchangeReply, Heartbeat, HeldClaim, LeaseStatus, Queue, Scope, Store, Sweeps,
};

use crate::redis_server::RedisServer;
use crate::{claim_from, done, new_sweep, worker};

#[test]
fn a_sweep_of_many_ranges_is_cancelled_in_parts() {
    const JOBS: u32 = 12_000;
    let server = RedisServer::start();
    let store = RedisStore::connect(&server.url()).unwrap();
    let id = store.submit(&new_sweep("r", u64::from(JOBS))).unwrap();
    let mut claims = Vec::new();
    for seq in 0..JOBS / 1000 {
        claims.extend(store.exchange(&claim_from(&id, u64::from(seq) + 1, 1000)).unwrap().claims);
    }
    // Every third point stays leased; half of the others are delayed.
    let mut seq = 100;
    for part in claims.chunks(1000) {
        for (left, delay_ms) in [(1, 0), (2, 3_600_000)] {
            seq += 1;
            let back: Vec<_> = part.iter().filter(|claim| claim.job.index % 3 == left).cloned().collect();
            assert_eq!(
                store.exchange(&done(seq, &back, Verdict::Again { delay_ms })).unwrap(),
                ExchangeReply::default()
            );
        }
    }
    let counts = store.cancel(&id).unwrap();
    assert_eq!((counts.pending, counts.running, counts.cancelled), (0, 4000, 8000));
    assert_eq!(store.cancel(&id).unwrap(), counts, "and again");
    // Every lease is marked: a verdict that would put the point back cancels it.
    let kept: Vec<_> = claims.iter().filter(|claim| claim.job.index % 3 == 0).cloned().collect();
    let held = kept.iter().take(3).map(|claim| HeldClaim { job: claim.job.clone(), token: claim.token, started: true });
    let beat = Heartbeat { worker: worker("w"), lease: Duration::from_secs(20), held: held.collect() };
    let told: Vec<LeaseStatus> = store.heartbeat(&beat).unwrap().into_iter().map(|(_, status)| status).collect();
    assert_eq!(told, [LeaseStatus::Cancelled; 3]);
    store.exchange(&done(1000, &kept[..1000], Verdict::Again { delay_ms: 0 })).unwrap();
    assert_eq!(store.sweep(&id).unwrap().counts.cancelled, 9000);
    // Claims made after the cancel are not marked.
    assert_eq!(store.requeue(&id, &[0..10]).unwrap(), 10);
    let again = store.exchange(&claim_from(&id, 1001, 1)).unwrap().claims;
    store.exchange(&done(1002, &again, Verdict::Again { delay_ms: 0 })).unwrap();
    assert_eq!(store.sweep(&id).unwrap().counts.pending, 10);
}

#[test]
fn many_lost_claims_are_found_in_parts_and_each_is_found() {
    const JOBS: u64 = 9_000;
    let server = RedisServer::start();
    let store = RedisStore::connect(&server.url()).unwrap();
    assert_eq!(store.expired().unwrap(), []);
    let id = store.submit(&new_sweep("r", JOBS)).unwrap();
    let scope = Scope::Sweep(id.clone());
    for seq in 1..=9 {
        let want = ClaimRequest {
            most: 1000,
            scope: scope.clone(),
            excluded: vec![],
            token: seq,
            lease: Duration::from_millis(1),
        };
        let claim = Exchange { worker: "dead".into(), seq, reports: vec![], claim_request: Some(want) };
        assert_eq!(store.exchange(&claim).unwrap().claims.len(), 1000);
    }
    // A lease that has not run out is never found.
    let other = store.submit(&new_sweep("s", 1)).unwrap();
    store.exchange(&claim_from(&other, 1, 1)).unwrap();
    let (mut seq, mut lost) = (1000, 0);
    for _ in 0..60 {
        let found = store.expired().unwrap();
        let claims: Vec<_> = found.into_iter().map(|expired| expired.claim).collect();
        assert!(claims.len() <= 1000 && claims.iter().all(|claim| claim.job.sweep == id));
        if !claims.is_empty() {
            seq += 1;
            let mut report = done(seq, &claims, Verdict::Failed);
            report.reports[0].entries.iter_mut().for_each(|entry| entry.only_if_expired = true);
            assert_eq!(store.exchange(&report).unwrap(), ExchangeReply::default(), "each is reported once");
            lost += claims.len() as u64;
        }
        if lost == JOBS {
            break;
        }
        std::thread::sleep(Duration::from_millis(1010));
    }
    assert_eq!((lost, store.sweep(&id).unwrap().counts.failed), (JOBS, JOBS));
    assert_eq!(server.say("HLEN sweep:scans"), ":0\r\n");
    assert_eq!(store.info().unwrap().leases.held, 1);
}

#[test]
fn a_dead_worker_among_many_leases_loses_its_own_alone() {
    let server = RedisServer::start();
    let store = RedisStore::connect(&server.url()).unwrap();
    let id = store.submit(&new_sweep("r", 4000)).unwrap();
    for (seq, name) in [(1, "dead"), (2, "alive"), (3, "dead"), (4, "alive")] {
        let claim = Exchange { worker: name.into(), ..claim_from(&id, seq, 1000) };
        store.exchange(&claim).unwrap();
    }
    assert_eq!(store.mark_worker_dead("dead").unwrap(), 2000);
    assert_eq!(store.info().unwrap().leases.run_out, 2000);
    assert_eq!(store.mark_worker_dead("nobody").unwrap(), 0);
}

#[test]
fn a_look_does_not_walk_paused_sweeps() {
    let server = RedisServer::start();
    let store = RedisStore::connect(&server.url()).unwrap();
    for n in 0..300 {
        let id = store.submit(&new_sweep(&format!("r{n}"), 3)).unwrap();
        store.set_paused(&id, Some("why")).unwrap();
    }
    let scope = Scope::Queues(vec!["default".into()]);
    store.backlog(&scope).unwrap();
    let want =
        ClaimRequest { most: 5, scope: scope.clone(), excluded: vec![], token: 1, lease: Duration::from_secs(20) };
    let claim = Exchange { worker: "w".into(), seq: 1, reports: vec![], claim_request: Some(want) };
    server.say("CONFIG RESETSTAT");
    assert_eq!(store.backlog(&scope).unwrap().ready, 0);
    assert_eq!(store.exchange(&claim).unwrap(), ExchangeReply::default());
    let stats = server.say("INFO commandstats");
    let calls = stats.lines().find_map(|line| line.strip_prefix("cmdstat_hmget:calls="));
    let calls: u64 = calls.and_then(|rest| rest.split(',').next()).map_or(0, |calls| calls.parse().unwrap());
    assert!(calls <= 2, "headers read: {stats}");
}
