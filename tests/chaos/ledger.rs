//! Owns the checks of each `sweep status` during a chaos run: counts add up, and recorded successes stay.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::Value as Json;

/// What Redis may lose with `appendfsync everysec`: it delays writing for two seconds at most.
const MAY_LOSE: Duration = Duration::from_millis(2_500);

/// Age up to which samples are kept.
const KEPT: Duration = Duration::from_secs(10);

/// Successes by sweep.
type Counts = BTreeMap<String, u64>;

struct Sample {
    at: Instant,
    counts: Counts,
    log_length: u64,
}

/// The samples so far, and the successes that must not disappear.
#[derive(Default)]
pub struct Ledger {
    samples: Vec<Sample>,
    /// Successes that each sweep must still have.
    floor: Counts,
}

impl Ledger {
    /// Checks and keeps a whole `status --json`, with the length of Redis's log right after it.
    ///
    /// # Panics
    /// If recorded successes are missing, or counts do not add up.
    pub fn note(&mut self, status: &Json, log_length: u64) {
        let sweeps = status["sweeps"].as_array().expect("a list of sweeps");
        let counts: Counts = sweeps.iter().map(checked).collect();
        for (id, least) in &self.floor {
            let now = counts.get(id);
            assert!(now.is_some_and(|now| now >= least), "{id} had {least} successes and has {now:?}: {status}");
        }
        self.floor.clone_from(&counts);
        let at = Instant::now();
        self.samples.retain(|sample| at.duration_since(sample.at) < KEPT);
        self.samples.push(Sample { at, counts, log_length });
    }

    /// Notes that `sweep retry SWEEP/INDEX` put a point back in the queue that may have succeeded.
    pub fn set_aside(&mut self, id: &str) {
        let all = self.samples.iter_mut().map(|sample| &mut sample.counts).chain([&mut self.floor]);
        for count in all.filter_map(|counts| counts.get_mut(id)) {
            *count = count.saturating_sub(1);
        }
    }

    /// The length of Redis's log one second ago, and the time of that sample, if there is one.
    pub fn a_second_ago(&self) -> Option<(Instant, u64)> {
        let old = self.samples.iter().rev().find(|sample| sample.at.elapsed() >= Duration::from_secs(1))?;
        Some((old.at, old.log_length))
    }

    /// Notes that Redis crashed. What it wrote until `written_until` is kept; successes that were seen later may be lost.
    pub fn crashed(&mut self, written_until: Instant) {
        self.samples.retain(|sample| sample.at + MAY_LOSE <= written_until);
        self.floor = self.samples.last().map(|sample| sample.counts.clone()).unwrap_or_default();
    }
}

/// A sweep's id and successes, after checking that its counts add up.
fn checked(sweep: &Json) -> (String, u64) {
    let count = |state: &str| sweep[state].as_u64().unwrap_or_else(|| panic!("no {state} in {sweep}"));
    let sum: u64 = ["pending", "running", "succeeded", "failed", "cancelled"].map(count).iter().sum();
    assert_eq!(sum, count("total"), "{sweep}");
    (sweep["id"].as_str().expect("an id").to_owned(), count("succeeded"))
}
