//! Owns the checks of which outcomes are accepted, and what they change.

use std::time::Duration;

use sweep::job::{AttemptCounts, JobState, Verdict};
use sweep::store::{Claim, Exchange, LeaseStatus, PointSet, ReportEntry, StoreErrorKind};

use crate::harness::{
    ALL_ACCEPTED, Bench, LONG, SHORT, Worker, counts, eventually, given_back, grouped, let_time_pass, lost, only,
    outcome, ranges, recorded, submit, want, word,
};

const AGAIN: Verdict = Verdict::Again { delay_ms: 0 };

/// Waits until a claim with a [`SHORT`] lease has run out, and reports it as lost.
fn lose(finder: &mut Worker, claim: &Claim, verdict: Verdict) {
    let_time_pass(Duration::from_millis(5));
    assert!(finder.report_lost(claim, verdict), "an expired claim can be reported lost");
}

pub fn a_verdict_moves_its_point(bench: &dyn Bench) {
    let store = &*bench.connect();
    let id = submit(store, "moves", "default", 6);
    let mut worker = Worker::new(store);
    let claims = worker.claim(only(&id), 5, LONG);
    let running = JobState::Running { attempt: 1, worker: worker.id.clone(), started_ms: None };
    assert_eq!(store.point(&id, 0).unwrap(), (running, Some(claims[0].tries)));
    assert_eq!(store.sweep(&id).unwrap().last_outcome_ms, None);
    let later = Verdict::Again { delay_ms: 3_600_000 };
    let verdicts = [Verdict::Succeeded, Verdict::Failed, AGAIN, later, Verdict::Cancelled];
    let outcomes = claims.iter().zip(verdicts).map(|(claim, verdict)| outcome(claim, verdict)).collect();
    assert_eq!(worker.report(outcomes), ALL_ACCEPTED);

    let row = store.sweep(&id).unwrap();
    assert!(row.last_outcome_ms.unwrap() >= row.submitted_ms);
    let failed_once = Some(AttemptCounts { attempts: 1, failures: 1, losses: 0 });
    assert_eq!(store.point(&id, 0).unwrap(), (JobState::Succeeded, None));
    assert_eq!(store.point(&id, 1).unwrap(), (JobState::Failed, failed_once));
    assert_eq!(store.point(&id, 2).unwrap(), (JobState::Pending { due_ms: None }, failed_once));
    let (delayed, tries) = store.point(&id, 3).unwrap();
    assert_eq!(tries, failed_once);
    assert_eq!(delayed, JobState::Pending { due_ms: row.last_outcome_ms.map(|at| at + 3_600_000) });
    assert_eq!(store.point(&id, 4).unwrap(), (JobState::Cancelled, Some(claims[4].tries)));
    let (untouched, tries) = store.point(&id, 5).unwrap();
    assert_eq!((untouched, tries.unwrap_or_default()), (JobState::Pending { due_ms: None }, AttemptCounts::default()));

    let counts = counts(store, &id);
    let each = [counts.pending, counts.running, counts.succeeded, counts.failed, counts.cancelled];
    assert_eq!(each, [3, 0, 1, 1, 1]);
    assert_eq!(recorded(store, &id), [(0, 1), (1, 1), (2, 1), (3, 1), (4, 1)]);
    assert!(store.point(&id, 6).is_err(), "a sweep of six points has no point 6");
}

pub fn a_delayed_point_that_is_due_is_claimed_first(bench: &dyn Bench) {
    let store = &*bench.connect();
    let id = submit(store, "delays", "default", 5);
    let mut worker = Worker::new(store);
    let claims = worker.claim(only(&id), 4, LONG);
    let delays = [3_600_000, 1600, 1500, 0];
    let outcomes = claims.iter().zip(delays).map(|(claim, delay_ms)| outcome(claim, Verdict::Again { delay_ms }));
    assert_eq!(worker.report(outcomes.collect()), ALL_ACCEPTED);
    let backlog = store.backlog(&only(&id)).unwrap();
    assert_eq!((backlog.ready, backlog.delayed), (2, 3));
    assert_eq!(ranges(store, &id, PointSet::Pending), vec![0..5]);
    assert_eq!(worker.claim_one(&id, LONG).job.index, 3, "a delayed point is not claimed before it is due");
    eventually("both delays have passed", || (store.backlog(&only(&id)).unwrap().ready == 3).then_some(()));
    let given = worker.claim(only(&id), 9, LONG);
    let given: Vec<_> = given.iter().map(|claim| (claim.job.index, claim.tries)).collect();
    let second = AttemptCounts { attempts: 2, failures: 1, losses: 0 };
    let first = AttemptCounts { attempts: 1, failures: 0, losses: 0 };
    assert_eq!(given, [(2, second), (1, second), (4, first)], "the one that was due first, then ready points");
    assert_eq!(counts(store, &id).pending, 1);
}

pub fn a_stale_outcome_is_refused(bench: &dyn Bench) {
    let store = &*bench.connect();
    let id = submit(store, "stale", "default", 1);
    let (mut slow, mut quick) = (Worker::new(store), Worker::new(store));
    for given_up in [AGAIN, Verdict::Failed] {
        let old = slow.claim_one(&id, SHORT);
        lose(&mut quick, &old, given_up);
        if given_up == Verdict::Failed {
            assert_eq!(store.requeue(&id, &[0..1]).unwrap(), 1);
        }
        let new = quick.claim_one(&id, LONG);
        assert_eq!(new.tries.attempts, old.tries.attempts + 1);
        let before = recorded(store, &id);
        assert!(!slow.finish(&old, Verdict::Succeeded), "another worker runs the job");
        assert_eq!(slow.beat(&[(&old, true)], LONG), [(0, LeaseStatus::Lost)]);
        assert_eq!(word(store, &id, 0), "running");
        assert!(quick.finish(&new, AGAIN));
        assert!(!slow.finish(&old, Verdict::Succeeded), "another worker has run the job");
        assert_eq!(word(store, &id, 0), "pending");
        assert_eq!(recorded(store, &id).len(), before.len() + 1, "a stale outcome records nothing");
    }
    let wrong_token = {
        let mut claim = quick.claim_one(&id, LONG);
        claim.token ^= 1 << 60;
        claim
    };
    assert!(!quick.finish(&wrong_token, Verdict::Succeeded));
    counts(store, &id);
}

pub fn a_late_outcome_is_accepted_until_the_job_is_claimed_again(bench: &dyn Bench) {
    let store = &*bench.connect();
    let id = submit(store, "late", "default", 3);
    let (mut slow, mut finder) = (Worker::new(store), Worker::new(store));
    let claims = slow.claim(only(&id), 3, SHORT);
    lose(&mut finder, &claims[0], AGAIN);
    lose(&mut finder, &claims[1], Verdict::Again { delay_ms: 3_600_000 });
    lose(&mut finder, &claims[2], AGAIN);
    assert_eq!(counts(store, &id).pending, 3);
    assert!(slow.finish(&claims[0], Verdict::Succeeded));
    assert!(slow.finish(&claims[1], Verdict::Failed));
    assert!(slow.finish(&claims[2], Verdict::Again { delay_ms: 3_600_000 }));
    assert_eq!([word(store, &id, 0), word(store, &id, 1), word(store, &id, 2)], ["succeeded", "failed", "pending"]);
    let counts = counts(store, &id);
    assert_eq!((counts.succeeded, counts.failed, counts.pending), (1, 1, 1));
    assert_eq!(store.backlog(&only(&id)).unwrap().delayed, 1);
    let failed_once = Some(AttemptCounts { attempts: 1, failures: 1, losses: 0 });
    assert_eq!(store.point(&id, 2).unwrap().1, failed_once, "the attempt counts are those of the accepted outcome");
    assert!(!slow.finish(&claims[0], Verdict::Failed), "a claim has one outcome");
    assert!(!finder.report_lost(&claims[2], AGAIN), "a claim is lost once");
}

pub fn a_late_success_replaces_a_failure_by_loss(bench: &dyn Bench) {
    let store = &*bench.connect();
    let id = submit(store, "given-up", "default", 2);
    let (mut slow, mut finder) = (Worker::new(store), Worker::new(store));
    let claims = slow.claim(only(&id), 2, SHORT);
    lose(&mut finder, &claims[0], Verdict::Failed);
    lose(&mut finder, &claims[1], Verdict::Failed);
    assert_eq!(counts(store, &id).failed, 2);
    assert!(slow.finish(&claims[0], Verdict::Succeeded));
    assert_eq!(ranges(store, &id, PointSet::Failed), vec![1..2]);
    assert_eq!(store.requeue(&id, &[0..1, 1..2]).unwrap(), 1);
    assert!(slow.finish(&claims[1], Verdict::Succeeded), "it was requeued, but nobody has claimed it yet");
    let counts = counts(store, &id);
    assert_eq!((counts.succeeded, counts.pending), (2, 0));
}

pub fn a_late_retry_does_not_undo_a_cancel(bench: &dyn Bench) {
    let store = &*bench.connect();
    let id = submit(store, "late-cancel", "default", 2);
    let (mut slow, mut finder) = (Worker::new(store), Worker::new(store));
    let claims = slow.claim(only(&id), 2, SHORT);
    lose(&mut finder, &claims[0], AGAIN);
    lose(&mut finder, &claims[1], AGAIN);
    assert_eq!(store.cancel(&id).unwrap().cancelled, 2);
    assert!(slow.finish(&claims[0], AGAIN));
    assert!(slow.finish(&claims[1], Verdict::Succeeded), "a success counts");
    assert_eq!([word(store, &id, 0), word(store, &id, 1)], ["cancelled", "succeeded"]);
    counts(store, &id);
}

pub fn a_claim_has_one_outcome(bench: &dyn Bench) {
    let store = &*bench.connect();
    let id = submit(store, "once", "default", 3);
    let mut worker = Worker::new(store);
    let claims = worker.claim(only(&id), 3, LONG);
    let verdicts = [Verdict::Failed, AGAIN, Verdict::Cancelled];
    for (claim, verdict) in claims.iter().zip(verdicts) {
        assert!(worker.finish(claim, verdict));
        // With a new sequence number: this is not the same request again, but a second outcome of the claim.
        assert!(!worker.finish(claim, Verdict::Succeeded), "{verdict:?} was the outcome");
    }
    assert_eq!(recorded(store, &id).len(), 3);
    assert_eq!(counts(store, &id).succeeded, 0);
}

pub fn a_claim_returned_before_its_start_leaves_no_trace(bench: &dyn Bench) {
    let store = &*bench.connect();
    let id = submit(store, "back", "default", 2);
    let mut worker = Worker::new(store);
    let first = worker.claim_one(&id, LONG);
    assert_eq!(worker.report(vec![given_back(&first)]), ALL_ACCEPTED);
    assert_eq!(store.point(&id, 0).unwrap().1.unwrap_or_default(), AttemptCounts::default());
    let second = worker.claim_one(&id, LONG);
    assert_eq!((second.job.index, second.tries.attempts), (0, 1), "the same attempt number, with another token");
    assert!(!worker.finish(&first, Verdict::Succeeded), "a claim that was returned is over");
    assert!(worker.finish(&second, AGAIN));
    let third = worker.claim_one(&id, LONG);
    assert_eq!(worker.report(vec![given_back(&third)]), ALL_ACCEPTED);
    assert!(!worker.finish(&third, Verdict::Succeeded));
    assert_eq!(store.point(&id, 0).unwrap().1, Some(AttemptCounts { attempts: 1, failures: 1, losses: 0 }));
    counts(store, &id);
}

pub fn a_report_with_one_stale_entry_is_refused_as_a_whole(bench: &dyn Bench) {
    let store = &*bench.connect();
    let id = submit(store, "groups", "default", 2000);
    let (mut worker, mut finder) = (Worker::new(store), Worker::new(store));
    let lost_one = worker.claim_one(&id, SHORT);
    lose(&mut finder, &lost_one, AGAIN);
    let new = finder.claim_one(&id, LONG);
    assert_eq!(new.job.index, 0);
    let mut held = vec![lost_one];
    held.extend(worker.claim(only(&id), 1500, LONG));
    let reports = grouped(held.iter().map(|claim| outcome(claim, Verdict::Succeeded)).collect());
    assert_eq!(reports.len(), 2, "one for each block");
    let replied = worker.exchange(reports, Some(want(only(&id), 1, LONG)));
    assert_eq!(replied.stale, [(0, vec![0])]);
    assert_eq!(replied.claims.len(), 1, "claims are given in spite of the stale report");
    let after = counts(store, &id);
    assert_eq!((after.succeeded, after.running), (1500 - 1023, 1 + 1023 + 1), "the second report is accepted");
    let rest = held.iter().filter(|claim| (1..1024).contains(&claim.job.index));
    assert_eq!(worker.report(rest.map(|claim| outcome(claim, Verdict::Succeeded)).collect()), ALL_ACCEPTED);
    assert_eq!(counts(store, &id).succeeded, 1500);
    let log = recorded(store, &id);
    // The loss of the first claim, and the accepted outcomes.
    assert_eq!(log.first(), Some(&(0, 1)));
    assert_eq!(log.iter().filter(|(index, _)| *index == 0).count(), 1);
    assert_eq!(log.len(), 1 + 1500);
}

pub fn a_report_that_names_an_index_twice_is_refused(bench: &dyn Bench) {
    let store = &*bench.connect();
    let id = submit(store, "twice", "default", 3);
    let mut worker = Worker::new(store);
    let claims = worker.claim(only(&id), 2, LONG);
    let twice = [&claims[0], &claims[1], &claims[0]].map(|claim| outcome(claim, Verdict::Succeeded));
    assert_eq!(worker.report(twice.into()), [0]);
    assert_eq!(counts(store, &id).running, 2);
    let mut apart = grouped(vec![outcome(&claims[0], Verdict::Succeeded)]);
    apart.extend(grouped(vec![outcome(&claims[0], Verdict::Failed)]));
    assert_eq!(worker.exchange(apart, None).stale, [(1, vec![0])], "in two reports, the first one is accepted");
    assert_eq!(word(store, &id, 0), "succeeded");
    let beyond = {
        let mut claim = claims[1].clone();
        claim.job.index = 3;
        claim
    };
    assert!(!worker.finish(&beyond, Verdict::Succeeded), "a point that the sweep does not have");
    assert_eq!(recorded(store, &id), [(0, 1)]);
}

pub fn an_exchange_is_applied_once(bench: &dyn Bench) {
    let (one, two) = (bench.connect(), bench.connect());
    let id = submit(&*one, "seq", "default", 10);
    let request =
        |seq, reports| Exchange { worker: "w".into(), seq, reports, claim_request: Some(want(only(&id), 2, LONG)) };
    let first = request(7, vec![]);
    let replied = one.exchange(&first).unwrap();
    assert_eq!(two.exchange(&first).unwrap(), replied, "also on another connection");
    let foreign = lost(&replied.claims[0], AGAIN);
    let second = request(8, grouped(vec![outcome(&replied.claims[1], Verdict::Succeeded), foreign]));
    let answer = one.exchange(&second).unwrap();
    assert_eq!(answer.stale, [(0, vec![0])], "a claim that holds is not lost");
    assert_eq!(two.exchange(&second).unwrap(), answer);
    let stale = two.exchange(&first).unwrap_err();
    assert!(matches!(&stale.kind, StoreErrorKind::StaleRequest { worker, seq: 7 } if worker == "w"), "{stale:?}");
    assert_eq!(counts(&*one, &id).running, 4);
    one.exchange(&Exchange { claim_request: None, ..request(100, vec![]) }).unwrap();
    let stale = one.exchange(&second).unwrap_err();
    assert!(matches!(stale.kind, StoreErrorKind::StaleRequest { seq: 8, .. }), "{stale:?}");
}

pub fn attempt_counts_continue_from_claim_to_claim(bench: &dyn Bench) {
    let store = &*bench.connect();
    let id = submit(store, "tries", "default", 1);
    let (mut worker, mut finder) = (Worker::new(store), Worker::new(store));
    let claim = worker.claim_one(&id, LONG);
    assert!(worker.finish(&claim, AGAIN));
    let claim = worker.claim_one(&id, SHORT);
    assert_eq!(claim.tries, AttemptCounts { attempts: 2, failures: 1, losses: 0 });
    lose(&mut finder, &claim, AGAIN);
    let claim = worker.claim_one(&id, LONG);
    assert_eq!(claim.tries, AttemptCounts { attempts: 3, failures: 1, losses: 1 });
    assert!(worker.finish(&claim, Verdict::Failed));
    assert_eq!(store.requeue(&id, &[0..1]).unwrap(), 1);
    let claim = worker.claim_one(&id, LONG);
    assert_eq!(claim.tries, AttemptCounts { attempts: 4, failures: 0, losses: 0 }, "attempts never restart");
    let (sweep, entry) = outcome(&claim, Verdict::Succeeded);
    let wrong_attempt = ReportEntry { attempt: 3, ..entry };
    assert_eq!(worker.report(vec![(sweep, wrong_attempt)]), [0], "the attempt number must match, too");
    assert!(worker.finish(&claim, Verdict::Succeeded));
    counts(store, &id);
}

/// A store that was emptied gives out the same ids again, while jobs of the earlier sweep may still run.
pub fn an_outcome_of_another_submission_is_stale(bench: &dyn Bench) {
    let store = &*bench.connect();
    let id = submit(store, "again", "default", 2);
    let submission = store.sweep(&id).unwrap().submitted_ms;
    let mut worker = Worker::new(store);
    let claim = worker.claim_one(&id, LONG);
    assert_eq!(claim.submission, submission);
    for other in [submission - 1, submission + 1, 0, u64::MAX] {
        assert!(!worker.finish(&Claim { submission: other, ..claim.clone() }, Verdict::Succeeded), "{other}");
    }
    assert_eq!(word(store, &id, 0), "running");
    assert!(worker.finish(&claim, Verdict::Succeeded));
}
