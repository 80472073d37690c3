//! Owns what comes out of a job: the end of each output stream, in bounded memory.

use std::collections::VecDeque;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::buffer::spare_capacity;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use crate::record::Kept;

/// Bytes read at once: the capacity of a pipe on Linux.
pub(super) const CHUNK: usize = 64 * 1024;

/// Chunks that are read from a pipe whose other end may be written to for ever: 1 MiB, the largest capacity of a pipe.
const LAST_CHUNKS: u32 = 16;

/// The end of a stream of bytes.
#[derive(Debug, Default)]
struct Tail {
    keep: usize,
    bytes: VecDeque<u8>,
    total: u64,
}

impl Tail {
    /// Adds a chunk. What no longer fits goes to `overflow`, in order.
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

/// One output of a job: its pipe while that is open, and the end of what came out of it.
#[derive(Debug)]
pub(super) struct OutputCapture {
    pipe: Option<OwnedFd>,
    tail: Tail,
}

impl OutputCapture {
    /// Keeps the last `keep` bytes of what comes out of the pipe.
    pub(super) fn new(pipe: OwnedFd, keep: usize) -> OutputCapture {
        OutputCapture { pipe: Some(pipe), tail: Tail { keep, ..Tail::default() } }
    }

    /// Closes the pipe: the other end is closed and nothing is left in it.
    pub(super) fn ended(&mut self) {
        self.pipe = None;
    }

    /// The pipe, while it is open.
    pub(super) fn fd(&self) -> Option<BorrowedFd<'_>> {
        self.pipe.as_ref().map(AsFd::as_fd)
    }

    /// Reads once, as much as `scratch` has room for; closes the pipe at its end. It blocks unless the pipe is readable.
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

    /// Reads what is in the pipe now, without waiting, and closes it. Whoever still holds the other end may write on and
    /// on, so at most 1 MiB is read.
    pub(super) fn close(mut self, scratch: &mut Vec<u8>, overflow: &mut dyn FnMut(&[u8])) -> Kept {
        for _ in 0..LAST_CHUNKS {
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
