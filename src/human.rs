//! Owns numbers, sizes and durations as text for people.

use std::time::Duration;

use indicatif::{BinaryBytes, HumanCount, HumanDuration};

/// A number with its digits in groups of three: `31,500`.
pub fn group(number: u64) -> String {
    HumanCount(number).to_string()
}

/// A number with its noun, in the plural where needed: `1 worker`, `2 workers`.
pub fn count(number: u64, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", group(number))
}

/// A number of bytes in units of 1024: `64.00 MiB`.
pub fn bytes(number: u64) -> String {
    BinaryBytes(number).to_string()
}

/// Seconds in their largest unit: `3 minutes`. Negative seconds count as 0.
pub fn duration(seconds: f64) -> String {
    let whole = Duration::from_secs(seconds.clamp(0.0, 1e15).round() as u64);
    HumanDuration(whole).to_string()
}
