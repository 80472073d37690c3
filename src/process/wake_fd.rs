//! Owns a file descriptor that another thread makes readable, so that a `poll` returns.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// An eventfd.
#[cfg(target_os = "linux")]
#[derive(Debug)]
pub(super) struct WakeFd(OwnedFd);

#[cfg(target_os = "linux")]
impl WakeFd {
    /// Makes one that is not readable.
    pub(super) fn new() -> io::Result<WakeFd> {
        use rustix::event::{EventfdFlags, eventfd};
        Ok(WakeFd(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?))
    }

    /// Makes it readable.
    pub(super) fn set(&self) {
        // Fails only when it is set already, more often than it can count.
        let _ = rustix::io::write(&self.0, &1_u64.to_ne_bytes());
    }

    /// Makes it not readable.
    pub(super) fn clear(&self) {
        // One read takes the whole count; it fails when there is none.
        let _ = rustix::io::read(&self.0, &mut [0_u8; 8]);
    }

    /// The descriptor to poll.
    pub(super) fn fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// A pipe.
#[cfg(not(target_os = "linux"))]
#[derive(Debug)]
pub(super) struct WakeFd {
    reader: OwnedFd,
    writer: OwnedFd,
}

#[cfg(not(target_os = "linux"))]
impl WakeFd {
    /// Makes one that is not readable.
    pub(super) fn new() -> io::Result<WakeFd> {
        let (reader, writer) = io::pipe()?;
        let (reader, writer) = (OwnedFd::from(reader), OwnedFd::from(writer));
        rustix::io::ioctl_fionbio(&reader, true)?;
        rustix::io::ioctl_fionbio(&writer, true)?;
        Ok(WakeFd { reader, writer })
    }

    /// Makes it readable.
    pub(super) fn set(&self) {
        // Fails only when the pipe is full, and then it is readable.
        let _ = rustix::io::write(&self.writer, &[1]);
    }

    /// Makes it not readable.
    pub(super) fn clear(&self) {
        let mut taken = [0_u8; 64];
        while rustix::io::read(&self.reader, &mut taken).is_ok_and(|n| n == taken.len()) {}
    }

    /// The descriptor to poll.
    pub(super) fn fd(&self) -> BorrowedFd<'_> {
        self.reader.as_fd()
    }
}
