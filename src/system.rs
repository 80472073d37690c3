//! Owns what every layer may ask the operating system: the wall clock, a random number, the text of a private file.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

/// The wall clock, milliseconds since 1970. 0 if it is set to an earlier time.
pub fn wall_clock_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64)
}

/// A random number from the system, from all 64-bit numbers.
///
/// # Errors
/// If the system gives none.
pub fn random() -> io::Result<u64> {
    getrandom::u64().map_err(|error| io::Error::other(format!("the system gives no random numbers: {error}")))
}

/// The text of a file that only this user may read: at most its first `most` bytes.
///
/// # Errors
/// If it cannot be read, or `PermissionDenied` if it is not a regular file of this user or others may read or write it.
pub fn private_text(path: &Path, most: u64) -> io::Result<String> {
    let file = File::open(path)?;
    let found = file.metadata()?;
    let me = rustix::process::geteuid().as_raw();
    if !found.is_file() || found.uid() != me || found.mode() & 0o077 != 0 {
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, "it is not private"));
    }
    let mut text = String::new();
    file.take(most).read_to_string(&mut text)?;
    Ok(text)
}
