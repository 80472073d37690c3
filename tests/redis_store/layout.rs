//! Owns the tests of the version of the keys: which versions are refused, and how layout 2 is migrated to layout 3.

use std::path::Path;
use std::time::Duration;

use sweep::job::SweepId;
use sweep::store::redis::RedisStore;
use sweep::store::{Heartbeat, History, Inputs, PointSet, Queue, Scope, Store, StoreErrorKind, Sweeps};

use crate::redis_server::RedisServer;
use crate::{assert_has, changes, claim_from, new_sweep, worker};

/// A store that the last release with layout 2 has written.
fn layout_2() -> RedisServer {
    let dump = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/earlier_stores/redis/dump.rdb");
    RedisServer::start_from(&dump)
}

fn layout(server: &RedisServer) -> String {
    server.say("GET sweep:layout").lines().nth(1).unwrap_or_default().to_owned()
}

fn beat(store: &RedisStore, id: &str) -> sweep::store::Result<()> {
    store.heartbeat(&Heartbeat { worker: worker(id), lease: Duration::from_secs(20), held: vec![] }).map(drop)
}

#[test]
fn a_newer_or_older_layout_is_refused() {
    let server = RedisServer::start();
    for layout in ["4", "1"] {
        server.say(&format!("SET sweep:layout {layout}"));
        let error = RedisStore::connect(&server.url()).expect_err("this layout is not known");
        assert_eq!(error.kind, StoreErrorKind::Newer);
        assert_has(
            &error.to_string(),
            &[&format!("layout {layout}"), "knows layout 3", "another database", "use the version that wrote them"],
        );
    }
    RedisStore::connect(&format!("{}/1", server.url())).unwrap();
}

#[test]
fn a_store_that_a_later_version_migrated_is_not_changed() {
    let server = RedisServer::start();
    let store = RedisStore::connect(&server.url()).unwrap();
    let id = store.submit(&new_sweep("r", 3)).unwrap();
    server.say("SET sweep:layout 4");
    let before = changes(&server);
    for error in [
        beat(&store, "w").unwrap_err(),
        store.exchange(&claim_from(&id, 1, 1)).unwrap_err(),
        store.cancel(&id).unwrap_err(),
        store.remove(&id, true).unwrap_err(),
        store.check_leases().unwrap_err(),
        store.submit(&new_sweep("s", 3)).unwrap_err(),
        store.unregister("w").unwrap_err(),
    ] {
        assert_eq!(error.kind, StoreErrorKind::Newer, "{error}");
    }
    assert_eq!(changes(&server), before);
}

#[test]
fn a_store_of_layout_2_is_read_as_it_is_and_migrated_by_the_first_write() {
    let server = layout_2();
    assert_eq!(layout(&server), "2", "the fixture is what it was");
    let (store, other) = (RedisStore::connect(&server.url()).unwrap(), RedisStore::connect(&server.url()).unwrap());
    let before = changes(&server);
    let rows = store.sweeps().unwrap();
    let leased: u64 = rows.iter().map(|row| row.counts.running).sum();
    assert!(rows.len() > 10 && leased > 0, "{rows:?}");
    assert_eq!(store.info().unwrap().leases.held, leased);
    assert_eq!(store.workers().unwrap(), [], "long gone");
    for row in &rows {
        store.document(&row.id).unwrap();
        store.log(&row.id, 0..10).unwrap();
        assert_eq!(store.inputs(&row.id).unwrap(), sweep::model::FoundInputs::default());
        store.spans(&row.id, PointSet::Running, 0, 100).unwrap();
    }
    let queues = || Scope::Queues(rows.iter().map(|row| row.queue.clone()).collect());
    let backlog = store.backlog(&queues()).unwrap();
    assert_eq!((layout(&server), changes(&server)), ("2".to_owned(), before), "reading writes nothing");

    // Several processes at once migrate it once.
    std::thread::scope(|scope| {
        for (n, store) in [&store, &other].into_iter().enumerate() {
            scope.spawn(move || beat(store, &format!("new-{n}")).unwrap());
        }
    });
    assert_eq!(layout(&server), "3");
    let listed = store.workers().unwrap();
    assert_eq!(listed.len(), 2, "{listed:?}");
    assert_eq!(store.backlog(&queues()).unwrap(), backlog);
    assert_eq!(store.info().unwrap().leases.held, leased);
    assert_eq!(store.sweeps().unwrap(), rows);
    // The leases of the worker that is gone are found.
    let found = (0..50).find_map(|_| {
        std::thread::sleep(Duration::from_millis(1100));
        Some(store.expired().unwrap()).filter(|found| found.len() as u64 == leased)
    });
    let found = found.unwrap_or_else(|| panic!("{leased} leases: {:?}", store.expired().unwrap()));
    assert!(store.mark_worker_dead(&found[0].worker).unwrap() > 0, "its sweeps are known");
}

/// The first commands of a heartbeat and of an exchange of layout 2: they fail before anything is changed.
#[test]
fn a_worker_of_layout_2_cannot_go_on() {
    let server = layout_2();
    server.say("ZADD sweep:workers 99999999999999 old");
    server.say("HSET sweep:w:old host h pid 1 queues [] slots 1 busy 0 unable [] seq 00000000000000000001 reply x");
    let store = RedisStore::connect(&server.url()).unwrap();
    assert_eq!(store.workers().unwrap().len(), 1, "listed before the migration");
    beat(&store, "new").unwrap();
    assert_eq!(store.workers().unwrap().len(), 2, "and after it");
    assert!(server.say("ZADD sweep:workers 1 old").starts_with("-WRONGTYPE"));
    assert!(server.say("HMGET sweep:w:old seq reply").starts_with("-WRONGTYPE"));
}

/// It was connected before the migration, and sent its first request after it: it has no record that could stop it at
/// once, and its request fails only after its claims were written.
#[test]
fn claims_that_a_worker_of_layout_2_makes_after_the_migration_run_out() {
    let server = RedisServer::start();
    let store = RedisStore::connect(&server.url()).unwrap();
    let id = store.submit(&new_sweep("r", 1)).unwrap();
    assert_eq!(store.expired().unwrap(), []);
    server.say(&format!("HSET sweep:s:{id}:leases 0 \"1 7 1 20000 0 0 0 0 old\""));
    server.say(&format!("HSET sweep:s:{id} pending 0 running 1"));
    server.say(&format!("DEL sweep:s:{id}:ready"));
    server.say(&format!("SADD sweep:leased {id} removed-1"));
    let found = (0..30).find_map(|_| {
        std::thread::sleep(Duration::from_millis(1010));
        Some(store.expired().unwrap()).filter(|found| !found.is_empty())
    });
    let found = found.unwrap_or_else(|| panic!("{}", server.say("ZRANGE sweep:deadlines 0 -1 WITHSCORES")));
    assert_eq!((found[0].worker.as_str(), found[0].claim.job.sweep.clone()), ("old", id));
    assert_eq!(server.say("ZCARD sweep:deadlines"), ":1\r\n", "a sweep without leases is not checked again");
}

#[test]
fn a_migration_that_was_interrupted_is_finished() {
    let server = RedisServer::start();
    // As layout 2 has them: all in one set.
    let store = RedisStore::connect(&server.url()).unwrap();
    let ids: Vec<SweepId> = (0..1200).map(|n| store.submit(&new_sweep(&format!("r{n}"), 2)).unwrap()).collect();
    for (n, id) in ids.iter().enumerate().filter(|(n, _)| n % 2 == 1) {
        server.say(&format!("HSET sweep:s:{id} paused why"));
        assert!(n > 0);
    }
    server.say("SET sweep:layout 2>3");
    server.say("SET sweep:migrated 1");
    let reader = RedisStore::connect(&server.url()).unwrap();
    assert_eq!(reader.sweeps().unwrap().len(), 1200, "it can be read during the migration");
    beat(&store, "w").unwrap();
    assert_eq!(layout(&server), "3");
    let backlog = store.backlog(&Scope::Queues(vec!["default".into()])).unwrap();
    assert_eq!(backlog.ready, 1200);
    assert_eq!(server.say("ZCARD sweep:paused:default"), ":600\r\n");
    assert_eq!(server.say("ZCARD sweep:q:default"), ":600\r\n");
}
