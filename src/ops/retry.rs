//! Owns `retry`: puts failed and cancelled points back in the queue, and single succeeded points by address.

use std::ops::Range;

use crate::error::{Error, Result};
use crate::job::{AttemptCounts, CausePattern, JobState, Outcome, Verdict};
use crate::ops::change::check_index;
use crate::ops::failures::{Failure, FailureLine, Failures, last_lines};
use crate::ops::filter::Filter;
use crate::ops::history;
use crate::ops::points::PointStates;
use crate::record::Record;
use crate::space::Space;
use crate::store::{PointSet, Rerun, Store, SweepRow};
use crate::stored;
use crate::system::wall_clock_ms;

/// Points that the command line names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PointRange {
    /// One point by its address; it may have succeeded.
    One(u64),
    /// A range; both ends are included.
    Range(u64, u64),
}

/// Which points are put back: those that satisfy all given conditions.
#[derive(Default)]
pub struct RetrySelection<'a> {
    /// Only these points; none: all.
    pub named: Option<&'a [PointRange]>,
    /// Only failed points, not cancelled ones.
    pub failed: bool,
    /// Points that satisfy a filter.
    pub filter: Option<(&'a Filter, &'a Space)>,
    /// Points that failed for one of these causes; none: any.
    pub causes: &'a [CausePattern],
    /// Points whose newest attempt has this normalized last line of stderr; empty: it printed nothing on stderr.
    pub last_line: Option<&'a str>,
}

impl RetrySelection<'_> {
    /// Whether there is no condition besides indices: then a single index may name a succeeded point.
    fn is_plain(&self) -> bool {
        !self.failed && self.filter.is_none() && !self.looks_at_failures()
    }

    fn looks_at_failures(&self) -> bool {
        !self.causes.is_empty() || self.last_line.is_some()
    }

    fn keeps(&self, index: u64) -> Result<bool> {
        let Some((filter, space)) = self.filter else { return Ok(true) };
        space.point(index).map_or(Ok(false), |point| filter.holds(&point))
    }

    /// The failed points that have the wanted last line.
    fn with_line(&self, store: &dyn Store, row: &SweepRow, failures: Vec<Failure>) -> Result<Vec<Failure>> {
        let Some(wanted) = self.last_line else { return Ok(failures) };
        let lines = last_lines(store, row, &failures)?;
        let has_it = |line: &Option<FailureLine>| line.as_ref().map_or("", |line| line.normalized.as_str()) == wanted;
        Ok(failures.into_iter().zip(lines).filter(|(_, line)| has_it(line)).map(|(failure, _)| failure).collect())
    }

    fn matches(&self, failure: &Failure, within: &[Range<u64>]) -> Result<bool> {
        let is_of_cause = self.causes.is_empty() || self.causes.iter().any(|pattern| pattern.matches(&failure.cause));
        Ok(is_of_cause && within.iter().any(|range| range.contains(&failure.index)) && self.keeps(failure.index)?)
    }
}

/// Puts points back in the queue. Returns the number of points.
///
/// # Errors
/// If an index lies outside the sweep, a single named point is pending or running, the filter cannot be evaluated, or the
/// store refuses.
pub fn retry(store: &dyn Store, row: &SweepRow, selection: &RetrySelection<'_>) -> Result<u64> {
    let mut ranges = Vec::new();
    let mut successes = Vec::new();
    for named in selection.named.unwrap_or_default() {
        match *named {
            PointRange::One(index) if selection.is_plain() => match store.point(&row.id, check_index(row, index)?)?.0 {
                JobState::Succeeded => successes.push(index),
                JobState::Failed | JobState::Cancelled => ranges.push(index..index + 1),
                other => return Err(cannot_requeue(row, index, &other)),
            },
            PointRange::One(index) => ranges.push(check_index(row, index)?..index + 1),
            PointRange::Range(first, last) => ranges.push(first..check_index(row, last)? + 1),
        }
    }
    if selection.named.is_none() {
        ranges.push(0..row.counts.total);
    }
    let mut moved = 0;
    for index in successes {
        moved += rerun_success(store, row, index)?;
    }
    ranges.sort_by_key(|range| range.start);
    let ranges = ranges.into_iter().fold(Vec::new(), |mut merged, range| {
        push(&mut merged, range);
        merged
    });
    let ranges = if selection.is_plain() { ranges } else { selected_ranges(store, row, &ranges, selection)? };
    Ok(moved + if ranges.is_empty() { 0 } else { store.requeue(&row.id, &ranges)? })
}

fn cannot_requeue(row: &SweepRow, index: u64, state: &JobState) -> Error {
    let word = state.word();
    Error::usage(format!("{}/{index} is {word}", row.id)).remedy("only points that have ended can run again")
}

/// Puts a succeeded point back in the queue. Reads the log again if it changed in the meantime.
fn rerun_success(store: &dyn Store, row: &SweepRow, index: u64) -> Result<u64> {
    for _ in 0..100 {
        let (records, chunks) = history::of_point_and_chunks(store, &row.id, index)?;
        let newest = records.last().map_or(1, |record| record.tries.attempts.max(1));
        let chunk = stored::encode_chunk(&[superseded_record(index, newest)]);
        if store.rerun(&row.id, &Rerun { index, attempts: newest, chunks, chunk })? {
            return Ok(1);
        }
        let state = store.point(&row.id, index)?.0;
        if state != JobState::Succeeded {
            // This request was sent twice, or another command has put the point in the queue.
            return if state == (JobState::Pending { due_ms: None }) {
                Ok(1)
            } else {
                Err(cannot_requeue(row, index, &state))
            };
        }
    }
    Err(Error::usage(format!("{}/{index} was not put back in the queue: its log keeps changing", row.id))
        .remedy("run the command again"))
}

/// The record that sets a success aside.
fn superseded_record(index: u64, attempts: u32) -> Record {
    Record {
        index,
        tries: AttemptCounts { attempts, ..AttemptCounts::default() },
        outcome: Outcome::SetAside,
        verdict: Verdict::Again { delay_ms: 0 },
        exit_code: None,
        ended_ms: wall_clock_ms(),
        seconds: 0.0,
        cpu_seconds: 0.0,
        max_rss_bytes: 0,
        host: String::new(),
        worker: String::new(),
        version: 0,
        origin: None,
    }
}

/// The failed or cancelled points within `within` that satisfy the selection, as ranges in order.
fn selected_ranges(
    store: &dyn Store,
    row: &SweepRow,
    within: &[Range<u64>],
    selection: &RetrySelection<'_>,
) -> Result<Vec<Range<u64>>> {
    let mut ranges: Vec<Range<u64>> = Vec::new();
    if selection.looks_at_failures() {
        let mut failures = Failures::new(store, row);
        while let Some(some) = failures.next_batch()? {
            let mut matching = Vec::new();
            for failure in some {
                if selection.matches(&failure, within)? {
                    matching.push(failure);
                }
            }
            for failure in selection.with_line(store, row, matching)? {
                push(&mut ranges, failure.index..failure.index + 1);
            }
        }
        return Ok(ranges);
    }
    let sets: &[PointSet] =
        if selection.failed { &[PointSet::Failed] } else { &[PointSet::Failed, PointSet::Cancelled] };
    for run in PointStates::of(store, &row.id, row.counts.total, sets) {
        let (indices, state) = run?;
        if state == JobState::Succeeded {
            continue;
        }
        let overlap = |range: &Range<u64>| range.start.max(indices.start)..range.end.min(indices.end);
        for part in within.iter().map(overlap).filter(|part| !part.is_empty()) {
            if selection.filter.is_none() {
                push(&mut ranges, part);
                continue;
            }
            for index in part {
                if selection.keeps(index)? {
                    push(&mut ranges, index..index + 1);
                }
            }
        }
    }
    Ok(ranges)
}

/// Appends a range; joins it with the last one if they touch or overlap.
fn push(ranges: &mut Vec<Range<u64>>, next: Range<u64>) {
    match ranges.last_mut().filter(|last| last.end >= next.start) {
        Some(last) => last.end = last.end.max(next.end),
        None => ranges.push(next),
    }
}
