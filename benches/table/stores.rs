//! Owns the rows that use a store as workers do, without starting processes: traffic, size, reading the results.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use ::sweep::job::{Outcome, SweepId};
use ::sweep::model::Document;
use ::sweep::ops;
use ::sweep::process::{Ended, Exit};
use ::sweep::record::Output;
use ::sweep::runtime::SweepRuntime;
use ::sweep::spec;
use ::sweep::store::open::{Open, open};
use ::sweep::store::{Claim, ClaimRequest, Exchange, LEASE, NewSweep, Scope, Store};
use ::sweep::value::Value;
use ::sweep::worker::compaction::{self, Compactor};
use ::sweep::worker::report::{FinishedAttempt, KnownColumns, Runner, group};

use super::machine::{Figure, cost_and_peak_of, cost_of};
use super::page::Section;
use super::redis_server::RedisServer;
use super::results::results;
use super::sweep::Bench;

/// Jobs in a batch.
const BATCH: u32 = 64;

fn ended(index: u64) -> Ended {
    let jitter = (index * 2_654_435_761 % 1000) as f64 / 1000.0;
    Ended {
        exit: Exit::Code(0),
        ended_by: None,
        output: Output::default(),
        seconds: 0.05 + jitter / 100.0,
        cpu_seconds: 0.04 + jitter / 200.0,
        max_rss_bytes: 9_000_000 + (index % 16) * 4096,
        oom_killed: false,
    }
}

/// Submits a sweep with this number of points.
fn submit(bench: &Bench, store: &dyn Store, points: u64) -> SweepId {
    let text = format!(
        "name = \"fill\"\ncommand = \"echo {{{{ x }}}}\"\nrepeats = {}\n[grid]\nx = [1, 2, 3, 4]\n",
        points / 4
    );
    let file = bench.file("fill.toml", &text);
    let (_, document) = ops::read::document(spec::open(&file).expect("the sweep file is right"));
    let request = format!("{:?}", Instant::now());
    let document = document.encode().expect("it is encoded");
    let new = NewSweep {
        request,
        name: "fill".into(),
        queue: "default".into(),
        total: points,
        user: "bench".into(),
        document,
        inputs: sweep::model::FoundInputs::default(),
    };
    store.submit(&new).expect("the store takes it")
}

/// Claims and reports until nothing is left, as a worker does.
fn work(store: &dyn Store, sweep: &SweepId, name: &str, batch: u32, results: fn(u64) -> Vec<(String, Value)>) {
    let runner = Runner { host: "machine".into(), worker: format!("{name:0>16}") };
    let document = store.document(sweep).expect("it was submitted");
    let document = Document::decode(&document).expect("it was written by this version");
    let runtime = SweepRuntime::new(sweep.clone(), document, Path::new("/")).expect("it can be run");
    let (mut columns, mut tidy, mut finished, mut seq) = (KnownColumns::default(), Compactor::default(), Vec::new(), 0);
    loop {
        seq += 1;
        let reports = group(&finished, &columns);
        let scope = Scope::Sweep(sweep.clone());
        // A token has 64 random bits, and its length affects the size of the store.
        let token = (seq ^ u64::from(std::process::id()) << 32).wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1 << 63;
        let want = ClaimRequest { most: batch, scope, excluded: Vec::new(), token, lease: LEASE };
        let exchange = Exchange { worker: runner.worker.clone(), seq, reports, claim_request: Some(want) };
        let reply = store.exchange(&exchange).expect("the store answers");
        assert!(reply.stale.is_empty(), "a claim was lost: {:?}", reply.stale);
        for report in &exchange.reports {
            columns.accepted(report);
            tidy.note(report);
        }
        let least = if reply.claims.is_empty() { compaction::SOME } else { compaction::MANY };
        while let Some((sweep, block)) = tidy.take(least) {
            compaction::pack(store, &sweep, block).expect("the store answers");
        }
        if reply.claims.is_empty() {
            return;
        }
        let ran = |claim: &Claim| {
            let index = claim.job.index;
            let outcome = Outcome::Succeeded { results: results(index) };
            FinishedAttempt::ran(claim, outcome, &runtime, Some(ended(index)), &runner)
        };
        finished = reply.claims.iter().map(ran).collect();
    }
}

/// Runs a sweep with several clients and returns the time in seconds.
fn work_together(connect: &dyn Fn() -> Arc<dyn Store>, sweep: &SweepId, clients: usize, batch: u32) -> f64 {
    fill(connect, sweep, clients, batch, results)
}

/// The same, with these results.
fn fill(
    connect: &dyn Fn() -> Arc<dyn Store>,
    sweep: &SweepId,
    clients: usize,
    batch: u32,
    results: fn(u64) -> Vec<(String, Value)>,
) -> f64 {
    let stores: Vec<_> = (0..clients).map(|_| connect()).collect();
    let begun = Instant::now();
    std::thread::scope(|threads| {
        for (n, store) in stores.iter().enumerate() {
            threads.spawn(move || work(&**store, sweep, &format!("worker{n}"), batch, results));
        }
    });
    begun.elapsed().as_secs_f64()
}

fn connect(url: &str) -> Arc<dyn Store> {
    open(Some(url), std::path::Path::new("."), Open::OrCreate).expect("the store opens")
}

/// Claims and outcomes per second, without starting processes.
pub fn traffic() -> Section {
    let jobs = 100_000_u64;
    let mut section = Section::new(&["store, batches of 64", "clients", "jobs a second"]);
    let bench = Bench::embedded();
    let everysec: &[(&str, &str)] = &[("appendonly", "yes"), ("appendfsync", "everysec")];
    for clients in [1, 4] {
        let mut rates = [Vec::new(), Vec::new(), Vec::new()];
        for _ in 0..3 {
            let folder = tempfile::tempdir().unwrap();
            let (plain, durable) = (RedisServer::start(), RedisServer::start_with(everysec));
            let places = [plain.url(), durable.url(), folder.path().join("store").display().to_string()];
            for (place, rates) in places.iter().zip(&mut rates) {
                let sweep = submit(&bench, &*connect(place), jobs);
                rates.push(jobs as f64 / work_together(&|| connect(place), &sweep, clients, BATCH));
            }
        }
        let names = ["Redis, nothing on disk", "Redis, append-only file everysec", "embedded"];
        for (name, rates) in names.into_iter().zip(rates) {
            section.line(&[name.to_owned(), clients.to_string(), Figure::of(rates).to_string()]);
        }
    }
    section.notes.push("server and clients share the cores".into());
    section
}

/// Bytes in the store per finished job with seven results.
pub fn size() -> Section {
    let jobs = 50_000_u64;
    let mut section = Section::new(&["store", "jobs a batch", "bytes a finished job"]);
    let json = serde_json::to_string(
        &results(1).into_iter().map(|(name, value)| (name, value.to_json())).collect::<serde_json::Map<_, _>>(),
    );
    section.notes.push(format!("the results of a job are {} bytes of JSON", json.unwrap().len()));
    section.notes.push("a batch of 1 is a long job, recorded at once; blocks of many small chunks are packed on the way, as workers do".into());
    for batch in [1_u32, 64, 512] {
        let jobs = if batch == 1 { jobs / 3 } else { jobs };
        let server = RedisServer::start();
        let bench = Bench::embedded();
        let store = connect(&server.url());
        warm_up(&bench, &*store);
        let sweep = submit(&bench, &*store, jobs);
        let before = used_memory(&server);
        work(&*store, &sweep, "worker", batch, results);
        section.line(&[
            "Redis".into(),
            batch.to_string(),
            format!("{:.0}", (used_memory(&server) - before) / jobs as f64),
        ]);
        let place = bench.path().join("store");
        let store = connect(&place.display().to_string());
        let sweep = submit(&bench, &*store, jobs);
        work(&*store, &sweep, "worker", batch, results);
        drop(store);
        let file = std::fs::metadata(place.join("sweep.db")).unwrap().len() as f64;
        section.line(&["embedded, its file".into(), batch.to_string(), format!("{:.0}", file / jobs as f64)]);
    }
    section.notes.push(format!(
        "Redis: a sweep of 10^9 pending points takes {:.0} bytes, a running job {:.0}",
        pending(),
        running()
    ));
    section
}

/// Runs some jobs first, so that the memory of the server for scripts and clients is not counted for the measured jobs.
fn warm_up(bench: &Bench, store: &dyn Store) {
    let sweep = submit(bench, store, 256);
    work(store, &sweep, "first", BATCH, results);
}

/// Bytes in Redis for a pending sweep of a billion points.
fn pending() -> f64 {
    let server = RedisServer::start();
    let store = connect(&server.url());
    warm_up(&Bench::embedded(), &*store);
    let before = used_memory(&server);
    submit(&Bench::embedded(), &*store, 1_000_000_000);
    used_memory(&server) - before
}

/// Bytes in Redis for a running job.
fn running() -> f64 {
    let server = RedisServer::start();
    let store = connect(&server.url());
    warm_up(&Bench::embedded(), &*store);
    let sweep = submit(&Bench::embedded(), &*store, 1_000_000);
    let before = used_memory(&server);
    let mut jobs = 0;
    for seq in 1..=100 {
        let scope = Scope::Sweep(sweep.clone());
        let token = u64::MAX - seq;
        let want = ClaimRequest { most: BATCH, scope, excluded: Vec::new(), token, lease: LEASE };
        let exchange =
            Exchange { worker: "00000000deadbeef".into(), seq, reports: Vec::new(), claim_request: Some(want) };
        jobs += store.exchange(&exchange).expect("the store answers").claims.len();
    }
    (used_memory(&server) - before) / jobs as f64
}

fn used_memory(server: &RedisServer) -> f64 {
    let info = server.say("INFO memory");
    info.lines().find_map(|line| line.strip_prefix("used_memory:")).unwrap().trim().parse().unwrap()
}

/// Reading the results: the table and the counts.
pub fn collect() -> Section {
    let jobs = 1_000_000_u64;
    let mut section = Section::new(&["store, 10^6 points done", "collect, s", "its peak, MiB", "status, ms"]);
    section.how.push("sweep collect --out out.csv".into());
    section.how.push("sweep status".into());
    for bench in [Bench::embedded(), Bench::redis()] {
        let url = bench.store();
        let sweep = submit(&bench, &*connect(&url), jobs);
        work_together(&|| connect(&url), &sweep, 2, 512);
        let (mut seconds, mut peaks, mut status) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..3 {
            let (cost, peak) = cost_and_peak_of(&mut bench.sweep(&["collect", "fill-1", "--out", "out.csv"]));
            seconds.push(cost.wall);
            peaks.push(peak as f64 / f64::from(1 << 20));
            for _ in 0..5 {
                status.push(cost_of(&mut bench.sweep(&["status", "fill-1"])).wall * 1000.0);
            }
        }
        let name = if bench.server().is_some() { "Redis" } else { "embedded" };
        let figure = |rounds: Vec<f64>| Figure::of(rounds).to_string();
        section.line(&[name.into(), figure(seconds), figure(peaks), figure(status)]);
    }
    section.notes.push(format!("status with 10^7 points done, embedded: {} ms", status_of_many()));
    section
}

/// Time of `sweep status` with ten million finished points, in milliseconds.
fn status_of_many() -> Figure {
    let bench = Bench::embedded();
    let url = bench.store();
    let sweep = submit(&bench, &*connect(&url), 10_000_000);
    fill(&|| connect(&url), &sweep, 1, 4096, |_| Vec::new());
    Figure::of((0..9).map(|_| cost_of(&mut bench.sweep(&["status", "fill-1"])).wall * 1000.0))
}
