//! Owns the status: one serializable snapshot of sweeps and workers, and its renderers. Pure.
//!
//! - [`text`]: the snapshot for a terminal
//! - [`rate`]: how many points end per second at present
//!
//! The JSON form of the snapshot is a contract with programs.

use std::collections::HashMap;

use serde::Serialize;

use crate::human::count;
use crate::job::SweepId;
use crate::store::{Counts, SweepRow, WorkerRow};

pub mod rate;
pub mod text;

/// The version of the snapshot's JSON.
const VERSION: u32 = 1;

/// What `sweep status` shows.
#[derive(Clone, Debug, Serialize)]
pub struct StatusSnapshot {
    /// Grows when a field changes its meaning.
    pub version: u32,
    /// Newest first.
    pub sweeps: Vec<SweepStatus>,
    /// The newest heartbeat first.
    pub workers: Vec<WorkerStatus>,
}

/// What a snapshot contains in addition to the rows of sweeps and workers.
#[derive(Clone, Debug, Default)]
pub struct Activity {
    /// Points that end per second at present; sweeps whose rate is unknown are absent.
    pub rates: HashMap<SweepId, f64>,
    /// Running jobs whose leases have run out; sweeps without any are absent.
    pub expired: HashMap<SweepId, u64>,
}

/// A sweep.
#[derive(Clone, Debug, Serialize)]
pub struct SweepStatus {
    /// `NAME-N`.
    pub id: String,
    /// The sweep's name.
    pub name: String,
    /// `pending`, `running`, `paused`, `done`, `failed` or `cancelled`; the last three mean that nothing is left to run.
    pub state: &'static str,
    /// Why it has this state; none: there is no more to say.
    pub reason: Option<String>,
    /// The number of points in each state; in JSON these keys are on the same level as the others.
    #[serde(flatten)]
    pub counts: Counts,
    /// The number of running jobs whose leases have run out: as far as the store knows, no worker runs them.
    pub expired: u64,
    /// Its queue.
    pub queue: String,
    /// Who submitted it.
    pub user: String,
    /// When it was submitted, RFC 3339.
    pub submitted: String,
    /// Points that end per second at present, see [`rate::recent_rate`]; none: unknown, or nothing runs.
    pub rate: Option<f64>,
    /// Seconds until all points have ended at that rate; none: unknown, or nothing runs.
    pub seconds_left: Option<f64>,
    /// The inputs, as a list with how each was found; only if this sweep alone is shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inputs: Option<serde_json::Value>,
}

/// A worker.
#[derive(Clone, Debug, Serialize)]
pub struct WorkerStatus {
    /// Its random id.
    pub id: String,
    /// Its machine.
    pub host: String,
    /// Its process there.
    pub pid: u32,
    /// Its slots.
    pub slots: u32,
    /// The number of slots that run a job.
    pub busy: u32,
    /// The sweeps that it cannot run.
    pub unable: Vec<String>,
    /// Why, for each of them in the same order; empty if the worker did not say.
    pub unable_why: Vec<String>,
    /// Its last heartbeat, RFC 3339.
    pub last_seen: String,
}

impl StatusSnapshot {
    /// A snapshot of rows of the store.
    pub fn new(sweeps: &[SweepRow], workers: &[WorkerRow], activity: &Activity) -> Self {
        StatusSnapshot {
            version: VERSION,
            sweeps: sweeps.iter().map(|row| SweepStatus::new(row, workers, activity)).collect(),
            workers: workers.iter().map(WorkerStatus::new).collect(),
        }
    }
}

impl SweepStatus {
    fn new(row: &SweepRow, workers: &[WorkerRow], activity: &Activity) -> Self {
        let counts = row.counts;
        let expired = activity.expired.get(&row.id).copied().unwrap_or(0).min(counts.running);
        let (state, reason) = state_and_reason(row, workers, expired);
        let rate = activity.rates.get(&row.id).copied().filter(|_| state == "running");
        let left = counts.pending + counts.running;
        SweepStatus {
            id: row.id.to_string(),
            name: row.id.name.clone(),
            state,
            reason,
            counts,
            expired,
            queue: row.queue.clone(),
            user: row.user.clone(),
            submitted: time(row.submitted_ms),
            rate,
            seconds_left: rate.map(|rate| left as f64 / rate),
            inputs: None,
        }
    }
}

impl WorkerStatus {
    fn new(row: &WorkerRow) -> Self {
        WorkerStatus {
            id: row.id.clone(),
            host: row.host.clone(),
            pid: row.pid,
            slots: row.slots,
            busy: row.busy,
            unable: row.excluded.iter().map(ToString::to_string).collect(),
            unable_why: row.excluded.iter().map(|id| row.why_excluded(id).unwrap_or_default().to_owned()).collect(),
            last_seen: time(row.last_seen_ms),
        }
    }
}

fn jobs(number: u64) -> String {
    count(number, "running job")
}

/// The state of a sweep, and why.
fn state_and_reason(row: &SweepRow, workers: &[WorkerRow], expired: u64) -> (&'static str, Option<String>) {
    let counts = &row.counts;
    if counts.is_settled() {
        return match (counts.failed, counts.cancelled) {
            (0, 0) => ("done", None),
            (failed, 0) => ("failed", Some(format!("{failed} of {} points failed", counts.total))),
            (_, cancelled) => ("cancelled", Some(format!("{cancelled} of {} points were cancelled", counts.total))),
        };
    }
    if let Some(reason) = &row.paused {
        return ("paused", Some(reason.clone()));
    }
    if counts.running > expired {
        return ("running", None);
    }
    let served = workers.iter().any(|worker| worker.queues.contains(&row.queue));
    let option = if row.queue == "default" { String::new() } else { format!(" --queue {}", row.queue) };
    let starts = format!("`sweep worker{option}` starts one");
    let reason = match (expired, served) {
        (0, true) => None,
        (0, false) => Some(format!("no worker serves the queue `{}`; {starts}", row.queue)),
        // Lost workers may still be listed for a minute.
        (lost, _) => {
            Some(format!("the workers of {} are lost; any worker runs these jobs again, {starts}", jobs(lost)))
        }
    };
    ("pending", reason)
}

/// Milliseconds since the epoch as RFC 3339 in UTC.
pub fn time(ms: u64) -> String {
    jiff::Timestamp::from_millisecond(ms as i64).map_or_else(|_| String::new(), |time| time.to_string())
}
