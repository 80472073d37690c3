//! Owns how a worker reacts to signals: the first Ctrl-C drains it, the second ends its jobs; SIGTERM and SIGHUP drain
//! it and end its jobs after a grace time.

use std::ffi::c_int;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::{Handle, Signals};

use crate::error::{Error, Result};
use crate::process::is_ignored;
use crate::worker::StopHandle;
use crate::worker::pace::Stopping;

/// Time between SIGTERM or SIGHUP and the end of the running jobs.
const TERM_GRACE: Duration = Duration::from_secs(10);

/// Listens to signals until dropped.
pub struct Listener {
    handle: Handle,
    interrupted: Arc<AtomicBool>,
}

impl Listener {
    /// Starts to listen for signals for a worker. A signal that is ignored already stays ignored: `nohup`, or the shell
    /// that started the worker in the background, wants that.
    ///
    /// # Errors
    /// If a handler cannot be installed or the thread cannot be started.
    pub fn new(worker: StopHandle) -> Result<Self> {
        let failed = |error| Error::usage(format!("cannot listen to signals: {error}"));
        let handled = [SIGINT, SIGTERM, SIGHUP].into_iter().filter(|signal| !is_ignored(*signal));
        let mut signals = Signals::new(handled).map_err(failed)?;
        let handle = signals.handle();
        let interrupted = Arc::new(AtomicBool::new(false));
        let flag = interrupted.clone();
        let listen = move || signals.forever().for_each(|signal| on_signal(signal, &worker, &flag));
        thread::Builder::new().name("signals".into()).spawn(listen).map_err(failed)?;
        Ok(Listener { handle, interrupted })
    }

    /// Whether a signal has arrived.
    pub fn interrupted(&self) -> bool {
        self.interrupted.load(Ordering::SeqCst)
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.handle.close();
    }
}

fn on_signal(signal: c_int, worker: &StopHandle, interrupted: &AtomicBool) {
    let is_second = interrupted.swap(true, Ordering::SeqCst);
    if is_second {
        worker.stop(Stopping::Now);
        return;
    }
    worker.stop(Stopping::Drain);
    if signal != SIGINT {
        end_after_grace(worker.clone());
    }
}

fn end_after_grace(worker: StopHandle) {
    let end = {
        let worker = worker.clone();
        move || {
            thread::sleep(TERM_GRACE);
            worker.stop(Stopping::Now);
        }
    };
    // Detached: if the worker ends earlier, the process ends, too.
    if thread::Builder::new().name("grace".into()).spawn(end).is_err() {
        // Without a thread there is no grace time: ending the jobs too early is better than never.
        worker.stop(Stopping::Now);
    }
}
