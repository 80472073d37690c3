//! Owns the events of a worker in the background: reads the JSON lines that `docs/events.md` documents, and waits for them.

use serde::Deserialize;

use super::{Background, until};

/// The version of the form that this reads.
const VERSION: u64 = 1;

/// The number of events that a failed wait prints.
const SHOWN: usize = 20;

/// What a worker reports, with the fields that tests use.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    Started { worker: String, pid: u32, slots: u32 },
    Claimed { sweep: String, jobs: usize },
    JobStarted { job: String, attempt: u32 },
    JobStopped { job: String, attempt: u32 },
    NoResults { sweep: String, job: String, last_line: Option<String> },
    JobEnded { job: String, attempt: u32, outcome: String, cause: Option<String>, message: Option<String> },
    Recorded { jobs: usize },
    ClaimLost { job: String },
    OutcomesRefused { jobs: usize },
    LostJobsRequeued { jobs: usize },
    StoreAway { reason: String },
    StoreRefuses { reason: String },
    StoreBack,
    OtherFolder { sweep: String, folder: String },
    InputRewritten { sweep: String, path: String, jobs: usize },
    InputChanged { sweep: String, path: String, jobs: usize },
    Paused { sweep: String, reason: String },
    SteppedBack { sweep: String, reason: String, pause_seconds: Option<f64> },
    TakesAgain { sweep: String },
    Stopping { how: Stop },
    LeftoversEnded { processes: usize },
    Summary { succeeded: u64, failed: u64, undelivered: usize, paused: Vec<String> },
    Message { message: String },
    EventsDropped { events: u64 },
}

/// How a worker was told to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stop {
    Drain,
    Now,
}

impl Background {
    /// The events so far of a process that was started with `--log-format json`.
    ///
    /// # Panics
    /// If a line is not an event.
    #[track_caller]
    pub fn events(&self) -> Vec<Event> {
        let log = self.log();
        // The last line may be half written.
        let whole = log.rsplit_once('\n').map_or("", |(whole, _)| whole);
        whole.lines().map(event).collect()
    }

    /// Whether an event of this kind has happened.
    #[track_caller]
    pub fn has(&self, is_it: impl Fn(&Event) -> bool) -> bool {
        self.events().iter().any(is_it)
    }

    /// Waits until an event of this kind has happened, and returns the first one. A failed wait prints the last events.
    #[track_caller]
    pub fn wait_for(&self, what: &str, is_it: impl Fn(&Event) -> bool) -> Event {
        until(what, || {
            let mut events = self.events();
            match events.iter().position(&is_it) {
                Some(at) => Ok(events.swap_remove(at)),
                None => Err(events.split_off(events.len().saturating_sub(SHOWN))),
            }
        })
    }
}

#[track_caller]
fn event(line: &str) -> Event {
    let object: serde_json::Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    assert_eq!(object["version"], VERSION, "{line}");
    Event::deserialize(object).unwrap_or_else(|error| panic!("{error}: {line}"))
}
