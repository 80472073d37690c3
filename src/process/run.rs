//! Owns one job's process from start to end: waits, tells the [`Watch`], and does what it says.

use std::os::fd::BorrowedFd;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::leader::Leader;
use super::pipes::{CHUNK, Feed, Outlet};
use super::spawn::Pipes;
use super::stopper::Asked;
use super::watch::{Action, Event, Watch};
use super::{Ended, EndedBy, Exit, Launch, StartError, Stopper};
use crate::record::Output;

/// Runs a job on the calling thread until it has ended, and leaves no process of its group behind.
///
/// When the job takes longer than its time-out, or is told to stop, all its processes get SIGTERM, and SIGKILL after the
/// grace time, also those that left its process group; nobody is killed before that, also when the job's own process
/// ends sooner. When they have more memory than they may, they get SIGKILL. What a job that ended by itself left behind
/// in its group is killed; if that holds the output open, it has a second to write its last lines before. What it left
/// behind elsewhere is for [`Orphans`](super::Orphans). If `stopper` was told to stop already, nothing is started, and the answer is that of a job
/// ended at once by SIGTERM, having used nothing.
///
/// Of each output the end is kept, see [`Limits::keep`](super::Limits::keep), in at most about twice that memory. What
/// falls out of the end of stdout goes to `overflow`, in order and while the job runs; followed by what is kept, it is
/// all that the job printed. A slow `overflow` holds the job's output up, and nothing else.
///
/// # Errors
/// If the process cannot be started, or somebody else took its exit status. [`StartError::is_transient`] tells the
/// machine's faults from the job's.
pub fn run(launch: &Launch, stopper: &Stopper, overflow: &mut dyn FnMut(&[u8])) -> Result<Ended, StartError> {
    if stopper.asked() != Asked::Nothing {
        return Ok(never_started());
    }
    let started = Instant::now();
    let (leader, pipes) = Leader::start(launch)?;
    supervise(leader, pipes, launch, stopper, overflow, started)
}

fn supervise(
    leader: Leader,
    pipes: Pipes,
    launch: &Launch,
    stopper: &Stopper,
    overflow: &mut dyn FnMut(&[u8]),
    started: Instant,
) -> Result<Ended, StartError> {
    let keep = launch.limits.keep;
    let mut job = Job {
        stdin: pipes.stdin.and_then(|pipe| Feed::new(pipe, &launch.stdin)),
        stdout: Outlet::new(pipes.stdout, keep),
        stderr: Outlet::new(pipes.stderr, keep),
        watch: Watch::new(launch.limits, started),
        leader,
        stopper,
        overflow,
        asked: Asked::Nothing,
        exited: None,
        rounds: Rounds::new(started),
        memory: launch.limits.memory.map(|limit| (limit, Rounds { next: started, pause: MEMORY_LOOK })),
    };
    let mut scratch = Vec::with_capacity(CHUNK);
    job.look_after(&mut scratch);

    match job.watch.ended_by() {
        // A look at all processes for each job would cost more than most jobs.
        None => job.leader.tree().kill_group(),
        Some(_) => job.leader.tree().kill(),
    }
    let output = Output {
        stdout: job.stdout.close(&mut scratch, job.overflow),
        stderr: job.stderr.close(&mut scratch, &mut |_| {}),
    };
    let reaped = job.leader.reap().map_err(|source| StartError::of_reap(source, launch))?;
    Ok(Ended {
        exit: reaped.exit,
        ended_by: job.watch.ended_by(),
        output,
        seconds: seconds(job.exited.unwrap_or_else(Instant::now).duration_since(started)),
        cpu_seconds: seconds(reaped.cpu),
        max_rss_bytes: reaped.max_rss_bytes,
    })
}

/// In whole microseconds: more is noise, and takes room in every record for ever.
fn seconds(time: Duration) -> f64 {
    time.as_micros() as f64 / 1e6
}

fn never_started() -> Ended {
    Ended {
        exit: Exit::Signal(libc::SIGTERM),
        ended_by: Some(EndedBy::Stopped),
        output: Output::default(),
        seconds: 0.0,
        cpu_seconds: 0.0,
        max_rss_bytes: 0,
    }
}

/// The shortest and the longest time between two looks at what nothing tells us of: at first often, then less and less.
const SHORTEST_PAUSE: Duration = Duration::from_millis(1);
const LONGEST_PAUSE: Duration = Duration::from_millis(20);
/// The longest for others of an ended job, because each look goes through all processes of the machine.
const LONGEST_OTHERS_PAUSE: Duration = Duration::from_millis(200);

/// How often it is looked at the memory of a job that has a limit. Several jobs share a look.
pub(super) const MEMORY_LOOK: Duration = Duration::from_millis(100);

/// When to look next at what nothing tells us of.
struct Rounds {
    next: Instant,
    pause: Duration,
}

impl Rounds {
    fn new(now: Instant) -> Rounds {
        Rounds { next: now, pause: SHORTEST_PAUSE }
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

struct Job<'a> {
    leader: Leader,
    stdin: Option<Feed<'a>>,
    stdout: Outlet,
    stderr: Outlet,
    stopper: &'a Stopper,
    /// Takes what falls out of the end of stdout.
    overflow: &'a mut dyn FnMut(&[u8]),
    watch: Watch,
    /// What the stopper has told so far.
    asked: Asked,
    /// When the leader was seen to have exited.
    exited: Option<Instant>,
    rounds: Rounds,
    /// The most memory that its processes may have together, bytes, and when to look at it next.
    memory: Option<(u64, Rounds)>,
}

/// What there is to be heard.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Source {
    Stopper,
    Exit,
    Stdout,
    Stderr,
    Stdin,
}

/// A source, and what it has to say.
type Heard = (Source, PollFlags);

fn heard(ready: &[Heard], source: Source) -> bool {
    ready.iter().any(|(ready, _)| *ready == source)
}

impl Job<'_> {
    /// Returns when there is nothing more to wait for.
    fn look_after(&mut self, scratch: &mut Vec<u8>) {
        loop {
            let ready = self.wait();
            let open = self.output_is_open();
            for (source, how) in &ready {
                self.attend(*source, *how, scratch);
            }
            let closed = open && !self.output_is_open();
            let now = Instant::now();
            for event in self.events(&ready, closed, now) {
                match self.watch.on(event, now) {
                    Some(Action::Terminate) => self.leader.tree().terminate(),
                    Some(Action::Kill) => self.leader.tree().kill(),
                    Some(Action::Finish) => return,
                    None => {}
                }
            }
        }
    }

    fn output_is_open(&self) -> bool {
        self.stdout.fd().is_some() || self.stderr.fd().is_some()
    }

    /// Moves bytes: one read or write, so that no stream keeps us from looking at the rest.
    fn attend(&mut self, source: Source, how: PollFlags, scratch: &mut Vec<u8>) {
        let has_ended = cfg!(target_os = "linux") && how == PollFlags::HUP;
        match source {
            Source::Stdout if has_ended => self.stdout.ended(),
            Source::Stderr if has_ended => self.stderr.ended(),
            Source::Stdout => self.stdout.read(scratch, self.overflow),
            Source::Stderr => self.stderr.read(scratch, &mut |_| {}),
            Source::Stdin => self.stdin = self.stdin.take().and_then(Feed::write),
            Source::Stopper | Source::Exit => {}
        }
    }

    /// What happened: the exit first, so that a job that ended in time is not taken for one that did not when we come
    /// late; and the others after the output, which must be seen closed.
    fn events(&mut self, ready: &[Heard], closed: bool, now: Instant) -> Vec<Event> {
        let mut events = Vec::new();
        if closed {
            // The end of its output is most often the end of a job.
            self.rounds = Rounds::new(now);
            events.push(Event::OutputClosed);
        }
        if self.exited.is_none() && self.has_exited(ready, now) {
            self.exited = Some(now);
            self.rounds = Rounds::new(now);
            self.stdin = None;
            events.push(Event::Exited);
        }
        if heard(ready, Source::Stopper) {
            events.extend(self.newly_asked());
        }
        if self.watch.lingers() && self.rounds.is_due(now, LONGEST_OTHERS_PAUSE) && self.others_are_gone() {
            events.push(Event::OthersGone);
        }
        if let Some(used) = self.memory_exceeded(now) {
            events.push(Event::MemoryExceeded { used });
        }
        events.push(Event::Deadline);
        events
    }

    fn has_exited(&mut self, ready: &[Heard], now: Instant) -> bool {
        match self.leader.pidfd() {
            Some(_) => heard(ready, Source::Exit),
            None => self.rounds.is_due(now, LONGEST_PAUSE) && self.leader.has_exited(),
        }
    }

    fn others_are_gone(&self) -> bool {
        !self.leader.tree().others_alive().unwrap_or_else(|| self.output_is_open())
    }

    /// What the job's processes have of memory, if it is more than they may.
    fn memory_exceeded(&mut self, now: Instant) -> Option<u64> {
        let (limit, rounds) = self.memory.as_mut().filter(|_| self.exited.is_none())?;
        if rounds.is_due(now, MEMORY_LOOK) { self.leader.tree().memory_above(*limit) } else { None }
    }

    fn newly_asked(&mut self) -> Option<Event> {
        let asked = self.stopper.answer();
        if asked <= self.asked {
            return None;
        }
        self.asked = asked;
        match asked {
            Asked::Nothing => None,
            Asked::Stop => Some(Event::Stop),
            Asked::StopNow => Some(Event::StopNow),
        }
    }

    /// Waits until there is something to attend to, or a deadline or the time of a look has come.
    fn wait(&self) -> Vec<Heard> {
        let timeout = self.timeout();
        let sources = self.sources();
        let mut fds: Vec<PollFd<'_>> = sources
            .iter()
            .map(|(source, fd)| {
                let interest = if *source == Source::Stdin { PollFlags::OUT } else { PollFlags::IN };
                PollFd::from_borrowed_fd(*fd, interest)
            })
            .collect();
        match poll(&mut fds, timeout.as_ref()) {
            Ok(_) => {
                let all = sources.iter().zip(&fds).map(|((source, _), fd)| (*source, fd.revents()));
                all.filter(|(_, how)| !how.is_empty()).collect()
            }
            Err(rustix::io::Errno::INTR) => Vec::new(),
            Err(_) => {
                // Out of kernel memory, for a moment; the job is still to be looked after.
                std::thread::sleep(LONGEST_PAUSE);
                Vec::new()
            }
        }
    }

    fn sources(&self) -> Vec<(Source, BorrowedFd<'_>)> {
        let exit = self.leader.pidfd().filter(|_| self.exited.is_none());
        [
            Some((Source::Stopper, self.stopper.fd())),
            exit.map(|fd| (Source::Exit, fd)),
            self.stdout.fd().map(|fd| (Source::Stdout, fd)),
            self.stderr.fd().map(|fd| (Source::Stderr, fd)),
            self.stdin.as_ref().map(|feed| (Source::Stdin, feed.fd())),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    /// How long to wait; none: for ever. In whole milliseconds, rounded up, because that is what some systems take.
    fn timeout(&self) -> Option<Timespec> {
        let unheard = self.watch.lingers() || (self.exited.is_none() && self.leader.pidfd().is_none());
        let look = unheard.then_some(self.rounds.next);
        let memory = self.memory.as_ref().filter(|_| self.exited.is_none()).map(|(_, rounds)| rounds.next);
        let next = [self.watch.deadline(), look, memory].into_iter().flatten().min()?;
        let wait = next.saturating_duration_since(Instant::now());
        let millis = wait.as_nanos().div_ceil(1_000_000).min(MAX_WAIT_MS);
        Timespec::try_from(Duration::from_millis(millis as u64)).ok()
    }
}

/// No wait is longer than a minute, whatever the time-out: far below what any system's poll takes.
const MAX_WAIT_MS: u128 = 60_000;

#[cfg(test)]
mod tests {
    use super::super::tests::{BRIEF, sh};
    use super::*;

    #[test]
    fn without_a_pidfd_the_exit_is_looked_for() {
        let stopper = Stopper::new().unwrap();
        for script in ["exit 3", "exec >&- 2>&-; sleep 0.2; exit 3"] {
            let launch = sh(script);
            let (mut leader, pipes) = Leader::start(&launch).unwrap();
            leader.forget_pidfd();
            let ended = supervise(leader, pipes, &launch, &stopper, &mut |_| {}, Instant::now()).unwrap();
            assert_eq!((ended.exit, ended.ended_by), (Exit::Code(3), None), "{script}");
            assert!(ended.seconds < BRIEF.as_secs_f64());
        }
    }
}
