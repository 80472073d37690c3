//! Owns a sweep in the writer: the parts that a staged is filled with, from records reused.

use std::collections::HashMap;

use super::bitmap::PointBitmap;
use crate::error::{Error, Result};
use crate::job::Outcome;
use crate::record::{Record, block_of};
use crate::store::{ColumnPlace, StagedPart, StagedSweep, Store};
use crate::stored::encode_chunk;

/// Bytes of chunks, and chunks or ranges, that one request brings: some milliseconds of the store.
const REQUEST: (usize, usize) = (1 << 20, 1000);

/// A sweep in the writer.
pub(super) struct StagingWriter<'a> {
    store: &'a dyn Store,
    staged: &'a StagedSweep,
    /// The next part's number; none: it was not begun, because there was nothing to be given yet.
    part: Option<u64>,
    columns: HashMap<String, ColumnPlace>,
}

impl<'a> StagingWriter<'a> {
    /// One of which nothing is to be seen yet.
    pub(super) fn new(store: &'a dyn Store, staged: &'a StagedSweep) -> StagingWriter<'a> {
        StagingWriter { store, staged, part: None, columns: HashMap::new() }
    }

    /// Gives it records, those of a block together; none: a sign that we are alive.
    ///
    /// # Errors
    /// If the store does not take them.
    pub(super) fn records(&mut self, mut records: Vec<Record>) -> Result<()> {
        if records.is_empty() {
            return if self.part.is_some() { self.fill(StagedPart::default()) } else { Ok(()) };
        }
        records.sort_unstable_by_key(|record| record.index);
        let mut fill = StagedPart::default();
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

    /// Gives it the points that are left to run, and the columns.
    ///
    /// # Errors
    /// If the store does not take them.
    pub(super) fn finish(&mut self, found: &PointBitmap, total: u64) -> Result<()> {
        let mut ready = found.gaps(total).peekable();
        while ready.peek().is_some() {
            self.fill(StagedPart { ready: ready.by_ref().take(REQUEST.1).collect(), ..StagedPart::default() })?;
        }
        let columns = std::mem::take(&mut self.columns).into_iter().collect();
        self.fill(StagedPart { columns, ..StagedPart::default() })
    }

    fn fill(&mut self, fill: StagedPart) -> Result<()> {
        let part = match self.part {
            Some(part) => part,
            None => {
                self.store.stage(self.staged)?;
                0
            }
        };
        self.store.add_staged(self.staged, &StagedPart { part, ..fill }).map_err(Error::from)?;
        self.part = Some(part + 1);
        Ok(())
    }
}
