//! Owns the checks of staged sweeps, and of replacing the document of a sweep.

use sweep::job::{SweepId, Verdict};
use sweep::store::{ColumnPlace, Counts, NewSweep, PointSet, StagedPart, StagedSweep, Store};

use crate::harness::{ALL_ACCEPTED, Bench, LONG, Worker, counts, only, outcome, queue, ranges, submit, unique, word};

fn staged(name: &str, total: u64) -> StagedSweep {
    let sweep = NewSweep {
        request: format!("request-{}", unique()),
        name: name.into(),
        queue: "default".into(),
        total,
        user: "ada".into(),
        document: b"a document".to_vec(),
        inputs: sweep::model::FoundInputs::default(),
    };
    StagedSweep { token: format!("token-{}", unique()), sweep }
}

/// Adds a part, twice.
fn add(store: &dyn Store, staged: &StagedSweep, part: &StagedPart) {
    for _ in 0..2 {
        store.add_staged(staged, part).unwrap();
    }
}

/// Starts a staged sweep, twice.
fn stage(store: &dyn Store, staged: &StagedSweep) -> SweepId {
    let id = store.stage(staged).unwrap();
    assert_eq!(store.stage(staged).unwrap(), id, "the same request gets the same reply");
    id
}

/// Adds all parts of a sweep of 2000 points: 3..1500 are reused, the others are to run.
fn add_all_parts(store: &dyn Store, staged: &StagedSweep) {
    let at = |index| ColumnPlace { index, position: 0 };
    let columns = vec![("y".into(), at(9)), ("x".into(), at(3))];
    let chunks = vec![(0, b"3:1;4:2;".to_vec()), (1, b"1024:1;".to_vec())];
    add(store, staged, &StagedPart { part: 0, points: 1000, chunks, ..StagedPart::default() });
    add(store, staged, &StagedPart { part: 1, points: 0, ready: vec![0..3], ..StagedPart::default() });
    let chunks = vec![(0, b"5:1;".to_vec())];
    add(store, staged, &StagedPart { part: 2, points: 497, chunks, ready: vec![1500..2000], columns });
    // A part that was sent before arrives again, late.
    store.add_staged(staged, &StagedPart { part: 1, points: 7, ready: vec![5..9], ..StagedPart::default() }).unwrap();
}

pub fn a_staged_sweep_is_visible_after_its_commit(bench: &dyn Bench) {
    let store = &*bench.connect();
    let first = submit(store, "made", "default", 5);
    let staged = staged("made", 2000);
    let id = stage(store, &staged);
    assert_eq!(id.to_string(), "made-2");
    add_all_parts(store, &staged);
    assert_eq!(store.sweeps().unwrap().len(), 1, "it is not listed yet");
    assert!(matches!(store.sweep(&id), Err(error) if error.is_no_such_sweep()));
    assert!(matches!(store.document(&id), Err(error) if error.is_no_such_sweep()));
    let mut worker = Worker::new(store);
    assert!(worker.claim(queue("default"), 100, LONG).iter().all(|claim| claim.job.sweep == first));

    for _ in 0..2 {
        assert_eq!(store.commit_staged(&staged).unwrap(), id);
    }
    let listed: Vec<_> = store.sweeps().unwrap().into_iter().map(|row| row.id).collect();
    assert_eq!(listed, [id.clone(), first]);
    let expected = Counts { total: 2000, pending: 503, succeeded: 1497, reused: 1497, ..Counts::default() };
    assert_eq!(counts(store, &id), expected);
    assert_eq!(ranges(store, &id, PointSet::Pending), [0..3, 1500..2000]);
    assert_eq!(["pending", "succeeded", "succeeded", "pending"], [2, 3, 1499, 1500].map(|at| word(store, &id, at)));
    assert_eq!(store.columns(&id).unwrap(), ["x", "y"]);
    assert_eq!(store.document(&id).unwrap(), b"a document");
    let log = store.log(&id, 0..9).unwrap();
    assert_eq!(log, [(0, vec![b"3:1;4:2;".to_vec(), b"5:1;".to_vec()]), (1, vec![b"1024:1;".to_vec()])]);

    // From now on it is a sweep like any other.
    let claims = worker.claim(queue("default"), 600, LONG);
    assert_eq!(claims.len(), 503);
    assert_eq!((claims[3].job.index, claims[3].tries.attempts), (1500, 1));
    let outcomes = claims.iter().map(|claim| outcome(claim, Verdict::Succeeded));
    assert_eq!(worker.report(outcomes.collect()), ALL_ACCEPTED);
    assert_eq!(counts(store, &id), Counts { total: 2000, succeeded: 2000, reused: 1497, ..Counts::default() });
    store.remove(&id, false).unwrap();
    assert_eq!(store.sweeps().unwrap().len(), 1);
}

pub fn a_staged_sweep_with_nothing_to_run_gives_no_claims(bench: &dyn Bench) {
    let store = &*bench.connect();
    let staged = staged("whole", 3);
    let id = stage(store, &staged);
    add(
        store,
        &staged,
        &StagedPart { points: 3, chunks: vec![(0, b"0:1;1:1;2:1;".to_vec())], ..StagedPart::default() },
    );
    assert_eq!(store.commit_staged(&staged).unwrap(), id);
    assert_eq!(counts(store, &id), Counts { total: 3, succeeded: 3, reused: 3, ..Counts::default() });
    assert_eq!(Worker::new(store).claim(only(&id), 9, LONG), vec![]);
}

pub fn a_staged_sweep_that_lacks_points_is_refused(bench: &dyn Bench) {
    let store = &*bench.connect();
    let staged = staged("part", 10);
    stage(store, &staged);
    add(store, &staged, &StagedPart { points: 3, ready: vec![5..10], ..StagedPart::default() });
    let refused = store.commit_staged(&staged).unwrap_err();
    assert!(refused.is_refusal() && refused.message.contains("10") && refused.message.contains('8'), "{refused}");
    assert_eq!(store.sweeps().unwrap(), []);
    let unknown = StagedSweep { token: "another".into(), ..staged };
    for refused in
        [store.add_staged(&unknown, &StagedPart::default()).unwrap_err(), store.commit_staged(&unknown).unwrap_err()]
    {
        assert!(refused.is_refusal() && refused.remedy.is_some(), "{refused}");
    }
}

pub fn of_two_staged_sweeps_of_one_request_the_first_commit_counts(bench: &dyn Bench) {
    let store = &*bench.connect();
    let one = staged("race", 4);
    let other = StagedSweep { token: "other".into(), ..one.clone() };
    let (first, second) = (stage(store, &one), stage(store, &other));
    assert_ne!(first, second);
    for staged in [&one, &other] {
        add(
            store,
            staged,
            &StagedPart { points: 1, chunks: vec![(0, b"0:1;".to_vec())], ready: vec![1..4], ..StagedPart::default() },
        );
    }
    assert_eq!(store.commit_staged(&other).unwrap(), second);
    assert_eq!(store.commit_staged(&one).unwrap(), second, "its request has submitted a sweep already");
    assert_eq!(store.submit(&one.sweep).unwrap(), second, "also by submit");
    assert_eq!(store.sweeps().unwrap().len(), 1);
    assert_eq!(counts(store, &second).pending, 3);
    assert_eq!(store.log(&second, 0..9).unwrap(), [(0, vec![b"0:1;".to_vec()])]);
}

pub fn the_document_and_the_queue_of_a_sweep_can_be_replaced(bench: &dyn Bench) {
    let store = &*bench.connect();
    let id = submit(store, "other", "default", 5);
    let younger = submit(store, "younger", "fast", 5);
    let mut worker = Worker::new(store);
    let claim = worker.claim_one(&id, LONG);
    let revision = store.document_revision(&id).unwrap();
    assert_eq!(store.document_revision(&id).unwrap(), revision);
    for _ in 0..2 {
        store.replace_document(&id, "fast", b"another document", None).unwrap();
    }
    assert_ne!(store.document_revision(&id).unwrap(), revision);
    assert_eq!(store.document(&id).unwrap(), b"another document");
    assert_eq!(store.sweep(&id).unwrap().queue, "fast");
    assert_eq!(worker.claim(queue("default"), 9, LONG), vec![]);
    let claims = worker.claim(queue("fast"), 9, LONG);
    assert!(claims.len() == 4 && claims.iter().all(|claim| claim.job.sweep == id), "the oldest sweep first");
    assert!(worker.finish(&claim, Verdict::Succeeded));
    assert_eq!(store.sweep(&younger).unwrap().counts.pending, 5);
    let gone = SweepId { name: "gone".into(), number: 1 };
    assert!(matches!(store.replace_document(&gone, "q", b"", None), Err(error) if error.is_no_such_sweep()));
    assert!(matches!(store.document_revision(&gone), Err(error) if error.is_no_such_sweep()));
}
