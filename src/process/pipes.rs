//! Owns what goes into a job and comes out of it: the end of each output in bounded memory, standard input bit by bit.

use std::collections::VecDeque;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::buffer::spare_capacity;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use crate::record::Kept;

/// Bytes read at once: what a pipe holds on Linux.
pub(super) const CHUNK: usize = 64 * 1024;

/// The end of a stream of bytes.
#[derive(Debug, Default)]
struct Tail {
    keep: usize,
    bytes: VecDeque<u8>,
    total: u64,
}

impl Tail {
    /// Takes a chunk in, and hands on what it pushes out, in order.
    fn push(&mut self, chunk: &[u8], overflow: &mut dyn FnMut(&[u8])) {
        self.total += chunk.len() as u64;
        let (passing, chunk) = chunk.split_at(chunk.len().saturating_sub(self.keep));
        let excess = (self.bytes.len() + chunk.len()).saturating_sub(self.keep);
        let (front, back) = self.bytes.as_slices();
        let in_front = excess.min(front.len());
        let parts = [front.get(..in_front), back.get(..excess - in_front), Some(passing)];
        parts.into_iter().flatten().filter(|part| !part.is_empty()).for_each(overflow);
        self.bytes.drain(..excess);
        self.bytes.extend(chunk);
    }
}

/// An output of a job: the pipe while it is open, and the end of what came out of it.
#[derive(Debug)]
pub(super) struct Outlet {
    pipe: Option<OwnedFd>,
    tail: Tail,
}

impl Outlet {
    /// Keeps the last `keep` bytes of what comes out of the pipe.
    pub(super) fn new(pipe: OwnedFd, keep: usize) -> Outlet {
        Outlet { pipe: Some(pipe), tail: Tail { keep, ..Tail::default() } }
    }

    /// Notes that nobody holds the other end any more and nothing is left in the pipe.
    pub(super) fn ended(&mut self) {
        self.pipe = None;
    }

    /// The pipe, while it is open.
    pub(super) fn fd(&self) -> Option<BorrowedFd<'_>> {
        self.pipe.as_ref().map(AsFd::as_fd)
    }

    /// Reads once, as much as `scratch` has room for; closes the pipe at its end. Call it only when the pipe is readable,
    /// or it waits.
    /// What no longer fits into the end that is kept goes to `overflow`.
    pub(super) fn read(&mut self, scratch: &mut Vec<u8>, overflow: &mut dyn FnMut(&[u8])) {
        let Some(pipe) = &self.pipe else { return };
        scratch.clear();
        match rustix::io::read(pipe, spare_capacity(scratch)) {
            Ok(0) => self.pipe = None,
            Ok(_) => self.tail.push(scratch, overflow),
            Err(Errno::INTR | Errno::AGAIN) => {}
            Err(_) => self.pipe = None,
        }
    }

    /// Takes what is in the pipe now, waiting for nothing, and closes it. At most about 1 MiB, which is as much as a pipe
    /// may hold: whoever still holds the other end may be writing on and on.
    pub(super) fn close(mut self, scratch: &mut Vec<u8>, overflow: &mut dyn FnMut(&[u8])) -> Kept {
        for _ in 0..16 {
            let Some(pipe) = &self.pipe else { break };
            let mut fds = [PollFd::new(pipe, PollFlags::IN)];
            if !poll(&mut fds, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })).is_ok_and(|ready| ready > 0) {
                break;
            }
            self.read(scratch, overflow);
        }
        Kept { tail: self.tail.bytes.into(), total: self.tail.total }
    }
}

/// The standard input of a job: the pipe, and what has still to go into it.
#[derive(Debug)]
pub(super) struct Feed<'a> {
    pipe: OwnedFd,
    rest: &'a [u8],
}

impl<'a> Feed<'a> {
    /// Prepares to write `bytes`. A pipe that cannot be made not to block is fed nothing.
    pub(super) fn new(pipe: OwnedFd, bytes: &'a [u8]) -> Option<Feed<'a>> {
        rustix::io::ioctl_fionbio(&pipe, true).ok()?;
        Some(Feed { pipe, rest: bytes })
    }

    /// The pipe.
    pub(super) fn fd(&self) -> BorrowedFd<'_> {
        self.pipe.as_fd()
    }

    /// Writes as much as goes in at once. Returns nothing when all is written or nobody reads any more: dropping it
    /// closes the pipe. A pipe without a reader gives EPIPE and no signal, because Rust programs ignore SIGPIPE; sweep
    /// must not change that.
    pub(super) fn write(mut self) -> Option<Feed<'a>> {
        match rustix::io::write(&self.pipe, self.rest) {
            Ok(n) => self.rest = self.rest.get(n..).unwrap_or_default(),
            Err(Errno::INTR | Errno::AGAIN) => {}
            Err(_) => return None,
        }
        (!self.rest.is_empty()).then_some(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_tail_is_the_end_of_the_whole(chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..12), keep in 0..50_usize) {
            let mut tail = Tail { keep, ..Tail::default() };
            let mut before = Vec::new();
            for chunk in &chunks {
                tail.push(chunk, &mut |bytes| before.extend_from_slice(bytes));
                prop_assert!(tail.bytes.len() <= keep);
            }
            let whole = chunks.concat();
            let (beginning, end) = whole.split_at(whole.len().saturating_sub(keep));
            prop_assert_eq!(before, beginning);
            prop_assert_eq!(Vec::from(tail.bytes), end);
            prop_assert_eq!(tail.total, whole.len() as u64);
        }
    }
}
