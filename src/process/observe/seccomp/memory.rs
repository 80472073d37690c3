//! Owns reading what an observed process points to: the text of a path, the flags of a call; and where its relative paths
//! start.

use std::ffi::{OsString, c_void};
use std::fs;
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;

use super::filter::PathArgument;

/// The longest path that a system call takes, with the zero at its end.
const LONGEST_PATH: usize = libc::PATH_MAX as usize;

/// A page is never smaller; only the part up to the end of a page can be read for sure.
const PAGE: u64 = 4096;

/// A path as a call gives it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct GivenPath {
    /// The folder where a relative path starts, as the kernel names it, without symbolic links; `/` for an absolute one.
    pub(super) base: PathBuf,
    /// The path, without leading slashes.
    pub(super) text: PathBuf,
}

/// Reads a path argument of a thread of an observed process, which waits meanwhile.
///
/// # Errors
/// If its memory or its folder cannot be read: it was killed, or this process may not (a program that its user may not
/// read, a hardened kernel).
pub(super) fn given_path(thread: i32, argument: PathArgument) -> io::Result<GivenPath> {
    let text = OsString::from_vec(text(thread, argument.text)?);
    if text.as_bytes().starts_with(b"/") {
        let text = PathBuf::from(text);
        let text = text.strip_prefix("/").map(Into::into).unwrap_or(text);
        return Ok(GivenPath { base: "/".into(), text });
    }
    let base = match argument.folder {
        libc::AT_FDCWD => fs::read_link(format!("/proc/{thread}/cwd"))?,
        folder => open_path(thread, folder)?,
    };
    Ok(GivenPath { base, text: text.into() })
}

/// The path of what a descriptor of an observed process has open.
///
/// # Errors
/// If it has no such descriptor, or it cannot be read.
pub(super) fn open_path(thread: i32, descriptor: i32) -> io::Result<PathBuf> {
    fs::read_link(format!("/proc/{thread}/fd/{descriptor}"))
}

/// Eight bytes as a number.
///
/// # Errors
/// As of [`given_path`].
pub(super) fn number(thread: i32, address: u64) -> io::Result<u64> {
    let mut bytes = [0; 8];
    match read(thread, address, &mut bytes)? {
        8 => Ok(u64::from_ne_bytes(bytes)),
        _ => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

/// The bytes up to the first zero.
fn text(thread: i32, address: u64) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; 256];
    loop {
        let length = read(thread, address, &mut bytes)?;
        let read = bytes.get(..length).unwrap_or_default();
        if let Some(end) = read.iter().position(|byte| *byte == 0) {
            bytes.truncate(end);
            return Ok(bytes);
        }
        // The call itself will fail.
        if length < bytes.len() || length >= LONGEST_PATH {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        bytes.resize(LONGEST_PATH, 0);
    }
}

/// Reads up to as many bytes as there are. Fewer if what follows is not mapped.
fn read(thread: i32, address: u64, bytes: &mut [u8]) -> io::Result<usize> {
    let length = bytes.len() as u64;
    let local = libc::iovec { iov_base: bytes.as_mut_ptr().cast::<c_void>(), iov_len: bytes.len() };
    // A part that cannot be read fails as a whole, so every page is a part of its own.
    let mut parts = Vec::with_capacity(2);
    let mut at = address;
    while at < address.saturating_add(length) {
        let end = (at / PAGE + 1).saturating_mul(PAGE).min(address + length);
        parts.push(libc::iovec { iov_base: at as *mut c_void, iov_len: (end - at) as usize });
        at = end;
    }
    // SAFETY: `local` is the memory of `bytes`, exclusively borrowed, of its length; the other addresses are the other
    // process's, and the kernel checks them.
    let read = unsafe { libc::process_vm_readv(thread, &raw const local, 1, parts.as_ptr(), parts.len() as _, 0) };
    usize::try_from(read).map_err(|_| io::Error::last_os_error())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn me() -> i32 {
        std::process::id() as i32
    }

    #[test]
    fn texts_and_numbers_are_read_across_pages_and_up_to_the_end_of_what_is_mapped() {
        let long = "a/".repeat(1500) + "z\0";
        assert_eq!(text(me(), long.as_ptr() as u64).unwrap().len(), 3001);
        let number_there = 0x1234_5678_9abc_u64;
        assert_eq!(number(me(), &raw const number_there as u64).unwrap(), number_there);
        assert!(text(me(), 8).is_err());
        // One page at the end of what is mapped: the page after it is not readable.
        let page = PAGE as usize;
        // SAFETY: new memory that nothing else uses; two pages, of which the second is made unreadable.
        let start = unsafe {
            let start = libc::mmap(std::ptr::null_mut(), 2 * page, 3, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS, -1, 0);
            assert_ne!(start, libc::MAP_FAILED);
            assert_eq!(libc::mprotect(start.add(page), page, libc::PROT_NONE), 0);
            std::ptr::copy_nonoverlapping(c"ab".as_ptr().cast(), start.cast::<u8>().add(page - 3), 3);
            start as u64
        };
        assert_eq!(text(me(), start + PAGE - 3).unwrap(), b"ab");
    }
}
