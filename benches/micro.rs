//! Owns the micro-benchmarks of pure code: the overhead per job without its process and its store.

// A benchmark that cannot continue panics with the reason.
#![allow(clippy::unwrap_used)]

use divan::{Bencher, black_box};
use sweep::extract::Extractor;
use sweep::job::{AttemptCounts, Outcome, Verdict};
use sweep::model::Document;
use sweep::ops;
use sweep::record::Record;
use sweep::space::Space;
use sweep::spec;
use sweep::stored::{decode_chunk, encode_chunk};
use sweep::template::{JobContext, JobTemplate};

#[path = "table/results.rs"]
mod results;

use results::results;

fn main() {
    divan::main();
}

/// A sweep with two grid parameters, two random ones and a derived one, and a command that uses four of them.
fn document() -> Document {
    let text = "command = \"solve --size {{ size }} --temp {{ temp }} --noise {{ noise }} --seed {{ seed }}\"\ndraws = 100\n\
                [grid]\nsize = [16, 32, 64]\ntemp = { from = 1.5, to = 3.5, count = 21 }\n\
                [random]\nnoise = { dist = \"uniform\", min = 0.0, max = 1.0 }\ncoupling = { dist = \"normal\", mean = 1.0, sd = 0.1 }\n\
                [derived]\nsites = \"size * size\"\n[results]\nformat = \"auto\"\n";
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("micro.toml");
    std::fs::write(&file, text).unwrap();
    ops::read::document(spec::open(&file).unwrap()).1
}

/// Computes a point from its index.
#[divan::bench]
fn point(bencher: Bencher) {
    let space = Space::new(document().spec.space).unwrap();
    let mut index = 0;
    bencher.counter(1_usize).bench_local(|| {
        index = (index + 1) % space.len();
        space.point(black_box(index))
    });
}

/// Renders a command with four parameters.
#[divan::bench]
fn render(bencher: Bencher) {
    let document = document();
    let space = Space::new(document.spec.space.clone()).unwrap();
    let template = JobTemplate::compile(&document.spec).unwrap();
    let point = space.point(17).unwrap();
    let context =
        JobContext { sweep: "micro-1", names: space.names(), point: &point, attempt: 1, cpus: 1, here: "/somewhere" };
    bencher.counter(1_usize).bench_local(|| template.render(black_box(&context)).unwrap());
}

/// Extracts seven results from a line of JSON after some lines of other text.
#[divan::bench]
fn extract(bencher: Bencher) {
    let extractor = Extractor::new(&document().spec.results).unwrap();
    let json: serde_json::Map<_, _> = results(1).into_iter().map(|(name, value)| (name, value.to_json())).collect();
    let text = format!("reading input\nstep 1 of 2\nstep 2 of 2\n{}\n", serde_json::to_string(&json).unwrap());
    let kept = sweep::record::Kept { total: text.len() as u64, tail: text.into_bytes() };
    bencher
        .counter(1_usize)
        .bench_local(|| extractor.begin().finish(black_box(&kept), |name, _| Err(format!("no file {name}"))).unwrap());
}

/// Encodes a chunk of 64 records with seven results each; figures are per record.
#[divan::bench]
fn encode(bencher: Bencher) {
    let records = records();
    bencher.counter(records.len()).bench_local(|| encode_chunk(black_box(&records)));
}

/// Decodes such a chunk; figures are per record.
#[divan::bench]
fn decode(bencher: Bencher) {
    let records = records();
    let chunk = encode_chunk(&records);
    bencher.counter(records.len()).bench_local(|| decode_chunk(black_box(&chunk)).unwrap());
}

fn records() -> Vec<Record> {
    let record = |index: u64| Record {
        index,
        tries: AttemptCounts { attempts: 1, ..AttemptCounts::default() },
        outcome: Outcome::Succeeded { results: results(index) },
        verdict: Verdict::Succeeded,
        exit_code: Some(0),
        ended_ms: 1_700_000_000_000 + index * 13,
        seconds: 0.05 + index as f64 / 1e6,
        cpu_seconds: 0.04 + index as f64 / 1e6,
        max_rss_bytes: 9_000_000 + (index % 16) * 4096,
        host: "machine".into(),
        worker: "0123456789abcdef".into(),
        version: 1,
        origin: None,
    };
    (0..64).map(record).collect()
}
