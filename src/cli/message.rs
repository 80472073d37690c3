//! Owns lines on stderr: text for people, or JSON for a program that reads them. A closed stderr is not an error.

use std::fmt::Arguments;
use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use indicatif::ProgressBar;

use super::report::json;

use crate::error::Error;

/// Prints a line on standard error. Unlike `eprintln!` it does not panic when standard error is closed.
macro_rules! message {
    ($($text:tt)*) => { $crate::cli::message::line(format_args!($($text)*)) };
}

/// Whether stderr carries JSON lines only.
static IS_JSON: AtomicBool = AtomicBool::new(false);

/// The progress bar that is drawn on stderr now.
static BAR: Mutex<Option<ProgressBar>> = Mutex::new(None);

/// From now on everything on stderr is a JSON line.
pub fn use_json() {
    IS_JSON.store(true, Ordering::Relaxed);
}

/// Whether everything on stderr is a JSON line.
pub fn is_json() -> bool {
    IS_JSON.load(Ordering::Relaxed)
}

/// Sets the progress bar above which lines are written; none: there is no bar.
pub fn set_bar(bar: Option<ProgressBar>) {
    *BAR.lock().unwrap_or_else(PoisonError::into_inner) = bar;
}

/// Writes a line for people to stderr; with [`use_json`], as a JSON event.
pub fn line(text: Arguments<'_>) {
    if is_json() {
        raw_line(&json::of_message(jiff::Timestamp::now(), &text.to_string()));
    } else {
        raw_line(&text.to_string());
    }
}

/// Writes a line to stderr unchanged, in one write.
pub fn raw_line(text: &str) {
    let text = format!("{text}\n");
    let write = || {
        let _ = std::io::stderr().write_all(text.as_bytes());
    };
    let bar = BAR.lock().unwrap_or_else(PoisonError::into_inner);
    match &*bar {
        Some(bar) => bar.suspend(write),
        None => write(),
    }
}

/// Prints an error and its remedy. Diagnostics of a sweep file already contain `error:` and `help:`.
pub fn error(error: &Error) {
    let (message, remedy) = error.parts();
    let prefix = if matches!(error, Error::SweepFile(_)) { "" } else { "error: " };
    match remedy {
        Some(remedy) => message!("{prefix}{message}\n  help: {remedy}"),
        None => message!("{prefix}{message}"),
    }
}
