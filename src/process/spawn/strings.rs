//! Owns lists of strings in the form in which the system takes them.

use std::ffi::c_char;
use std::io;

/// Strings that end with NUL, in one piece of memory.
#[derive(Default)]
pub(super) struct CStringList {
    bytes: Vec<u8>,
    starts: Vec<usize>,
}

impl CStringList {
    /// Adds a string of some parts.
    ///
    /// # Errors
    /// [`io::ErrorKind::InvalidInput`] if it contains a NUL byte.
    pub(super) fn add(&mut self, parts: &[&[u8]]) -> io::Result<()> {
        self.starts.push(self.bytes.len());
        for part in parts {
            if part.contains(&0) {
                return Err(io::Error::new(io::ErrorKind::InvalidInput, "nul byte found in provided data"));
            }
            self.bytes.extend_from_slice(part);
        }
        self.bytes.push(0);
        Ok(())
    }

    /// Pointers to the strings; valid until another one is added.
    pub(super) fn all(&self) -> impl Iterator<Item = *const c_char> {
        self.starts.iter().filter_map(|start| self.bytes.get(*start..)).map(|text| text.as_ptr().cast())
    }
}

/// A list of strings with null at its end.
pub(super) fn pointers(strings: impl Iterator<Item = *const c_char>) -> Vec<*mut c_char> {
    // The system's signature says `mut`, and its standard that nothing is changed.
    strings.map(<*const c_char>::cast_mut).chain([std::ptr::null_mut()]).collect()
}
