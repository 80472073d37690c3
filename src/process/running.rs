//! Owns the loop around a running process: waits for what happens, asks the [`Monitor`], and does what it says.

use std::io;
use std::os::fd::BorrowedFd;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::capture::{CHUNK, OutputCapture};
use super::child::{ChildProcess, ExitStatus};
use super::monitor::{Monitor, ProcessAction, ProcessEvent};
use super::process_tree::MEMORY_INTERVAL;
use super::spawn::Pipes;
use super::stdin::StdinWriter;
use super::stopper::StopRequest;
use super::{EndedBy, Launch, RunWatch, Stopper};
use crate::record::Output;

/// The shortest and the longest time between two looks at what the system does not report: at first often, then less.
const SHORTEST_PAUSE: Duration = Duration::from_millis(1);
const LONGEST_PAUSE: Duration = Duration::from_millis(20);
/// The longest for other processes of an ended job, because each look reads the list of all processes.
const LONGEST_OTHERS_PAUSE: Duration = Duration::from_millis(200);

/// How often a running job is looked at for being stopped.
const STOP_INTERVAL: Duration = Duration::from_secs(2);

/// No wait is longer than a minute, whatever the time-out: far below what any system's poll takes.
const MAX_WAIT_MS: u128 = 60_000;

/// When to look next at something, with growing pauses.
struct PollTimer {
    next: Instant,
    pause: Duration,
}

impl PollTimer {
    fn new(now: Instant) -> PollTimer {
        PollTimer { next: now, pause: SHORTEST_PAUSE }
    }

    /// Whether it is time to look. If so, the next time is set.
    fn is_due(&mut self, now: Instant, longest: Duration) -> bool {
        let due = now >= self.next;
        if due {
            self.next = now + self.pause;
            self.pause = (self.pause * 2).min(longest);
        }
        due
    }
}

/// A job's process, and all that is needed to see it to its end.
pub(super) struct RunningProcess<'a> {
    child: ChildProcess,
    stdin: Option<StdinWriter<'a>>,
    stdout: OutputCapture,
    stderr: OutputCapture,
    stopper: &'a Stopper,
    overflow: &'a mut dyn FnMut(&[u8]),
    stopped: &'a mut dyn FnMut(),
    monitor: Monitor,
    /// What the stopper asked for so far.
    request: StopRequest,
    /// When the child was seen to have exited.
    exited: Option<Instant>,
    polling: PollTimer,
    /// The most memory that its processes may have together, bytes, and when to look at it next.
    memory: Option<(u64, PollTimer)>,
    /// When to look next whether the child is stopped, and whether it was.
    stop_check: (Instant, bool),
    scratch: Vec<u8>,
}

/// What a wait watches.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Watched {
    Stopper,
    Exit,
    Stdout,
    Stderr,
    Stdin,
}

/// What is ready, and in which way.
type Ready = (Watched, PollFlags);

fn is_ready(ready: &[Ready], watched: Watched) -> bool {
    ready.iter().any(|(one, _)| *one == watched)
}

impl<'a> RunningProcess<'a> {
    pub(super) fn new(
        child: ChildProcess,
        pipes: Pipes,
        launch: &'a Launch,
        stopper: &'a Stopper,
        watch: &'a mut RunWatch<'_>,
        monitor: Monitor,
        now: Instant,
    ) -> RunningProcess<'a> {
        let memory_timer = || PollTimer { next: now, pause: MEMORY_INTERVAL };
        RunningProcess {
            child,
            stdin: pipes.stdin.and_then(|pipe| StdinWriter::new(pipe, &launch.stdin)),
            stdout: OutputCapture::new(pipes.stdout, launch.limits.keep),
            stderr: OutputCapture::new(pipes.stderr, launch.limits.keep),
            stopper,
            overflow: &mut *watch.overflow,
            stopped: &mut *watch.stopped,
            monitor,
            request: StopRequest::None,
            exited: None,
            polling: PollTimer::new(now),
            memory: launch.limits.memory.map(|limit| (limit, memory_timer())),
            stop_check: (now + STOP_INTERVAL, false),
            scratch: Vec::with_capacity(CHUNK),
        }
    }

    /// Why the job was ended, if it was.
    pub(super) fn ended_by(&self) -> Option<EndedBy> {
        self.monitor.ended_by()
    }

    /// Returns when there is nothing more to wait for.
    pub(super) fn watch(&mut self) {
        loop {
            let ready = self.wait();
            let open = self.output_is_open();
            for (watched, how) in &ready {
                self.transfer(*watched, *how);
            }
            let closed = open && !self.output_is_open();
            let now = Instant::now();
            self.look_for_stop(now);
            for event in self.events(&ready, closed, now) {
                match self.monitor.on(event, now) {
                    Some(ProcessAction::Terminate) => self.child.tree().terminate(),
                    Some(ProcessAction::Kill) => self.child.tree().kill(),
                    Some(ProcessAction::Finish) => return,
                    None => {}
                }
            }
        }
    }

    /// Kills what is left, reads what is left, and reaps. Returns also when the child was seen to have exited.
    ///
    /// # Errors
    /// If somebody else reaped the child.
    pub(super) fn finish(mut self) -> io::Result<(ExitStatus, Output, Instant)> {
        match self.monitor.ended_by() {
            // A list of all processes for each job would cost more than most jobs.
            None => self.child.tree().kill_group(),
            Some(_) => self.child.tree().kill(),
        }
        let output = Output {
            stdout: self.stdout.close(&mut self.scratch, self.overflow),
            stderr: self.stderr.close(&mut self.scratch, &mut |_| {}),
        };
        let exited = self.exited.unwrap_or_else(Instant::now);
        Ok((self.child.reap()?, output, exited))
    }

    fn output_is_open(&self) -> bool {
        self.stdout.fd().is_some() || self.stderr.fd().is_some()
    }

    /// Moves bytes: one read or write, so that no stream keeps the others waiting.
    fn transfer(&mut self, watched: Watched, how: PollFlags) {
        let has_ended = cfg!(target_os = "linux") && how == PollFlags::HUP;
        match watched {
            Watched::Stdout if has_ended => self.stdout.ended(),
            Watched::Stderr if has_ended => self.stderr.ended(),
            Watched::Stdout => self.stdout.read(&mut self.scratch, self.overflow),
            Watched::Stderr => self.stderr.read(&mut self.scratch, &mut |_| {}),
            Watched::Stdin => self.stdin = self.stdin.take().and_then(StdinWriter::write),
            Watched::Stopper | Watched::Exit => {}
        }
    }

    /// What happened, in this order: the exit before stop and deadline, so that a job that ended in time counts as such
    /// when this thread is late; the others after the output, which must be seen closed.
    fn events(&mut self, ready: &[Ready], closed: bool, now: Instant) -> Vec<ProcessEvent> {
        let mut events = Vec::new();
        if closed {
            // The end of its output is most often the end of a job.
            self.polling = PollTimer::new(now);
            events.push(ProcessEvent::OutputClosed);
        }
        if self.exited.is_none() && self.has_exited(ready, now) {
            self.exited = Some(now);
            self.polling = PollTimer::new(now);
            self.stdin = None;
            events.push(ProcessEvent::Exited);
        }
        if is_ready(ready, Watched::Stopper) {
            events.extend(self.new_request());
        }
        if self.monitor.awaits_others() && self.polling.is_due(now, LONGEST_OTHERS_PAUSE) && self.others_are_gone(now) {
            events.push(ProcessEvent::OthersGone);
        }
        if let Some(used) = self.memory_exceeded(now) {
            events.push(ProcessEvent::MemoryExceeded { used });
        }
        events.push(ProcessEvent::Deadline);
        events
    }

    fn has_exited(&mut self, ready: &[Ready], now: Instant) -> bool {
        match self.child.pidfd() {
            Some(_) => is_ready(ready, Watched::Exit),
            None => self.polling.is_due(now, LONGEST_PAUSE) && self.child.has_exited(),
        }
    }

    fn others_are_gone(&self, now: Instant) -> bool {
        let alive = self.child.tree().others_alive(self.exited.unwrap_or(now));
        !alive.unwrap_or_else(|| self.output_is_open())
    }

    /// The memory of the job's processes, if it is more than they may have.
    fn memory_exceeded(&mut self, now: Instant) -> Option<u64> {
        let (limit, timer) = self.memory.as_mut().filter(|_| self.exited.is_none())?;
        if timer.is_due(now, MEMORY_INTERVAL) { self.child.tree().memory_above(*limit) } else { None }
    }

    /// Reports once that the child is stopped, and again when it was continued in between.
    fn look_for_stop(&mut self, now: Instant) {
        let (next, was_stopped) = self.stop_check;
        if now < next || self.exited.is_some() {
            return;
        }
        let is_stopped = self.child.is_stopped();
        if is_stopped && !was_stopped {
            (self.stopped)();
        }
        self.stop_check = (now + STOP_INTERVAL, is_stopped);
    }

    fn new_request(&mut self) -> Option<ProcessEvent> {
        let request = self.stopper.take_request();
        if request <= self.request {
            return None;
        }
        self.request = request;
        match request {
            StopRequest::None => None,
            StopRequest::Stop => Some(ProcessEvent::Stop),
            StopRequest::StopNow => Some(ProcessEvent::StopNow),
        }
    }

    /// Waits until something is ready, or a deadline or the time of a look has come.
    fn wait(&self) -> Vec<Ready> {
        let timeout = self.timeout();
        let watched = self.watched();
        let mut fds: Vec<PollFd<'_>> = watched
            .iter()
            .map(|(watched, fd)| {
                let interest = if *watched == Watched::Stdin { PollFlags::OUT } else { PollFlags::IN };
                PollFd::from_borrowed_fd(*fd, interest)
            })
            .collect();
        match poll(&mut fds, timeout.as_ref()) {
            Ok(_) => {
                let all = watched.iter().zip(&fds).map(|((watched, _), fd)| (*watched, fd.revents()));
                all.filter(|(_, how)| !how.is_empty()).collect()
            }
            Err(rustix::io::Errno::INTR) => Vec::new(),
            Err(_) => {
                // The kernel is out of memory for a moment; the job still needs its supervision.
                std::thread::sleep(LONGEST_PAUSE);
                Vec::new()
            }
        }
    }

    fn watched(&self) -> Vec<(Watched, BorrowedFd<'_>)> {
        let exit = self.child.pidfd().filter(|_| self.exited.is_none());
        [
            Some((Watched::Stopper, self.stopper.fd())),
            exit.map(|fd| (Watched::Exit, fd)),
            self.stdout.fd().map(|fd| (Watched::Stdout, fd)),
            self.stderr.fd().map(|fd| (Watched::Stderr, fd)),
            self.stdin.as_ref().map(|stdin| (Watched::Stdin, stdin.fd())),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    /// How long to wait; none: for ever. In whole milliseconds, rounded up, because some systems take no less.
    fn timeout(&self) -> Option<Timespec> {
        let polls = self.monitor.awaits_others() || (self.exited.is_none() && self.child.pidfd().is_none());
        let look = polls.then_some(self.polling.next);
        let memory = self.memory.as_ref().filter(|_| self.exited.is_none()).map(|(_, timer)| timer.next);
        let stop_check = self.exited.is_none().then_some(self.stop_check.0);
        let next = [self.monitor.deadline(), look, memory, stop_check].into_iter().flatten().min()?;
        let wait = next.saturating_duration_since(Instant::now());
        let millis = wait.as_nanos().div_ceil(1_000_000).min(MAX_WAIT_MS);
        Timespec::try_from(Duration::from_millis(millis as u64)).ok()
    }
}
