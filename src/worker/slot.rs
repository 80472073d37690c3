//! Owns a slot: a thread that takes a claim, runs its job and says how it ended, one after the other.

use std::time::Duration;

use super::board::{Board, StopReason, Task};
use super::directory::{Directory, Refusal};
use super::report::{Finished, Runner};
use super::runtime::{Prepared, SweepRuntime};
use crate::extract;
use crate::job::{Cause, Outcome};
use crate::process::{self, Ended, EndedBy, Exit, Launch, Limits, Orphans, StartError, Stopper};
use crate::spec::ResultsFrom;
use crate::table::columns::name_results;
use crate::value::Value;

/// Time between SIGTERM and SIGKILL.
const GRACE: Duration = Duration::from_secs(5);

/// Bytes kept in memory of the end of each of a running job's stdout and stderr; results are read from these.
const KEEP: usize = 256 << 10;

/// How often and how long a slot waits when the machine, not the job, is why a process cannot be started.
const BUSY_MACHINE: (u32, Duration) = (50, Duration::from_millis(200));

/// Runs jobs until the board is closed.
pub fn run(board: &Board, slot: usize, runner: &Runner, orphans: &Orphans) {
    let Some(stopper) = board.stopper(slot) else { return };
    while let Some(task) = board.take(slot) {
        let finished = run_task(board, slot, stopper, &task, runner, orphans);
        board.finish(slot, finished);
    }
}

fn run_task(
    board: &Board,
    slot: usize,
    stopper: &Stopper,
    task: &Task,
    runner: &Runner,
    orphans: &Orphans,
) -> Option<Finished> {
    let sweep = &task.sweep;
    let policy = &sweep.spec.job.retry;
    let failed = |cause| Finished::ran(&task.claim, Outcome::Failed { cause }, policy, None, runner);
    let prepared = match sweep.prepare(task.claim.job.index, task.claim.tries.attempts) {
        Ok(prepared) => prepared,
        Err(why) => return Some(failed(Cause::CannotStart(format!("{why:#}")))),
    };
    let directory = match Directory::enter(sweep, &prepared, &task.claim) {
        Ok(directory) => directory,
        Err(Refusal::Cannot(why)) => return Some(failed(Cause::CannotStart(why))),
        // A newer attempt is at work: this claim was lost without our knowing. The store will say the same.
        Err(Refusal::TooLate) => {
            return Some(Finished::never_started(&task.claim, &Outcome::GivenBack { started: false }));
        }
    };
    let run = orphans.begin();
    let launch = match launch(sweep, &prepared, run.mark()) {
        Ok(launch) => launch,
        Err(why) => return Some(failed(Cause::CannotStart(why))),
    };
    let ended = match start(board, slot, stopper, &launch) {
        Ok(ended) => ended,
        Err(error) if error.is_transient() => {
            let given_back = Outcome::GivenBack { started: false };
            return Some(Finished::never_started(&task.claim, &given_back));
        }
        Err(error) => return Some(failed(Cause::CannotStart(error.to_string()))),
    };
    let outcome = match (ended.ended_by, board.stop_reason(slot)) {
        (Some(EndedBy::Stopped), Some(StopReason::Lost)) => return None,
        (Some(EndedBy::Stopped), Some(StopReason::Cancelled)) => Outcome::Cancelled,
        (Some(EndedBy::Stopped), _) => Outcome::GivenBack { started: true },
        _ => judge(sweep, &prepared, &directory, &ended),
    };
    Some(Finished::ran(&task.claim, outcome, policy, Some(ended), runner))
}

/// Runs the process; waits a while where the machine has no process, memory or file to spare.
fn start(board: &Board, slot: usize, stopper: &Stopper, launch: &Launch) -> Result<Ended, StartError> {
    let (tries, wait) = BUSY_MACHINE;
    let mut left = tries;
    loop {
        match process::run(launch, stopper, &mut |_| {}) {
            Err(error) if error.is_transient() && left > 0 && board.stop_reason(slot).is_none() => {
                left -= 1;
                std::thread::sleep(wait);
            }
            ended => return ended,
        }
    }
}

fn launch(sweep: &SweepRuntime, prepared: &Prepared, mark: String) -> Result<Launch, String> {
    let word = prepared.argv.first().map(String::as_str).unwrap_or_default();
    let program = sweep.program(word).map_err(|error| error.to_string())?;
    let job = &sweep.spec.job;
    Ok(Launch {
        program,
        argv: prepared.argv.clone(),
        env: prepared.env.clone(),
        dir: prepared.dir.clone(),
        mark,
        stdin: prepared.stdin.clone().unwrap_or_default().into_bytes(),
        limits: Limits { timeout: job.timeout, memory: job.memory, grace: GRACE, keep: KEEP },
    })
}

/// How an attempt that ended by itself, or because it exceeded a limit, is to be called.
fn judge(sweep: &SweepRuntime, prepared: &Prepared, directory: &Directory, ended: &Ended) -> Outcome {
    let failed = |cause| Outcome::Failed { cause };
    let limits = &sweep.spec.job;
    match ended.ended_by {
        Some(EndedBy::Timeout) => {
            return failed(Cause::Timeout(limits.timeout.unwrap_or_default().as_secs_f64()));
        }
        Some(EndedBy::Memory { used }) => {
            return failed(Cause::Memory { limit: limits.memory.unwrap_or_default(), used });
        }
        Some(EndedBy::Stopped) | None => {}
    }
    match ended.exit {
        Exit::Signal(number) => failed(Cause::Signal(number)),
        Exit::Code(0) => match results(sweep, directory, ended) {
            Ok(results) => Outcome::Succeeded { results: name_results(&sweep.space, &prepared.point, results) },
            Err(why) => failed(Cause::NoResult(why)),
        },
        Exit::Code(code) => failed(Cause::Exit(code)),
    }
}

/// The results of a job that ended well, from where the sweep file says.
fn results(sweep: &SweepRuntime, directory: &Directory, ended: &Ended) -> Result<Vec<(String, Value)>, String> {
    let settings = &sweep.spec.results;
    match &settings.from {
        ResultsFrom::Stdout => extract::results(settings, &ended.output.stdout),
        ResultsFrom::File(name) => {
            extract::results(settings, &directory.read(KEEP)?).map_err(|why| format!("{name}: {why}"))
        }
    }
}
