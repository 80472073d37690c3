//! Owns how a running job is stopped from another thread.

use std::io;
use std::os::fd::BorrowedFd;
use std::sync::atomic::{AtomicU8, Ordering};

use super::wake_fd::WakeFd;

/// What a [`Stopper`] was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum StopRequest {
    None,
    Stop,
    StopNow,
}

/// Ends the job that a slot runs, from any thread. Made once for a slot and used for one job after the other.
///
/// A stop is a state, not a message: it holds until [`reset`](Stopper::reset). So it is never lost: a stop that comes while
/// the job's process is being started ends it, and [`run`](super::run()) under a stop starts nothing and answers as if the
/// job had been ended at once. And it reaches no other job, if the slot keeps one rule: *under the lock that says which
/// job the slot holds, the slot calls `reset` before it takes a job, and whoever stops a job checks under that lock that
/// the slot holds it and calls `stop` before unlocking.* A stop meant for the job before then either came before the
/// reset, which forgets it, or finds under the lock that its job is gone.
///
/// A stop costs a system call and never blocks.
#[derive(Debug)]
pub struct Stopper {
    request: AtomicU8,
    wake: WakeFd,
}

impl Stopper {
    /// Makes a stopper that was asked for nothing. It holds one file descriptor (two where there is no eventfd).
    ///
    /// # Errors
    /// If the process has no file descriptors left.
    pub fn new() -> io::Result<Stopper> {
        Ok(Stopper { request: AtomicU8::new(0), wake: WakeFd::new()? })
    }

    /// Ends the job: SIGTERM to all its processes, SIGKILL after the grace time.
    pub fn stop(&self) {
        self.ask(1);
    }

    /// Ends the job at once: SIGKILL to all its processes, also when it was stopped before.
    pub fn stop_now(&self) {
        self.ask(2);
    }

    /// Forgets what it was asked for. Call it between jobs, see [`Stopper`]; not while a job runs.
    pub fn reset(&self) {
        // Where nothing was asked the descriptor need not be read, which saves a system call for each job.
        if self.request.swap(0, Ordering::SeqCst) != 0 {
            self.wake.clear();
        }
    }

    fn ask(&self, level: u8) {
        // The state before the wake-up: who wakes finds the state.
        self.request.fetch_max(level, Ordering::SeqCst);
        self.wake.set();
    }

    pub(super) fn request(&self) -> StopRequest {
        match self.request.load(Ordering::SeqCst) {
            0 => StopRequest::None,
            1 => StopRequest::Stop,
            _ => StopRequest::StopNow,
        }
    }

    /// What it was asked for. The descriptor is cleared before the state is read, so that a later request sets it again.
    pub(super) fn take_request(&self) -> StopRequest {
        self.wake.clear();
        self.request()
    }

    /// Readable when there was a request since the last [`take_request`](Stopper::take_request).
    pub(super) fn fd(&self) -> BorrowedFd<'_> {
        self.wake.fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::event::{PollFd, PollFlags, Timespec, poll};

    fn is_readable(stopper: &Stopper) -> bool {
        let fd = stopper.fd();
        poll(&mut [PollFd::from_borrowed_fd(fd, PollFlags::IN)], Some(&Timespec { tv_sec: 0, tv_nsec: 0 })).unwrap()
            == 1
    }

    #[test]
    fn it_holds_the_strongest_request_until_reset() {
        let stopper = Stopper::new().unwrap();
        assert!(!is_readable(&stopper));
        stopper.stop_now();
        stopper.stop();
        assert!(is_readable(&stopper));
        assert_eq!(stopper.take_request(), StopRequest::StopNow);
        assert!(!is_readable(&stopper));
        assert_eq!(stopper.request(), StopRequest::StopNow);
        stopper.reset();
        assert_eq!(stopper.request(), StopRequest::None);
        for _ in 0..1000 {
            stopper.stop();
        }
        stopper.reset();
        assert!(!is_readable(&stopper));
    }
}
