//! Owns the checks of stores into which another program has written: a request gets a reply or an error, whatever the data,
//! and nothing panics.

use std::sync::Arc;
use std::time::Duration;

use rusqlite::Connection;

use sweep::job::{SweepId, Verdict};
use sweep::store::{ClaimRequest, ColumnPlace, NewSweep, PointSet, ReportEntry, Scope, Store, StoreError};

use crate::harness::{
    Bench, LONG, SHORT, SqliteBench, Worker, grouped, let_time_pass, lost, only, outcome, queue, submit, want,
};
use crate::redis_bench::RedisBench;

/// Creates a sweep with points in every state. Returns its id and the id of a worker.
fn fill(store: &dyn Store) -> (SweepId, String) {
    let id = submit(store, "s", "default", 30);
    let mut worker = Worker::new(store);
    let claims = worker.claim(only(&id), 8, SHORT);
    let verdicts = [Verdict::Succeeded, Verdict::Failed, Verdict::Cancelled, Verdict::Again { delay_ms: 3_600_000 }];
    let outcomes = claims.iter().zip(verdicts).map(|(claim, verdict)| {
        let (id, entry) = outcome(claim, verdict);
        (id, ReportEntry { output: Some(vec![1, 2]), ..entry })
    });
    let mut reports = grouped(outcomes.collect());
    reports[0].columns = vec![("y".into(), ColumnPlace { index: 0, position: 0 })];
    worker.exchange(reports, None);
    let_time_pass(Duration::from_millis(3));
    worker.report_lost(&claims[5], Verdict::Again { delay_ms: 0 });
    worker.beat(&[(&claims[6], true)], LONG);
    (id, worker.id)
}

/// Sends every request to the store. Each must get a reply, or an error for which waiting is no remedy.
fn send_all_requests(store: &dyn Store, id: &SweepId, known: &str) {
    let spans = |set| {
        let mut from = 0;
        for _ in 0..100 {
            match store.spans(id, set, from, 3)?.last() {
                Some(last) if last.indices.end > from => from = last.indices.end,
                _ => break,
            }
        }
        Ok::<(), StoreError>(())
    };
    let work = |worker: &str| {
        let mut worker = Worker { store, id: worker.to_owned(), seq: 1 << 40 };
        let wish = |scope: Scope| ClaimRequest { most: 5, ..want(scope, 5, LONG) };
        let mut ask = |reports, claim_request| {
            worker.seq += 1;
            let (worker, seq) = (worker.id.clone(), worker.seq);
            store.exchange(&sweep::store::Exchange { worker, seq, reports, claim_request })
        };
        let claims = ask(vec![], Some(wish(queue("default"))))?.claims;
        let again = ask(vec![], Some(wish(only(id))))?.claims;
        ask(grouped(claims.iter().map(|claim| outcome(claim, Verdict::Failed)).collect()), None)?;
        ask(grouped(again.iter().map(|claim| lost(claim, Verdict::Succeeded)).collect()), None)?;
        Ok::<(), StoreError>(())
    };
    let results = [
        store.sweeps().map(drop),
        store.sweep(id).map(drop),
        store.document(id).map(drop),
        spans(PointSet::Pending),
        spans(PointSet::Running),
        spans(PointSet::Failed),
        spans(PointSet::Cancelled),
        (0..9).try_for_each(|index| store.point(id, index).map(drop)),
        store.log(id, 0..9).map(drop),
        store.columns(id).map(drop),
        store.outputs(id, &[(0, 1), (1, 1)]).map(drop),
        store.workers().map(drop),
        store.info().map(drop),
        store.backlog(&queue("default")).map(drop),
        store.expired().map(drop),
        store.work_waiter(&queue("default")).and_then(|waiter| {
            waiter.wait(Duration::from_millis(1))?;
            waiter.wait(Duration::from_millis(1)).map(drop)
        }),
        store.expired_counts().map(drop),
        work(known),
        work("another worker"),
        store.pause_unless_resumed(id, 0, "why").map(drop),
        store.set_paused(id, None),
        store.mark_worker_dead(known).map(drop),
        store.cancel(id).map(drop),
        store.requeue(id, &[0..9]).map(drop),
        store.remove(id, true),
    ];
    for error in results.into_iter().filter_map(Result::err) {
        assert!(!error.is_unreachable(), "waiting is no remedy: {error}");
    }
}

#[test]
fn an_embedded_store_with_foreign_data_replies_or_refuses() {
    let texts = ["'['", "'[1]'"];
    let numbers = ["-1", "9223372036854775807"];
    let blobs = ["x''", "x'0101ffffffffffffffffff01'"];
    let columns = {
        let bench = SqliteBench::fresh();
        fill(&*bench.connect());
        let connection = Connection::open(bench.file()).unwrap();
        let all = "SELECT t.name, c.name, c.type FROM sqlite_schema t JOIN pragma_table_info(t.name) c WHERE t.type = 'table'";
        let mut all = connection.prepare(all).unwrap();
        let rows = all.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)));
        rows.unwrap().map(Result::unwrap).collect::<Vec<(String, String, String)>>()
    };
    assert!(columns.len() > 60, "{columns:?}");
    let mut tried = 0;
    for (table, column, kind) in columns.iter().filter(|(table, _, _)| !table.starts_with("sqlite_")) {
        let bench = SqliteBench::fresh();
        let store = bench.connect();
        let (id, known) = fill(&*store);
        let connection = Connection::open(bench.file()).unwrap();
        let values: &[&str] = match kind.as_str() {
            "TEXT" => &texts,
            "BLOB" => &blobs,
            _ => &numbers,
        };
        for value in values {
            // A value that violates a key cannot be written.
            if connection.execute(&format!("UPDATE {table} SET {column} = {value}"), []).is_ok_and(|rows| rows > 0) {
                send_all_requests(&*store, &id, &known);
                tried += 1;
            }
        }
    }
    assert!(tried > 80, "{tried}");
}

#[test]
fn a_redis_with_foreign_data_replies_or_refuses() {
    let bench = RedisBench::fresh();
    let connect = || -> Arc<dyn Store> { bench.connect() };
    let keys = {
        fill(&*connect());
        lines(&bench.say("KEYS sweep:*"))
    };
    assert!(keys.len() > 15, "{keys:?}");
    let mut tried = 0;
    for key in &keys {
        for garbage in ["x", "-1", "18446744073709551616", "a:b", "7"] {
            bench.say("FLUSHALL");
            let store = connect();
            let (id, known) = fill(&*store);
            // The worker ids are new each time.
            let of_worker = ["sweep:worker:", "sweep:holds:"].into_iter().find(|prefix| key.starts_with(prefix));
            let key = of_worker.map_or_else(|| key.clone(), |prefix| format!("{prefix}{known}"));
            let said = match lines(&bench.say(&format!("TYPE {key}")))[0].as_str() {
                "hash" => {
                    let fields = lines(&bench.say(&format!("HKEYS {key}")));
                    let pairs: String = fields.iter().map(|field| format!(" {field} {garbage}")).collect();
                    bench.say(&format!("HSET {key}{pairs} {garbage} {garbage}"))
                }
                "zset" => bench.say(&format!("ZADD {key} 0 {garbage}")),
                "set" => bench.say(&format!("SADD {key} {garbage}")),
                "list" => bench.say(&format!("LPUSH {key} {garbage}")),
                "stream" => bench.say(&format!("XADD {key} * {garbage} {garbage}")),
                "string" if key == "sweep:layout" => continue,
                "string" => bench.say(&format!("SET {key} {garbage}")),
                other => panic!("{key} is {other}"),
            };
            assert!(said.starts_with([':', '+', '$']), "{key}: {said}");
            send_all_requests(&*store, &id, &known);
            tried += 1;
            // Then a value of another type.
            bench.say(&format!("DEL {key}"));
            bench.say(&if said.starts_with('+') { format!("LPUSH {key} x") } else { format!("SET {key} x") });
            send_all_requests(&*store, &id, &known);
        }
    }
    assert!(tried > 60, "{tried}");
}

/// The texts in a reply of the server's protocol.
fn lines(reply: &str) -> Vec<String> {
    let texts = reply.lines().filter(|line| !line.starts_with(['*', '$']));
    texts.map(|line| line.trim_start_matches('+').to_owned()).collect()
}

/// The store returns a document as it was submitted. Only who decodes it finds that it is damaged.
#[test]
fn a_document_is_returned_as_it_was_submitted() {
    for bench in [Box::new(SqliteBench::fresh()) as Box<dyn Bench>, Box::new(RedisBench::fresh())] {
        let store = bench.connect();
        for (n, document) in [vec![], vec![0xff, 0], b"{\"version\": 99}".to_vec()].into_iter().enumerate() {
            let new = NewSweep {
                request: format!("r{n}"),
                name: "d".into(),
                queue: "default".into(),
                total: 1,
                user: "ada".into(),
                document: document.clone(),
                inputs: sweep::model::FoundInputs::default(),
            };
            let id = store.submit(&new).unwrap();
            let given = store.document(&id).unwrap();
            assert_eq!(given, document);
            assert!(sweep::model::Document::decode(&given).is_err());
        }
    }
}
