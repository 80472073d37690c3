//! Owns how a person is told something, on standard error. A reader who has gone away is no reason to stop.

use std::fmt::Arguments;
use std::io::Write;

/// As `eprintln!`, which would panic where nobody reads.
macro_rules! message {
    ($($text:tt)*) => { $crate::cli::message::line(format_args!($($text)*)) };
}

/// A line on standard error.
pub fn line(text: Arguments<'_>) {
    let _ = writeln!(std::io::stderr(), "{text}");
}
