//! Owns what signals do to a worker: the first Ctrl-C drains it, the second stops it; SIGTERM is the first, and after a
//! grace time the second.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::{Handle, Signals};

use crate::error::{Error, Result};
use crate::worker::StopHandle;
use crate::worker::pace::Stopping;

/// Time between what SIGTERM begins and what it ends with.
const TERM_GRACE: Duration = Duration::from_secs(10);

/// Listens to signals until dropped.
pub struct Listener {
    handle: Handle,
    interrupted: Arc<AtomicBool>,
}

impl Listener {
    /// Begins to listen on behalf of a worker.
    ///
    /// # Errors
    /// If the system does not let it.
    pub fn new(worker: StopHandle) -> Result<Self> {
        let no_signals = |error| Error::usage(format!("signals cannot be listened to: {error}"));
        let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP]).map_err(no_signals)?;
        let handle = signals.handle();
        let interrupted = Arc::new(AtomicBool::new(false));
        let flag = interrupted.clone();
        thread::spawn(move || {
            for signal in signals.forever() {
                let second = flag.swap(true, Ordering::SeqCst);
                if second {
                    worker.stop(Stopping::Now);
                    continue;
                }
                worker.stop(Stopping::Drain);
                if signal != SIGINT {
                    let worker = worker.clone();
                    // Detached: if the worker ends before, the process does too.
                    thread::spawn(move || {
                        thread::sleep(TERM_GRACE);
                        worker.stop(Stopping::Now);
                    });
                }
            }
        });
        Ok(Listener { handle, interrupted })
    }

    /// Whether a signal has come.
    pub fn interrupted(&self) -> bool {
        self.interrupted.load(Ordering::SeqCst)
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.handle.close();
    }
}
