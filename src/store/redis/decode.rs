//! Owns the decoding of the server's data and replies. Nothing here panics, whatever the bytes are: what cannot be read is
//! an error of the kind `Damaged`.

use std::ops::Range;
use std::str::FromStr;

use redis::FromRedisValue;

use super::encode::MOST_CLAIMS;
use crate::job::{AttemptCounts, JobAddress, JobState, SweepId};
use crate::store::{
    Backlog, Claim, ColumnPlace, Counts, ExchangeReply, ExpiredClaim, HeldClaim, LeaseStatus, Result, StoreError,
    SweepRow, WorkerRow,
};

/// The fields of a sweep's header in the order of [`Header`].
pub(super) const HEADER: [&str; 13] = [
    "queue",
    "user",
    "submitted",
    "last",
    "paused",
    "forgiven",
    "total",
    "pending",
    "running",
    "succeeded",
    "failed",
    "cancelled",
    "reused",
];

/// A sweep's header as read by `HMGET` with [`HEADER`].
pub(super) type Header = [Option<String>; 13];

/// The counts of a sweep as a script returns them: total, pending, running, succeeded, failed, cancelled, reused.
pub(super) type CountFields = [Option<String>; 7];

fn damaged(what: &str, text: &str) -> StoreError {
    let text: String = text.chars().take(60).flat_map(char::escape_debug).collect();
    StoreError::damaged(format!("Redis holds `{text}` where sweep keeps {what}"))
        .remedy("another program may have written there; use another database of that server")
}

fn number<T: FromStr>(what: &str, text: Option<&str>) -> Result<T> {
    let text = text.unwrap_or_default();
    text.parse().map_err(|_| damaged(what, text))
}

/// A sweep's id.
pub(super) fn sweep_id(text: &str) -> Result<SweepId> {
    text.parse().map_err(|_| damaged("a sweep's id", text))
}

/// A sweep's row; none if there is no such sweep.
pub(super) fn sweep_row(id: &SweepId, header: Header) -> Result<Option<SweepRow>> {
    let [queue, user, submitted, last, paused, failed_at_resume, counts_of @ ..] = header;
    let Some(queue) = queue else { return Ok(None) };
    Ok(Some(SweepRow {
        id: id.clone(),
        queue,
        user: user.unwrap_or_default(),
        submitted_ms: number("a time", submitted.as_deref())?,
        last_outcome_ms: last.map(|last| number("a time", Some(&last))).transpose()?,
        paused,
        failed_at_resume: number("a count", failed_at_resume.as_deref())?,
        counts: counts(counts_of)?,
    }))
}

/// A sweep's counts.
pub(super) fn counts(fields: CountFields) -> Result<Counts> {
    let [total, pending, running, succeeded, failed, cancelled, reused] =
        fields.map(|field| number("a count", field.as_deref()));
    Ok(Counts {
        total: total?,
        pending: pending?,
        running: running?,
        succeeded: succeeded?,
        failed: failed?,
        cancelled: cancelled?,
        reused: reused?,
    })
}

/// The reply of `exchange.lua`; it is described there.
pub(super) fn exchanged(text: &str) -> Result<ExchangeReply> {
    let mut reply = ExchangeReply::default();
    let mut from: Option<(SweepId, u64, u64)> = None;
    for line in text.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        match (words.as_slice(), &from) {
            (["stale", position, indices @ ..], _) => {
                let indices = indices.iter().map(|index| number("an index", Some(index))).collect::<Result<_>>()?;
                reply.stale.push((number("a position", Some(position))?, indices));
            }
            (["claims", sweep, token, submission], _) => {
                let submission = number("a time", Some(submission))?;
                from = Some((sweep_id(sweep)?, number("a token", Some(token))?, submission));
            }
            ([start, stop], Some((sweep, token, submission))) => {
                let tries = AttemptCounts { attempts: 1, ..AttemptCounts::default() };
                let indices: Range<u64> = number("an index", Some(start))?..number("an index", Some(stop))?;
                if indices.end.saturating_sub(indices.start) > u64::from(MOST_CLAIMS) {
                    return Err(damaged("claims", line));
                }
                let job = |index| JobAddress { sweep: sweep.clone(), index };
                let claim = |index| Claim { job: job(index), submission: *submission, token: *token, tries };
                reply.claims.extend(indices.map(claim));
            }
            ([index, tries @ ..], Some((sweep, token, submission))) => {
                let job = JobAddress { sweep: sweep.clone(), index: number("an index", Some(index))? };
                let tries = tries_of(line, tries)?;
                reply.claims.push(Claim { job, submission: *submission, token: *token, tries });
            }
            _ => return Err(damaged("a reply", line)),
        }
    }
    Ok(reply)
}

fn tries_of(line: &str, words: &[&str]) -> Result<AttemptCounts> {
    let [attempts, failures, losses] = words else { return Err(damaged("attempts", line)) };
    Ok(AttemptCounts {
        attempts: number("attempts", Some(attempts))?,
        failures: number("failures", Some(failures))?,
        losses: number("losses", Some(losses))?,
    })
}

/// A row of tries, `index attempts failures losses token`.
pub(super) fn tries(row: &str) -> Result<AttemptCounts> {
    let words: Vec<&str> = row.split(' ').collect();
    match words.as_slice() {
        [_, tries @ .., _] => tries_of(row, tries),
        _ => Err(damaged("attempts", row)),
    }
}

/// A lease, as the hash of leases has it.
pub(super) struct Lease {
    token: u64,
    pub(super) tries: AttemptCounts,
    started_ms: u64,
    worker: String,
}

impl Lease {
    /// Reads `attempt token deadline length started cancels failures losses worker`.
    pub(super) fn read(text: &str) -> Result<Lease> {
        let words: Vec<&str> = text.splitn(9, ' ').collect();
        let [attempt, token, _deadline, _length, started, _cancels, failures, losses, worker] = words.as_slice() else {
            return Err(damaged("a lease", text));
        };
        Ok(Lease {
            token: number("a token", Some(token))?,
            tries: tries_of(text, &[attempt, failures, losses])?,
            started_ms: number("a time", Some(started))?,
            worker: (*worker).to_owned(),
        })
    }

    /// The state of the leased job.
    pub(super) fn state(&self) -> JobState {
        JobState::Running {
            attempt: self.tries.attempts,
            worker: self.worker.clone(),
            started_ms: (self.started_ms > 0).then_some(self.started_ms),
        }
    }
}

/// The rows of `check_leases.lua`: sweep, index, lease, submission.
pub(super) fn expired(rows: Vec<(String, u64, String, u64)>) -> Result<Vec<ExpiredClaim>> {
    let read = |(sweep, index, lease, submission): (String, u64, String, u64)| {
        let lease = Lease::read(&lease)?;
        let job = JobAddress { sweep: sweep_id(&sweep)?, index };
        let claim = Claim { job, submission, token: lease.token, tries: lease.tries };
        Ok(ExpiredClaim { claim, worker: lease.worker, started: lease.started_ms > 0 })
    };
    rows.into_iter().map(read).collect()
}

/// The reply of `heartbeat.lua`: positions of claims and their status, flat.
pub(super) fn lease_statuses(flat: &[usize], held: &[HeldClaim]) -> Result<Vec<(HeldClaim, LeaseStatus)>> {
    let read = |pair: &[usize]| {
        let status = match pair.get(1) {
            Some(0) => LeaseStatus::Lost,
            Some(1) => LeaseStatus::Cancelled,
            Some(2) => LeaseStatus::Paused,
            _ => return None,
        };
        Some((held.get(*pair.first()?)?.clone(), status))
    };
    flat.chunks(2)
        .map(|pair| read(pair).ok_or_else(|| damaged("the status of a lease", &format!("{pair:?}"))))
        .collect()
}

/// A row of `workers.lua`: id, last heartbeat, host, pid, queues, slots, busy, sweeps that it cannot run, why.
pub(super) fn worker(row: (String, u64, String, u32, String, u32, u32, String, String)) -> Result<WorkerRow> {
    let (id, last_seen_ms, host, pid, queues, slots, busy, excluded, whys) = row;
    let list = |text: &str| -> Result<Vec<String>> {
        serde_json::from_str(text).map_err(|_| damaged("a list of a worker's", text))
    };
    let (queues, excluded, excluded_why) = (list(&queues)?, list(&excluded)?, list(&whys)?);
    let excluded = excluded.iter().map(|id| sweep_id(id)).collect::<Result<_>>()?;
    Ok(WorkerRow { id, host, pid, queues, slots, busy, excluded, excluded_why, last_seen_ms })
}

/// The reply of `backlog.lua`.
pub(super) fn backlog((ready, delayed, leased, paused): (u64, u64, u64, Vec<String>)) -> Result<Backlog> {
    let paused = paused.iter().map(|id| sweep_id(id)).collect::<Result<_>>()?;
    Ok(Backlog { ready, delayed, leased, paused })
}

/// A range, `start:stop`.
pub(super) fn range(text: &str) -> Result<Range<u64>> {
    let (start, stop) = text.split_once(':').ok_or_else(|| damaged("a range", text))?;
    let range: Range<u64> = number("a range", Some(start))?..number("a range", Some(stop))?;
    // A caller that reads range after range would never end.
    if range.is_empty() { Err(damaged("a range", text)) } else { Ok(range) }
}

/// A column's place, `index position`.
pub(super) fn place(text: &str) -> Result<ColumnPlace> {
    let (index, position) = text.split_once(' ').ok_or_else(|| damaged("a column's place", text))?;
    Ok(ColumnPlace {
        index: number("a column's place", Some(index))?,
        position: number("a column's place", Some(position))?,
    })
}

/// The reply to one command of several.
pub(super) fn value<T: FromRedisValue>(value: redis::Value) -> Result<T> {
    let shown = format!("{value:.40?}");
    redis::from_redis_value(value).map_err(|_| damaged("something else", &shown))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Texts like those that are kept: numbers and words with the usual separators, and some that are arbitrary.
    fn text() -> impl Strategy<Value = String> {
        let word = prop_oneof![
            4 => any::<u64>().prop_map(|number| number.to_string()),
            2 => (0..20u64).prop_map(|number| number.to_string()),
            2 => "stale|claims|pi-3|-|x-0|w|\\[\\]|\\[\"a\"\\]",
            1 => ".{0,8}",
        ];
        let mark = prop_oneof![6 => Just(" "), 2 => Just("\n"), 1 => Just(":"), 1 => Just("")];
        proptest::collection::vec((word, mark), 0..12)
            .prop_map(|parts| parts.into_iter().map(|(word, mark)| word + mark).collect())
    }

    /// Fails unless the text was read, or is reported as damaged.
    fn read_or_damaged<T>(read: Result<T>) {
        if let Err(error) = read {
            assert_eq!(error.kind, crate::store::StoreErrorKind::Damaged, "{error:?}");
            assert!(error.to_string().len() < 2000, "{error}");
        }
    }

    proptest! {
        #[test]
        fn whatever_the_server_holds_is_read_or_damaged(text in text(), number in any::<u64>(), small in any::<u32>()) {
            read_or_damaged(sweep_id(&text));
            read_or_damaged(exchanged(&text));
            read_or_damaged(tries(&text));
            read_or_damaged(Lease::read(&text).map(|lease| lease.state()));
            read_or_damaged(expired(vec![
                ("pi-3".into(), number, text.clone(), number),
                (text.clone(), number, text.clone(), number),
            ]));
            read_or_damaged(worker((text.clone(), number, text.clone(), small, text.clone(), small, small, text.clone(), text.clone())));
            read_or_damaged(backlog((number, number, number, vec![text.clone()])));
            read_or_damaged(range(&text).map(|range| assert!(!range.is_empty())));
            read_or_damaged(place(&text));
        }

        #[test]
        fn whatever_stands_in_a_header_is_read_or_damaged(fields in proptest::array::uniform13(proptest::option::of(text()))) {
            let id = SweepId { name: "pi".into(), number: 3 };
            read_or_damaged(sweep_row(&id, fields));
        }

        #[test]
        fn any_lease_statuses_are_read_or_damaged(flat in proptest::collection::vec(0..5usize, 0..9)) {
            let job = JobAddress { sweep: SweepId { name: "pi".into(), number: 3 }, index: 4 };
            read_or_damaged(lease_statuses(&flat, &[HeldClaim { job, token: 5, started: true }]));
        }
    }

    #[test]
    fn no_reply_brings_more_claims_than_can_be_asked_for() {
        assert_eq!(exchanged("claims pi-3 7 1790000000000\n5 7\n").unwrap().claims.len(), 2);
        assert!(exchanged("claims pi-3 7 1790000000000\n0 18446744073709551615\n").is_err());
    }
}
