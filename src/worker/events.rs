//! Owns what a worker reports while it works: [`WorkerEvent`], and [`EventSink`], which receives the events.

use std::path::PathBuf;
use std::time::Duration;

use super::options::WorkSummary;
use super::pace::Stopping;
use crate::job::{Cause, JobAddress, SweepId};
use crate::process::Ended;
use crate::record::Kept;
use crate::visible::{informative_line, visible_in_line};

/// Receives a worker's events, from any of its threads, in the order in which each thread emits them. An
/// implementation must return at once: slots and heartbeats wait for it.
pub trait EventSink: Send + Sync {
    /// Whether it wants the events of every job: [`WorkerEvent::Claimed`], [`WorkerEvent::JobStarted`],
    /// [`WorkerEvent::Recorded`], and [`WorkerEvent::JobEnded`] of jobs that did not fail. The worker does not build
    /// these if nobody wants them.
    fn wants_every_job(&self) -> bool;

    /// Takes an event.
    fn emit(&self, event: WorkerEvent);
}

/// What happens in a worker, for people and for programs.
#[derive(Clone, Debug)]
pub enum WorkerEvent {
    /// The worker begins to claim jobs. It is registered with the store, if the store answered.
    Started(WorkerStart),
    /// The store has given jobs of a sweep to this worker.
    Claimed {
        /// The sweep.
        sweep: SweepId,
        /// How many jobs.
        jobs: usize,
    },
    /// A slot begins a job: its process is about to be started.
    JobStarted {
        /// The job.
        job: JobAddress,
        /// The number of the attempt, from 1.
        attempt: u32,
    },
    /// The process of a running job was stopped by a signal (state T), and has not been continued.
    JobStopped {
        /// The job.
        job: JobAddress,
        /// The number of the attempt, from 1.
        attempt: u32,
    },
    /// The first jobs of a sweep that succeeded in this worker had no results.
    NoResults {
        /// The last of these jobs.
        job: JobAddress,
        /// How many there are.
        jobs: u32,
        /// The last line of its stdout, with control characters made visible.
        last_line: Option<String>,
    },
    /// An attempt has ended on this machine. The store does not know it yet, see [`WorkerEvent::Recorded`].
    JobEnded(JobEnd),
    /// The store has recorded outcomes of this worker's jobs.
    Recorded {
        /// How many.
        jobs: usize,
    },
    /// A claim is no longer this worker's: another worker has the job, or the sweep was removed. The store reported
    /// that in reply to a heartbeat. If the job runs here, it is ended, and its outcome is not reported.
    ClaimLost {
        /// The job.
        job: JobAddress,
    },
    /// The store refused outcomes, because their claims were no longer this worker's.
    OutcomesRefused {
        /// How many.
        jobs: usize,
    },
    /// Jobs of a lost worker were put back in the queue, or failed because their workers were lost too often.
    LostJobsRequeued {
        /// How many.
        jobs: usize,
    },
    /// The store cannot be reached. Running jobs continue; outcomes are kept until it can.
    StoreAway {
        /// Why.
        why: String,
    },
    /// The store can be reached but gives no jobs, for example because it is full. Running jobs continue; outcomes are
    /// delivered.
    StoreRefuses {
        /// Why.
        why: String,
    },
    /// The store works again.
    StoreBack,
    /// This machine does not have the folder of the sweep file: jobs run in another one.
    OtherFolder {
        /// The sweep.
        sweep: SweepId,
        /// The folder in which its jobs run.
        folder: PathBuf,
    },
    /// An input of a sweep was written while its jobs ran here, and has the content that the sweep declares. Attempts that
    /// ran meanwhile do not count.
    InputRewritten {
        /// The sweep.
        sweep: SweepId,
        /// The input.
        path: String,
        /// How many attempts do not count; the jobs go back and are not charged.
        jobs: usize,
    },
    /// An input of a sweep changed while its jobs ran here. Attempts that ran meanwhile do not count.
    InputChanged {
        /// The sweep.
        sweep: SweepId,
        /// The input.
        path: String,
        /// How many attempts do not count; the jobs go back and are not charged.
        jobs: usize,
    },
    /// This worker paused a sweep.
    Paused {
        /// The sweep.
        sweep: SweepId,
        /// Why, and what to do.
        reason: String,
    },
    /// This worker takes no jobs of a sweep for now; other workers may.
    SteppedBack {
        /// The sweep.
        sweep: SweepId,
        /// Why.
        why: String,
        /// For how long; none: until the reason is gone.
        pause: Option<Duration>,
    },
    /// This worker takes jobs again of a sweep from which it had stepped back.
    TakesAgain {
        /// The sweep.
        sweep: SweepId,
    },
    /// Which files the jobs of a sweep read is not observed, so that only those inputs are known that the command names,
    /// a Python script imports, and `[files] watch` matches. Reported once for each sweep.
    InputsUnknown {
        /// The sweep.
        sweep: SweepId,
        /// Why.
        why: String,
    },
    /// The worker was told to stop.
    Stopping {
        /// How.
        how: Stopping,
    },
    /// Processes that jobs had left running were ended.
    LeftoversEnded {
        /// How many.
        processes: usize,
    },
    /// The worker has ended.
    Ended(WorkSummary),
}

/// Who has started, and for what.
#[derive(Clone, Debug)]
pub struct WorkerStart {
    /// The worker's id.
    pub worker: String,
    /// Its machine.
    pub host: String,
    /// Its process id.
    pub pid: u32,
    /// Its slots.
    pub slots: u32,
    /// The queues that it serves; empty: it works for one sweep.
    pub queues: Vec<String>,
    /// The one sweep that it works for.
    pub sweep: Option<SweepId>,
    /// The store, without a password.
    pub store: String,
}

/// How an attempt ended.
#[derive(Clone, Debug)]
pub struct JobEnd {
    /// The job.
    pub job: JobAddress,
    /// The number of the attempt, from 1.
    pub attempt: u32,
    /// How it ended.
    pub ending: Ending,
    /// The exit code of its process; none: a signal ended it, or it was not started.
    pub exit_code: Option<i32>,
    /// Wall time of its process, seconds.
    pub seconds: f64,
    /// The first and the last line of what was kept of its stderr that are not empty, see [`shown_lines`].
    pub stderr: Option<(String, String)>,
    /// The line of its output that says most, see [`informative_line`]: of stderr, or if that is blank of stdout.
    pub line: Option<String>,
}

/// The ways in which an attempt ends.
#[derive(Clone, Debug, PartialEq)]
pub enum Ending {
    /// It succeeded.
    Succeeded,
    /// It failed.
    Failed {
        /// Why.
        cause: Cause,
        /// The delay before the next attempt; none: the point has failed.
        retry_after: Option<Duration>,
    },
    /// It was ended because its sweep was cancelled.
    Cancelled,
    /// The job goes back in the queue and is not charged: the worker stops, or this machine is the reason.
    GivenBack {
        /// What is wrong with this machine; none: the worker stops, or the claim was no longer needed.
        why: Option<String>,
    },
    /// It was ended because the claim was no longer this worker's. Nothing is reported to the store.
    ClaimLost,
}

/// The longest line that an event carries, in characters.
const LONGEST_LINE: usize = 300;

/// The first and the last line of a stream that are not empty, with control characters made visible, each cut to 300
/// characters. The first one is that of what was kept, where the stream was longer.
pub fn shown_lines(stream: &Kept) -> Option<(String, String)> {
    let text = String::from_utf8_lossy(&stream.tail);
    let mut lines = text.lines().map(str::trim_end).filter(|line| !line.is_empty());
    let first = lines.next()?;
    let last = lines.next_back().unwrap_or(first);
    let shown = |line: &str| visible_in_line(&line.chars().take(LONGEST_LINE).collect::<String>());
    Some((shown(first), shown(last)))
}

/// The line of what an attempt printed that says most: of stderr, or if that is blank of stdout.
pub(super) fn telling_line(ended: Option<&Ended>) -> Option<String> {
    let output = &ended?.output;
    [&output.stderr, &output.stdout].into_iter().find_map(|stream| {
        let text = String::from_utf8_lossy(&stream.tail);
        let line: String = informative_line(&text)?.chars().take(LONGEST_LINE).collect();
        Some(visible_in_line(&line))
    })
}

/// [`shown_lines`] of what an attempt printed on stderr.
pub(super) fn stderr_lines(ended: Option<&Ended>) -> Option<(String, String)> {
    ended.and_then(|ended| shown_lines(&ended.output.stderr))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_and_the_last_line_of_a_stream_are_shown_in_bounded_length() {
        let lines = |text: &str| shown_lines(&Kept { tail: text.into(), total: text.len() as u64 });
        assert_eq!(lines(""), None);
        assert_eq!(lines("\n  \n"), None);
        assert_eq!(lines("\none\u{1b}\n"), Some(("one\\u{1b}".into(), "one\\u{1b}".into())));
        assert_eq!(lines("one\r\n\ntwo\nthree  \n\n"), Some(("one".into(), "three".into())));
        assert_eq!(lines(&"é".repeat(1000)).map(|(first, _)| first.chars().count()), Some(LONGEST_LINE));
    }
}
