//! Owns a slot: a thread that takes a claim, runs its job and reports how it ended, one after the other.

use std::sync::Arc;
use std::time::Duration;

use super::directory::{Directory, DirectoryError};
use super::events::{Ending, JobEnd, WorkerEvent, shown_lines, stderr_lines, telling_line};
use super::exclusions::ExcludedSweeps;
use super::health::FailureKind;
use super::heartbeat::HeartbeatSender;
use super::inputs::AttemptInputs;
use super::observing::SweepObservers;
use super::panics::catch;
use super::report::{FinishedAttempt, Runner};
use super::state::{ClaimedJob, StopReason, WorkerState};
use super::step_back::{Elsewhere, StepBack};
use crate::extract::{Extraction, Overflow, Results};
use crate::job::{Cause, Outcome};
use crate::model::{MAX_LOG_BYTES, Spec};
use crate::process::{
    self, Ended, EndedBy, Exit, Launch, Limits, Observer, OrphanReaper, RunWatch, StartError, Stopper,
};
use crate::runtime::{FIRST_JOBS, PreparedJob, SweepRuntime};
use crate::store::Claim;
use crate::table::columns::drop_repeated;
use crate::value::Value;

/// Time between SIGTERM and SIGKILL.
const GRACE: Duration = Duration::from_secs(5);

/// Bytes kept in memory of the end of each of a running job's stdout and stderr.
const KEEP: usize = MAX_LOG_BYTES as usize;

/// Bytes of the end of a results file that are read at once. A JSON object over several lines can be that large.
const KEEP_OF_FILE: usize = 4 << 20;

/// How often and how long a slot waits when the machine has no process, memory or file to spare.
const BUSY_MACHINE: (u32, Duration) = (50, Duration::from_millis(200));

/// What all slots share.
pub(super) struct SlotContext<'a> {
    pub(super) state: &'a WorkerState,
    pub(super) runner: &'a Runner,
    pub(super) orphans: &'a OrphanReaper,
    pub(super) excluded: &'a ExcludedSweeps,
    pub(super) heartbeats: &'a HeartbeatSender<'a>,
    pub(super) step_back: &'a StepBack<'a>,
    pub(super) observers: &'a SweepObservers,
}

/// How a slot's work on a claim ended.
enum Attempt {
    /// Nothing was started: the claim goes back.
    NotStarted,
    /// The claim was no longer this worker's, and its process was ended: nothing is reported.
    ClaimLost,
    /// The machine has no process, memory or file to spare; which one. The claim goes back.
    MachineBusy(String),
    /// The attempt is over; `ended` is none if its process could not be started. `kind`: what a failure looks like, if
    /// that is known without the process.
    Over { outcome: Outcome, ended: Option<Ended>, kind: Option<FailureKind> },
}

impl Attempt {
    /// sweep panicked while it handled the job; the message of the panic.
    fn panicked(message: String) -> Attempt {
        let outcome = Outcome::Failed { cause: Cause::InternalError(message) };
        Attempt::Over { outcome, ended: None, kind: Some(FailureKind::Other) }
    }

    /// The job could not be started.
    fn unstarted(why: String, kind: FailureKind) -> Attempt {
        let cause = Cause::CannotStart(why);
        Attempt::Over { outcome: Outcome::Failed { cause }, ended: None, kind: Some(kind) }
    }
}

/// Runs jobs until the state is closed.
pub(super) fn run(context: &SlotContext<'_>, slot: usize) {
    let Some(stopper) = context.state.stopper(slot) else { return };
    let run = |task: &ClaimedJob, attempt: &mut AttemptInputs| context.run_task(slot, stopper, task, attempt);
    let finish = |task: &ClaimedJob, attempt| context.finish(task, attempt);
    run_each(context.state, slot, context.runner, run, finish);
}

/// Takes one job after the other for a slot until the state is closed. `run` executes a job, `finish` makes its
/// outcome. A panic in either of them fails the job with [`Cause::InternalError`], and the slot continues with the next
/// one.
fn run_each(
    state: &WorkerState,
    slot: usize,
    runner: &Runner,
    run: impl Fn(&ClaimedJob, &mut AttemptInputs) -> Attempt,
    finish: impl Fn(&ClaimedJob, Attempt) -> Option<FinishedAttempt>,
) {
    while let Some(task) = state.take(slot) {
        let mut inputs = task.inputs.begin();
        let attempt = catch(|| run(&task, &mut inputs)).unwrap_or_else(Attempt::panicked);
        let finished = catch(|| finish(&task, attempt)).unwrap_or_else(|message| {
            let outcome = Outcome::Failed { cause: Cause::InternalError(message) };
            Some(FinishedAttempt::ran(&task.claim, outcome, &task.sweep, None, runner))
        });
        state.finish(slot, &task, finished, inputs);
    }
}

impl SlotContext<'_> {
    fn run_task(&self, slot: usize, stopper: &Stopper, task: &ClaimedJob, inputs: &mut AttemptInputs) -> Attempt {
        let (sweep, claim) = (&task.sweep, &task.claim);
        if self.excluded.contains(&sweep.id) {
            return Attempt::NotStarted;
        }
        let prepared = match sweep.prepare(claim.job.index, claim.tries.attempts) {
            Ok(prepared) => prepared,
            // The values of the point are the reason, so this happens on every machine.
            Err(why) => return Attempt::unstarted(format!("{why:#}"), FailureKind::Other),
        };
        if !task.inputs.begin_files(inputs, sweep, &prepared.argv) {
            self.state.wake();
            return Attempt::NotStarted;
        }
        let directory = match Directory::enter(sweep, &prepared, claim) {
            Ok(directory) => directory,
            Err(DirectoryError::Cannot(why)) => return Attempt::unstarted(why, FailureKind::CannotStart),
            // A newer attempt runs, so this claim is lost. The next heartbeat learns that.
            Err(DirectoryError::NewerAttempt) => return Attempt::NotStarted,
        };
        self.heartbeats.announce(claim);
        let (job, attempt) = (&claim.job, claim.tries.attempts);
        self.state.emit_of_every_job(|| WorkerEvent::JobStarted { job: job.clone(), attempt });
        let observation = self.begin_observation(task, &prepared);
        let attempt = self.run_process(slot, stopper, task, &prepared, &directory, observation.observer());
        let again = || {
            let directory = match directory.renew(sweep, &prepared, claim) {
                Ok(directory) => directory,
                Err(DirectoryError::Cannot(why)) => return Attempt::unstarted(why, FailureKind::CannotStart),
                Err(DirectoryError::NewerAttempt) => return Attempt::ClaimLost,
            };
            self.run_process(slot, stopper, task, &prepared, &directory, None)
        };
        let attempt = self.end_observation(observation, task, &prepared, inputs, attempt, again);
        task.inputs.end_files(inputs, sweep);
        attempt
    }

    /// Runs the job's process once.
    fn run_process(
        &self,
        slot: usize,
        stopper: &Stopper,
        task: &ClaimedJob,
        prepared: &PreparedJob,
        directory: &Directory,
        observer: Option<Arc<Observer>>,
    ) -> Attempt {
        let sweep = &task.sweep;
        let run = self.orphans.begin();
        let mut extraction = sweep.extractor.begin();
        let (job, attempt) = (&task.claim.job, task.claim.tries.attempts);
        let launched = launch(sweep, prepared, run.mark()).map(|launch| Launch { observer, ..launch });
        let started = launched.and_then(|launch| {
            let stopped = &mut || self.state.emit(WorkerEvent::JobStopped { job: job.clone(), attempt });
            let watch = RunWatch { overflow: &mut |bytes| extraction.overflow(bytes), stopped };
            self.start(slot, stopper, launch, watch)
        });
        let ended = match started {
            Ok(ended) => ended,
            Err(error) if error.is_transient() => return Attempt::MachineBusy(error.to_string()),
            Err(error) => return self.cannot_start(task, prepared, &error),
        };
        let outcome = match (ended.ended_by, self.state.stop_reason(slot)) {
            (Some(EndedBy::Stopped), Some(StopReason::Lost)) => return Attempt::ClaimLost,
            (Some(EndedBy::Stopped), Some(StopReason::Cancelled)) => Outcome::Cancelled,
            (Some(EndedBy::Stopped), _) => Outcome::GivenBack { started: true },
            _ => judge(sweep, prepared, directory, extraction, &ended),
        };
        Attempt::Over { outcome, ended: Some(ended), kind: None }
    }

    /// Reports the end of an attempt as an event. Returns what to report to the store.
    fn finish(&self, task: &ClaimedJob, attempt: Attempt) -> Option<FinishedAttempt> {
        let claim = &task.claim;
        let (outcome, ended, kind) = match attempt {
            Attempt::NotStarted => {
                self.emit_end(claim, Ending::GivenBack { why: None }, None);
                return Some(FinishedAttempt::given_back(claim));
            }
            Attempt::MachineBusy(why) => {
                // The claim goes back in any case: other machines may have more to spare.
                self.step_back.failed(task, FailureKind::Machine, &why);
                self.emit_end(claim, Ending::GivenBack { why: Some(why) }, None);
                return Some(FinishedAttempt::given_back(claim));
            }
            Attempt::ClaimLost => {
                self.emit_end(claim, Ending::ClaimLost, None);
                return None;
            }
            Attempt::Over { outcome, ended, kind } => (outcome, ended, kind),
        };
        let outcome = self.blame(task, outcome, ended.as_ref(), kind);
        self.note_results(task, &outcome, ended.as_ref());
        let policy = &task.sweep.spec.job;
        let failed = matches!(outcome, Outcome::Failed { .. });
        if failed || self.state.reports_every_job() {
            let ending = FinishedAttempt::ending(claim, &outcome, policy);
            self.emit_end(claim, ending, ended.as_ref());
        }
        Some(FinishedAttempt::ran(claim, outcome, &task.sweep, ended, self.runner))
    }

    /// Reports that the first jobs of a sweep had no results.
    fn note_results(&self, task: &ClaimedJob, outcome: &Outcome, ended: Option<&Ended>) {
        let Outcome::Succeeded { results } = outcome else { return };
        if task.sweep.spec.results.is_empty() || !task.sweep.note_results(!results.is_empty()) {
            return;
        }
        let last_line = ended.and_then(|ended| shown_lines(&ended.output.stdout)).map(|(_, last)| last);
        self.state.emit(WorkerEvent::NoResults { job: task.claim.job.clone(), jobs: FIRST_JOBS, last_line });
    }

    /// Returns the outcome, or [`Outcome::CannotHere`] if this machine may be why the job failed: the point goes back
    /// without a charge.
    fn blame(&self, task: &ClaimedJob, outcome: Outcome, ended: Option<&Ended>, kind: Option<FailureKind>) -> Outcome {
        let cause = match &outcome {
            Outcome::Failed { cause } => cause,
            Outcome::Succeeded { .. } => {
                self.step_back.succeeded(&task.sweep.id);
                return outcome;
            }
            _ => return outcome,
        };
        let fault = ended.and_then(Ended::machine_fault);
        let kind = kind.unwrap_or(if fault.is_some() { FailureKind::Machine } else { FailureKind::Other });
        let last_line = telling_line(ended).map(|line| format!(": {line}")).unwrap_or_default();
        let why = format!("{cause}{last_line}");
        if self.step_back.failed(task, kind, &why) { Outcome::CannotHere { why } } else { outcome }
    }

    fn emit_end(&self, claim: &Claim, ending: Ending, ended: Option<&Ended>) {
        if !self.state.reports_every_job() && !matches!(ending, Ending::Failed { .. }) {
            return;
        }
        self.state.emit(WorkerEvent::JobEnded(JobEnd {
            job: claim.job.clone(),
            attempt: claim.tries.attempts,
            ending,
            exit_code: ended.and_then(Ended::exit_code),
            seconds: ended.map_or(0.0, |ended| ended.seconds),
            stderr: stderr_lines(ended),
            line: telling_line(ended),
        }));
    }

    /// Runs the process. Waits a while if the machine has no process, memory or file to spare. A process that cannot be
    /// started observed is started unobserved.
    fn start(
        &self,
        slot: usize,
        stopper: &Stopper,
        mut launch: Launch,
        mut watch: RunWatch<'_>,
    ) -> Result<Ended, StartError> {
        let (tries, wait) = BUSY_MACHINE;
        let mut left = tries;
        loop {
            match process::run_watched(&launch, stopper, &mut watch) {
                Err(_) if launch.observer.take().is_some() => {}
                Err(error) if error.is_transient() && left > 0 && self.state.stop_reason(slot).is_none() => {
                    left -= 1;
                    std::thread::sleep(wait);
                }
                ended => return ended,
            }
        }
    }

    /// Handles a job that cannot be started: it has failed. But if all jobs of the sweep have the same program and it
    /// is not on this machine, the worker leaves the sweep to other workers.
    fn cannot_start(&self, task: &ClaimedJob, prepared: &PreparedJob, error: &StartError) -> Attempt {
        let (sweep, why) = (&task.sweep, error.to_string());
        let word = program_word(prepared);
        sweep.forget_program(word);
        if error.is_of_program() && sweep.template.one_program_for_all() {
            return match self.step_back.program_missing(task, word, &why) {
                Elsewhere::AlreadyKnown => Attempt::NotStarted,
                Elsewhere::Possible => Attempt::Over { outcome: Outcome::CannotHere { why }, ended: None, kind: None },
                // The sweep was paused. One job is charged, so that `sweep failures` shows the reason.
                Elsewhere::Impossible => Attempt::unstarted(why, FailureKind::Other),
            };
        }
        let kind = match error.machine_fault() {
            None => FailureKind::Other,
            // Other points have other programs, which may be on this machine.
            Some(_) if error.is_of_program() => FailureKind::Machine,
            Some(_) => FailureKind::CannotStart,
        };
        Attempt::unstarted(why, kind)
    }
}

fn program_word(prepared: &PreparedJob) -> &str {
    prepared.argv.first().map(String::as_str).unwrap_or_default()
}

fn launch(sweep: &SweepRuntime, prepared: &PreparedJob, mark: String) -> Result<Launch, StartError> {
    let program = sweep.program(program_word(prepared))?;
    let job = &sweep.spec.job;
    Ok(Launch {
        program,
        argv: prepared.argv.clone(),
        env: prepared.env.clone(),
        dir: prepared.dir.clone(),
        mark,
        stdin: prepared.stdin.clone().unwrap_or_default().into_bytes(),
        observer: None,
        limits: Limits { timeout: job.timeout, memory: job.memory, grace: GRACE, keep: KEEP },
    })
}

/// Returns the outcome of an attempt that ended by itself or exceeded a limit.
fn judge(
    sweep: &SweepRuntime,
    prepared: &PreparedJob,
    directory: &Directory,
    extraction: Extraction,
    ended: &Ended,
) -> Outcome {
    let failed = |cause| Outcome::Failed { cause };
    let limits = &sweep.spec.job;
    let stdout = &ended.output.stdout;
    let read = |name: &str, overflow: Option<Overflow<'_>>| directory.read(name, KEEP_OF_FILE, overflow);
    let own = |results| drop_repeated(&sweep.space, &prepared.point, results);
    match ended.ended_by {
        Some(EndedBy::Timeout) => {
            let seconds = limits.timeout.unwrap_or_default().as_secs_f64();
            let partial = own(extraction.partial(stdout, read));
            return timed_out(&sweep.spec, seconds, partial);
        }
        Some(EndedBy::Memory { used }) => {
            return failed(Cause::Memory { limit: limits.memory.unwrap_or_default(), used });
        }
        Some(EndedBy::Stopped) | None => {}
    }
    match ended.exit {
        Exit::Signal(number) => failed(Cause::Signal(number)),
        Exit::Code(code) if limits.ok_exit_codes.contains(&code) => match extraction.finish(stdout, read) {
            Ok(results) => Outcome::Succeeded { results: own(results) },
            Err(why) => failed(Cause::NoResult(why)),
        },
        Exit::Code(code) => failed(Cause::Exit(code)),
    }
}

/// Returns the outcome of an attempt that its time-out ended: a failure, unless the sweep keeps such results and has all that
/// it requires.
fn timed_out(spec: &Spec, seconds: f64, partial: Results) -> Outcome {
    let has_value = |name: &String| partial.iter().any(|(known, value)| known == name && *value != Value::Missing);
    let mut required = spec.results.iter().flat_map(|settings| &settings.require);
    if spec.keeps_timed_out() && !partial.is_empty() && required.all(has_value) {
        return Outcome::Succeeded { results: partial };
    }
    Outcome::Failed { cause: Cause::Timeout { seconds, partial } }
}

mod observation;
#[cfg(test)]
mod tests;
