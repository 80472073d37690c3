//! Owns what goes into a job: its standard input, written as fast as the job reads it.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::io::Errno;

/// The standard input of a job: its pipe, and what is still to be written.
#[derive(Debug)]
pub(super) struct StdinWriter<'a> {
    pipe: OwnedFd,
    rest: &'a [u8],
}

impl<'a> StdinWriter<'a> {
    /// Prepares to write `bytes`. None: the pipe cannot be made non-blocking, and the job gets no input.
    pub(super) fn new(pipe: OwnedFd, bytes: &'a [u8]) -> Option<StdinWriter<'a>> {
        rustix::io::ioctl_fionbio(&pipe, true).ok()?;
        Some(StdinWriter { pipe, rest: bytes })
    }

    /// The pipe.
    pub(super) fn fd(&self) -> BorrowedFd<'_> {
        self.pipe.as_fd()
    }

    /// Writes as much as fits at once. None: everything is written or nobody reads any more; the pipe is closed. A pipe
    /// without a reader gives EPIPE and no signal, because Rust programs ignore SIGPIPE; sweep must not change that.
    pub(super) fn write(mut self) -> Option<StdinWriter<'a>> {
        match rustix::io::write(&self.pipe, self.rest) {
            Ok(n) => self.rest = self.rest.get(n..).unwrap_or_default(),
            Err(Errno::INTR | Errno::AGAIN) => {}
            Err(_) => return None,
        }
        (!self.rest.is_empty()).then_some(self)
    }
}
