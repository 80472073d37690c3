//! Owns one job's process from start to end.

use std::io;
use std::time::{Duration, Instant};

use super::child::{ChildProcess, ExitStatus};
use super::monitor::Monitor;
use super::oom::OomMark;
use super::params_file::ParamsFile;
use super::running::RunningProcess;
use super::spawn::Pipes;
use super::start_failure::{exit_unknown, explain};
use super::stopper::StopRequest;
use super::{Ended, EndedBy, Exit, Launch, StartError, Stopper};
use crate::record::Output;

/// Runs a job on the calling thread until it has ended, and leaves no process of its group behind.
///
/// When the job exceeds its time-out, or is stopped, all its processes get SIGTERM, and SIGKILL after the grace time, also
/// those that left its process group. Nobody is killed before that, also when the job's own process ends sooner. When they
/// exceed their memory limit, they get SIGKILL at once. What a job that ended by itself left behind in its group is
/// killed; if that holds the output open, it has a second to write its last lines. What it left behind outside its group
/// is for [`OrphanReaper`](super::OrphanReaper). If `stopper` is stopped already, nothing is started, and the answer is
/// that of a job ended at once by SIGTERM that used nothing.
///
/// The end of each output is kept, see [`Limits::keep`](super::Limits::keep), in at most about twice that memory. What
/// falls out of the end of stdout goes to `overflow`, in order, while the job runs; followed by what is kept, it is all
/// that the job printed. A slow `overflow` delays the job's output and nothing else.
///
/// # Errors
/// If the process cannot be started, or somebody else reaped it. [`StartError::machine_fault`] tells the machine's faults
/// from the job's.
pub fn run(launch: &Launch, stopper: &Stopper, overflow: &mut dyn FnMut(&[u8])) -> Result<Ended, StartError> {
    run_watched(launch, stopper, &mut RunWatch { overflow, stopped: &mut || {} })
}

/// As [`run`], and calls `stopped` each time when the job's own process is seen to have been stopped (SIGSTOP, state T).
/// That is looked at every few seconds. It goes on being stopped until somebody sends SIGCONT, or its time is up.
///
/// # Errors
/// As [`run`].
pub fn run_watched(launch: &Launch, stopper: &Stopper, watch: &mut RunWatch<'_>) -> Result<Ended, StartError> {
    if stopper.request() != StopRequest::None {
        return Ok(never_started());
    }
    let (started, oom) = (Instant::now(), OomMark::now());
    let (child, pipes, _params) = start(launch).map_err(|error| explain(error, launch))?;
    supervise(child, pipes, launch, stopper, watch, started, oom).map_err(|error| exit_unknown(error, launch))
}

/// What is told about a job while it runs.
pub struct RunWatch<'a> {
    /// Takes what falls out of the end of stdout.
    pub overflow: &'a mut dyn FnMut(&[u8]),
    /// The job was stopped.
    pub stopped: &'a mut dyn FnMut(),
}

/// Starts the process; with its parameters in a file, which is kept until the job has ended, if they are too long.
fn start(launch: &Launch) -> io::Result<(ChildProcess, Pipes, Option<ParamsFile>)> {
    match ChildProcess::start(launch) {
        Err(error) if ParamsFile::may_help(&error) => {
            let Some((launch, file)) = ParamsFile::replace(launch)? else { return Err(error) };
            ChildProcess::start(&launch).map(|(child, pipes)| (child, pipes, Some(file)))
        }
        started => started.map(|(child, pipes)| (child, pipes, None)),
    }
}

fn supervise(
    child: ChildProcess,
    pipes: Pipes,
    launch: &Launch,
    stopper: &Stopper,
    watch: &mut RunWatch<'_>,
    started: Instant,
    oom: OomMark,
) -> io::Result<Ended> {
    let monitor = Monitor::new(launch.limits, started);
    let mut running = RunningProcess::new(child, pipes, launch, stopper, watch, monitor, started);
    running.watch();
    let ended_by = running.ended_by();
    let (ExitStatus { exit, cpu, max_rss_bytes }, output, exited) = running.finish()?;
    Ok(Ended {
        exit,
        ended_by,
        output,
        seconds: seconds(exited.duration_since(started)),
        cpu_seconds: seconds(cpu),
        max_rss_bytes,
        oom_killed: ended_by.is_none() && exit.is_kill() && oom.killed_since(),
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
        oom_killed: false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{BRIEF, sh};
    use super::*;

    #[test]
    fn without_a_pidfd_the_exit_is_polled_for() {
        let stopper = Stopper::new().unwrap();
        for script in ["exit 3", "exec >&- 2>&-; sleep 0.2; exit 3"] {
            let launch = sh(script);
            let (mut child, pipes) = ChildProcess::start(&launch).unwrap();
            child.forget_pidfd();
            let now = Instant::now();
            let mut watch = RunWatch { overflow: &mut |_| {}, stopped: &mut || {} };
            let ended = supervise(child, pipes, &launch, &stopper, &mut watch, now, OomMark::now()).unwrap();
            assert_eq!((ended.exit, ended.ended_by), (Exit::Code(3), None), "{script}");
            assert!(ended.seconds < BRIEF.as_secs_f64());
        }
    }
}
