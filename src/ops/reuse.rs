//! Owns taking over what older sweeps have: their successes, matched point by point and copied with their origin.
//!
//! An older sweep is read block by block in order of index. What is found is gathered in batches, so that records of one
//! block of the new sweep come together, and handed on; nothing else is kept but which points have been found.
//!
//! Inside: `points` are sets of points, `making` the new sweep as it is filled.

use crate::error::{Error, Result};
use crate::extract::{Extractor, NotAgain, Results};
use crate::job::{Cause, JobAddress, Outcome, SweepId, Verdict};
use crate::model::{Document, ResultSettings};
use crate::ops::history::Blocks;
use crate::ops::output;
use crate::ops::plan::Source;
use crate::record::{BLOCK, Output, Record};
use crate::space::{Matching, Point, Space};
use crate::store::{StagedSweep, Store, StoreError};
use crate::table::columns::name_results;

mod making;
mod points;

use making::Making;
use points::Points;

/// Records gathered before they are handed on: some ten megabytes.
const BATCH: usize = 1 << 16;

/// What was taken over.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReusedPoints {
    /// How many points of each sweep, those that gave any.
    pub from: Vec<(SweepId, u64)>,
    /// How many of them had their results read anew.
    pub anew: u64,
    /// Points that ran under another `[results]`, and whose output was not kept whole.
    pub cut: u64,
    /// Those whose output was, but has not what `[results]` asks for.
    pub without: u64,
}

impl ReusedPoints {
    /// All points that were taken over.
    pub fn points(&self) -> u64 {
        self.from.iter().map(|(_, points)| points).sum()
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
    taken: ReusedPoints,
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
    ) -> Result<(ReusedPoints, Points)> {
        let [found, aside, cut, without] = Default::default();
        let extractor = Extractor::new(self.results).map_err(Error::usage)?;
        let mut walk = Walk {
            reuse: self,
            extractor,
            found,
            aside,
            cut,
            without,
            taken: ReusedPoints::default(),
            batch: Vec::new(),
        };
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
    pub fn count(&self, tell: &mut dyn FnMut(u64, u64)) -> Result<ReusedPoints> {
        self.walk(&mut |_| Ok(()), tell).map(|(taken, _)| taken)
    }

    /// Makes a new sweep of it. With nothing to take over it is submitted as any other.
    ///
    /// # Errors
    /// If the store cannot be read, or does not take it; then nothing is to be seen of the new sweep.
    pub fn make(&self, draft: &StagedSweep, tell: &mut dyn FnMut(u64, u64)) -> Result<(SweepId, ReusedPoints)> {
        let mut making = Making::new(self.store, draft);
        let (taken, found) = self.walk(&mut |records| making.records(records), tell)?;
        if taken.points() == 0 {
            return Ok((self.store.submit(&draft.sweep)?, taken));
        }
        making.finish(&found, self.space.len())?;
        Ok((self.store.commit_staged(draft)?, taken))
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
            |why: String| StoreError::damaged(format!("the stored sweep {} cannot be read: {why}", source.id));
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
                    let Some(point) = self.wanted(&matching, &record) else { continue };
                    if let Outcome::Succeeded { results } = &record.outcome {
                        let results = results.clone();
                        self.take(source, &point, record, results);
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

    /// The point that a record would be taken over for, if it is still wanted.
    fn wanted(&self, matching: &Matching<'_>, record: &Record) -> Option<Point> {
        let wanted = |point: &Point| !self.found.contains(point.index) && !self.aside.contains(point.index);
        matching.find(record.index).filter(wanted)
    }

    /// Takes a record over for a point.
    fn take(&mut self, source: &Source, point: &Point, record: Record, results: Results) {
        self.found.insert(point.index);
        self.taken.anew += u64::from(source.anew);
        if let Some((_, points)) = self.taken.from.last_mut() {
            *points += 1;
        }
        self.batch.push(taken_over(source, self.reuse.space, point, record, results));
    }

    /// Takes records over with their results as `[results]` reads them now, from what was kept of their outputs.
    fn records_anew(&mut self, source: &Source, matching: &Matching<'_>, records: Vec<Record>) -> Result<()> {
        let wanted = |record: Record| Some((self.wanted(matching, &record)?, record));
        let (points, records): (Vec<Point>, Vec<Record>) = records.into_iter().filter_map(wanted).unzip();
        for (points, records) in points.chunks(output::AT_ONCE).zip(records.chunks(output::AT_ONCE)) {
            let outputs = output::of_records(self.reuse.store, &source.id, records)?;
            for ((point, record), output) in points.iter().zip(records).zip(outputs) {
                if let Some(results) = self.read_anew(output.as_ref(), point.index) {
                    self.take(source, point, record.clone(), results);
                }
            }
        }
        Ok(())
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
