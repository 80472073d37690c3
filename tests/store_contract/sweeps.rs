//! Owns the checks of whole sweeps: submit, list, pause, cancel, requeue, rerun, remove.

use std::time::{Duration, Instant};

use sweep::job::{AttemptCounts, MAX_POINTS, SweepId, Verdict};
use sweep::store::{Backlog, Counts, LeaseStatus, NewSweep, PointSet, ReportEntry, Rerun, Scope, StoreErrorKind};

use crate::harness::{
    ALL_ACCEPTED, Bench, LONG, SHORT, Worker, counts, eventually, grouped, let_time_pass, only, outcome, queue, ranges,
    recorded, submit, word,
};

const AGAIN: Verdict = Verdict::Again { delay_ms: 0 };
const LATER: Verdict = Verdict::Again { delay_ms: 3_600_000 };

pub fn sweep_numbers_increase_and_are_never_used_again(bench: &dyn Bench) {
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
            inputs: sweep::model::FoundInputs::default(),
        };
        assert!(matches!(store.submit(&new), Err(error) if error.is_refusal()), "{name}");
    }
}

pub fn a_row_has_what_was_submitted(bench: &dyn Bench) {
    let store = &*bench.connect();
    // Bytes that are not text, and more of them than fit in a page.
    let document: Vec<u8> = (0..100_000u32).map(|n| (n * 7 % 256) as u8).collect();
    let new = NewSweep {
        request: "r".into(),
        name: "row".into(),
        queue: "überlange Queue mit Leerzeichen".into(),
        total: 1 << 40,
        user: "Ada L.".into(),
        document: document.clone(),
        inputs: sweep::model::FoundInputs::default(),
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

pub fn cancel_empties_the_queue_and_marks_the_leases(bench: &dyn Bench) {
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
    assert_eq!(worker.report(outcomes.collect()), ALL_ACCEPTED, "a success or failure counts, a retry is cancelled");
    let words: Vec<_> = (3..8).map(|index| word(store, &id, index)).collect();
    assert_eq!(words, ["succeeded", "failed", "cancelled", "cancelled", "cancelled"]);
    let_time_pass(Duration::from_millis(5));
    assert!(worker.report_lost(&short, AGAIN), "a lost job does not go back in the queue either");
    let counts = counts(store, &id);
    assert_eq!((counts.succeeded, counts.failed, counts.cancelled), (2, 2, 96));
    assert!(counts.is_settled());
}

pub fn requeue_puts_back_failed_and_cancelled_points(bench: &dyn Bench) {
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
    let chosen = [1..2, 0..3, 3..4, 5..7, 8..12, 30..40, 49..1000, 7..7];
    // The points moved by each range: 1; 0 and 2; none; 5 and 6; 8 and 9; ten points; 49.
    assert_eq!(store.requeue(&id, &chosen).unwrap(), 1 + 2 + 2 + 2 + 10 + 1);
    assert_eq!(store.requeue(&id, &chosen).unwrap(), 0, "nothing is left to move");
    assert_eq!(ranges(store, &id, PointSet::Pending), [0..3, 5..7, 8..10, 30..40, 49..50]);
    assert_eq!(ranges(store, &id, PointSet::Cancelled), [4..5, 7..8, 20..30, 40..49]);
    assert_eq!(ranges(store, &id, PointSet::Failed), vec![]);
    assert_eq!(counts(store, &id).pending, 18);
    for (index, tries) in [(0, 1), (5, 1), (6, 1), (30, 0)] {
        let expected = AttemptCounts { attempts: tries, failures: 0, losses: 0 };
        assert_eq!(store.point(&id, index).unwrap().1.unwrap_or_default(), expected);
    }
    assert_eq!(store.point(&id, 4).unwrap().1.unwrap().failures, 1, "a point that is not put back keeps its counts");
    let given = worker.claim(only(&id), 99, LONG);
    assert_eq!(given.len(), 18);
    assert_eq!((given[0].job.index, given[0].tries.attempts), (0, 2));
    assert_eq!((given[8].job.index, given[8].tries.attempts), (31, 1));
    assert_eq!(
        worker.beat(&[(&claims[15], true)], LONG),
        [(15, LeaseStatus::Cancelled)],
        "a running job stays cancelled"
    );
}

pub fn a_resume_records_how_many_points_have_failed(bench: &dyn Bench) {
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
    assert_eq!(failed_at_resume(), 0, "a pause does not change it");
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

pub fn rerun_puts_back_a_succeeded_point_and_its_attempts_continue(bench: &dyn Bench) {
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
    assert!(!worker.finish(&claims[0], Verdict::Succeeded), "its claim already has an outcome");
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

pub fn remove_needs_force_while_jobs_are_leased(bench: &dyn Bench) {
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

    // A later sweep shares nothing with it.
    let next = submit(store, "remove", "default", 10);
    assert_eq!(recorded(store, &next), vec![]);
    assert_eq!(store.outputs(&next, &[(0, 1)]).unwrap(), [None]);
    assert_eq!(ranges(store, &next, PointSet::Pending), vec![0..10]);
    assert_eq!(store.point(&next, 0).unwrap().1.unwrap_or_default(), AttemptCounts::default());
    counts(store, &next);
}

pub fn backlog_counts_the_jobs_left_to_run(bench: &dyn Bench) {
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
    // Delayed points that are due count as ready.
    assert!(worker.finish(&claims[1], Verdict::Again { delay_ms: 1 }));
    eventually("it is due", || (store.backlog(&only(&first)).unwrap().ready == 8).then_some(()));
    assert_eq!(store.backlog(&only(&first)).unwrap().delayed, 1);
}

pub fn backlog_names_at_most_a_hundred_paused_sweeps(bench: &dyn Bench) {
    let store = &*bench.connect();
    let ids: Vec<_> = (0..120).map(|_| submit(store, "many", "default", 1)).collect();
    for id in &ids {
        store.set_paused(id, Some("by hand")).unwrap();
    }
    let backlog = store.backlog(&queue("default")).unwrap();
    assert_eq!(backlog.paused, ids[..100], "the oldest");
    assert_eq!((backlog.ready, backlog.delayed, backlog.leased), (0, 0, 0));
    // Sweeps that have ended do not count.
    for id in &ids[..50] {
        store.cancel(id).unwrap();
    }
    assert_eq!(store.backlog(&queue("default")).unwrap().paused, ids[50..]);
}

pub fn an_unknown_sweep_is_named_in_the_error(bench: &dyn Bench) {
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
