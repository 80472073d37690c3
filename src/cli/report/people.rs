//! Owns the text form of a worker's events, for people. Pure: `now` is an argument.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::human::count;
use crate::job::SweepId;
use crate::ops::no_results::HELP;
use crate::worker::events::{Ending, JobEnd};
use crate::worker::pace::Stopping;
use crate::worker::{WorkSummary, WorkerEvent};

/// Time between two counts of further failures.
const EVERY: Duration = Duration::from_secs(10);

/// The most kinds of failures that are counted separately. When there are more, all counts are reported and forgotten.
const MOST_KINDS: usize = 100;

/// Makes lines of text from events.
pub struct People {
    /// Whether the worker belongs to a command that shows the sweep itself: fewer events are shown.
    one_sweep: bool,
    /// By sweep and kind of cause: the number of failures since the last report.
    failures: BTreeMap<(SweepId, String), u64>,
    /// When counts are reported next; none: there are none.
    next: Option<Instant>,
}

impl People {
    /// Nothing was reported yet.
    pub fn new(one_sweep: bool) -> People {
        People { one_sweep, failures: BTreeMap::new(), next: None }
    }

    /// Returns the lines for an event.
    pub fn event(&mut self, event: &WorkerEvent, now: Instant) -> Vec<String> {
        match event {
            WorkerEvent::JobEnded(end) => self.job_ended(end, now),
            WorkerEvent::Ended(summary) if !self.one_sweep => {
                let mut lines = self.rest();
                lines.extend(summary_lines(summary));
                lines
            }
            // `sweep run` reports at its end how far the sweep is, and why it is paused.
            WorkerEvent::Started(_) | WorkerEvent::Paused { .. } if self.one_sweep => Vec::new(),
            event => sentence(event).into_iter().collect(),
        }
    }

    /// Returns the counts of failures, if their time has come.
    pub fn tick(&mut self, now: Instant) -> Vec<String> {
        if self.next.is_none_or(|next| now < next) {
            return Vec::new();
        }
        self.next = Some(now + EVERY);
        self.counts()
    }

    /// Returns the counts of failures that were not reported yet.
    pub fn rest(&mut self) -> Vec<String> {
        self.next = None;
        let lines = self.counts();
        self.failures.clear();
        lines
    }

    /// Reports the first failure of a kind at once, with its cause, and counts further ones.
    fn job_ended(&mut self, end: &JobEnd, now: Instant) -> Vec<String> {
        let Ending::Failed { cause, retry_after } = &end.ending else { return Vec::new() };
        let kind = (end.job.sweep.clone(), cause.pattern().to_string());
        if let Some(untold) = self.failures.get_mut(&kind) {
            *untold += 1;
            return Vec::new();
        }
        let mut lines = if self.failures.len() >= MOST_KINDS { self.rest() } else { Vec::new() };
        self.failures.insert(kind, 0);
        self.next.get_or_insert(now + EVERY);
        let last_words = end.line.as_ref().map(|line| format!(": {line}")).unwrap_or_default();
        let again = match retry_after {
            Some(delay) => format!("; it runs again in {:.1} s", delay.as_secs_f64()),
            None => String::new(),
        };
        lines.push(format!("{} failed: {cause}{last_words}{again}", end.job));
        lines
    }

    fn counts(&mut self) -> Vec<String> {
        let told = |((sweep, kind), untold): (&(SweepId, String), &mut u64)| {
            let more = std::mem::take(untold);
            let jobs = if more == 1 { "job" } else { "jobs" };
            (more > 0).then(|| {
                format!("{more} more {jobs} of {sweep} failed ({kind}); `sweep failures {sweep}` groups them by cause")
            })
        };
        self.failures.iter_mut().filter_map(told).collect()
    }
}

fn summary_lines(summary: &WorkSummary) -> Vec<String> {
    let mut lines: Vec<String> =
        summary.paused.iter().map(|sweep| format!("{sweep} is paused and still has jobs")).collect();
    lines.push(format!("{} succeeded, {} failed", count(summary.succeeded, "job"), summary.failed));
    if summary.undelivered > 0 {
        let outcomes = count(summary.undelivered as u64, "outcome");
        lines.push(format!("{outcomes} could not be delivered; those jobs run again when their leases have run out"));
    }
    lines
}

fn sentence(event: &WorkerEvent) -> Option<String> {
    Some(match event {
        WorkerEvent::Started(start) => format!("working for {}, queue {}", start.store, start.queues.join(", ")),
        WorkerEvent::StoreAway { why } => {
            format!("the store is away: {why}; running jobs continue, outcomes are kept until it is back")
        }
        WorkerEvent::StoreRefuses { why } => {
            format!(
                "the store gives no jobs: {why}; running jobs continue, and the worker asks again from time to time"
            )
        }
        WorkerEvent::StoreBack => "the store is back".into(),
        WorkerEvent::OtherFolder { sweep, folder } => format!(
            "this machine does not have the folder of {sweep}'s sweep file; its jobs run in {}",
            folder.display()
        ),
        WorkerEvent::OutcomesRefused { jobs } => format!(
            "the store refused {}: other workers have these jobs because the leases had run out, or the sweep was \
             removed",
            count(*jobs as u64, "outcome")
        ),
        WorkerEvent::LostJobsRequeued { jobs } => {
            format!("{} of a lost worker (no heartbeat) put back in the queue", count(*jobs as u64, "job"))
        }
        WorkerEvent::LeftoversEnded { processes } => {
            let what = if *processes == 1 { "process" } else { "processes" };
            format!("ended {processes} {what} that jobs had left running")
        }
        WorkerEvent::InputRewritten { sweep, path, jobs } => format!(
            "{path} was written while {sweep} was running, and has the same content as before; {}",
            run_again(*jobs)
        ),
        WorkerEvent::InputChanged { sweep, path, jobs } => {
            format!("{path} changed while {sweep} was running; {}", run_again(*jobs))
        }
        WorkerEvent::Paused { sweep, reason } => format!("{sweep} is paused: {reason}"),
        WorkerEvent::NoResults { job, jobs, last_line } => {
            let line =
                last_line.as_ref().map(|line| format!("; the last line of {job} is `{line}`")).unwrap_or_default();
            format!("warning: the first {jobs} jobs of {} that have succeeded gave no result{line}; {HELP}", job.sweep)
        }
        WorkerEvent::JobStopped { job, .. } => format!(
            "{job} was stopped by a signal (state T) and does nothing; `kill -CONT` with its process id continues it, its \
             time-out or `sweep cancel` ends it"
        ),
        WorkerEvent::SteppedBack { sweep, why, pause: None } => {
            format!("this worker cannot run {sweep} and takes none of its jobs for now: {why}")
        }
        WorkerEvent::SteppedBack { sweep, why, pause: Some(pause) } => {
            format!("this worker takes no jobs of {sweep} for {:.0} s: {why}", pause.as_secs_f64())
        }
        WorkerEvent::TakesAgain { sweep } => format!("this worker takes jobs of {sweep} again"),
        WorkerEvent::InputsUnknown { sweep, why } => format!(
            "the inputs of {sweep} beyond the files that its command names, Python imports and `[files] watch` are not \
             known: {why}; add other input files to `[files] watch`"
        ),
        WorkerEvent::Stopping { how: Stopping::Now } => "stopping: running jobs are ended and given back".into(),
        WorkerEvent::Stopping { .. } => {
            "finishing the running jobs, no new jobs; press Ctrl-C again to stop the running ones".into()
        }
        WorkerEvent::Claimed { .. }
        | WorkerEvent::JobStarted { .. }
        | WorkerEvent::JobEnded(_)
        | WorkerEvent::Recorded { .. }
        | WorkerEvent::ClaimLost { .. }
        | WorkerEvent::Ended(_) => return None,
    })
}

fn run_again(jobs: usize) -> String {
    if jobs == 1 {
        return "1 job that ran meanwhile returns to the queue, not charged".into();
    }
    let jobs = count(jobs as u64, "job");
    format!("{jobs} that ran meanwhile return to the queue, not charged")
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use crate::job::{Cause, JobAddress};
    use crate::worker::events::WorkerStart;

    fn sweep() -> SweepId {
        SweepId { name: "ising".into(), number: 1 }
    }

    fn job(index: u64) -> JobAddress {
        JobAddress { sweep: sweep(), index }
    }

    fn end(index: u64, ending: Ending) -> WorkerEvent {
        WorkerEvent::JobEnded(JobEnd {
            job: job(index),
            attempt: 2,
            ending,
            exit_code: Some(3),
            seconds: 1.25,
            stderr: Some(("reading in.dat".into(), "no licence".into())),
            line: Some("no licence".into()),
        })
    }

    fn failed(index: u64, code: i32) -> WorkerEvent {
        end(index, Ending::Failed { cause: Cause::Exit(code), retry_after: None })
    }

    /// An event of each kind.
    pub fn one_of_each() -> Vec<WorkerEvent> {
        let start = WorkerStart {
            worker: "0123".into(),
            host: "node-1".into(),
            pid: 17,
            slots: 4,
            queues: vec!["default".into(), "gpu".into()],
            sweep: None,
            store: "redis://store:6379".into(),
        };
        let pause = Some(Duration::from_secs(20));
        let again = Some(Duration::from_millis(2500));
        vec![
            WorkerEvent::Started(start.clone()),
            WorkerEvent::Started(WorkerStart { queues: vec![], sweep: Some(sweep()), ..start }),
            WorkerEvent::Claimed { sweep: sweep(), jobs: 12 },
            WorkerEvent::JobStarted { job: job(3), attempt: 1 },
            end(3, Ending::Succeeded),
            failed(4, 3),
            WorkerEvent::JobStopped { job: job(5), attempt: 2 },
            WorkerEvent::NoResults { job: job(5), jobs: 20, last_line: Some("done".into()) },
            end(5, Ending::Failed { cause: Cause::CannotStart("no `solver`".into()), retry_after: again }),
            end(6, Ending::Cancelled),
            end(7, Ending::GivenBack { why: None }),
            end(8, Ending::GivenBack { why: Some("disk full".into()) }),
            end(9, Ending::ClaimLost),
            WorkerEvent::Recorded { jobs: 3 },
            WorkerEvent::ClaimLost { job: job(9) },
            WorkerEvent::OutcomesRefused { jobs: 1 },
            WorkerEvent::LostJobsRequeued { jobs: 2 },
            WorkerEvent::StoreAway { why: "connection refused".into() },
            WorkerEvent::StoreRefuses { why: "out of memory".into() },
            WorkerEvent::StoreBack,
            WorkerEvent::OtherFolder { sweep: sweep(), folder: "/tmp".into() },
            WorkerEvent::InputRewritten { sweep: sweep(), path: "ising.py".into(), jobs: 1 },
            WorkerEvent::InputChanged { sweep: sweep(), path: "ising.py".into(), jobs: 3 },
            WorkerEvent::Paused { sweep: sweep(), reason: "20 points failed".into() },
            WorkerEvent::SteppedBack { sweep: sweep(), why: "there is no program `solver`".into(), pause: None },
            WorkerEvent::SteppedBack { sweep: sweep(), why: "5 jobs in a row failed here".into(), pause },
            WorkerEvent::TakesAgain { sweep: sweep() },
            WorkerEvent::InputsUnknown { sweep: sweep(), why: "this system cannot report the calls of a job".into() },
            WorkerEvent::Stopping { how: Stopping::Drain },
            WorkerEvent::Stopping { how: Stopping::Now },
            WorkerEvent::LeftoversEnded { processes: 1 },
            WorkerEvent::Ended(WorkSummary { succeeded: 8, failed: 1, undelivered: 2, paused: vec![sweep()] }),
        ]
    }

    #[test]
    fn every_event_has_its_sentence() {
        let mut people = People::new(false);
        let now = Instant::now();
        let for_one_sweep = |event: &WorkerEvent| matches!(event, WorkerEvent::Started(start) if start.sweep.is_some());
        let events = one_of_each().into_iter().filter(|event| !for_one_sweep(event));
        let lines: Vec<String> = events.flat_map(|event| people.event(&event, now)).collect();
        insta::assert_snapshot!(lines.join("\n"), @r#"
        working for redis://store:6379, queue default, gpu
        ising-1/4 failed: exit code 3: no licence
        ising-1/5 was stopped by a signal (state T) and does nothing; `kill -CONT` with its process id continues it, its time-out or `sweep cancel` ends it
        warning: the first 20 jobs of ising-1 that have succeeded gave no result; the last line of ising-1/5 is `done`; print results as lines `name = value` or as a JSON object, or say under [results] how they are read; for jobs without results write format = "none" there
        ising-1/5 failed: cannot start: no `solver`: no licence; it runs again in 2.5 s
        the store refused 1 outcome: other workers have these jobs because the leases had run out, or the sweep was removed
        2 jobs of a lost worker (no heartbeat) put back in the queue
        the store is away: connection refused; running jobs continue, outcomes are kept until it is back
        the store gives no jobs: out of memory; running jobs continue, and the worker asks again from time to time
        the store is back
        this machine does not have the folder of ising-1's sweep file; its jobs run in /tmp
        ising.py was written while ising-1 was running, and has the same content as before; 1 job that ran meanwhile returns to the queue, not charged
        ising.py changed while ising-1 was running; 3 jobs that ran meanwhile return to the queue, not charged
        ising-1 is paused: 20 points failed
        this worker cannot run ising-1 and takes none of its jobs for now: there is no program `solver`
        this worker takes no jobs of ising-1 for 20 s: 5 jobs in a row failed here
        this worker takes jobs of ising-1 again
        the inputs of ising-1 beyond the files that its command names, Python imports and `[files] watch` are not known: this system cannot report the calls of a job; add other input files to `[files] watch`
        finishing the running jobs, no new jobs; press Ctrl-C again to stop the running ones
        stopping: running jobs are ended and given back
        ended 1 process that jobs had left running
        ising-1 is paused and still has jobs
        8 jobs succeeded, 1 failed
        2 outcomes could not be delivered; those jobs run again when their leases have run out
        "#);
    }

    #[test]
    fn the_first_failure_of_a_kind_is_reported_at_once_and_further_ones_are_counted() {
        let mut people = People::new(false);
        let now = Instant::now();
        assert_eq!(people.event(&failed(1, 3), now), ["ising-1/1 failed: exit code 3: no licence"]);
        assert_eq!(people.event(&failed(2, 4), now), ["ising-1/2 failed: exit code 4: no licence"]);
        for index in 3..1000 {
            assert!(people.event(&failed(index, 3), now).is_empty());
        }
        assert!(people.tick(now + EVERY / 2).is_empty());
        let counted = people.tick(now + EVERY);
        assert_eq!(counted.len(), 1, "{counted:?}");
        assert!(counted[0].contains("997 more jobs of ising-1 failed (exit:3)"), "{counted:?}");
        assert!(people.tick(now + EVERY * 2).is_empty(), "nothing has failed since");
        people.event(&failed(1000, 4), now);
        assert!(people.rest()[0].contains("1 more job of ising-1 failed (exit:4)"));
        assert!(people.rest().is_empty());
    }

    #[test]
    fn what_is_remembered_of_failures_is_bounded() {
        let mut people = People::new(true);
        for code in 0..10_000 {
            people.event(&failed(0, code), Instant::now());
        }
        assert!(people.failures.len() <= MOST_KINDS);
    }
}
