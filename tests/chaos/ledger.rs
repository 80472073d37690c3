//! Owns what the statuses of a chaos run have told so far: counts that must add up, and successes that must stay.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::Value as Json;

/// What Redis may forget with `appendfsync everysec`: it holds back writing for two seconds at most.
const HELD_BACK: Duration = Duration::from_millis(2_500);

/// How far back samples are kept.
const KEPT: Duration = Duration::from_secs(10);

/// Successes by sweep.
type Counts = BTreeMap<String, u64>;

struct Sample {
    at: Instant,
    counts: Counts,
    log_length: u64,
}

/// The ledger.
#[derive(Default)]
pub struct Ledger {
    samples: Vec<Sample>,
    /// What must be there.
    floor: Counts,
}

impl Ledger {
    /// Notes a whole `status --json`, and how long Redis's log was right after it.
    ///
    /// # Panics
    /// If something is missing that was recorded, or counts do not add up.
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

    /// A point of the sweep, which may have succeeded, was put back in the queue by its address.
    pub fn set_aside(&mut self, id: &str) {
        let all = self.samples.iter_mut().map(|sample| &mut sample.counts).chain([&mut self.floor]);
        for count in all.filter_map(|counts| counts.get_mut(id)) {
            *count = count.saturating_sub(1);
        }
    }

    /// The length that Redis's log had a second ago, and when that was; none: it is not known.
    pub fn a_second_ago(&self) -> Option<(Instant, u64)> {
        let old = self.samples.iter().rev().find(|sample| sample.at.elapsed() >= Duration::from_secs(1))?;
        Some((old.at, old.log_length))
    }

    /// Redis crashed, and all that it wrote until then is there again; what it had not written yet may be gone, and what
    /// was seen of that stands for nothing from now on.
    pub fn crashed(&mut self, written_until: Instant) {
        self.samples.retain(|sample| sample.at + HELD_BACK <= written_until);
        self.floor = self.samples.last().map(|sample| sample.counts.clone()).unwrap_or_default();
    }
}

/// A sweep's id and successes, its counts added up.
fn checked(sweep: &Json) -> (String, u64) {
    let count = |state: &str| sweep[state].as_u64().unwrap_or_else(|| panic!("no {state} in {sweep}"));
    let sum: u64 = ["pending", "running", "succeeded", "failed", "cancelled"].map(count).iter().sum();
    assert_eq!(sum, count("total"), "{sweep}");
    (sweep["id"].as_str().expect("an id").to_owned(), count("succeeded"))
}
