//! Owns what every layer may ask the operating system: the wall clock, and a random number.

use std::io;
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
