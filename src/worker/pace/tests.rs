//! Tests of the pace of a worker: when it asks, looks, delivers and gives back.

use super::*;

fn view() -> StateSnapshot {
    StateSnapshot {
        slots: 4,
        running: 0,
        queued: 0,
        last_taken: None,
        done: 0,
        oldest_done: None,
        unverified: 0,
        stopping: Stopping::No,
    }
}

#[test]
fn an_idle_worker_asks_for_its_slots_and_then_less_and_less_often() {
    let now = Instant::now();
    let mut pace = Pace::new();
    assert_eq!(pace.next(&view(), now), NextAction::Exchange { want: 4 });
    pace.answered(4, 0, now);
    let asks_after = |pace: &Pace| pace.idle.map(|(until, _)| until - now);
    assert_eq!(asks_after(&pace), Some(IDLE.0));
    pace.answered(4, 0, now);
    assert_eq!(asks_after(&pace), Some(IDLE.0 * 2));
    for _ in 0..20 {
        pace.answered(4, 0, now);
    }
    assert_eq!(asks_after(&pace), Some(IDLE.1));
    assert_eq!(pace.next(&view(), now + IDLE.1), NextAction::Exchange { want: 4 });
}

#[test]
fn an_idle_worker_looks_often_and_asks_when_something_has_come() {
    let now = Instant::now();
    let mut pace = Pace::new();
    pace.answered(4, 0, now);
    let mut at = now;
    for (ready, asks) in [(0, false), (0, false), (3, true), (3, false), (2, false)] {
        pace.idle = Some((now + IDLE.1, IDLE.1));
        assert_eq!(pace.next(&view(), at), NextAction::Look);
        pace.looked(ready, 0, at);
        let next = if asks { NextAction::Exchange { want: 4 } } else { NextAction::Wait(at + LOOK.0) };
        assert_eq!(pace.next(&view(), at), next, "{ready} at {:?}", at - now);
        at += LOOK.0;
    }
    let full = StateSnapshot { running: 4, ..view() };
    assert!(matches!(pace.next(&full, at + LOOK.0), NextAction::Wait(_)), "who has no slot to spare does not look");
    for (idle, delayed, has_notices, wait) in [
        (6, 0, true, Duration::from_millis(100)),
        (60, 0, true, Duration::from_secs(1)),
        (6000, 0, true, LOOK.1),
        (6000, 1, true, LOOK_WITHOUT_NOTICES),
        (6000, 0, false, LOOK_WITHOUT_NOTICES),
    ] {
        let at = now + Duration::from_secs(idle);
        pace.set_notices(has_notices);
        pace.looked(0, delayed, at);
        assert_eq!(pace.look_at, Some(at + wait), "after {idle} s, {delayed} delayed, told: {has_notices}");
    }
}

#[test]
fn a_worker_idle_for_a_minute_sends_at_most_one_request_a_second() {
    let begun = Instant::now();
    let mut pace = Pace::new();
    pace.answered(4, 0, begun);
    let (mut now, mut requests) = (begun, 0);
    while now < begun + Duration::from_secs(90) {
        match pace.next(&view(), now) {
            NextAction::Wait(until) => now = until.max(now + Duration::from_micros(1)),
            NextAction::Look => {
                requests += u32::from(now >= begun + Duration::from_secs(60));
                pace.looked(0, 0, now);
            }
            step => panic!("{step:?} after {:?}", now - begun),
        }
    }
    assert!(requests <= 30, "{requests}");
}

#[test]
fn workers_that_learn_of_new_work_together_look_one_after_the_other() {
    let now = Instant::now();
    for (workers, share, after) in [
        (0, 0.5, Duration::ZERO),
        (1, 0.5, Duration::ZERO),
        (301, 0.0, Duration::ZERO),
        (301, 0.5, Duration::from_millis(75)),
        (100_000, 1.0, MOST_SPREAD),
    ] {
        let mut pace = Pace::new();
        pace.answered(4, 0, now);
        pace.looked(0, 0, now + Duration::from_secs(600));
        pace.new_work(workers, share, now);
        assert_eq!(pace.look_at, Some(now + after), "{workers} {share}");
        assert_eq!(pace.next(&view(), now + after), NextAction::Look);
        pace.looked(1, 0, now + after);
        assert_eq!(pace.next(&view(), now + after), NextAction::Exchange { want: 4 });
    }
    let mut busy = Pace::new();
    busy.answered(4, 4, now);
    busy.new_work(1, 0.0, now);
    assert_eq!(busy.look_at, None, "a worker that has work does not look");
}

#[test]
fn long_jobs_are_not_claimed_ahead() {
    let now = Instant::now();
    let mut pace = Pace::new();
    pace.job_took(3.0);
    let full = StateSnapshot { running: 4, ..view() };
    assert!(matches!(pace.next(&full, now), NextAction::Wait(_)));
    let one_free = StateSnapshot { running: 3, done: 1, oldest_done: Some(now), ..view() };
    assert_eq!(pace.next(&one_free, now), NextAction::Exchange { want: 1 });
}

#[test]
fn short_jobs_are_claimed_ahead_within_bounds_and_share_requests() {
    let now = Instant::now();
    let mut pace = Pace::new();
    pace.job_took(0.001);
    let busy = StateSnapshot { running: 4, ..view() };
    assert_eq!(pace.next(&busy, now), NextAction::Exchange { want: 400 });
    let stocked = StateSnapshot { running: 4, queued: 300, done: 10, oldest_done: Some(now), ..view() };
    let batch = Duration::from_millis(25);
    assert_eq!(pace.next(&stocked, now), NextAction::Wait(now + batch));
    assert_eq!(pace.next(&stocked, now + batch), NextAction::Exchange { want: 100 });
    let mut pace = Pace::new();
    pace.job_took(0.0);
    assert_eq!(pace.ahead(64), MOST_AHEAD);
}

#[test]
fn what_was_claimed_ahead_goes_back_when_jobs_turn_out_to_be_long() {
    let now = Instant::now();
    let mut pace = Pace::new();
    pace.job_took(0.001);
    let full = StateSnapshot { running: 4, queued: 300, last_taken: Some(now), ..view() };
    let next = |pace: &mut Pace, view: &StateSnapshot, now| {
        pace.observe(view, now);
        pace.next(view, now)
    };
    let soon = now + STUCK / 2;
    assert_eq!(next(&mut pace, &full, soon), NextAction::Wait(now + STUCK));
    assert_eq!(next(&mut pace, &full, now + STUCK), NextAction::GiveBack(300), "nothing has ended for long");
    let empty = StateSnapshot { queued: 0, ..full };
    assert!(matches!(next(&mut pace, &empty, now + STUCK), NextAction::Wait(_)), "and no more is claimed ahead");
    // Those for slots that have just fallen free stay.
    let free = StateSnapshot { running: 2, queued: 2, ..full };
    assert!(matches!(next(&mut pace, &free, now + STUCK), NextAction::Wait(_)));
    // Jobs that end, and are longer than those before.
    let mut pace = Pace::new();
    pace.job_took(0.001);
    (0..20).for_each(|_| pace.job_took(0.02));
    let ahead = pace.ahead(4);
    assert!((1..40).contains(&ahead), "{ahead}");
    assert_eq!(next(&mut pace, &full, now), NextAction::GiveBack(300 - ahead));
}

#[test]
fn an_outcome_waits_for_company_where_there_is_any_and_never_long() {
    let now = Instant::now();
    let one = StateSnapshot { running: 4, done: 1, oldest_done: Some(now), ..view() };
    // Unknown, long, and still too rare to wait for.
    for seconds in [None, Some(3600.0), Some(0.05)] {
        let mut pace = Pace::new();
        seconds.into_iter().for_each(|seconds| pace.job_took(seconds));
        assert_eq!(pace.flush(4), FLUSH.0, "{seconds:?}");
    }
    for seconds in [0.0, 1e-6, 0.001, 0.01, 0.02, 0.1, 1e9] {
        let mut pace = Pace::new();
        pace.job_took(seconds);
        assert!((FLUSH.0..=FLUSH.1).contains(&pace.flush(4)), "{seconds}");
    }
    let mut pace = Pace::new();
    pace.job_took(0.001);
    pace.answered(4, 0, now);
    let last = StateSnapshot { running: 0, ..one };
    assert_eq!(pace.next(&last, now), NextAction::Exchange { want: 0 }, "nothing runs that could bring company");
    let pace = Pace::new();
    assert_eq!(pace.next(&one, now), NextAction::Wait(now + FLUSH.0));
    assert_eq!(pace.next(&one, now + FLUSH.0), NextAction::Exchange { want: 0 });
}

#[test]
fn a_draining_worker_claims_nothing_delivers_and_finishes() {
    let now = Instant::now();
    let pace = Pace::new();
    let drain = StateSnapshot { stopping: Stopping::Drain, ..view() };
    assert_eq!(pace.next(&drain, now), NextAction::End);
    let busy = StateSnapshot { running: 1, ..drain };
    assert!(matches!(pace.next(&busy, now), NextAction::Wait(_)));
    let last = StateSnapshot { done: 1, oldest_done: Some(now), ..drain };
    assert_eq!(pace.next(&last, now), NextAction::Exchange { want: 0 });
}

#[test]
fn a_store_that_is_away_is_asked_less_and_less_often() {
    let now = Instant::now();
    let mut pace = Pace::new();
    assert_eq!(pace.unanswered(now), now + AWAY.0);
    for _ in 0..20 {
        pace.unanswered(now);
    }
    assert_eq!(pace.unanswered(now), now + AWAY.1);
    pace.answered(1, 1, now);
    assert_eq!(pace.unanswered(now), now + AWAY.0);
}
