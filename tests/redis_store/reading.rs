//! Owns the tests of requests that only read: they write nothing, and work when the memory is full.

use std::time::Duration;

use sweep::store::redis::RedisStore;
use sweep::store::{Heartbeat, HeldClaim, History, PointSet, Queue, Scope, Store, StoreErrorKind, Sweeps};

use crate::redis_server::RedisServer;
use crate::{changes, claim_from, done, keys, new_sweep, worker};

/// Sends every request that only reads, over a new connection.
fn read_everything(server: &RedisServer) {
    let store = RedisStore::connect(&server.url()).unwrap();
    let scope = Scope::Queues(vec!["default".into()]);
    store.workers().unwrap();
    store.info().unwrap();
    store.cautions().unwrap();
    store.backlog(&scope).unwrap();
    store.work_waiter(&scope).unwrap().wait(Duration::from_millis(1)).unwrap();
    for row in store.sweeps().unwrap() {
        let id = &row.id;
        store.sweep(id).unwrap();
        store.document(id).unwrap();
        store.columns(id).unwrap();
        store.log(id, 0..10).unwrap();
        store.point(id, 0).unwrap();
        store.outputs(id, &[(0, 1)]).unwrap();
        for set in [PointSet::Pending, PointSet::Running, PointSet::Failed, PointSet::Cancelled] {
            store.spans(id, set, 0, 100).unwrap();
        }
    }
}

#[test]
fn requests_that_only_read_write_nothing() {
    let server = RedisServer::start();
    read_everything(&server);
    assert_eq!((changes(&server), keys(&server)), (0, 0), "{}", server.say("KEYS *"));
    let store = RedisStore::connect(&server.url()).unwrap();
    let id = store.submit(&new_sweep("r", 10)).unwrap();
    let claims = store.exchange(&claim_from(&id, 1, 4)).unwrap().claims;
    store.exchange(&done(2, &claims[..2], sweep::job::Verdict::Failed)).unwrap();
    let before = changes(&server);
    read_everything(&server);
    assert_eq!(changes(&server), before);
}

#[test]
fn with_a_full_memory_reading_and_removing_work_and_free_memory() {
    let server = RedisServer::start();
    let store = RedisStore::connect(&server.url()).unwrap();
    let id = store.submit(&new_sweep("r", 10)).unwrap();
    let claims = store.exchange(&claim_from(&id, 1, 4)).unwrap().claims;
    let mut report = done(2, &claims, sweep::job::Verdict::Failed);
    report.reports[0].chunk = vec![b'x'; 8 << 20];
    store.exchange(&report).unwrap();
    server.say("CONFIG SET maxmemory 4mb");
    let refused = |store: &RedisStore| store.submit(&new_sweep("s", 1)).map_err(|error| error.kind);
    assert_eq!(refused(&store), Err(StoreErrorKind::Full));
    read_everything(&server);
    // Heartbeats, pause, cancel and remove work; then there is free memory again.
    let another = RedisStore::connect(&server.url()).unwrap();
    let beat = Heartbeat { worker: worker("w"), lease: Duration::from_secs(20), held: Vec::<HeldClaim>::new() };
    another.heartbeat(&beat).unwrap();
    another.set_paused(&id, Some("why")).unwrap();
    another.cancel(&id).unwrap();
    another.remove(&id, false).unwrap();
    // UNLINK frees in the background.
    let freed = (0..100).any(|_| {
        std::thread::sleep(Duration::from_millis(50));
        refused(&store).is_ok()
    });
    assert!(freed, "{}", server.say("INFO memory"));
}
