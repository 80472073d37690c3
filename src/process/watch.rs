//! Owns the decisions about a running job: when it is told to end, when it is killed, when it is done with. Pure.

use std::time::{Duration, Instant};

use super::{EndedBy, Limits};

/// How long the output may stay open after the job's own process has ended: something it started still holds it, and
/// may be writing the last lines (`solver | tee log` in a shell that does not wait), or may be a daemon that never ends.
pub(super) const DRAIN: Duration = Duration::from_secs(1);

/// What has happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// The job's own process, the leader of its group, has exited; it is not reaped.
    Exited,
    /// Both outputs are closed at the other end.
    OutputClosed,
    /// Nobody else of the job is alive; told only while [`Watch::lingers`].
    OthersGone,
    /// Its processes have more memory than they may.
    MemoryExceeded {
        /// What they have, bytes.
        used: u64,
    },
    /// Time has passed; told at [`Watch::deadline`], and harmless at any other time.
    Deadline,
    /// The job is to end.
    Stop,
    /// The job is to end at once.
    StopNow,
}

/// What is to be done about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// Ask all its processes to end.
    Terminate,
    /// Kill all its processes.
    Kill,
    /// Kill what is left of them, take what is left in the pipes, reap, return.
    Finish,
}

/// A moment, or never.
type Until = Option<Instant>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// It runs.
    Running { time_up: Until },
    /// It was asked to end.
    Terminated { kill_at: Until },
    /// It was killed and will exit as soon as the system lets it.
    Killed,
    /// The leader ended when it was asked to; others of the job have the rest of their grace.
    Lingering { kill_at: Until },
    /// All have ended, or were not ours to wait for, but something holds the output open.
    Draining { until: Until },
    /// There is nothing left to decide.
    Finished,
}

/// Looks after one job from its start to its end.
#[derive(Debug)]
pub(super) struct Watch {
    grace: Duration,
    phase: Phase,
    output_open: bool,
    ended_by: Option<EndedBy>,
}

impl Watch {
    /// A job that started at `now`.
    pub(super) fn new(limits: Limits, now: Instant) -> Watch {
        let time_up = limits.timeout.and_then(|timeout| now.checked_add(timeout));
        Watch { grace: limits.grace, phase: Phase::Running { time_up }, output_open: true, ended_by: None }
    }

    /// Why the job was told to end, if it was.
    pub(super) fn ended_by(&self) -> Option<EndedBy> {
        self.ended_by
    }

    /// When [`Event::Deadline`] is due.
    pub(super) fn deadline(&self) -> Until {
        match self.phase {
            Phase::Running { time_up: until }
            | Phase::Terminated { kill_at: until }
            | Phase::Lingering { kill_at: until }
            | Phase::Draining { until } => until,
            Phase::Killed | Phase::Finished => None,
        }
    }

    /// Whether it matters now that others of the job are alive.
    pub(super) fn lingers(&self) -> bool {
        matches!(self.phase, Phase::Lingering { .. })
    }

    /// Takes what has happened and says what is to be done.
    pub(super) fn on(&mut self, event: Event, now: Instant) -> Option<Action> {
        match event {
            Event::Exited => self.exited(now),
            Event::OutputClosed => {
                self.output_open = false;
                matches!(self.phase, Phase::Draining { .. }).then(|| self.finish())
            }
            Event::OthersGone => self.lingers().then(|| self.drain(now)).flatten(),
            Event::Deadline if self.deadline().is_some_and(|due| now >= due) => self.time_has_come(now),
            Event::Deadline => None,
            // At once: in a grace time it would take what others need.
            Event::MemoryExceeded { used } => match self.phase {
                Phase::Running { .. } => Some(self.kill_because(EndedBy::Memory { used })),
                _ => None,
            },
            Event::Stop => match self.phase {
                Phase::Running { .. } => Some(self.end(EndedBy::Stopped, now)),
                _ => None,
            },
            Event::StopNow => self.stop_now(now),
        }
    }

    fn exited(&mut self, now: Instant) -> Option<Action> {
        match self.phase {
            Phase::Running { .. } | Phase::Killed => self.drain(now),
            Phase::Terminated { kill_at } => {
                self.phase = Phase::Lingering { kill_at };
                None
            }
            Phase::Lingering { .. } | Phase::Draining { .. } | Phase::Finished => None,
        }
    }

    fn time_has_come(&mut self, now: Instant) -> Option<Action> {
        match self.phase {
            Phase::Running { .. } => Some(self.end(EndedBy::Timeout, now)),
            Phase::Terminated { .. } => Some(self.kill()),
            Phase::Lingering { .. } => Some(self.drain(now).unwrap_or(Action::Kill)),
            Phase::Draining { .. } => Some(self.finish()),
            Phase::Killed | Phase::Finished => None,
        }
    }

    fn stop_now(&mut self, now: Instant) -> Option<Action> {
        match self.phase {
            Phase::Running { .. } => Some(self.kill_because(EndedBy::Stopped)),
            Phase::Terminated { .. } => Some(self.kill()),
            Phase::Lingering { .. } => Some(self.drain(now).unwrap_or(Action::Kill)),
            Phase::Draining { .. } => Some(self.finish()),
            Phase::Killed | Phase::Finished => None,
        }
    }

    fn end(&mut self, why: EndedBy, now: Instant) -> Action {
        self.ended_by = Some(why);
        self.phase = Phase::Terminated { kill_at: now.checked_add(self.grace) };
        Action::Terminate
    }

    fn kill_because(&mut self, why: EndedBy) -> Action {
        self.ended_by = Some(why);
        self.kill()
    }

    fn kill(&mut self) -> Action {
        self.phase = Phase::Killed;
        Action::Kill
    }

    fn drain(&mut self, now: Instant) -> Option<Action> {
        if !self.output_open {
            return Some(self.finish());
        }
        self.phase = Phase::Draining { until: now.checked_add(DRAIN) };
        None
    }

    fn finish(&mut self) -> Action {
        self.phase = Phase::Finished;
        Action::Finish
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TIMEOUT: Duration = Duration::from_secs(60);
    const GRACE: Duration = Duration::from_secs(10);
    const LIMITS: Limits = Limits { timeout: Some(TIMEOUT), memory: None, grace: GRACE, keep: 1 };

    /// Tells the watch what happens, each after so many seconds, and collects what it answers.
    fn story(events: &[(f64, Event)]) -> (Vec<Action>, Watch) {
        let start = Instant::now();
        let mut watch = Watch::new(LIMITS, start);
        let told = events.iter().filter_map(|(at, event)| watch.on(*event, start + Duration::from_secs_f64(*at)));
        (told.collect(), watch)
    }

    use Action::*;
    use Event::*;

    #[test]
    fn a_job_that_ends_by_itself_is_finished_when_exit_and_output_are_in() {
        for events in [[(1.0, Exited), (1.1, OutputClosed)], [(0.5, OutputClosed), (1.0, Exited)]] {
            let (actions, watch) = story(&events);
            assert_eq!((actions, watch.ended_by()), (vec![Finish], None));
        }
    }

    #[test]
    fn a_job_that_closed_its_output_still_runs_until_its_time_is_up() {
        let (actions, watch) = story(&[(0.1, OutputClosed), (59.9, Deadline)]);
        assert_eq!((actions, watch.ended_by()), (vec![], None));
        let (actions, watch) = story(&[(0.1, OutputClosed), (60.0, Deadline)]);
        assert_eq!((actions, watch.ended_by()), (vec![Terminate], Some(EndedBy::Timeout)));
    }

    #[test]
    fn a_job_that_ignores_the_request_is_killed_after_the_grace() {
        let (actions, watch) = story(&[(60.0, Deadline), (69.9, Deadline), (70.0, Deadline), (80.0, Deadline)]);
        assert_eq!((actions, watch.deadline()), (vec![Terminate, Kill], None));
        let (actions, _) = story(&[(60.0, Deadline), (70.0, Deadline), (70.1, Exited), (70.1, OutputClosed)]);
        assert_eq!(actions, [Terminate, Kill, Finish]);
    }

    #[test]
    fn the_others_of_the_job_have_their_grace_when_the_leader_ends_first() {
        let ended = [(5.0, Stop), (5.1, Exited), (5.1, OutputClosed)];
        let (actions, watch) = story(&ended);
        assert_eq!((actions, watch.lingers()), (vec![Terminate], true));
        let (actions, _) = story(&[&ended[..], &[(7.0, OthersGone)]].concat());
        assert_eq!(actions, [Terminate, Finish]);
        let (actions, _) = story(&[&ended[..], &[(14.9, Deadline), (15.0, Deadline)]].concat());
        assert_eq!(actions, [Terminate, Finish], "finishing kills what is left");
        let (actions, _) = story(&[(5.0, Stop), (5.1, Exited), (15.0, Deadline), (15.1, OutputClosed)]);
        assert_eq!(actions, [Terminate, Kill, Finish]);
    }

    #[test]
    fn output_held_open_is_waited_for_only_so_long() {
        let (actions, _) = story(&[(1.0, Exited), (1.9, Deadline)]);
        assert_eq!(actions, []);
        let (actions, _) = story(&[(1.0, Exited), (2.0, Deadline)]);
        assert_eq!(actions, [Finish]);
        let (actions, _) = story(&[(5.0, Stop), (5.1, Exited), (5.2, OthersGone), (6.2, Deadline)]);
        assert_eq!(actions, [Terminate, Finish], "by something outside the group, too");
    }

    #[test]
    fn stop_asks_and_stop_now_kills() {
        let (actions, watch) = story(&[(5.0, Stop), (5.5, Stop), (6.0, StopNow), (6.5, StopNow)]);
        assert_eq!((actions, watch.ended_by()), (vec![Terminate, Kill], Some(EndedBy::Stopped)));
        let (actions, watch) = story(&[(5.0, StopNow)]);
        assert_eq!((actions, watch.ended_by()), (vec![Kill], Some(EndedBy::Stopped)));
    }

    #[test]
    fn too_much_memory_kills_at_once() {
        let (actions, watch) = story(&[(5.0, MemoryExceeded { used: 7 }), (5.1, Exited), (5.1, OutputClosed)]);
        assert_eq!((actions, watch.ended_by()), (vec![Kill, Finish], Some(EndedBy::Memory { used: 7 })));
        let (actions, watch) = story(&[(5.0, Stop), (5.1, MemoryExceeded { used: 7 })]);
        assert_eq!((actions, watch.ended_by()), (vec![Terminate], Some(EndedBy::Stopped)));
    }

    #[test]
    fn a_stop_after_the_end_does_not_change_how_it_ended() {
        let (actions, watch) = story(&[(1.0, Exited), (1.1, Stop), (1.2, StopNow)]);
        assert_eq!((actions, watch.ended_by()), (vec![Finish], None));
        let (_, watch) = story(&[(60.0, Deadline), (61.0, Stop)]);
        assert_eq!(watch.ended_by(), Some(EndedBy::Timeout));
    }

    #[test]
    fn limits_beyond_all_time_mean_none() {
        let now = Instant::now();
        let limits = Limits { timeout: Some(Duration::MAX), memory: None, grace: Duration::MAX, keep: 1 };
        let mut watch = Watch::new(limits, now);
        assert_eq!(watch.deadline(), None);
        assert_eq!(watch.on(Stop, now), Some(Terminate));
        assert_eq!(watch.deadline(), None);
    }

    fn event() -> impl Strategy<Value = Event> {
        prop::sample::select(vec![
            Exited,
            OutputClosed,
            OthersGone,
            MemoryExceeded { used: 1 },
            Deadline,
            Stop,
            StopNow,
        ])
    }

    proptest! {
        /// Whatever happened before: once the leader has exited and time goes on, the job is finished, and finished once.
        #[test]
        fn every_job_is_finished_once(events in prop::collection::vec((0.0..30.0, event()), 0..12)) {
            let start = Instant::now();
            let mut watch = Watch::new(LIMITS, start);
            let mut now = start;
            let mut actions = Vec::new();
            for (seconds, event) in events {
                now += Duration::from_secs_f64(seconds);
                actions.extend(watch.on(event, now));
            }
            actions.extend(watch.on(Exited, now));
            for _ in 0..3 {
                now = watch.deadline().unwrap_or(now).max(now);
                actions.extend(watch.on(Deadline, now));
            }
            prop_assert_eq!(actions.iter().filter(|action| **action == Finish).count(), 1);
            prop_assert_eq!(actions.last(), Some(&Finish));
        }
    }
}
