//! Owns the way in which a running job is told from another thread to end.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicU8, Ordering};

/// What a [`Stopper`] was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Asked {
    Nothing,
    Stop,
    StopNow,
}

/// Ends the job that a slot runs, from any thread. Made once for a slot and used for one job after the other.
///
/// A stop is a state, not a message: once told, it holds until [`reset`](Stopper::reset). So it is never lost: a stop
/// that comes while the job's process is being started ends it, and [`run`](super::run) with a stop already told starts
/// nothing and answers as if it had been ended at once. And it hits no other job, if the slot keeps one rule: *under the
/// lock that says which job the slot holds, the slot calls `reset` before it takes a job, and whoever stops a job looks
/// under that lock whether the slot holds it and calls `stop` before letting go.* A stop meant for the job before then
/// either came before the reset, which forgets it, or finds under the lock that its job is gone.
///
/// Telling costs a system call and never blocks.
#[derive(Debug)]
pub struct Stopper {
    asked: AtomicU8,
    bell: Bell,
}

impl Stopper {
    /// Makes a stopper that was told nothing. It holds one file descriptor (two where there is no eventfd).
    ///
    /// # Errors
    /// If the process has no file descriptors left.
    pub fn new() -> io::Result<Stopper> {
        Ok(Stopper { asked: AtomicU8::new(0), bell: Bell::new()? })
    }

    /// Ends the job: SIGTERM to its whole process group, SIGKILL after the grace time.
    pub fn stop(&self) {
        self.ask(1);
    }

    /// Ends the job at once: SIGKILL to its whole process group, also when it was told to stop before.
    pub fn stop_now(&self) {
        self.ask(2);
    }

    /// Forgets what it was told. Call it between jobs, see [`Stopper`]; not while a job runs.
    pub fn reset(&self) {
        // A bell that was not rung need not be silenced, which saves a system call for each job.
        if self.asked.swap(0, Ordering::SeqCst) != 0 {
            self.bell.silence();
        }
    }

    fn ask(&self, level: u8) {
        // First the state, then the bell: who hears the bell finds the state.
        self.asked.fetch_max(level, Ordering::SeqCst);
        self.bell.ring();
    }

    pub(super) fn asked(&self) -> Asked {
        match self.asked.load(Ordering::SeqCst) {
            0 => Asked::Nothing,
            1 => Asked::Stop,
            _ => Asked::StopNow,
        }
    }

    /// What it was told, with the bell silenced before looking, so that whatever is told later rings it again.
    pub(super) fn answer(&self) -> Asked {
        self.bell.silence();
        self.asked()
    }

    /// Readable when something was told since it was last answered.
    pub(super) fn fd(&self) -> BorrowedFd<'_> {
        self.bell.listen()
    }
}

/// A file descriptor that becomes readable: an eventfd.
#[cfg(target_os = "linux")]
#[derive(Debug)]
struct Bell(OwnedFd);

#[cfg(target_os = "linux")]
impl Bell {
    fn new() -> io::Result<Bell> {
        use rustix::event::{EventfdFlags, eventfd};
        Ok(Bell(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?))
    }

    fn ring(&self) {
        // Fails only when it rings already, more often than can be counted.
        let _ = rustix::io::write(&self.0, &1_u64.to_ne_bytes());
    }

    fn silence(&self) {
        // One read takes the whole count; it fails when the bell is silent.
        let _ = rustix::io::read(&self.0, &mut [0_u8; 8]);
    }

    fn listen(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// A file descriptor that becomes readable: a pipe, its end to read from first.
#[cfg(not(target_os = "linux"))]
#[derive(Debug)]
struct Bell(OwnedFd, OwnedFd);

#[cfg(not(target_os = "linux"))]
impl Bell {
    fn new() -> io::Result<Bell> {
        let (reader, writer) = io::pipe()?;
        let (reader, writer) = (OwnedFd::from(reader), OwnedFd::from(writer));
        rustix::io::ioctl_fionbio(&reader, true)?;
        rustix::io::ioctl_fionbio(&writer, true)?;
        Ok(Bell(reader, writer))
    }

    fn ring(&self) {
        // Fails only when the pipe is full, and then it rings.
        let _ = rustix::io::write(&self.1, &[1]);
    }

    fn silence(&self) {
        let mut taken = [0_u8; 64];
        while rustix::io::read(&self.0, &mut taken).is_ok_and(|n| n == taken.len()) {}
    }

    fn listen(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::event::{PollFd, PollFlags, Timespec, poll};

    fn rings(stopper: &Stopper) -> bool {
        let fd = stopper.fd();
        poll(&mut [PollFd::from_borrowed_fd(fd, PollFlags::IN)], Some(&Timespec { tv_sec: 0, tv_nsec: 0 })).unwrap()
            == 1
    }

    #[test]
    fn it_holds_the_strongest_word_until_reset() {
        let stopper = Stopper::new().unwrap();
        assert!(!rings(&stopper));
        stopper.stop_now();
        stopper.stop();
        assert!(rings(&stopper));
        assert_eq!(stopper.answer(), Asked::StopNow);
        assert!(!rings(&stopper));
        assert_eq!(stopper.asked(), Asked::StopNow);
        stopper.reset();
        assert_eq!(stopper.asked(), Asked::Nothing);
        for _ in 0..1000 {
            stopper.stop();
        }
        stopper.reset();
        assert!(!rings(&stopper));
    }
}
