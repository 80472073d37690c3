//! Owns the tests of the Redis store alone: which servers it refuses and with which message, and what it does when a
//! server goes away.

// A test that cannot go on panics with the reason.
#![allow(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::single_range_in_vec_init)]

use std::time::{Duration, Instant};

use sweep::job::{SweepId, Verdict};
use sweep::store::redis::RedisStore;
use sweep::store::{
    Claim, ClaimRequest, Exchange, ExchangeReply, Heartbeat, HeldClaim, History, NewSweep, PointSet, Queue, Report,
    ReportEntry, Scope, StagedPart, StagedSweep, Staging, Store, StoreErrorKind, Sweeps, WorkerRow,
};

#[path = "../common/redis_server.rs"]
mod redis_server;

mod layout;
mod leases;
mod long_scripts;
mod reading;

use redis_server::{RedisServer, free_port};

const PASSWORD: &str = "s3cret/with@signs";
const PASSWORD_IN_URL: &str = "s3cret%2Fwith%40signs";

/// Connects to a server that must be refused, and returns the message. It never contains a password.
fn refused(url: &str) -> String {
    let error = RedisStore::connect(url).expect_err("this server is refused");
    assert!(!error.is_unreachable(), "{error:?}");
    assert_no_password(&format!("{error} {error:?}"));
    error.to_string()
}

fn assert_no_password(text: &str) {
    assert!(!text.contains(PASSWORD) && !text.contains(PASSWORD_IN_URL) && !text.contains("s3cret"), "{text}");
}

fn assert_has(text: &str, words: &[&str]) {
    for word in words {
        assert!(text.contains(word), "`{word}` is missing in: {text}");
    }
}

fn new_sweep(request: &str, total: u64) -> NewSweep {
    NewSweep {
        request: request.into(),
        name: "pi".into(),
        queue: "default".into(),
        total,
        user: "ada".into(),
        document: b"document".to_vec(),
        inputs: sweep::model::FoundInputs::default(),
    }
}

fn claim_from(id: &SweepId, seq: u64, most: u32) -> Exchange {
    let (scope, lease) = (Scope::Sweep(id.clone()), Duration::from_secs(3600));
    let want = ClaimRequest { most, scope, excluded: vec![], token: u64::MAX - seq, lease };
    Exchange { worker: "w".into(), seq, reports: vec![], claim_request: Some(want) }
}

fn done(seq: u64, claims: &[Claim], verdict: Verdict) -> Exchange {
    let entries = claims.iter().map(|claim| ReportEntry {
        index: claim.job.index,
        attempt: claim.tries.attempts,
        token: claim.token,
        verdict,
        tries: claim.tries,
        only_if_expired: false,
        output: None,
    });
    let report = Report {
        sweep: claims[0].job.sweep.clone(),
        submission: claims[0].submission,
        block: 0,
        entries: entries.collect(),
        chunk: b"chunk".to_vec(),
        columns: vec![],
    };
    Exchange { worker: "w".into(), seq, reports: vec![report], claim_request: None }
}

fn worker(id: &str) -> WorkerRow {
    WorkerRow {
        id: id.into(),
        host: "here".into(),
        pid: 1,
        queues: vec![],
        slots: 1,
        busy: 0,
        excluded: vec![],
        excluded_why: vec![],
        last_seen_ms: 0,
    }
}

#[test]
fn a_cluster_is_refused() {
    let port = free_port().to_string();
    let server = RedisServer::start_with(&[("cluster-enabled", "yes"), ("cluster-port", &port)]);
    assert_has(&refused(&server.url()), &["Redis Cluster", "use a standalone server"]);
}

#[test]
fn a_replica_is_refused_and_its_primary_named() {
    let primary = RedisServer::start();
    let replica = RedisServer::start_with(&[("replicaof", &format!("127.0.0.1 {}", primary.port()))]);
    assert_has(&refused(&replica.url()), &["is a replica", &primary.url()]);
    RedisStore::connect(&primary.url()).unwrap();
}

#[test]
fn a_server_that_deletes_data_is_refused() {
    let server = RedisServer::start_with(&[("maxmemory", "100mb"), ("maxmemory-policy", "allkeys-lru")]);
    assert_has(&refused(&server.url()), &["allkeys-lru", "config set maxmemory-policy noeviction"]);
}

#[test]
fn passwords_are_required_checked_and_never_shown() {
    let server = RedisServer::start_with(&[("requirepass", PASSWORD)]);
    let port = server.port();
    assert_has(&refused(&server.url()), &["requires a password", "redis://:PASSWORD@HOST:PORT", "SWEEP_STORE"]);
    assert_has(&refused(&format!("redis://:s3cret@127.0.0.1:{port}")), &["refuses", "`default`", "password"]);
    assert_has(&refused(&format!("redis://me:{PASSWORD_IN_URL}@127.0.0.1:{port}")), &["refuses", "`me`"]);
    let store = RedisStore::connect(&format!("redis://:{PASSWORD_IN_URL}@127.0.0.1:{port}/2")).unwrap();
    assert_eq!(store.describe(), format!("redis://127.0.0.1:{port}/2"));
    assert_no_password(&format!("{store:?}"));
    drop(server);
    assert_no_password(&format!("{:?}", store.sweeps().unwrap_err()));
}

#[test]
fn a_password_that_is_set_later_is_required_by_every_request() {
    let server = RedisServer::start();
    let store = RedisStore::connect(&server.url()).unwrap();
    let id = store.submit(&new_sweep("r", 10)).unwrap();
    let claims = store.exchange(&claim_from(&id, 1, 10)).unwrap().claims;
    server.say("CONFIG SET requirepass s3cret");
    let mut killer = std::net::TcpStream::connect(("127.0.0.1", server.port())).unwrap();
    std::io::Write::write_all(&mut killer, b"AUTH s3cret\r\nCLIENT KILL TYPE normal SKIPME yes\r\n").unwrap();
    let mut replies = [0; 64];
    std::io::Read::read(&mut killer, &mut replies).unwrap();
    // A request of many arguments, for which the server does not say that it requires a password.
    let error = (0..100).find_map(|_| {
        std::thread::sleep(Duration::from_millis(20));
        store.exchange(&done(2, &claims, Verdict::Failed)).err()
    });
    let error = error.unwrap();
    assert_eq!(error.kind, StoreErrorKind::InsufficientPermissions, "{error}");
    assert_has(&error.to_string(), &["requires a password"]);
}

#[test]
fn the_error_for_insufficient_permissions_names_the_missing_ones() {
    let server = RedisServer::start_with(&[("user", "ada on >s3cret ~sweep:* +@all -@dangerous +info -evalsha")]);
    let store = RedisStore::connect(&format!("redis://ada:s3cret@127.0.0.1:{}", server.port())).unwrap();
    let error = store.submit(&new_sweep("r", 1)).unwrap_err();
    assert!(error.is_refusal(), "{error:?}");
    assert_has(&error.to_string(), &["`ada`", "acl setuser ada '~sweep:*' -@all"]);
    assert_no_password(&error.to_string());
    // The permissions that it names are enough.
    let remedy = error.remedy.unwrap();
    let (_, rules) = remedy.split_once("acl setuser ").unwrap();
    let rules = rules.trim_end_matches('`').replace('\'', "");
    assert!(
        include_str!("../../docs/stores.md")
            .contains(remedy.split_once("'~sweep:*' ").unwrap().1.trim_end_matches('`'))
    );
    assert!(server.say(&format!("ACL SETUSER {rules}")).starts_with("+OK"), "{rules}");
    let id = store.submit(&new_sweep("r", 1)).unwrap();
    assert_eq!(store.exchange(&claim_from(&id, 1, 1)).unwrap().claims.len(), 1);
    assert_eq!(store.sweeps().unwrap().len(), 1);
}

#[test]
fn a_unix_socket_works() {
    let server = RedisServer::start();
    for scheme in ["unix", "redis+unix"] {
        let store = RedisStore::connect(&format!("{scheme}://{}", server.socket().display())).unwrap();
        store.submit(&new_sweep("r", 1)).unwrap();
        assert_eq!(store.describe(), format!("redis+unix://{}", server.socket().display()));
    }
}

#[test]
fn a_port_where_nothing_listens_is_reported_within_seconds() {
    let port = free_port();
    let begun = Instant::now();
    let error = RedisStore::connect(&format!("redis://:s3cret@127.0.0.1:{port}")).unwrap_err();
    assert!(error.is_unreachable(), "{error:?}");
    assert_has(&error.to_string(), &[&format!("redis://127.0.0.1:{port}"), "redis-server"]);
    assert_no_password(&error.to_string());
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
}

#[test]
fn a_server_that_never_replies_is_reported() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("redis://127.0.0.1:{}", listener.local_addr().unwrap().port());
    let begun = Instant::now();
    let error = RedisStore::connect(&url).unwrap_err();
    assert!(error.is_unreachable(), "{error:?}");
    assert_has(&error.to_string(), &[&url, "does not reply in time"]);
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
}

#[test]
fn another_program_on_the_port_is_reported() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            use std::io::{Read, Write};
            let mut stream = stream.unwrap();
            // The client may have closed the connection.
            let _ = stream.read(&mut [0; 100]);
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
        }
    });
    assert_has(&refused(&format!("redis://127.0.0.1:{port}")), &["does not reply as Redis does"]);
}

#[test]
fn a_server_that_goes_away_and_comes_back_goes_on_where_it_was() {
    let mut server = RedisServer::start_with(&[("appendonly", "yes"), ("appendfsync", "always")]);
    let store = RedisStore::connect(&server.url()).unwrap();
    let id = store.submit(&new_sweep("r", 10)).unwrap();
    let first = claim_from(&id, 1, 4);
    let claims = store.exchange(&first).unwrap();
    assert_eq!(claims.claims.len(), 4);

    server.stop();
    let begun = Instant::now();
    let error = store.exchange(&done(2, &claims.claims, Verdict::Succeeded)).unwrap_err();
    assert!(error.is_unreachable(), "{error:?}");
    // It was repeated only for a while: the worker decides how long to wait.
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());

    assert_eq!(store.restarts(), Some(0));
    server.start_again();
    assert_eq!(store.exchange(&first).unwrap(), claims, "the reply was kept too");
    assert_eq!(store.restarts(), Some(1));
    assert_eq!(store.exchange(&done(2, &claims.claims, Verdict::Succeeded)).unwrap(), ExchangeReply::default());
    assert_eq!(store.sweep(&id).unwrap().counts.succeeded, 4);
    assert_eq!(store.submit(&new_sweep("r", 10)).unwrap(), id);
    assert_eq!(store.log(&id, 0..1).unwrap(), [(0, vec![b"chunk".to_vec()])]);
}

#[test]
fn a_short_absence_is_not_noticed() {
    let mut server = RedisServer::start_with(&[("appendonly", "yes")]);
    let store = RedisStore::connect(&server.url()).unwrap();
    let id = store.submit(&new_sweep("r", 10)).unwrap();
    server.stop();
    std::thread::scope(|scope| {
        let asked = scope.spawn(|| store.sweep(&id));
        server.start_again();
        assert_eq!(asked.join().unwrap().unwrap().counts.pending, 10);
    });
}

#[test]
fn a_connection_that_breaks_alone_is_no_restart() {
    let server = RedisServer::start();
    let store = RedisStore::connect(&server.url()).unwrap();
    store.submit(&new_sweep("r", 10)).unwrap();
    for _ in 0..2 {
        server.say("CLIENT KILL TYPE normal SKIPME yes");
        assert_eq!(store.sweeps().unwrap().len(), 1);
    }
    assert_eq!(store.restarts(), Some(0));
}

#[test]
fn a_full_memory_is_refused_with_a_remedy_and_nothing_is_half_done() {
    let server = RedisServer::start();
    let store = RedisStore::connect(&server.url()).unwrap();
    let id = store.submit(&new_sweep("r", 10)).unwrap();
    let claims = store.exchange(&claim_from(&id, 1, 4)).unwrap().claims;
    server.say("CONFIG SET maxmemory 1");
    let error = store.submit(&new_sweep("s", 1)).unwrap_err();
    assert!(error.is_refusal(), "{error:?}");
    assert_eq!(error.kind, StoreErrorKind::Full);
    assert_has(&error.to_string(), &["no memory left", "maxmemory", "sweep rm"]);
    assert!(matches!(store.exchange(&claim_from(&id, 2, 1)), Err(error) if error.is_refusal()));
    assert_eq!(store.sweep(&id).unwrap().counts.running, 4, "reading works");
    // Running jobs go on and are delivered, and sweeps can be removed.
    let held = HeldClaim { job: claims[0].job.clone(), token: claims[0].token, started: true };
    let beat = Heartbeat { worker: worker("w"), lease: Duration::from_secs(20), held: vec![held] };
    assert_eq!(store.heartbeat(&beat).unwrap(), []);
    assert_eq!(store.exchange(&done(2, &claims, Verdict::Succeeded)).unwrap(), ExchangeReply::default());
    assert_eq!(store.cancel(&id).unwrap().cancelled, 6);
    store.remove(&id, false).unwrap();
    assert!(matches!(store.submit(&new_sweep("s", 1)), Err(error) if error.is_refusal()));
    server.say("CONFIG SET maxmemory 0");
    store.submit(&new_sweep("s", 1)).unwrap();
    assert_eq!(store.sweeps().unwrap().len(), 1);
}

#[test]
fn a_server_that_becomes_a_replica_refuses_and_names_its_primary() {
    let (server, primary) = (RedisServer::start(), RedisServer::start());
    let store = RedisStore::connect(&server.url()).unwrap();
    store.submit(&new_sweep("r", 10)).unwrap();
    server.say(&format!("REPLICAOF 127.0.0.1 {}", primary.port()));
    let error = store.submit(&new_sweep("s", 10)).unwrap_err();
    assert!(error.is_refusal(), "{error:?}");
    assert_has(&error.to_string(), &["is a replica now", "primary"]);
}

#[test]
fn a_sweep_of_many_failures_is_put_back_and_removed_without_a_trace() {
    const JOBS: u32 = 12_000;
    let server = RedisServer::start();
    let store = RedisStore::connect(&server.url()).unwrap();
    let before = keys(&server);
    let id = store.submit(&new_sweep("r", u64::from(JOBS))).unwrap();
    let mut seq = 0;
    for _ in 0..JOBS / 500 {
        seq += 2;
        let claims = store.exchange(&claim_from(&id, seq, 500)).unwrap().claims;
        // Every other point, so that no consecutive points can be moved as one range.
        let (even, odd): (Vec<_>, Vec<_>) = claims.into_iter().partition(|claim| claim.job.index % 2 == 0);
        let mut exchange = done(seq + 1, &even, Verdict::Failed);
        exchange.reports.extend(done(seq + 1, &odd, Verdict::Cancelled).reports);
        exchange.reports.iter_mut().for_each(|report| report.entries[0].output = Some(b"output".to_vec()));
        assert_eq!(store.exchange(&exchange).unwrap(), ExchangeReply::default());
    }
    let counts = store.sweep(&id).unwrap().counts;
    assert_eq!((counts.failed, counts.cancelled), (6000, 6000));
    assert_eq!(store.spans(&id, PointSet::Failed, 0, usize::MAX).unwrap().len(), 6000);
    assert_eq!(store.requeue(&id, &[0..5, 7..11_999]).unwrap(), 5 + 11_992);
    let counts = store.sweep(&id).unwrap().counts;
    assert_eq!((counts.failed, counts.cancelled, counts.pending), (1, 2, 11_997));
    store.remove(&id, false).unwrap();
    store.unregister("w").unwrap();
    // Only the counters stay.
    assert_eq!(keys(&server), before + 4, "layout, names, serial and bell: {}", server.say("KEYS *"));
}

fn keys(server: &RedisServer) -> u64 {
    server.say("DBSIZE").trim_matches([':', '\r', '\n']).parse().unwrap()
}

/// How many changes were made to the server's data since it was started.
fn changes(server: &RedisServer) -> u64 {
    let info = server.say("INFO persistence");
    let changes = info.lines().find_map(|line| line.strip_prefix("rdb_changes_since_last_save:"));
    changes.unwrap_or_else(|| panic!("{info}")).trim().parse().unwrap()
}

#[test]
fn threads_share_one_connection() {
    let server = RedisServer::start();
    let store = RedisStore::connect(&server.url()).unwrap();
    let id = store.submit(&new_sweep("r", 10)).unwrap();
    std::thread::scope(|scope| {
        for n in 0..8 {
            let (store, id) = (&store, &id);
            scope.spawn(move || {
                for _ in 0..50 {
                    let worker = worker(&format!("w{n}"));
                    store.heartbeat(&Heartbeat { worker, lease: Duration::from_secs(20), held: vec![] }).unwrap();
                    assert_eq!(store.sweep(id).unwrap().counts.total, 10);
                }
            });
        }
    });
    assert_eq!(store.workers().unwrap().len(), 8);
}

#[test]
fn a_staged_sweep_that_timed_out_is_removed() {
    let server = RedisServer::start();
    let store = RedisStore::connect(&server.url()).unwrap();
    let draft = StagedSweep { token: "t".into(), sweep: new_sweep("r", 5) };
    store.stage(&draft).unwrap();
    let chunks = vec![(0, b"a chunk".to_vec())];
    store.add_staged(&draft, &StagedPart { points: 1, chunks, ready: vec![1..5], ..StagedPart::default() }).unwrap();
    let other = store.submit(&new_sweep("other", 1)).unwrap();
    assert!(server.say("KEYS sweep:s:pi-1:*").contains("log:0"), "it has not timed out");
    server.say("ZINCRBY sweep:drafts -601000 t");
    store.remove(&other, false).unwrap();
    assert_eq!(server.say("KEYS sweep:s:*").trim(), "*0", "something is left");
    assert_eq!(server.say("EXISTS sweep:d:t sweep:drafts sweep:trash").trim(), ":0");
    assert!(store.commit_staged(&draft).unwrap_err().to_string().contains("run the command again"));
}
