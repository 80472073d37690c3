//! Owns taking over what older sweeps have: their successes, matched point by point and copied with their origin.
//!
//! An older sweep is read block by block in order of index. What is found is gathered in batches, so that records of one
//! block of the new sweep come together, and handed on; nothing else is kept but which points have been found: a bit
//! each, or some bytes where they lie far apart.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

use crate::error::{Error, Result};
use crate::extract::{Extractor, NotAgain, Results};
use crate::job::{Cause, JobAddress, Outcome, SweepId, Verdict};
use crate::ops::history::Blocks;
use crate::ops::output;
use crate::ops::plan::Source;
use crate::record::{BLOCK, Output, Record, block_of, encode_chunk};
use crate::space::{Matching, Point, Space};
use crate::spec::{Document, ResultSettings};
use crate::store::{ColumnPlace, Draft, Fill, Store, StoreError};
use crate::table::columns::name_results;

/// Records gathered before they are handed on: some ten megabytes.
const BATCH: usize = 1 << 16;

/// Bytes of chunks, and chunks or ranges, that one request brings: some milliseconds of the store.
const REQUEST: (usize, usize) = (1 << 20, 1000);

/// What was taken over.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// How many points of each sweep, those that gave any.
    pub from: Vec<(SweepId, u64)>,
    /// How many of them had their results read anew.
    pub anew: u64,
    /// Points that ran under another `[results]`, and whose output was not kept whole.
    pub cut: u64,
    /// Those whose output was, but has not what `[results]` asks for.
    pub without: u64,
}

impl Taken {
    /// All points that were taken over.
    pub fn points(&self) -> u64 {
        self.from.iter().map(|(_, points)| points).sum()
    }
}

/// Numbers of points, in words of 64 by their place.
#[derive(Debug, Default)]
struct Points(BTreeMap<u64, u64>);

impl Points {
    /// Puts one in.
    fn insert(&mut self, index: u64) {
        *self.0.entry(index / 64).or_default() |= 1 << (index % 64);
    }

    fn contains(&self, index: u64) -> bool {
        self.0.get(&(index / 64)).is_some_and(|word| word & (1 << (index % 64)) != 0)
    }

    /// How many are here that are not there.
    fn count_beyond(&self, there: &Points) -> u64 {
        let beyond = |(at, word): (&u64, &u64)| u64::from((word & !there.0.get(at).unwrap_or(&0)).count_ones());
        self.0.iter().map(beyond).sum()
    }

    /// The runs of numbers below `total` that are not there, in order.
    fn gaps(&self, total: u64) -> impl Iterator<Item = Range<u64>> {
        let words = self.0.iter().map(|(at, word)| (at * 64, *word));
        let runs = words.flat_map(|(first, word)| {
            let mut at = 0_u32;
            std::iter::from_fn(move || {
                at += (word.checked_shr(at)?).trailing_zeros();
                let length = word.checked_shr(at)?.trailing_ones();
                let run = first + u64::from(at)..first + u64::from(at + length);
                at += length;
                Some(run)
            })
        });
        let mut next = 0;
        runs.chain(std::iter::once(total..total)).filter_map(move |run| {
            let gap = next..run.start;
            next = run.end;
            (!gap.is_empty()).then_some(gap)
        })
    }
}

/// What is taken over: of which sweeps, and for what.
pub struct Reuse<'a> {
    /// The store.
    pub store: &'a dyn Store,
    /// The older sweeps; of a point that several have, the first one's counts.
    pub sources: &'a [Source],
    /// The points that are wanted.
    pub space: &'a Space,
    /// How results are read now.
    pub results: &'a [ResultSettings],
}

/// What a walk over older sweeps knows.
struct Walk<'a> {
    reuse: &'a Reuse<'a>,
    extractor: Extractor,
    found: Points,
    /// Points whose success was set aside by hand: that of an older sweep does not count either.
    aside: Points,
    /// Points whose output was not kept whole.
    cut: Points,
    /// Points whose output has not what is asked for.
    without: Points,
    taken: Taken,
    batch: Vec<Record>,
}

impl Reuse<'_> {
    /// Finds what can be taken over, and hands the records on in batches, as they are to stand in the new sweep.
    /// `tell` is told how many older points were gone through, and of how many. A few microseconds a point.
    ///
    /// # Errors
    /// If the store cannot be read; those of `hand_on`.
    fn walk(
        &self,
        hand_on: &mut dyn FnMut(Vec<Record>) -> Result<()>,
        tell: &mut dyn FnMut(u64, u64),
    ) -> Result<(Taken, Points)> {
        let [found, aside, cut, without] = Default::default();
        let extractor = Extractor::new(self.results).map_err(Error::usage)?;
        let mut walk =
            Walk { reuse: self, extractor, found, aside, cut, without, taken: Taken::default(), batch: Vec::new() };
        let all: u64 = self.sources.iter().map(|source| source.total).sum();
        let mut before = 0;
        for source in self.sources {
            if walk.taken.points() == self.space.len() {
                break;
            }
            walk.source(source, hand_on, &mut |done| tell(before + done, all))?;
            before += source.total;
        }
        tell(all, all);
        hand_on(std::mem::take(&mut walk.batch))?;
        walk.taken.cut = walk.cut.count_beyond(&walk.found);
        walk.taken.without = walk.without.count_beyond(&walk.found);
        Ok((walk.taken, walk.found))
    }

    /// Counts what could be taken over; changes nothing.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn count(&self, tell: &mut dyn FnMut(u64, u64)) -> Result<Taken> {
        self.walk(&mut |_| Ok(()), tell).map(|(taken, _)| taken)
    }

    /// Makes a new sweep of it. With nothing to take over it is submitted as any other.
    ///
    /// # Errors
    /// If the store cannot be read, or does not take it; then nothing is to be seen of the new sweep.
    pub fn make(&self, draft: &Draft, tell: &mut dyn FnMut(u64, u64)) -> Result<(SweepId, Taken)> {
        let mut making = Making { store: self.store, draft, part: None, columns: HashMap::new() };
        let (taken, found) = self.walk(&mut |records| making.records(records), tell)?;
        if taken.points() == 0 {
            return Ok((self.store.submit(&draft.sweep)?, taken));
        }
        making.finish(&found, self.space.len())?;
        Ok((self.store.commit(draft)?, taken))
    }
}

impl Walk<'_> {
    fn source(
        &mut self,
        source: &Source,
        hand_on: &mut dyn FnMut(Vec<Record>) -> Result<()>,
        tell: &mut dyn FnMut(u64),
    ) -> Result<()> {
        let Reuse { store, space, .. } = *self.reuse;
        let unreadable =
            |why: String| StoreError::Damaged(format!("the stored sweep {} cannot be read: {why}", source.id));
        let document = Document::decode(&store.document(&source.id)?).map_err(|error| unreadable(error.to_string()))?;
        let older = Space::new(document.spec.space).map_err(|error| unreadable(error.to_string()))?;
        let matching = Matching::new(&older, space);
        let before = self.taken.points();
        self.taken.from.push((source.id.clone(), 0));
        for records in Blocks::new(store, &source.id, source.total) {
            let mut records = records?;
            let reached = records.last().map_or(0, |record| record.index);
            records.retain(|record| self.may_count(source, &matching, record));
            if source.anew {
                self.records_anew(source, &matching, records)?;
            } else {
                for record in records {
                    if let Outcome::Succeeded { results } = &record.outcome {
                        let results = results.clone();
                        self.take(source, &matching, record, |_, _| Some(results));
                    }
                }
            }
            if self.batch.len() >= BATCH {
                hand_on(std::mem::take(&mut self.batch))?;
            }
            tell((reached / BLOCK + 1) * BLOCK);
        }
        // Even when nothing was found for long, something is heard.
        hand_on(Vec::new())?;
        if self.taken.points() == before {
            self.taken.from.pop();
        }
        Ok(())
    }

    /// Whether the newest record of an older point is a success, or may be one when read anew. One that was set aside is
    /// noted.
    fn may_count(&mut self, source: &Source, matching: &Matching<'_>, record: &Record) -> bool {
        if record.outcome == Outcome::SetAside {
            matching.find(record.index).into_iter().for_each(|point| self.aside.insert(point.index));
        }
        let lacks_result = matches!(record.outcome, Outcome::Failed { cause: Cause::NoResult(_) });
        record.verdict == Verdict::Succeeded || (source.anew && lacks_result)
    }

    /// Takes a record over, if its point is wanted and has results.
    fn take(
        &mut self,
        source: &Source,
        matching: &Matching<'_>,
        record: Record,
        results: impl FnOnce(&mut Self, u64) -> Option<Results>,
    ) {
        let wanted = |point: &Point| !self.found.contains(point.index) && !self.aside.contains(point.index);
        let Some(point) = matching.find(record.index).filter(wanted) else { return };
        let Some(results) = results(self, point.index) else { return };
        self.found.insert(point.index);
        self.taken.anew += u64::from(source.anew);
        if let Some((_, points)) = self.taken.from.last_mut() {
            *points += 1;
        }
        self.batch.push(taken_over(source, self.reuse.space, &point, record, results));
    }

    /// Takes records over with their results as `[results]` reads them now, from what was kept of their outputs.
    fn records_anew(&mut self, source: &Source, matching: &Matching<'_>, records: Vec<Record>) -> Result<()> {
        let mut records = records.into_iter();
        loop {
            let some: Vec<Record> = records.by_ref().take(output::AT_ONCE).collect();
            if some.is_empty() {
                return Ok(());
            }
            let outputs = output::of_records(self.reuse.store, &source.id, &some)?;
            for (record, output) in some.into_iter().zip(outputs) {
                self.take(source, matching, record, |walk, index| walk.read_anew(output.as_ref(), index));
            }
        }
    }

    /// The results of a point as `[results]` reads them now; none: they cannot be told from what was kept.
    fn read_anew(&mut self, output: Option<&Output>, index: u64) -> Option<Results> {
        match self.extractor.again(output.map(|output| &output.stdout)) {
            Ok(results) => return Some(results),
            Err(NotAgain::NotKept(_)) => self.cut.insert(index),
            Err(NotAgain::NoResult(_)) => self.without.insert(index),
        }
        None
    }
}

/// A record as it stands in the new sweep.
fn taken_over(source: &Source, space: &Space, point: &Point, record: Record, results: Results) -> Record {
    let origin = record.origin.unwrap_or_else(|| JobAddress { sweep: source.id.clone(), index: record.index });
    let outcome = Outcome::Succeeded { results: name_results(space, point, results) };
    Record { index: point.index, outcome, verdict: Verdict::Succeeded, origin: Some(origin), ..record }
}

/// A sweep in the making.
struct Making<'a> {
    store: &'a dyn Store,
    draft: &'a Draft,
    /// The next part's number; none: it was not begun, because there was nothing to be given yet.
    part: Option<u64>,
    columns: HashMap<String, ColumnPlace>,
}

impl Making<'_> {
    fn records(&mut self, mut records: Vec<Record>) -> Result<()> {
        if records.is_empty() {
            return if self.part.is_some() { self.fill(Fill::default()) } else { Ok(()) };
        }
        records.sort_unstable_by_key(|record| record.index);
        let mut fill = Fill::default();
        let mut bytes = 0;
        for block in records.chunk_by(|a, b| block_of(a.index) == block_of(b.index)) {
            let Some(first) = block.first() else { continue };
            self.note_columns(block);
            let chunk = encode_chunk(block);
            bytes += chunk.len();
            fill.points += block.len() as u64;
            fill.chunks.push((block_of(first.index), chunk));
            if bytes >= REQUEST.0 || fill.chunks.len() >= REQUEST.1 {
                self.fill(std::mem::take(&mut fill))?;
                bytes = 0;
            }
        }
        self.fill(fill)
    }

    fn note_columns(&mut self, records: &[Record]) {
        for record in records {
            let Outcome::Succeeded { results } = &record.outcome else { continue };
            for (position, (name, _)) in results.iter().enumerate() {
                let place = ColumnPlace { index: record.index, position: position as u32 };
                match self.columns.get_mut(name) {
                    Some(known) => *known = place.min(*known),
                    None => drop(self.columns.insert(name.clone(), place)),
                }
            }
        }
    }

    /// The points that are left to run, and the columns.
    fn finish(&mut self, found: &Points, total: u64) -> Result<()> {
        let mut ready = found.gaps(total).peekable();
        while ready.peek().is_some() {
            self.fill(Fill { ready: ready.by_ref().take(REQUEST.1).collect(), ..Fill::default() })?;
        }
        let columns = std::mem::take(&mut self.columns).into_iter().collect();
        self.fill(Fill { columns, ..Fill::default() })
    }

    fn fill(&mut self, fill: Fill) -> Result<()> {
        let part = match self.part {
            Some(part) => part,
            None => {
                self.store.begin(self.draft)?;
                0
            }
        };
        self.store.fill(self.draft, &Fill { part, ..fill }).map_err(Error::from)?;
        self.part = Some(part + 1);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn gaps_are_what_is_not_there(indices in prop::collection::btree_set(0..300u64, 0..300), total in 300..400u64) {
            let mut points = Points::default();
            for index in &indices {
                points.insert(*index);
            }
            prop_assert!((0..total).all(|index| points.contains(index) == indices.contains(&index)));
            prop_assert_eq!(points.count_beyond(&Points::default()), indices.len() as u64);
            prop_assert_eq!(points.count_beyond(&points), 0);
            let gaps: Vec<Range<u64>> = points.gaps(total).collect();
            let missing: BTreeSet<u64> = (0..total).filter(|index| !indices.contains(index)).collect();
            prop_assert_eq!(gaps.iter().cloned().flatten().collect::<BTreeSet<_>>(), missing);
            prop_assert!(gaps.windows(2).all(|pair| pair[0].end < pair[1].start), "{:?}", gaps);
        }
    }
}
