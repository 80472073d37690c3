//! Owns the progress of a sweep on stderr: a bar on a terminal, otherwise a line every ten seconds.

use std::fmt::Write;
use std::io::IsTerminal;
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use crate::cli::message;
use crate::human::group;
use crate::job::SweepId;
use crate::store::{Counts, Store};

/// How often the bar is updated, and how often a line is written if there is no terminal.
const EVERY: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(10));

/// Shows the progress of a sweep until it is dropped.
pub struct Progress {
    over: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Progress {
    /// Starts to show the progress of a sweep.
    pub fn new(store: Arc<dyn Store>, id: SweepId) -> Self {
        let (over, is_over) = mpsc::channel();
        let thread = thread::spawn(move || {
            let mut shown = Shown::new(&id);
            loop {
                let over = is_over.recv_timeout(EVERY.0) != Err(RecvTimeoutError::Timeout);
                // If the store is away, the worker reports it.
                if let Ok(row) = store.sweep(&id) {
                    shown.update(&row.counts, over);
                }
                if over {
                    return shown.end();
                }
            }
        });
        Progress { over: Some(over), thread: Some(thread) }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.over.take();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

enum Shown {
    Bar(ProgressBar),
    Lines { id: String, last: Instant },
}

impl Shown {
    fn new(id: &SweepId) -> Self {
        if !std::io::stderr().is_terminal() {
            return Shown::Lines { id: id.to_string(), last: Instant::now() };
        }
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        let style = "{prefix} {wide_bar} {human_pos}/{human_len}{msg} {rate} {eta}";
        // The template is a valid constant, so the fallback to the default style is never used.
        let style = ProgressStyle::with_template(style).unwrap_or_else(|_| ProgressStyle::default_bar());
        let rate = |state: &ProgressState, to: &mut dyn Write| {
            // An error only means that the bar is not drawn.
            let _ = write!(to, "{:.1}/s", state.per_sec());
        };
        bar.set_style(style.with_key("rate", rate));
        bar.set_prefix(id.to_string());
        message::set_bar(Some(bar.clone()));
        Shown::Bar(bar)
    }

    fn update(&mut self, counts: &Counts, at_end: bool) {
        let ended = counts.succeeded + counts.failed + counts.cancelled;
        match self {
            Shown::Bar(bar) => {
                let is_first = bar.length().is_none();
                bar.set_length(counts.total);
                bar.set_position(ended);
                if is_first {
                    // Points that ended earlier must not count for the rate.
                    bar.reset_eta();
                }
                if counts.failed > 0 {
                    bar.set_message(format!(", {} failed", group(counts.failed)));
                }
            }
            Shown::Lines { id, last } => {
                if at_end || last.elapsed() < EVERY.1 {
                    return;
                }
                *last = Instant::now();
                let failed = group(counts.failed);
                message!("{id}: {} of {} ended, {failed} failed", group(ended), group(counts.total));
            }
        }
    }

    fn end(&self) {
        if let Shown::Bar(bar) = self {
            message::set_bar(None);
            bar.finish_and_clear();
        }
    }
}
