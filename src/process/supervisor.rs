//! Owns the worker's supervisor: a small process that outlives it, and then ends what its jobs left running.
//!
//! It lives at the other end of a pipe. While the worker is there, the supervisor sleeps; when the pipe is closed without
//! a farewell, the worker was killed, and whatever carries its mark is ended ([`end_marked`](super::end_marked)). No job
//! can be missed between its start and its first instruction: until then it holds the pipe's other end, too.
//!
//! Its limits: it cannot help when it is killed together with the worker; a process that cleared its environment and
//! lost its parent is not found; without `/proc` (macOS) nothing is.

use std::io::{self, Read, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread::{self, JoinHandle};

/// What a worker that ends in good order says.
const FAREWELL: &[u8] = b"bye";

/// How often a supervisor that somebody ended is replaced.
const REPLACEMENTS: u32 = 5;

/// The worker's end: keeps a supervisor alive until dropped.
#[derive(Debug)]
pub struct Supervisor {
    pipe: Pipe,
    keeper: Option<JoinHandle<()>>,
}

/// The pipe to the supervisor that lives now; none: the worker has taken leave.
type Pipe = Arc<Mutex<Option<ChildStdin>>>;

impl Supervisor {
    /// Starts a supervisor: `command` runs [`outlived`] on its standard input.
    ///
    /// # Errors
    /// If it cannot be started.
    pub fn start(mut command: impl FnMut() -> Command + Send + 'static) -> io::Result<Supervisor> {
        let pipe = Pipe::default();
        let ours = pipe.clone();
        let (tell, told) = mpsc::channel();
        // A thread of its own starts it and waits for it, and so it is never among the children of the first thread,
        // which are those that were adopted.
        let keep = move || {
            let mut first = Some(tell);
            for _ in 0..REPLACEMENTS {
                let started = spawn(&mut command()).map(|mut child| {
                    *lock(&ours) = child.stdin.take();
                    child
                });
                let (child, result) = match started {
                    Ok(child) => (Some(child), Ok(())),
                    Err(error) => (None, Err(error)),
                };
                if let Some(tell) = first.take() {
                    // Whoever asked waits for this answer.
                    let _ = tell.send(result);
                }
                let Some(mut child) = child else { return };
                // Only this thread waits for it, so that waiting does not fail.
                let _ = child.wait();
                if lock(&ours).is_none() {
                    return;
                }
            }
        };
        let keeper = thread::Builder::new().name("supervisor".into()).spawn(keep)?;
        match told.recv() {
            Ok(Ok(())) => Ok(Supervisor { pipe, keeper: Some(keeper) }),
            Ok(Err(error)) => Err(error),
            Err(_) => Err(io::Error::other("its thread ended")),
        }
    }
}

fn lock(pipe: &Pipe) -> MutexGuard<'_, Option<ChildStdin>> {
    pipe.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        let pipe = lock(&self.pipe).take();
        if let Some(mut pipe) = pipe {
            // It was ended by somebody if this fails, and has nothing to do any more anyway.
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

/// The supervisor's end: waits for the end of the worker. Whether it was outlived, without a farewell.
///
/// # Errors
/// If its standard input cannot be read.
pub fn outlived(mut pipe: impl Read) -> io::Result<bool> {
    // Away from the terminal and its signals, which are meant for the worker. It fails for a leader of a process group,
    // which a process that was just started is not.
    let _ = rustix::process::setsid();
    let mut said = Vec::new();
    pipe.read_to_end(&mut said)?;
    Ok(said != FAREWELL)
}
