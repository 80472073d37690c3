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
use std::sync::{Arc, Mutex, PoisonError};
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
    pub fn start(command: impl FnMut() -> Command + Send + 'static) -> io::Result<Supervisor> {
        let mut command = command;
        let mut child = spawn(&mut command())?;
        let pipe: Pipe = Arc::new(Mutex::new(child.stdin.take()));
        let ours = pipe.clone();
        // A thread of its own waits for it, and so it is never among the adopted children of the first thread.
        let keep = move || {
            for _ in 0..REPLACEMENTS {
                // Only this thread waits for it, so that waiting does not fail.
                let _ = child.wait();
                let mut pipe = ours.lock().unwrap_or_else(PoisonError::into_inner);
                if pipe.is_none() {
                    return;
                }
                let Ok(next) = spawn(&mut command()) else { return };
                child = next;
                *pipe = child.stdin.take();
            }
        };
        let keeper = thread::Builder::new().name("supervisor".into()).spawn(keep)?;
        Ok(Supervisor { pipe, keeper: Some(keeper) })
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        let pipe = self.pipe.lock().unwrap_or_else(PoisonError::into_inner).take();
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
