//! Owns writing a staged sweep: splits reused records into the parts that the store receives.

use std::collections::HashMap;

use super::bitmap::PointBitmap;
use crate::error::{Error, Result};
use crate::job::Outcome;
use crate::record::{Record, block_of};
use crate::store::{ColumnPlace, StagedPart, StagedSweep, Store};
use crate::stored::encode_chunk;

/// The most bytes of chunks, and the most chunks or ranges, in one request: a few milliseconds of work for the store.
const REQUEST: (usize, usize) = (1 << 20, 1000);

/// Writes a staged sweep part by part.
pub(super) struct StagingWriter<'a> {
    store: &'a dyn Store,
    staged: &'a StagedSweep,
    /// The number of the next part; none: nothing was written yet, so the staged sweep was not created.
    part: Option<u64>,
    columns: HashMap<String, ColumnPlace>,
}

impl<'a> StagingWriter<'a> {
    /// A writer. The staged sweep is created with the first part.
    pub(super) fn new(store: &'a dyn Store, staged: &'a StagedSweep) -> StagingWriter<'a> {
        StagingWriter { store, staged, part: None, columns: HashMap::new() }
    }

    /// Writes records, grouped by block. No records: sends a heartbeat if the staged sweep exists.
    ///
    /// # Errors
    /// If the store refuses them.
    pub(super) fn records(&mut self, mut records: Vec<Record>) -> Result<()> {
        if records.is_empty() {
            return if self.part.is_some() { self.write(StagedPart::default()) } else { Ok(()) };
        }
        records.sort_unstable_by_key(|record| record.index);
        let mut part = StagedPart::default();
        let mut bytes = 0;
        for block in records.chunk_by(|a, b| block_of(a.index) == block_of(b.index)) {
            let Some(first) = block.first() else { continue };
            self.note_columns(block);
            let chunk = encode_chunk(block);
            bytes += chunk.len();
            part.points += block.len() as u64;
            part.chunks.push((block_of(first.index), chunk));
            if bytes >= REQUEST.0 || part.chunks.len() >= REQUEST.1 {
                self.write(std::mem::take(&mut part))?;
                bytes = 0;
            }
        }
        self.write(part)
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

    /// Writes the points that are left to run, and the columns.
    ///
    /// # Errors
    /// If the store refuses them.
    pub(super) fn finish(&mut self, found: &PointBitmap, total: u64) -> Result<()> {
        let mut ready = found.gaps(total).peekable();
        while ready.peek().is_some() {
            self.write(StagedPart { ready: ready.by_ref().take(REQUEST.1).collect(), ..StagedPart::default() })?;
        }
        let columns = std::mem::take(&mut self.columns).into_iter().collect();
        self.write(StagedPart { columns, ..StagedPart::default() })
    }

    fn write(&mut self, content: StagedPart) -> Result<()> {
        let part = match self.part {
            Some(part) => part,
            None => {
                self.store.stage(self.staged)?;
                0
            }
        };
        self.store.add_staged(self.staged, &StagedPart { part, ..content }).map_err(Error::from)?;
        self.part = Some(part + 1);
        Ok(())
    }
}
