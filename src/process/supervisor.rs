//! Owns the worker's supervisor: a small process that outlives the worker and then ends what its jobs left running.
//!
//! It reads from a pipe that the worker holds open, and sleeps meanwhile. When the pipe is closed without a farewell, the
//! worker was killed, and whatever carries its mark is ended ([`kill_marked`](super::kill_marked())). No job can be missed
//! between its start and its exec: until then it holds the other end of the pipe, too.
//!
//! Limits: it cannot help when it is killed together with the worker; a process that cleared its environment and lost its
//! parent is not found; without `/proc` (macOS) nothing is found.

use std::io::{self, Read, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread::{self, JoinHandle};

/// What a worker writes when it ends in good order.
const FAREWELL: &[u8] = b"bye";

/// How often a supervisor is replaced that somebody killed.
const MOST_STARTS: u32 = 5;

/// The worker's end: keeps a supervisor alive until dropped.
#[derive(Debug)]
pub struct Supervisor {
    pipe: SharedPipe,
    keeper: Option<JoinHandle<()>>,
}

/// The pipe to the current supervisor. None: the worker ends.
type SharedPipe = Arc<Mutex<Option<ChildStdin>>>;

impl Supervisor {
    /// Starts a supervisor: `command` must read `opening` from its standard input, and then call [`worker_was_killed`] with
    /// the rest of it.
    ///
    /// # Errors
    /// If the process or a thread cannot be started.
    pub fn start(command: impl FnMut() -> Command + Send + 'static, opening: String) -> io::Result<Supervisor> {
        let pipe = SharedPipe::default();
        let ours = pipe.clone();
        let (report, reported) = mpsc::channel();
        // A thread of its own starts the supervisor and waits for it. So it is never among the children of the first
        // thread, which are those that were adopted.
        let keep = move || keep_running(command, &opening, &ours, report);
        let keeper = thread::Builder::new().name("supervisor".into()).spawn(keep)?;
        match reported.recv() {
            Ok(Ok(())) => Ok(Supervisor { pipe, keeper: Some(keeper) }),
            Ok(Err(error)) => Err(error),
            Err(_) => Err(io::Error::other("its thread ended")),
        }
    }
}

/// Starts the supervisor, and another one when it was killed, until the worker ends. Reports the first start.
fn keep_running(
    mut command: impl FnMut() -> Command,
    opening: &str,
    pipe: &SharedPipe,
    report: mpsc::Sender<io::Result<()>>,
) {
    let mut report = Some(report);
    for _ in 0..MOST_STARTS {
        let started = spawn(&mut command());
        let (child, result) = match started {
            Ok(mut child) => {
                let mut stdin = child.stdin.take();
                let opened = stdin.as_mut().map_or(Ok(()), |stdin| stdin.write_all(opening.as_bytes()));
                *lock(pipe) = stdin;
                (Some(child), opened)
            }
            Err(error) => (None, Err(error)),
        };
        if let Some(report) = report.take() {
            // The caller waits for this.
            let _ = report.send(result);
        }
        let Some(mut child) = child else { return };
        // Only this thread waits for it, so that waiting does not fail.
        let _ = child.wait();
        if lock(pipe).is_none() {
            return;
        }
    }
}

fn lock(pipe: &SharedPipe) -> MutexGuard<'_, Option<ChildStdin>> {
    pipe.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        let pipe = lock(&self.pipe).take();
        if let Some(mut pipe) = pipe {
            // It fails when the supervisor was killed, which then has nothing to do anyway.
            let _ = pipe.write_all(FAREWELL);
        }
        if let Some(keeper) = self.keeper.take() {
            let _ = keeper.join();
        }
    }
}

fn spawn(command: &mut Command) -> io::Result<Child> {
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()
}

/// The supervisor's end: blocks until the worker has ended. Whether it was killed: it wrote no farewell.
///
/// # Errors
/// If `pipe`, the supervisor's standard input, cannot be read.
pub fn worker_was_killed(mut pipe: impl Read) -> io::Result<bool> {
    // Leaves the terminal and its signals, which are meant for the worker. It fails for a leader of a process group, which
    // a process that was just started is not.
    let _ = rustix::process::setsid();
    let mut received = Vec::new();
    pipe.read_to_end(&mut received)?;
    Ok(received != FAREWELL)
}
