//! Owns the checks of leases: a clock that is set back, many absences, and workers that are forgotten.

use std::time::Duration;

use sweep::job::{SweepId, Verdict};
use sweep::store::redis::RedisStore;
use sweep::store::{Claim, Exchange, Heartbeat, Queue, Sweeps};

use crate::redis_server::RedisServer;
use crate::{claim_from, done, new_sweep, worker};

const HOUR_MS: u64 = 3_600_000;
const DAY_MS: u64 = 24 * HOUR_MS;

/// The server's clock, milliseconds since the epoch.
fn clock(server: &RedisServer) -> u64 {
    let seconds = server.say("TIME").lines().nth(2).unwrap().parse::<u64>().unwrap();
    seconds * 1000
}

/// A claim of the only point of a sweep by the worker `w`.
fn claim_one(store: &RedisStore, lease: Duration) -> Claim {
    let id = store.submit(&new_sweep("r", 1)).unwrap();
    let mut exchange = claim_from(&id, 1, 1);
    exchange.claim_request.as_mut().unwrap().lease = lease;
    store.exchange(&exchange).unwrap().claims.remove(0)
}

/// The lease of the first point, as it is kept.
fn kept_lease(server: &RedisServer, id: &SweepId) -> String {
    server.say(&format!("HGET sweep:s:{id}:leases 0")).lines().nth(1).unwrap().to_owned()
}

/// Moves the deadline of the lease of the first point, and so the time when it was given.
fn move_lease(server: &RedisServer, id: &SweepId, to: impl Fn(u64) -> u64) {
    let kept = kept_lease(server, id);
    let mut words: Vec<String> = kept.split(' ').map(str::to_owned).collect();
    let deadline = to(words[2].parse().unwrap());
    words[2] = deadline.to_string();
    server.say(&format!("HSET sweep:s:{id}:leases 0 \"{}\"", words.join(" ")));
    server.say(&format!("ZADD sweep:deadlines {deadline} {id}"));
}

/// Whether the store accepts that the claim is reported lost.
fn is_reported_lost(store: &RedisStore, claim: &Claim, seq: u64) -> bool {
    let mut report = done(seq, std::slice::from_ref(claim), Verdict::Failed);
    report.reports[0].entries[0].only_if_expired = true;
    store.exchange(&Exchange { worker: "finder".into(), ..report }).unwrap().stale.is_empty()
}

#[test]
fn a_lease_holds_for_its_length_after_the_clock_was_set_back_and_is_not_rewritten() {
    let server = RedisServer::start();
    let store = RedisStore::connect(&server.url()).unwrap();
    let claim = claim_one(&store, Duration::from_secs(4));
    let id = &claim.job.sweep;
    store.heartbeat(&Heartbeat { worker: worker("gone"), lease: Duration::from_secs(20), held: vec![] }).unwrap();
    // What the store would hold if its clock had been an hour ahead until now.
    move_lease(&server, id, |deadline| deadline + HOUR_MS);
    let ahead = clock(&server) + HOUR_MS;
    server.say(&format!("SET sweep:looked {ahead}"));
    server.say(&format!("ZADD sweep:heartbeats {ahead} gone"));
    server.say(&format!("RPUSH sweep:absences \"{ahead} 600000\""));
    let kept = kept_lease(&server, id);

    assert_eq!(store.expired().unwrap(), []);
    assert_eq!(kept_lease(&server, id), kept);
    assert!(!is_reported_lost(&store, &claim, 1));
    let last_seen_ms = store.workers().unwrap()[0].last_seen_ms;
    assert!(last_seen_ms < ahead - HOUR_MS / 2, "{last_seen_ms}");
    let found = (0..60).find_map(|_| {
        std::thread::sleep(Duration::from_millis(1010));
        Some(store.expired().unwrap()).filter(|found| !found.is_empty())
    });
    assert_eq!(found.unwrap_or_else(|| panic!("{}", kept_lease(&server, id)))[0].claim, claim);
    assert_eq!(store.expired_counts().unwrap(), [(id.clone(), 1)]);
    assert!(is_reported_lost(&store, &claim, 2));
}

#[test]
fn of_more_than_64_absences_each_still_prolongs_leases() {
    let server = RedisServer::start();
    let store = RedisStore::connect(&server.url()).unwrap();
    let claim = claim_one(&store, Duration::from_secs(60));
    // Given ten hours ago, and kept alive by an absence of ten hours, before 63 short ones.
    move_lease(&server, &claim.job.sweep, |deadline| deadline - 10 * HOUR_MS);
    let now = clock(&server);
    server.say(&format!("RPUSH sweep:absences \"{} {}\"", now - 40_000, 10 * HOUR_MS));
    for n in 0..63 {
        server.say(&format!("RPUSH sweep:absences \"{} 10\"", now - 39_000 + n));
    }
    server.say(&format!("SET sweep:looked {}", now - 6_000));
    assert_eq!(store.expired().unwrap(), []);
    assert_eq!(server.say("LLEN sweep:absences"), ":64\r\n");
    assert!(!is_reported_lost(&store, &claim, 1), "{}", server.say("LRANGE sweep:absences 0 1"));
}

#[test]
fn a_worker_unseen_for_a_day_is_forgotten_unless_it_has_leases() {
    let server = RedisServer::start();
    let store = RedisStore::connect(&server.url()).unwrap();
    let beat = |id: &str| {
        let beat = Heartbeat { worker: worker(id), lease: Duration::from_secs(3600), held: vec![] };
        store.heartbeat(&beat).unwrap();
    };
    let claim = claim_one(&store, Duration::from_secs(3600));
    beat("w");
    beat("idle");
    let age = |id: &str| server.say(&format!("ZADD sweep:heartbeats {} {id}", clock(&server) - DAY_MS - 1000));
    let is_known = |id: &str| server.say(&format!("EXISTS sweep:worker:{id}")) == ":1\r\n";
    age("w");
    age("idle");
    beat("new");
    assert_eq!((is_known("w"), is_known("idle")), (true, false));
    // Its request may be sent again, and gets the same reply.
    let mut again = claim_from(&claim.job.sweep, 1, 1);
    again.claim_request.as_mut().unwrap().lease = Duration::from_secs(3600);
    assert_eq!(store.exchange(&again).unwrap().claims, std::slice::from_ref(&claim));

    store.exchange(&done(2, std::slice::from_ref(&claim), Verdict::Succeeded)).unwrap();
    age("w");
    beat("new");
    assert!(!is_known("w"));
    assert_eq!(server.say("EXISTS sweep:holds:w sweep:holds:idle"), ":0\r\n");
    assert_eq!(server.say("ZCARD sweep:heartbeats"), ":1\r\n");
}
