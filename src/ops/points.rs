//! Owns reading the states of points, in order of index, as ranges.

use std::ops::Range;

use crate::error::Result;
use crate::job::{JobState, SweepId};
use crate::store::{PointSet, Span, Store};

/// The number of spans that one request reads.
const PAGE: usize = 1000;

/// Reads the spans of a set, page by page.
struct SpanReader<'a> {
    store: &'a dyn Store,
    id: &'a SweepId,
    set: PointSet,
    from: u64,
    page: std::collections::VecDeque<Span>,
    over: bool,
}

impl<'a> SpanReader<'a> {
    fn new(store: &'a dyn Store, id: &'a SweepId, set: PointSet) -> Self {
        SpanReader { store, id, set, from: 0, page: Default::default(), over: false }
    }

    /// The first span that ends after `from`.
    fn peek(&mut self, from: u64) -> Result<Option<&Span>> {
        self.from = self.from.max(from);
        loop {
            while self.page.front().is_some_and(|span| span.indices.end <= self.from) {
                self.page.pop_front();
            }
            if !self.page.is_empty() || self.over {
                return Ok(self.page.front());
            }
            let spans = self.store.spans(self.id, self.set, self.from, PAGE)?;
            self.over = spans.is_empty();
            self.page.extend(spans);
        }
    }
}

/// Iterates over the states of points in order of index, as ranges of points with one state. Points may
/// change state during the iteration: each point is returned once, with a state that it had at some moment of it.
pub struct PointStates<'a> {
    sets: Vec<SpanReader<'a>>,
    at: u64,
    total: u64,
}

impl<'a> PointStates<'a> {
    /// All states of a sweep of `total` points.
    pub fn new(store: &'a dyn Store, id: &'a SweepId, total: u64) -> Self {
        PointStates::of(
            store,
            id,
            total,
            &[PointSet::Pending, PointSet::Running, PointSet::Failed, PointSet::Cancelled],
        )
    }

    /// Reads only some sets; points in none of them are returned as succeeded.
    pub fn of(store: &'a dyn Store, id: &'a SweepId, total: u64, sets: &[PointSet]) -> Self {
        PointStates { sets: sets.iter().map(|set| SpanReader::new(store, id, *set)).collect(), at: 0, total }
    }

    fn step(&mut self) -> Result<Option<(Range<u64>, JobState)>> {
        let start = self.at;
        if start >= self.total {
            return Ok(None);
        }
        // Points before the nearest span are in no set: they have succeeded.
        let mut nearest: Option<Span> = None;
        for set in &mut self.sets {
            if let Some(span) = set.peek(start)?
                && nearest.as_ref().is_none_or(|best| span.indices.start < best.indices.start)
            {
                nearest = Some(span.clone());
            }
        }
        let (end, state) = match nearest {
            Some(span) if span.indices.start > start => (span.indices.start, JobState::Succeeded),
            Some(span) => (span.indices.end, span.state),
            None => (self.total, JobState::Succeeded),
        };
        self.at = end.min(self.total);
        Ok(Some((start..self.at, state)))
    }
}

impl Iterator for PointStates<'_> {
    type Item = Result<(Range<u64>, JobState)>;

    fn next(&mut self) -> Option<Self::Item> {
        self.step().transpose()
    }
}
