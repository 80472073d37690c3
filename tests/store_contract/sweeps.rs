//! Owns the checks of putting sweeps in, cancelling, putting back, removing, and reading.

use std::time::{Duration, Instant};

use sweep::job::{AttemptCounts, JobState, MAX_POINTS, SweepId, Verdict};
use sweep::store::{
    Backlog, ColumnPlace, Counts, LeaseStatus, NewSweep, PointSet, Report, ReportEntry, Rerun, Scope, Span,
    StoreErrorKind,
};

use crate::harness::{
    ALL_ACCEPTED, Bench, LONG, SHORT, Worker, counts, eventually, grouped, let_time_pass, only, outcome, queue, ranges,
    recorded, spans, submit, word,
};

const AGAIN: Verdict = Verdict::Again { delay_ms: 0 };
const LATER: Verdict = Verdict::Again { delay_ms: 3_600_000 };

pub fn numbers_count_up_and_are_never_used_again(bench: &dyn Bench) {
    let store = &*bench.connect();
    let ids: Vec<_> = ["pi", "pi", "pi-1", "pi"].iter().map(|name| submit(store, name, "default", 1)).collect();
    let ids: Vec<_> = ids.iter().map(SweepId::to_string).collect();
    assert_eq!(ids, ["pi-1", "pi-2", "pi-1-1", "pi-3"]);
    for id in ["pi-3", "pi-1"] {
        store.remove(&id.parse().unwrap(), false).unwrap();
    }
    assert_eq!(submit(&*bench.connect(), "pi", "default", 1).to_string(), "pi-4");
    let listed: Vec<_> = store.sweeps().unwrap().iter().map(|row| row.id.to_string()).collect();
    assert_eq!(listed, ["pi-4", "pi-1-1", "pi-2"], "newest first");
    for (name, total) in [("no name", 1), ("-x", 1), ("", 1), ("many", MAX_POINTS + 1)] {
        let new = NewSweep {
            request: name.into(),
            name: name.into(),
            queue: "default".into(),
            total,
            user: "ada".into(),
            document: vec![],
        };
        assert!(matches!(store.submit(&new), Err(error) if error.is_refusal()), "{name}");
    }
}

pub fn a_row_tells_what_was_submitted(bench: &dyn Bench) {
    let store = &*bench.connect();
    // Bytes that are no text, and more of them than fit in a page.
    let document: Vec<u8> = (0..100_000u32).map(|n| (n * 7 % 256) as u8).collect();
    let new = NewSweep {
        request: "r".into(),
        name: "row".into(),
        queue: "überlange Queue mit Leerzeichen".into(),
        total: 1 << 40,
        user: "Ada L.".into(),
        document: document.clone(),
    };
    let id = store.submit(&new).unwrap();
    let row = store.sweep(&id).unwrap();
    assert_eq!((&row.id, &row.queue, &row.user), (&id, &new.queue, &new.user));
    assert_eq!((row.paused.as_deref(), row.last_outcome_ms), (None, None));
    assert_eq!(row.counts, Counts { total: 1 << 40, pending: 1 << 40, ..Counts::default() });
    assert!(row.submitted_ms > 1_700_000_000_000, "milliseconds since the epoch: {}", row.submitted_ms);
    assert_eq!(store.document(&id).unwrap(), document);
    assert_eq!(store.sweeps().unwrap(), [row]);
    assert!(!store.describe().is_empty());
}

pub fn cancel_empties_the_queue_and_marks_the_claims(bench: &dyn Bench) {
    let store = &*bench.connect();
    let id = submit(store, "cancel", "default", 100);
    let mut worker = Worker::new(store);
    let claims = worker.claim(only(&id), 8, LONG);
    let short = worker.claim_one(&id, SHORT);
    let verdicts = [Verdict::Succeeded, Verdict::Failed, LATER];
    let outcomes = claims.iter().zip(verdicts).map(|(claim, verdict)| outcome(claim, verdict));
    assert_eq!(worker.report(outcomes.collect()), ALL_ACCEPTED);
    let expected = Counts { total: 100, pending: 0, running: 6, succeeded: 1, failed: 1, cancelled: 92, reused: 0 };
    for _ in 0..2 {
        assert_eq!(store.cancel(&id).unwrap(), expected);
        assert_eq!(counts(store, &id), expected);
    }
    assert_eq!(ranges(store, &id, PointSet::Cancelled), [2..3, 9..100]);
    assert_eq!(worker.claim(queue("default"), 1, LONG), vec![]);

    let held: Vec<_> = claims[3..].iter().map(|claim| (claim, true)).collect();
    let all: Vec<_> = (3..8).map(|index| (index, LeaseStatus::Cancelled)).collect();
    assert_eq!(worker.beat(&held, LONG), all);
    let verdicts = [Verdict::Succeeded, Verdict::Failed, AGAIN, LATER, Verdict::Cancelled];
    let outcomes = claims[3..].iter().zip(verdicts).map(|(claim, verdict)| outcome(claim, verdict));
    assert_eq!(worker.report(outcomes.collect()), ALL_ACCEPTED, "an outcome stands, a retry does not");
    let words: Vec<_> = (3..8).map(|index| word(store, &id, index)).collect();
    assert_eq!(words, ["succeeded", "failed", "cancelled", "cancelled", "cancelled"]);
    let_time_pass(Duration::from_millis(5));
    assert!(worker.report_lost(&short, AGAIN), "what is lost does not go back in the queue either");
    let counts = counts(store, &id);
    assert_eq!((counts.succeeded, counts.failed, counts.cancelled), (2, 2, 96));
    assert!(counts.is_settled());
}

pub fn requeue_puts_back_what_failed_or_is_cancelled(bench: &dyn Bench) {
    let store = &*bench.connect();
    let id = submit(store, "requeue", "default", 50);
    let mut worker = Worker::new(store);
    let claims = worker.claim(only(&id), 20, LONG);
    let verdict = |index| match index {
        0 | 1 | 2 | 5 | 9 => Verdict::Failed,
        3 => Verdict::Succeeded,
        4 => LATER,
        _ => Verdict::Cancelled,
    };
    let outcomes = claims[..10].iter().map(|claim| outcome(claim, verdict(claim.job.index)));
    assert_eq!(worker.report(outcomes.collect()), ALL_ACCEPTED);
    store.cancel(&id).unwrap();
    // Failed: 0 1 2 5 9. Succeeded: 3. Claimed: 10..20. Cancelled: 4 6 7 8 20..50.
    let wanted = [1..2, 0..3, 3..4, 5..7, 8..12, 30..40, 49..1000, 7..7];
    // Moved: 1, 0 and 2, none, 5 and 6, 8 and 9, ten, 49.
    assert_eq!(store.requeue(&id, &wanted).unwrap(), 1 + 2 + 2 + 2 + 10 + 1);
    assert_eq!(store.requeue(&id, &wanted).unwrap(), 0, "nothing is left to move");
    assert_eq!(ranges(store, &id, PointSet::Pending), [0..3, 5..7, 8..10, 30..40, 49..50]);
    assert_eq!(ranges(store, &id, PointSet::Cancelled), [4..5, 7..8, 20..30, 40..49]);
    assert_eq!(ranges(store, &id, PointSet::Failed), vec![]);
    assert_eq!(counts(store, &id).pending, 18);
    for (index, tries) in [(0, 1), (5, 1), (6, 1), (30, 0)] {
        let expected = AttemptCounts { attempts: tries, failures: 0, losses: 0 };
        assert_eq!(store.point(&id, index).unwrap().1.unwrap_or_default(), expected);
    }
    assert_eq!(store.point(&id, 4).unwrap().1.unwrap().failures, 1, "what is not put back keeps its counts");
    let given = worker.claim(only(&id), 99, LONG);
    assert_eq!(given.len(), 18);
    assert_eq!((given[0].job.index, given[0].tries.attempts), (0, 2));
    assert_eq!((given[8].job.index, given[8].tries.attempts), (31, 1));
    assert_eq!(
        worker.beat(&[(&claims[15], true)], LONG),
        [(15, LeaseStatus::Cancelled)],
        "what is claimed stays cancelled"
    );
}

pub fn what_had_failed_is_forgiven_when_the_sweep_is_resumed(bench: &dyn Bench) {
    let store = &*bench.connect();
    let id = submit(store, "failed_at_resume", "default", 9);
    let failed_at_resume = || store.sweep(&id).unwrap().failed_at_resume;
    assert_eq!(failed_at_resume(), 0);
    let mut worker = Worker::new(store);
    let claims = worker.claim(only(&id), 6, LONG);
    let fail = |worker: &mut Worker, claims: &[sweep::store::Claim]| {
        worker.report(claims.iter().map(|claim| outcome(claim, Verdict::Failed)).collect())
    };
    assert_eq!(fail(&mut worker, &claims[..4]), ALL_ACCEPTED);
    store.set_paused(&id, Some("4 failed")).unwrap();
    assert_eq!(failed_at_resume(), 0, "to pause forgives nothing");
    for _ in 0..2 {
        store.set_paused(&id, None).unwrap();
        assert_eq!(failed_at_resume(), 4);
    }
    assert_eq!(fail(&mut worker, &claims[4..]), ALL_ACCEPTED);
    assert_eq!((failed_at_resume(), counts(store, &id).failed), (4, 6));
    store.requeue(&id, &[0..1]).unwrap();
    assert_eq!((failed_at_resume(), counts(store, &id).failed), (4, 5));
    store.requeue(&id, &[1..2, 3..5]).unwrap();
    assert_eq!((failed_at_resume(), counts(store, &id).failed), (2, 2));
    assert_eq!(store.sweeps().unwrap()[0].failed_at_resume, 2);
}

pub fn a_success_is_set_aside_by_name_and_attempts_count_on(bench: &dyn Bench) {
    let store = &*bench.connect();
    let id = submit(store, "rerun", "default", 3);
    let mut worker = Worker::new(store);
    let claims = worker.claim(only(&id), 2, LONG);
    let verdicts = [Verdict::Succeeded, Verdict::Failed];
    let outcomes = claims.iter().zip(verdicts).map(|(claim, verdict)| outcome(claim, verdict));
    assert_eq!(worker.report(outcomes.collect()), ALL_ACCEPTED);
    let rerun = Rerun { index: 0, attempts: 1, chunks: 1, chunk: b"0:1;".into() };
    for other in [1, 2, 3, 1 << 60] {
        assert!(!store.rerun(&id, &Rerun { index: other, ..rerun.clone() }).unwrap(), "{other} has not succeeded");
    }
    for chunks in [0, 2] {
        assert!(!store.rerun(&id, &Rerun { chunks, ..rerun.clone() }).unwrap(), "the log has one chunk, not {chunks}");
    }
    assert!(store.rerun(&id, &rerun).unwrap());
    assert!(!store.rerun(&id, &rerun).unwrap(), "once");
    let expected = Counts { total: 3, pending: 2, failed: 1, ..Counts::default() };
    assert_eq!(counts(store, &id), expected);
    assert_eq!(store.point(&id, 0).unwrap().1, Some(AttemptCounts { attempts: 1, ..AttemptCounts::default() }));
    assert_eq!(recorded(store, &id), [(0, 1), (1, 1), (0, 1)]);
    assert!(!worker.finish(&claims[0], Verdict::Succeeded), "its claim has had its outcome");
    let again = worker.claim_one(&id, LONG);
    assert_eq!((again.job.index, again.tries), (0, AttemptCounts { attempts: 2, ..AttemptCounts::default() }));
    assert!(worker.finish(&again, Verdict::Failed));
    assert_eq!(word(store, &id, 0), "failed");
}

pub fn requeue_of_a_huge_cancelled_range_is_quick(bench: &dyn Bench) {
    let store = &*bench.connect();
    let total = 1 << 50;
    let id = submit(store, "huge", "default", total);
    store.cancel(&id).unwrap();
    let start = Instant::now();
    let middle = total / 4..total / 2;
    assert_eq!(store.requeue(&id, std::slice::from_ref(&middle)).unwrap(), total / 4);
    assert_eq!(ranges(store, &id, PointSet::Pending), vec![middle.clone()]);
    assert_eq!(ranges(store, &id, PointSet::Cancelled), [0..middle.start, middle.end..total]);
    assert_eq!(store.requeue(&id, &[0..total]).unwrap(), total - total / 4);
    assert_eq!(counts(store, &id).pending, total);
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
}

pub fn remove_wants_force_while_jobs_are_claimed(bench: &dyn Bench) {
    let store = &*bench.connect();
    let id = submit(store, "remove", "default", 10);
    let other = submit(store, "remove", "default", 10);
    let mut worker = Worker::new(store);
    let claims = worker.claim(only(&id), 4, LONG);
    let kept = worker.claim_one(&other, LONG);
    let (sweep, entry) = outcome(&claims[0], Verdict::Failed);
    let entry = ReportEntry { output: Some(b"oops".to_vec()), ..entry };
    assert_eq!(worker.report(vec![(sweep, entry), outcome(&claims[1], LATER)]), ALL_ACCEPTED);
    let refused = store.remove(&id, false).unwrap_err();
    assert!(refused.is_refusal() && refused.remedy.is_some(), "{refused}");
    assert_eq!(counts(store, &id).running, 2);
    store.remove(&id, true).unwrap();
    let gone = store.remove(&id, true).unwrap_err();
    assert!(matches!(&gone.kind, StoreErrorKind::NoSuchSweep(named) if *named == id), "{gone}");

    let statuses = worker.beat(&[(&claims[2], true), (&kept, true), (&claims[3], false)], LONG);
    assert_eq!(statuses, [(2, LeaseStatus::Lost), (3, LeaseStatus::Lost)]);
    let mut reports = grouped(vec![outcome(&claims[2], Verdict::Succeeded), outcome(&claims[3], AGAIN)]);
    reports.extend(grouped(vec![outcome(&kept, Verdict::Succeeded)]));
    let replied = worker.exchange(reports, Some(crate::harness::want(only(&id), 5, LONG)));
    assert_eq!(replied.stale, [(0, vec![2, 3])], "all of its indices");
    assert_eq!(replied.claims, vec![]);
    assert_eq!(counts(store, &other).succeeded, 1);
    assert_eq!(store.sweeps().unwrap().len(), 1);
    assert_eq!(store.expired().unwrap(), vec![]);

    // A sweep that comes after shares nothing with it.
    let next = submit(store, "remove", "default", 10);
    assert_eq!(recorded(store, &next), vec![]);
    assert_eq!(store.outputs(&next, &[(0, 1)]).unwrap(), [None]);
    assert_eq!(ranges(store, &next, PointSet::Pending), vec![0..10]);
    assert_eq!(store.point(&next, 0).unwrap().1.unwrap_or_default(), AttemptCounts::default());
    counts(store, &next);
}

pub fn backlog_counts_what_there_is_to_do(bench: &dyn Bench) {
    let store = &*bench.connect();
    let first = submit(store, "first", "a", 10);
    let second = submit(store, "second", "b", 5);
    let paused = submit(store, "paused", "a", 7);
    let settled = submit(store, "settled", "a", 1);
    let elsewhere = submit(store, "elsewhere", "c", 100);
    let mut worker = Worker::new(store);
    let only_one = worker.claim_one(&settled, LONG);
    assert!(worker.finish(&only_one, Verdict::Succeeded));
    let claims = worker.claim(only(&first), 3, LONG);
    assert!(worker.finish(&claims[0], LATER));
    worker.claim(only(&second), 1, LONG);
    worker.claim(only(&paused), 1, LONG);
    for id in [&paused, &settled] {
        store.set_paused(id, Some("by hand")).unwrap();
    }
    let both = Scope::Queues(vec!["a".into(), "b".into()]);
    let expected = Backlog { ready: 7 + 4, delayed: 1, leased: 2 + 1, paused: vec![paused.clone()] };
    assert_eq!(store.backlog(&both).unwrap(), expected);
    assert_eq!(store.backlog(&queue("nobody's")).unwrap(), Backlog::default());
    let expected = Backlog { ready: 100, ..Backlog::default() };
    assert_eq!(store.backlog(&only(&elsewhere)).unwrap(), expected);
    let expected = Backlog { paused: vec![paused.clone()], ..Backlog::default() };
    assert_eq!(store.backlog(&only(&paused)).unwrap(), expected);
    // Delayed points that are due can be claimed now.
    assert!(worker.finish(&claims[1], Verdict::Again { delay_ms: 1 }));
    eventually("it is due", || (store.backlog(&only(&first)).unwrap().ready == 8).then_some(()));
    assert_eq!(store.backlog(&only(&first)).unwrap().delayed, 1);
}

/// Reports one success that brings columns, and what it printed.
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

pub fn columns_stand_in_order_of_first_appearance(bench: &dyn Bench) {
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
    // Chunks are bytes of any kind.
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

pub fn the_beginning_of_a_log_is_replaced_once_and_what_came_since_stays(bench: &dyn Bench) {
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
    assert_eq!(log(), vec![(0, vec![text("0 to 2"), text("3:1;")]), others.clone()], "what was added meanwhile stays");
    assert!(!store.compact(&id, 0, &read, b"0 to 2").unwrap(), "sent twice, it is done once");
    // The log grows to as many chunks as the other one has read: they are not the same.
    report(&[4]);
    assert!(!store.compact(&id, 0, &read, b"0 to 2, by another").unwrap());
    let grown = vec![text("0 to 2"), text("3:1;"), text("4:1;")];
    assert_eq!(log(), vec![(0, grown.clone()), others]);
    assert!(!store.compact(&id, 0, &[grown, vec![text("more")]].concat(), b"all").unwrap(), "there are not so many");
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

    // From the middle: the spans that end after it.
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

pub fn a_sweep_that_is_not_there_is_named(bench: &dyn Bench) {
    let store = &*bench.connect();
    submit(store, "here", "default", 1);
    let gone = SweepId { name: "here".into(), number: 2 };
    let errors = [
        store.sweep(&gone).unwrap_err(),
        store.document(&gone).unwrap_err(),
        store.set_paused(&gone, None).unwrap_err(),
        store.pause_unless_resumed(&gone, 0, "why").unwrap_err(),
        store.cancel(&gone).unwrap_err(),
        store.remove(&gone, true).unwrap_err(),
        store.requeue(&gone, &[]).unwrap_err(),
        store.rerun(&gone, &Rerun { index: 0, attempts: 1, chunks: 0, chunk: vec![] }).unwrap_err(),
        store.backlog(&only(&gone)).unwrap_err(),
        store.spans(&gone, PointSet::Failed, 0, 1).unwrap_err(),
        store.point(&gone, 0).unwrap_err(),
        store.log(&gone, 0..1).unwrap_err(),
        store.columns(&gone).unwrap_err(),
        store.outputs(&gone, &[(0, 1)]).unwrap_err(),
    ];
    for (n, error) in errors.iter().enumerate() {
        assert!(matches!(&error.kind, StoreErrorKind::NoSuchSweep(id) if *id == gone), "{n}: {error:?}");
    }
}
