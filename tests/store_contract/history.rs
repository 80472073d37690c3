//! Owns the checks of reading the history of points: logs, compaction, result columns, outputs, spans.

use sweep::job::{JobState, SweepId, Verdict};
use sweep::store::{ColumnPlace, PointSet, Report, ReportEntry, Span};

use crate::harness::{ALL_ACCEPTED, Bench, LONG, Worker, counts, grouped, only, outcome, ranges, spans, submit};

const AGAIN: Verdict = Verdict::Again { delay_ms: 0 };
const LATER: Verdict = Verdict::Again { delay_ms: 3_600_000 };

/// Reports one success with these result columns and this output. Returns its index.
fn report_with(worker: &mut Worker, id: &SweepId, columns: &[(&str, u64, u32)], output: Option<&str>) -> u64 {
    let claim = worker.claim_one(id, LONG);
    let (sweep, entry) = outcome(&claim, Verdict::Succeeded);
    let entry = ReportEntry { output: output.map(|text| text.as_bytes().to_vec()), ..entry };
    let mut reports = grouped(vec![(sweep, entry)]);
    let place = |&(name, index, position): &(&str, u64, u32)| (name.to_owned(), ColumnPlace { index, position });
    reports[0].columns = columns.iter().map(place).collect();
    assert_eq!(worker.exchange(reports, None).stale, vec![]);
    claim.job.index
}

pub fn columns_are_in_order_of_first_appearance(bench: &dyn Bench) {
    let store = &*bench.connect();
    let id = submit(store, "columns", "default", 9);
    let mut worker = Worker::new(store);
    assert_eq!(store.columns(&id).unwrap(), Vec::<String>::new());
    // A place is by index first: 10^15 comes after 20 also where numbers are kept as text.
    report_with(&mut worker, &id, &[("late", 1_000_000_000_000_000, 0), ("energy", 20, 1), ("x", 20, 10)], None);
    report_with(&mut worker, &id, &[("größe of it", 20, 2), ("energy", 30, 0)], None);
    assert_eq!(store.columns(&id).unwrap(), ["energy", "größe of it", "x", "late"]);
    report_with(&mut worker, &id, &[("x", 3, 1), ("y", 3, 0), ("late", 19, 7)], None);
    assert_eq!(store.columns(&id).unwrap(), ["y", "x", "late", "energy", "größe of it"]);
    // A refused group brings none.
    let claim = worker.claim_one(&id, LONG);
    assert!(worker.finish(&claim, Verdict::Succeeded));
    let mut reports = grouped(vec![outcome(&claim, Verdict::Succeeded)]);
    reports[0].columns = vec![("stale".into(), ColumnPlace { index: 0, position: 0 })];
    assert_eq!(worker.exchange(reports, None).stale, [(0, vec![3])]);
    assert_eq!(store.columns(&id).unwrap().len(), 5);
}

pub fn outputs_are_kept_by_attempt(bench: &dyn Bench) {
    let store = &*bench.connect();
    let id = submit(store, "outputs", "default", 3);
    let mut worker = Worker::new(store);
    let all_bytes: Vec<u8> = (0..=255).cycle().take(20_000).collect();
    let claim = worker.claim_one(&id, LONG);
    let (sweep, entry) = outcome(&claim, AGAIN);
    assert_eq!(worker.report(vec![(sweep, ReportEntry { output: Some(all_bytes.clone()), ..entry })]), ALL_ACCEPTED);
    assert_eq!(report_with(&mut worker, &id, &[], Some("second")), 0);
    assert_eq!(report_with(&mut worker, &id, &[], None), 1);
    assert_eq!(report_with(&mut worker, &id, &[], Some("")), 2);
    let (second, nothing) = (Some(b"second".to_vec()), Some(vec![]));
    let asked = [(2, 1), (0, 2), (0, 3), (1, 1), (0, 1), (7_000_000, 1), (0, 2)];
    let expected = [nothing, second.clone(), None, None, Some(all_bytes), None, second];
    assert_eq!(store.outputs(&id, &asked).unwrap(), expected);
    assert_eq!(store.outputs(&id, &[]).unwrap(), [None; 0]);
}

pub fn logs_are_kept_by_block_in_order(bench: &dyn Bench) {
    let store = &*bench.connect();
    let id = submit(store, "logs", "default", 5000);
    let mut worker = Worker::new(store);
    let claims = worker.claim(only(&id), 4100, LONG);
    let pick = |indices: &[usize], verdict| -> Vec<Report> {
        grouped(indices.iter().map(|index| outcome(&claims[*index], verdict)).collect())
    };
    worker.exchange(pick(&[4099, 3, 1024], AGAIN), None);
    worker.exchange(pick(&[4096, 4], Verdict::Succeeded), None);
    let mut silent = pick(&[5], Verdict::Succeeded);
    silent[0].chunk.clear();
    worker.exchange(silent, None);
    // Chunks may be any bytes.
    let mut odd = pick(&[1, 2], Verdict::Succeeded);
    odd[0].chunk = vec![0, 255, 10, 0];
    worker.exchange(odd, None);
    let text = |chunk: &str| chunk.as_bytes().to_vec();
    let expected = vec![
        (0, vec![text("3:1;"), text("4:1;"), vec![0, 255, 10, 0]]),
        (1, vec![text("1024:1;")]),
        (4, vec![text("4099:1;"), text("4096:1;")]),
    ];
    assert_eq!(store.log(&id, 0..1 << 43).unwrap(), expected);
    assert_eq!(store.log(&id, 1..4).unwrap(), expected[1..2]);
    assert_eq!(store.log(&id, 1..5).unwrap(), expected[1..]);
    assert_eq!(store.log(&id, 4..4).unwrap(), vec![]);
    assert_eq!(counts(store, &id).succeeded, 5);
}

pub fn compact_replaces_the_start_of_a_log_once_and_keeps_later_chunks(bench: &dyn Bench) {
    let store = &*bench.connect();
    let id = submit(store, "compact", "default", 3000);
    let mut worker = Worker::new(store);
    let claims = worker.claim(only(&id), 2000, LONG);
    let mut report = |indices: &[usize]| {
        for index in indices {
            worker.exchange(grouped(vec![outcome(&claims[*index], Verdict::Succeeded)]), None);
        }
    };
    let log = || store.log(&id, 0..9).unwrap();
    let text = |chunk: &str| chunk.as_bytes().to_vec();
    report(&[0, 1, 1500, 2]);
    let read = log()[0].1.clone();
    report(&[3]);
    assert!(store.compact(&id, 0, &read, b"0 to 2").unwrap());
    let others = (1, vec![text("1500:1;")]);
    assert_eq!(log(), vec![(0, vec![text("0 to 2"), text("3:1;")]), others.clone()], "chunks added meanwhile stay");
    assert!(!store.compact(&id, 0, &read, b"0 to 2").unwrap(), "sent twice, it is done once");
    // The log has as many chunks as were read, but other ones.
    report(&[4]);
    assert!(!store.compact(&id, 0, &read, b"0 to 2, by another").unwrap());
    let grown = vec![text("0 to 2"), text("3:1;"), text("4:1;")];
    assert_eq!(log(), vec![(0, grown.clone()), others]);
    assert!(!store.compact(&id, 0, &[grown, vec![text("more")]].concat(), b"all").unwrap(), "the log has fewer chunks");
    assert!(!store.compact(&id, 0, &[], b"none").unwrap());
    assert!(!store.compact(&id, 7, &read, b"no such block").unwrap());
    let gone = SweepId { name: "gone".into(), number: 1 };
    assert!(matches!(store.compact(&gone, 0, &read, b""), Err(error) if error.is_no_such_sweep()));
}

pub fn spans_are_read_in_pages(bench: &dyn Bench) {
    let store = &*bench.connect();
    let id = submit(store, "spans", "default", 100);
    let mut worker = Worker::new(store);
    let claims = worker.claim(only(&id), 60, LONG);
    let verdict = |index| match index {
        0..10 => LATER,
        10..30 if index % 2 == 0 => AGAIN,
        30..50 if index % 2 == 0 => Verdict::Failed,
        30..50 => Verdict::Cancelled,
        _ => Verdict::Succeeded,
    };
    let outcomes = claims[..58].iter().map(|claim| outcome(claim, verdict(claim.job.index)));
    assert_eq!(worker.report(outcomes.collect()), ALL_ACCEPTED);
    assert_eq!(counts(store, &id).pending, 10 + 10 + 40);

    let pending = spans(store, &id, PointSet::Pending);
    let due: Vec<u64> = pending
        .iter()
        .filter(|span| matches!(span.state, JobState::Pending { due_ms: Some(_) }))
        .flat_map(|span| span.indices.clone())
        .collect();
    assert_eq!(due, (0..10).collect::<Vec<_>>(), "delayed points say when they are due");
    let expected: Vec<_> = std::iter::once(0..11).chain((6..15).map(|n| 2 * n..2 * n + 1)).chain([60..100]).collect();
    assert_eq!(ranges(store, &id, PointSet::Pending), expected);
    assert_eq!(ranges(store, &id, PointSet::Failed).len(), 10);
    let running = JobState::Running { attempt: 1, worker: worker.id.clone(), started_ms: None };
    assert!(spans(store, &id, PointSet::Running).iter().all(|span| span.state == running));
    assert_eq!(ranges(store, &id, PointSet::Running), vec![58..60]);

    // From the middle: the spans that end after the given index.
    assert_eq!(store.spans(&id, PointSet::Cancelled, 41, 1).unwrap(), [span(41..42, JobState::Cancelled)]);
    assert_eq!(store.spans(&id, PointSet::Cancelled, 42, 1).unwrap(), [span(43..44, JobState::Cancelled)]);
    let last = store.spans(&id, PointSet::Pending, 99, 5).unwrap();
    assert_eq!((last.len(), last[0].indices.end), (1, 100));
    assert_eq!(store.spans(&id, PointSet::Pending, 100, 5).unwrap(), vec![]);
    assert_eq!(store.spans(&id, PointSet::Pending, 0, 0).unwrap(), vec![]);
}

fn span(indices: std::ops::Range<u64>, state: JobState) -> Span {
    Span { indices, state }
}
