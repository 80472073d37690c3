//! Owns the tests of the decisions about a running job.

use super::*;
use proptest::prelude::*;

const TIMEOUT: Duration = Duration::from_secs(60);
const GRACE: Duration = Duration::from_secs(10);
const LIMITS: Limits = Limits { timeout: Some(TIMEOUT), memory: None, grace: GRACE, keep: 1 };

/// Sends events, each after so many seconds, and collects the actions.
fn story(events: &[(f64, ProcessEvent)]) -> (Vec<ProcessAction>, Monitor) {
    let start = Instant::now();
    let mut monitor = Monitor::new(LIMITS, start);
    let actions = events.iter().filter_map(|(at, event)| monitor.on(*event, start + Duration::from_secs_f64(*at)));
    (actions.collect(), monitor)
}

use ProcessAction::*;
use ProcessEvent::*;

#[test]
fn a_job_that_ends_by_itself_is_finished_after_exit_and_end_of_output() {
    for events in [[(1.0, Exited), (1.1, OutputClosed)], [(0.5, OutputClosed), (1.0, Exited)]] {
        let (actions, monitor) = story(&events);
        assert_eq!((actions, monitor.ended_by()), (vec![Finish], None));
    }
}

#[test]
fn a_job_that_closed_its_output_still_runs_until_its_time_is_up() {
    let (actions, monitor) = story(&[(0.1, OutputClosed), (59.9, Deadline)]);
    assert_eq!((actions, monitor.ended_by()), (vec![], None));
    let (actions, monitor) = story(&[(0.1, OutputClosed), (60.0, Deadline)]);
    assert_eq!((actions, monitor.ended_by()), (vec![Terminate], Some(EndedBy::Timeout)));
}

#[test]
fn a_job_that_ignores_the_request_is_killed_after_the_grace() {
    let (actions, monitor) = story(&[(60.0, Deadline), (69.9, Deadline), (70.0, Deadline), (80.0, Deadline)]);
    assert_eq!((actions, monitor.deadline()), (vec![Terminate, Kill], None));
    let (actions, _) = story(&[(60.0, Deadline), (70.0, Deadline), (70.1, Exited), (70.1, OutputClosed)]);
    assert_eq!(actions, [Terminate, Kill, Finish]);
}

#[test]
fn other_processes_keep_their_grace_time_when_the_leader_ends_first() {
    let ended = [(5.0, Stop), (5.1, Exited), (5.1, OutputClosed)];
    let (actions, monitor) = story(&ended);
    assert_eq!((actions, monitor.awaits_others()), (vec![Terminate], true));
    let (actions, _) = story(&[&ended[..], &[(7.0, OthersGone)]].concat());
    assert_eq!(actions, [Terminate, Finish]);
    let (actions, _) = story(&[&ended[..], &[(14.9, Deadline), (15.0, Deadline)]].concat());
    assert_eq!(actions, [Terminate, Finish], "finishing kills what is left");
    let (actions, _) = story(&[(5.0, Stop), (5.1, Exited), (15.0, Deadline), (15.1, OutputClosed)]);
    assert_eq!(actions, [Terminate, Kill, Finish]);
}

#[test]
fn output_that_is_held_open_is_awaited_for_a_limited_time() {
    let (actions, _) = story(&[(1.0, Exited), (1.9, Deadline)]);
    assert_eq!(actions, []);
    let (actions, _) = story(&[(1.0, Exited), (2.0, Deadline)]);
    assert_eq!(actions, [Finish]);
    let (actions, _) = story(&[(5.0, Stop), (5.1, Exited), (5.2, OthersGone), (6.2, Deadline)]);
    assert_eq!(actions, [Terminate, Finish], "by something outside the group, too");
}

#[test]
fn stop_asks_and_stop_now_kills() {
    let (actions, monitor) = story(&[(5.0, Stop), (5.5, Stop), (6.0, StopNow), (6.5, StopNow)]);
    assert_eq!((actions, monitor.ended_by()), (vec![Terminate, Kill], Some(EndedBy::Stopped)));
    let (actions, monitor) = story(&[(5.0, StopNow)]);
    assert_eq!((actions, monitor.ended_by()), (vec![Kill], Some(EndedBy::Stopped)));
}

#[test]
fn too_much_memory_kills_at_once() {
    let (actions, monitor) = story(&[(5.0, MemoryExceeded { used: 7 }), (5.1, Exited), (5.1, OutputClosed)]);
    assert_eq!((actions, monitor.ended_by()), (vec![Kill, Finish], Some(EndedBy::Memory { used: 7 })));
    let (actions, monitor) = story(&[(5.0, Stop), (5.1, MemoryExceeded { used: 7 })]);
    assert_eq!((actions, monitor.ended_by()), (vec![Terminate], Some(EndedBy::Stopped)));
}

#[test]
fn a_stop_after_the_end_does_not_change_how_it_ended() {
    let (actions, monitor) = story(&[(1.0, Exited), (1.1, Stop), (1.2, StopNow)]);
    assert_eq!((actions, monitor.ended_by()), (vec![Finish], None));
    let (_, monitor) = story(&[(60.0, Deadline), (61.0, Stop)]);
    assert_eq!(monitor.ended_by(), Some(EndedBy::Timeout));
}

#[test]
fn limits_too_long_to_compute_mean_no_limit() {
    let now = Instant::now();
    let limits = Limits { timeout: Some(Duration::MAX), memory: None, grace: Duration::MAX, keep: 1 };
    let mut monitor = Monitor::new(limits, now);
    assert_eq!(monitor.deadline(), None);
    assert_eq!(monitor.on(Stop, now), Some(Terminate));
    assert_eq!(monitor.deadline(), None);
}

fn event() -> impl Strategy<Value = ProcessEvent> {
    prop::sample::select(vec![Exited, OutputClosed, OthersGone, MemoryExceeded { used: 1 }, Deadline, Stop, StopNow])
}

proptest! {
    /// Whatever happened before: once the leader has exited and time passes, the job is finished, and only once.
    #[test]
    fn every_job_is_finished_once(events in prop::collection::vec((0.0..30.0, event()), 0..12)) {
        let start = Instant::now();
        let mut monitor = Monitor::new(LIMITS, start);
        let mut now = start;
        let mut actions = Vec::new();
        for (seconds, event) in events {
            now += Duration::from_secs_f64(seconds);
            actions.extend(monitor.on(event, now));
        }
        actions.extend(monitor.on(Exited, now));
        for _ in 0..3 {
            now = monitor.deadline().unwrap_or(now).max(now);
            actions.extend(monitor.on(Deadline, now));
        }
        prop_assert_eq!(actions.iter().filter(|action| **action == Finish).count(), 1);
        prop_assert_eq!(actions.last(), Some(&Finish));
    }
}
