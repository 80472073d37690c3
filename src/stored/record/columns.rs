//! Owns the records of a chunk, column by column. Each column has the form in which its values are small, and what
//! records have in common is written once.
//!
//! | column | form |
//! | --- | --- |
//! | index, end time, memory | differences from one record to the next |
//! | times | whole numbers over a power of ten if all are exactly that; else bytes, the first bytes of all first |
//! | machines and workers, origins | each different value once, and its number |
//! | outcomes | see `outcomes` |
//!
//! Every record reads back bit for bit.

use serde::{Deserialize, Serialize};

use super::cause::{CauseForm, OpenCause};
use super::numbers::{Dictionary, Differences, Doubles};
use super::outcome::StoredVerdict;
use super::outcomes::Outcomes;
use crate::job::{AttemptCounts, JobAddress, SweepId};
use crate::record::Record;

/// The columns of a chunk, with causes in the form `C`.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Columns<C> {
    index: Differences,
    attempts: Vec<u32>,
    failures: Vec<u32>,
    losses: Vec<u32>,
    outcome: Outcomes<C>,
    verdict: Vec<StoredVerdict>,
    exit_code: Vec<Option<i32>>,
    ended_ms: Differences,
    seconds: Doubles,
    cpu_seconds: Doubles,
    /// The unit in bytes, and the numbers of units.
    rss: (u64, Differences),
    run_by: Dictionary<(String, String)>,
    origin: Dictionary<Option<StoredAddress>>,
}

/// [`JobAddress`]: the sweep's name and number, and the index.
type StoredAddress = (String, u64, u64);

impl Columns<OpenCause> {
    /// The columns of records.
    pub(super) fn of(records: &[Record]) -> Self {
        let each = |one: fn(&Record) -> u64| records.iter().map(one);
        let counts = |one: fn(&AttemptCounts) -> u32| records.iter().map(|record| one(&record.tries)).collect();
        let unit = [4096, 1024].into_iter().find(|unit| each(|record| record.max_rss_bytes).all(|rss| rss % unit == 0));
        let unit = unit.unwrap_or(1);
        Columns {
            index: Differences::of(each(|record| record.index)),
            attempts: counts(|tries| tries.attempts),
            failures: counts(|tries| tries.failures),
            losses: counts(|tries| tries.losses),
            outcome: Outcomes::of(records.iter().map(|record| &record.outcome)),
            verdict: records.iter().map(|record| record.verdict.into()).collect(),
            exit_code: records.iter().map(|record| record.exit_code).collect(),
            ended_ms: Differences::of(each(|record| record.ended_ms)),
            seconds: Doubles::of(records.iter().map(|record| record.seconds).collect()),
            cpu_seconds: Doubles::of(records.iter().map(|record| record.cpu_seconds).collect()),
            rss: (unit, Differences::of(each(|record| record.max_rss_bytes).map(|rss| rss / unit))),
            run_by: Dictionary::of(records.iter().map(|record| (record.host.clone(), record.worker.clone()))),
            origin: Dictionary::of(records.iter().map(|record| record.origin.as_ref().map(stored_address))),
        }
    }
}

impl<C: CauseForm> Columns<C> {
    /// The records; none: the columns do not belong together.
    pub(super) fn records(self) -> Option<Vec<Record>> {
        let length = self.verdict.len();
        let index = self.index.values();
        let ended_ms = self.ended_ms.values();
        let (unit, rss) = (self.rss.0, self.rss.1.values());
        let (seconds, cpu_seconds) = (self.seconds.values()?, self.cpu_seconds.values()?);
        let (run_by, origin) = (self.run_by.values(length)?, self.origin.values(length)?);
        let outcome = self.outcome.values(length)?;
        let mut rest = outcome.into_iter().zip(run_by).zip(origin);
        let record = |n: usize| {
            let ((outcome, (host, worker)), origin) = rest.next()?;
            let tries = AttemptCounts {
                attempts: *self.attempts.get(n)?,
                failures: *self.failures.get(n)?,
                losses: *self.losses.get(n)?,
            };
            Some(Record {
                index: *index.get(n)?,
                tries,
                outcome,
                verdict: (*self.verdict.get(n)?).into(),
                exit_code: *self.exit_code.get(n)?,
                ended_ms: *ended_ms.get(n)?,
                seconds: *seconds.get(n)?,
                cpu_seconds: *cpu_seconds.get(n)?,
                max_rss_bytes: rss.get(n)?.checked_mul(unit)?,
                host,
                worker,
                // The first one, unless the chunk says otherwise.
                version: 1,
                origin: origin.map(address),
            })
        };
        (0..length).map(record).collect()
    }
}

fn stored_address(address: &JobAddress) -> StoredAddress {
    (address.sweep.name.clone(), address.sweep.number, address.index)
}

fn address((name, number, index): StoredAddress) -> JobAddress {
    JobAddress { sweep: SweepId { name, number }, index }
}
