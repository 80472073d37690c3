//! Tests of [`super`]: single judgements, and workers of a simulated sweep of which some machines are bad.

use proptest::prelude::*;

use super::*;

#[test]
fn pauses_double_until_a_job_succeeds() {
    let now = Instant::now();
    let mut health = SweepHealth::default();
    let mut pauses = Vec::new();
    for _ in 0..10 {
        assert_eq!(health.failed(FailureKind::Machine, now), Judgement::Suspect);
        pauses.push(health.step_back().as_secs());
        assert_eq!(health.failed(FailureKind::Other, now), Judgement::PutBack, "it has stepped back");
        health.succeeded();
        health.take_again();
    }
    assert_eq!(pauses, [2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
    assert_eq!(health.failed(FailureKind::Other, now), Judgement::Suspect, "the first one after a pause");
    health.succeeded();
    assert_eq!(health.failed(FailureKind::Machine, now), Judgement::Suspect);
    assert_eq!(health.step_back(), PAUSE.0);
}

#[test]
fn failures_are_charged_where_no_other_worker_may_run_the_sweep_and_where_they_happen_elsewhere_too() {
    let now = Instant::now();
    let mut health = SweepHealth::default();
    health.is_alone(now);
    assert_eq!(health.failed(FailureKind::Machine, now + ALONE / 2), Judgement::Charge);
    assert_eq!(health.failed(FailureKind::Machine, now + ALONE), Judgement::Suspect, "another one may have come");
    health.step_back();
    health.take_again();
    health.fails_everywhere(now);
    assert_eq!(health.failed(FailureKind::Machine, now + FAILS_EVERYWHERE / 2), Judgement::Charge);
    assert_eq!(health.failed(FailureKind::Machine, now + FAILS_EVERYWHERE), Judgement::Suspect);
}

#[test]
fn failures_in_a_row_count_against_the_worker_only_if_others_do_better() {
    let now = Instant::now();
    let counts = |succeeded, failed, running| Counts { succeeded, failed, running, ..Counts::default() };
    // Afterwards: the counts, this worker's jobs among the running ones, and what is concluded.
    let cases = [
        (counts(100, 14, 4), 4, Judgement::Charge, "nobody else is there"),
        (counts(100, 14, 9), 4, Judgement::Suspect, "others run jobs and none of these failed"),
        (counts(103, 14, 4), 4, Judgement::Suspect, "others had successes only"),
        (counts(103, 20, 9), 4, Judgement::Charge, "others fail too"),
        (counts(140, 30, 9), 4, Judgement::Suspect, "most jobs of others succeed"),
        (counts(110, 60, 9), 4, Judgement::Charge, "most jobs of others fail"),
    ];
    for (after, held, expected, why) in cases {
        let mut health = SweepHealth::default();
        assert_eq!(health.failed(FailureKind::Other, now), Judgement::ReadCounts);
        assert_eq!(health.compare(&counts(100, 10, 4), 4, now), Judgement::Charge);
        for _ in 2..STREAK {
            assert_eq!(health.failed(FailureKind::Other, now), Judgement::Charge);
        }
        assert_eq!(health.failed(FailureKind::Other, now), Judgement::ReadCounts);
        assert_eq!(health.compare(&after, held, now), expected, "{why}");
    }
}

#[test]
fn a_sweep_of_which_jobs_fail_now_and_then_asks_the_store_at_most_once_a_second() {
    let now = Instant::now();
    let mut health = SweepHealth::default();
    let mut reads = 0;
    for job in 0..5000 {
        let at = now + Duration::from_millis(job);
        if health.failed(FailureKind::Other, at) == Judgement::ReadCounts {
            reads += 1;
            health.compare(&Counts::default(), 1, at);
        }
        health.succeeded();
    }
    assert!(reads <= 5, "{reads}");
}

/// A worker of a simulated sweep.
struct Simulated {
    health: SweepHealth,
    is_bad: bool,
    back_until: Option<(Instant, usize)>,
}

/// Runs a sweep to its end, one job at a time by workers in turn. Returns how many points succeeded and failed.
/// `fails(point, is_bad)`: what a job looks like on such a machine.
fn simulate(bad: &[bool], points: usize, fails: impl Fn(usize, bool) -> Option<FailureKind>) -> (u64, u64) {
    let mut now = Instant::now();
    let mut counts = Counts { total: points as u64, pending: points as u64, ..Counts::default() };
    let mut queue: Vec<usize> = (0..points).rev().collect();
    let mut failed_points = std::collections::BTreeSet::new();
    let new = |is_bad: &bool| Simulated { health: SweepHealth::default(), is_bad: *is_bad, back_until: None };
    let mut workers: Vec<Simulated> = bad.iter().map(new).collect();
    let mut turns = 0;
    while !queue.is_empty() {
        turns += 1;
        assert!(turns < 100_000, "it goes on for ever: {} points left", queue.len());
        now += Duration::from_millis(10);
        for at in 0..workers.len() {
            let others = workers.iter().enumerate().any(|(other, one)| other != at && one.back_until.is_none());
            let Some(worker) = workers.get_mut(at) else { continue };
            if let Some((until, probe)) = worker.back_until {
                if now < until && others {
                    continue;
                }
                worker.back_until = None;
                worker.health.take_again();
                if failed_points.contains(&probe) {
                    worker.health.fails_everywhere(now);
                }
            }
            let Some(point) = queue.pop() else { break };
            let Some(kind) = fails(point, worker.is_bad) else {
                worker.health.succeeded();
                counts.succeeded += 1;
                continue;
            };
            let judgement = match worker.health.failed(kind, now) {
                Judgement::ReadCounts => worker.health.compare(&counts, 0, now),
                other => other,
            };
            if judgement == Judgement::Suspect {
                let pause = worker.health.step_back();
                if others {
                    worker.back_until = Some((now + pause, point));
                    queue.insert(0, point);
                    continue;
                }
                worker.health.is_alone(now);
            }
            assert_ne!(judgement, Judgement::PutBack, "it runs nothing while it has stepped back");
            counts.failed += 1;
            failed_points.insert(point);
        }
    }
    (counts.succeeded, counts.failed)
}

proptest! {
    #[test]
    fn one_good_machine_is_enough(bad in prop::collection::vec(any::<bool>(), 0..5), points in 1_usize..300) {
        let machines: Vec<bool> = bad.into_iter().chain([false]).collect();
        let (succeeded, failed) = simulate(&machines, points, |_, is_bad| is_bad.then_some(FailureKind::Machine));
        prop_assert_eq!((succeeded, failed), (points as u64, 0));
    }

    #[test]
    fn what_fails_everywhere_is_recorded_as_failed(machines in 1_usize..5, points in 1_usize..300, start in any::<bool>()) {
        let kind = if start { FailureKind::CannotStart } else { FailureKind::Machine };
        let (succeeded, failed) = simulate(&vec![true; machines], points, |_, _| Some(kind));
        prop_assert_eq!((succeeded, failed), (0, points as u64));
    }

    #[test]
    fn every_point_ends_whatever_fails_where(
        bad in prop::collection::vec(any::<bool>(), 1..5),
        kinds in prop::collection::vec(prop::option::of(0_u8..3), 1..100),
    ) {
        let fails = |point: usize, is_bad: bool| match kinds.get(point).copied().flatten() {
            Some(0) => Some(FailureKind::Other),
            Some(1) if is_bad => Some(FailureKind::Machine),
            Some(2) => Some(FailureKind::CannotStart),
            _ => None,
        };
        let (succeeded, failed) = simulate(&bad, kinds.len(), fails);
        prop_assert_eq!(succeeded + failed, kinds.len() as u64);
    }

    #[test]
    fn a_machine_on_which_everything_fails_for_no_known_reason_burns_few_points(points in 50_usize..2000) {
        let (_, failed) = simulate(&[true, false, false], points, |_, is_bad| is_bad.then_some(FailureKind::Other));
        prop_assert!(failed <= u64::from(STREAK), "{failed} of {points}");
    }
}
