//! Owns reuse: copying the successes of earlier sweeps into a new one, point by point, with their origin.
//!
//! An earlier sweep is read block by block in order of index. Matching records are passed on in batches, so that most
//! records of one block of the new sweep are written together. Memory holds one batch, and one bit per reused point.
//!
//! - `bitmap`: sets of points
//! - `staging`: writes the new sweep

use crate::error::{Error, Result};
use crate::extract::{Extractor, RereadError, Results};
use crate::job::{Cause, JobAddress, Outcome, SweepId, Verdict};
use crate::model::{Document, Spec};
use crate::ops::history::Blocks;
use crate::ops::output;
use crate::ops::plan::{ReuseSource, VersionInNew};
use crate::record::{BLOCK, Output, Record};
use crate::space::{Matching, Point, Space};
use crate::store::{StagedSweep, Store, StoreError};
use crate::table::columns::drop_repeated;

mod bitmap;
mod staging;

use bitmap::PointBitmap;
use staging::StagingWriter;

/// The number of records in a batch: about ten megabytes.
const BATCH: usize = 1 << 16;

/// How many points were reused, and from which sweeps.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReusedPoints {
    /// The sweeps from which points were reused, with the number of points.
    pub from: Vec<(SweepId, u64)>,
    /// The number of reused points whose results were extracted again.
    pub reextracted: u64,
    /// Points that ran with other `[results]` and whose output was not stored completely; they run again.
    pub output_truncated: u64,
    /// Points whose stored output does not contain the requested results; they run again.
    pub result_missing: u64,
}

impl ReusedPoints {
    /// All points that were reused.
    pub fn points(&self) -> u64 {
        self.from.iter().map(|(_, points)| points).sum()
    }
}

/// A request to reuse the successes of earlier sweeps.
pub struct Reuse<'a> {
    /// The store.
    pub store: &'a dyn Store,
    /// The earlier sweeps. If several have a point, the first one is used.
    pub sources: &'a [ReuseSource],
    /// The points of the new sweep.
    pub space: &'a Space,
    /// The settings of the new sweep: how results are extracted, and which exits are successes.
    pub spec: &'a Spec,
    /// The present version of the new sweep's files.
    pub version: u32,
}

/// The state of a scan over earlier sweeps.
struct ReuseScan<'a> {
    reuse: &'a Reuse<'a>,
    extractor: Extractor,
    found: PointBitmap,
    /// Points whose success was set aside by `sweep retry`: successes of earlier sweeps are not reused for them either.
    set_aside: PointBitmap,
    /// Points whose output was not stored completely.
    output_truncated: PointBitmap,
    /// Points whose output does not contain the requested results.
    result_missing: PointBitmap,
    reused: ReusedPoints,
    batch: Vec<Record>,
}

impl Reuse<'_> {
    /// Finds what can be reused and passes the records of the new sweep to `emit` in batches. Calls `progress` with the
    /// number of earlier points done and the total. Takes a few microseconds per point.
    ///
    /// # Errors
    /// If the store cannot be read, and the errors of `emit`.
    fn scan(
        &self,
        emit: &mut dyn FnMut(Vec<Record>) -> Result<()>,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<(ReusedPoints, PointBitmap)> {
        let [found, set_aside, output_truncated, result_missing] = Default::default();
        let extractor = Extractor::new(&self.spec.results).map_err(Error::usage)?;
        let mut scan = ReuseScan {
            reuse: self,
            extractor,
            found,
            set_aside,
            output_truncated,
            result_missing,
            reused: ReusedPoints::default(),
            batch: Vec::new(),
        };
        let all: u64 = self.sources.iter().map(|source| source.total).sum();
        let mut before = 0;
        for source in self.sources {
            if scan.reused.points() == self.space.len() {
                break;
            }
            scan.source(source, emit, &mut |done| progress(before + done, all))?;
            before += source.total;
        }
        progress(all, all);
        emit(std::mem::take(&mut scan.batch))?;
        scan.reused.output_truncated = scan.output_truncated.count_beyond(&scan.found);
        scan.reused.result_missing = scan.result_missing.count_beyond(&scan.found);
        Ok((scan.reused, scan.found))
    }

    /// Counts what could be reused; changes nothing.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn count(&self, progress: &mut dyn FnMut(u64, u64)) -> Result<ReusedPoints> {
        self.scan(&mut |_| Ok(()), progress).map(|(reused, _)| reused)
    }

    /// Creates the new sweep. If nothing can be reused, it is submitted like any other, unless `needs_id`. `complete` gives the
    /// sweep its document when it is known which points are reused; it gets the id of the sweep if `needs_id`.
    ///
    /// # Errors
    /// If the store cannot be read, or refuses the sweep; then the new sweep does not exist.
    pub fn make(
        &self,
        staged: StagedSweep,
        complete: &CompleteStaged<'_>,
        needs_id: bool,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<(SweepId, ReusedPoints)> {
        let mut writer = StagingWriter::new(self.store, &staged);
        let (reused, found) = self.scan(&mut |records| writer.records(records), progress)?;
        if reused.points() == 0 && !needs_id {
            let staged = complete(&reused, None, staged)?;
            return Ok((self.store.submit(&staged.sweep)?, reused));
        }
        writer.finish(&found, self.space.len())?;
        // Staging is asked for again only to learn the id.
        let id = needs_id.then(|| self.store.stage(&staged)).transpose()?;
        let staged = complete(&reused, id.as_ref(), staged)?;
        Ok((self.store.commit_staged(&staged)?, reused))
    }
}

/// Gives a staged sweep its document; see [`Reuse::make`].
pub type CompleteStaged<'a> = dyn Fn(&ReusedPoints, Option<&SweepId>, StagedSweep) -> Result<StagedSweep> + 'a;

impl ReuseScan<'_> {
    fn source(
        &mut self,
        source: &ReuseSource,
        emit: &mut dyn FnMut(Vec<Record>) -> Result<()>,
        progress: &mut dyn FnMut(u64),
    ) -> Result<()> {
        let Reuse { store, space, .. } = *self.reuse;
        let unreadable =
            |why: String| StoreError::damaged(format!("the stored sweep {} cannot be read: {why}", source.id));
        let document = Document::decode(&store.document(&source.id)?).map_err(|error| unreadable(error.to_string()))?;
        let older_spec = document.spec;
        let older = Space::new(older_spec.space.clone()).map_err(|error| unreadable(error.to_string()))?;
        let matching = Matching::new(&older, space);
        let before = self.reused.points();
        self.reused.from.push((source.id.clone(), 0));
        for records in Blocks::new(store, &source.id, source.total) {
            let mut records = records?;
            let reached = records.last().map_or(0, |record| record.index);
            records.retain(|record| self.may_be_reused(source, &matching, record));
            records.retain(|record| self.reuse.spec.accepts_exit(&older_spec, record.exit_code));
            if source.results_changed {
                self.reextract_records(source, &matching, records)?;
            } else {
                for record in records {
                    let Some(point) = self.wanted_point(&matching, &record) else { continue };
                    if let Outcome::Succeeded { results } = &record.outcome {
                        let results = results.clone();
                        self.take(source, &point, record, results);
                    }
                }
            }
            if self.batch.len() >= BATCH {
                emit(std::mem::take(&mut self.batch))?;
            }
            progress((reached / BLOCK + 1) * BLOCK);
        }
        // A heartbeat: the store removes a staged sweep that receives nothing for long.
        emit(Vec::new())?;
        if self.reused.points() == before {
            self.reused.from.pop();
        }
        Ok(())
    }

    /// Whether the newest record of an earlier point is a success, or may become one when its results are extracted again.
    /// Remembers successes that were set aside.
    fn may_be_reused(&mut self, source: &ReuseSource, matching: &Matching<'_>, record: &Record) -> bool {
        if record.outcome == Outcome::SetAside {
            matching.find(record.index).into_iter().for_each(|point| self.set_aside.insert(point.index));
        }
        let lacks_result = matches!(record.outcome, Outcome::Failed { cause: Cause::NoResult(_) });
        let is_reused = version_in_new(source, record) != VersionInNew::NotReused;
        is_reused && (record.verdict == Verdict::Succeeded || (source.results_changed && lacks_result))
    }

    /// The point of the new sweep that matches a record; none if there is none, or it has a record already.
    fn wanted_point(&self, matching: &Matching<'_>, record: &Record) -> Option<Point> {
        let wanted_point = |point: &Point| !self.found.contains(point.index) && !self.set_aside.contains(point.index);
        matching.find(record.index).filter(wanted_point)
    }

    /// Reuses a record for a point.
    fn take(&mut self, source: &ReuseSource, point: &Point, record: Record, results: Results) {
        self.found.insert(point.index);
        self.reused.reextracted += u64::from(source.results_changed);
        if let Some((_, points)) = self.reused.from.last_mut() {
            *points += 1;
        }
        let version = match version_in_new(source, &record) {
            VersionInNew::Earlier(version) => version,
            VersionInNew::Present | VersionInNew::NotReused => self.reuse.version,
        };
        let record = Record { version, ..record };
        self.batch.push(reused_record(source, self.reuse.space, point, record, results));
    }

    /// Reuses records with the results that `[results]` extracts now from their stored output.
    fn reextract_records(&mut self, source: &ReuseSource, matching: &Matching<'_>, records: Vec<Record>) -> Result<()> {
        let wanted_point = |record: Record| Some((self.wanted_point(matching, &record)?, record));
        let (points, records): (Vec<Point>, Vec<Record>) = records.into_iter().filter_map(wanted_point).unzip();
        for (points, records) in points.chunks(output::AT_ONCE).zip(records.chunks(output::AT_ONCE)) {
            let outputs = output::of_records(self.reuse.store, &source.id, records)?;
            for ((point, record), output) in points.iter().zip(records).zip(outputs) {
                if let Some(results) = self.reextract(output.as_ref(), point.index) {
                    self.take(source, point, record.clone(), results);
                }
            }
        }
        Ok(())
    }

    /// The results that `[results]` extracts now; none: the stored output is incomplete or does not contain them.
    fn reextract(&mut self, output: Option<&Output>, index: u64) -> Option<Results> {
        match self.extractor.again(output.map(|output| &output.stdout)) {
            Ok(results) => return Some(results),
            Err(RereadError::NotKept(_)) => self.output_truncated.insert(index),
            Err(RereadError::NoResult(_)) => self.result_missing.insert(index),
        }
        None
    }
}

/// What the version of a record's files is in the new sweep.
fn version_in_new(source: &ReuseSource, record: &Record) -> VersionInNew {
    let at = (record.version as usize).saturating_sub(1);
    source.versions.get(at).copied().unwrap_or(VersionInNew::NotReused)
}

/// The record of the new sweep for a reused point.
fn reused_record(source: &ReuseSource, space: &Space, point: &Point, record: Record, results: Results) -> Record {
    let origin = record.origin.unwrap_or_else(|| JobAddress { sweep: source.id.clone(), index: record.index });
    let outcome = Outcome::Succeeded { results: drop_repeated(space, point, results) };
    Record { index: point.index, outcome, verdict: Verdict::Succeeded, origin: Some(origin), ..record }
}
