//! Owns the decisions about a running job: when it is asked to end, when it is killed, when it is finished. Pure.

use std::time::{Duration, Instant};

use super::{EndedBy, Limits};

/// How long the output may stay open after the job's own process has ended. Something that it started still holds it: it
/// may be writing the last lines (`solver | tee log` in a shell that does not wait), or be a daemon that never ends.
pub(super) const DRAIN_TIME: Duration = Duration::from_secs(1);

/// What has happened to a job's processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ProcessEvent {
    /// The job's own process, the leader of its group, has exited; it is not reaped.
    Exited,
    /// Both outputs are closed at the other end.
    OutputClosed,
    /// No other process of the job is alive; sent only while [`Monitor::awaits_others`].
    OthersGone,
    /// Its processes have more memory than they may.
    MemoryExceeded {
        /// What they have, bytes.
        used: u64,
    },
    /// Time has passed; sent at [`Monitor::deadline`], and harmless at any other time.
    Deadline,
    /// The job is to end.
    Stop,
    /// The job is to end at once.
    StopNow,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ProcessAction {
    /// Ask all its processes to end.
    Terminate,
    /// Kill all its processes.
    Kill,
    /// Kill what is left of them, read what is left in the pipes, reap, return.
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
    /// Its own process ended when it was asked to; others of the job have the rest of their grace time.
    AwaitingOthers { kill_at: Until },
    /// All have ended, or are not ours to wait for, but something holds the output open.
    Draining { until: Until },
    /// There is nothing left to decide.
    Finished,
}

/// The state of one job from its start to its end.
#[derive(Debug)]
pub(super) struct Monitor {
    grace: Duration,
    phase: Phase,
    output_open: bool,
    ended_by: Option<EndedBy>,
}

impl Monitor {
    /// A job that started at `now`.
    pub(super) fn new(limits: Limits, now: Instant) -> Monitor {
        let time_up = limits.timeout.and_then(|timeout| now.checked_add(timeout));
        Monitor { grace: limits.grace, phase: Phase::Running { time_up }, output_open: true, ended_by: None }
    }

    /// Why the job was ended, if it was.
    pub(super) fn ended_by(&self) -> Option<EndedBy> {
        self.ended_by
    }

    /// When [`ProcessEvent::Deadline`] is due.
    pub(super) fn deadline(&self) -> Until {
        match self.phase {
            Phase::Running { time_up: until }
            | Phase::Terminated { kill_at: until }
            | Phase::AwaitingOthers { kill_at: until }
            | Phase::Draining { until } => until,
            Phase::Killed | Phase::Finished => None,
        }
    }

    /// Whether it matters now that others of the job are alive.
    pub(super) fn awaits_others(&self) -> bool {
        matches!(self.phase, Phase::AwaitingOthers { .. })
    }

    /// Takes what has happened and says what is to be done.
    pub(super) fn on(&mut self, event: ProcessEvent, now: Instant) -> Option<ProcessAction> {
        match event {
            ProcessEvent::Exited => self.exited(now),
            ProcessEvent::OutputClosed => {
                self.output_open = false;
                matches!(self.phase, Phase::Draining { .. }).then(|| self.finish())
            }
            ProcessEvent::OthersGone => self.awaits_others().then(|| self.drain(now)).flatten(),
            ProcessEvent::Deadline if self.deadline().is_some_and(|due| now >= due) => self.deadline_reached(now),
            ProcessEvent::Deadline => None,
            // At once: in a grace time it would take the memory that other jobs need.
            ProcessEvent::MemoryExceeded { used } => match self.phase {
                Phase::Running { .. } => Some(self.kill_because(EndedBy::Memory { used })),
                _ => None,
            },
            ProcessEvent::Stop => match self.phase {
                Phase::Running { .. } => Some(self.end(EndedBy::Stopped, now)),
                _ => None,
            },
            ProcessEvent::StopNow => self.stop_now(now),
        }
    }

    fn exited(&mut self, now: Instant) -> Option<ProcessAction> {
        match self.phase {
            Phase::Running { .. } | Phase::Killed => self.drain(now),
            Phase::Terminated { kill_at } => {
                self.phase = Phase::AwaitingOthers { kill_at };
                None
            }
            Phase::AwaitingOthers { .. } | Phase::Draining { .. } | Phase::Finished => None,
        }
    }

    fn deadline_reached(&mut self, now: Instant) -> Option<ProcessAction> {
        match self.phase {
            Phase::Running { .. } => Some(self.end(EndedBy::Timeout, now)),
            Phase::Terminated { .. } => Some(self.kill()),
            Phase::AwaitingOthers { .. } => Some(self.drain(now).unwrap_or(ProcessAction::Kill)),
            Phase::Draining { .. } => Some(self.finish()),
            Phase::Killed | Phase::Finished => None,
        }
    }

    fn stop_now(&mut self, now: Instant) -> Option<ProcessAction> {
        match self.phase {
            Phase::Running { .. } => Some(self.kill_because(EndedBy::Stopped)),
            Phase::Terminated { .. } => Some(self.kill()),
            Phase::AwaitingOthers { .. } => Some(self.drain(now).unwrap_or(ProcessAction::Kill)),
            Phase::Draining { .. } => Some(self.finish()),
            Phase::Killed | Phase::Finished => None,
        }
    }

    fn end(&mut self, why: EndedBy, now: Instant) -> ProcessAction {
        self.ended_by = Some(why);
        self.phase = Phase::Terminated { kill_at: now.checked_add(self.grace) };
        ProcessAction::Terminate
    }

    fn kill_because(&mut self, why: EndedBy) -> ProcessAction {
        self.ended_by = Some(why);
        self.kill()
    }

    fn kill(&mut self) -> ProcessAction {
        self.phase = Phase::Killed;
        ProcessAction::Kill
    }

    fn drain(&mut self, now: Instant) -> Option<ProcessAction> {
        if !self.output_open {
            return Some(self.finish());
        }
        self.phase = Phase::Draining { until: now.checked_add(DRAIN_TIME) };
        None
    }

    fn finish(&mut self) -> ProcessAction {
        self.phase = Phase::Finished;
        ProcessAction::Finish
    }
}

#[cfg(test)]
mod tests;
