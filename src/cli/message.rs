//! Owns lines on stderr: text for people, or JSON for a program that reads them. A closed stderr is not an error.

use std::fmt::Arguments;
use std::io::{IsTerminal, Stderr, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use indicatif::ProgressBar;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::report::json;
use crate::error::Error;

/// How long a command that ends waits for the reader of its stderr.
const LAST_LINES: Duration = Duration::from_secs(2);

/// How often a writer that waits for the reader of stderr checks whether the command ends.
const CHECK: Timespec = Timespec { tv_sec: 0, tv_nsec: 100_000_000 };

/// Prints a line on standard error. Unlike `eprintln!` it does not panic when standard error is closed.
macro_rules! message {
    ($($text:tt)*) => { $crate::cli::message::line(format_args!($($text)*)) };
}

/// Whether stderr carries JSON lines only.
static IS_JSON: AtomicBool = AtomicBool::new(false);

/// The progress bar that is drawn on stderr now.
static BAR: Mutex<Option<ProgressBar>> = Mutex::new(None);

/// When lines are dropped that the reader of stderr does not take. Not set: a writer waits for the reader.
static DROP_AFTER: OnceLock<Instant> = OnceLock::new();

/// From now on a reader that does not read stderr delays this command by at most [`LAST_LINES`].
pub fn wait_no_longer() {
    DROP_AFTER.get_or_init(|| Instant::now() + LAST_LINES);
}

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

/// Writes a line to stderr unchanged; in one write if it is no longer than `PIPE_BUF`.
pub fn raw_line(text: &str) {
    let text = format!("{text}\n");
    let write = || {
        let mut stderr = std::io::stderr();
        // A write of this size does not block after a successful poll.
        for part in text.as_bytes().chunks(libc::PIPE_BUF) {
            if !accepts(&stderr) || stderr.write_all(part).is_err() {
                return;
            }
        }
    };
    let bar = BAR.lock().unwrap_or_else(PoisonError::into_inner);
    match &*bar {
        Some(bar) => bar.suspend(write),
        None => write(),
    }
}

/// Waits until stderr accepts some bytes. False: the command ends, and nobody reads them. A person may have stopped the
/// output of a terminal, and will let it continue; so a terminal is waited for.
fn accepts(stderr: &Stderr) -> bool {
    const AT_ONCE: Timespec = Timespec { tv_sec: 0, tv_nsec: 0 };
    loop {
        let is_over = !stderr.is_terminal() && DROP_AFTER.get().is_some_and(|end| Instant::now() >= *end);
        let mut polled = [PollFd::new(stderr, PollFlags::OUT)];
        match poll(&mut polled, Some(if is_over { &AT_ONCE } else { &CHECK })) {
            Ok(0) if is_over => return false,
            Ok(0) | Err(rustix::io::Errno::INTR) => {}
            // Ready, or closed, which the write finds out.
            Ok(_) | Err(_) => return true,
        }
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
