//! Owns reading the log of a sweep: the newest record of each point in order of index, and all attempts of one point.

use crate::error::Result;
use crate::job::{Cause, Outcome, SweepId};
use crate::record::{self, BLOCK, Record};
use crate::store::{BlockLog, Store};
use crate::stored;

/// The number of blocks that one request reads; memory holds at most these.
const BLOCKS: u64 = 16;

/// Iterates over the blocks of a sweep in order. Memory is bounded by [`BLOCKS`] blocks.
pub struct Blocks<'a> {
    store: &'a dyn Store,
    id: &'a SweepId,
    next: u64,
    end: u64,
    read: std::vec::IntoIter<BlockLog>,
}

impl<'a> Blocks<'a> {
    /// Iterates over all blocks of a sweep of `total` points.
    pub fn new(store: &'a dyn Store, id: &'a SweepId, total: u64) -> Self {
        Blocks { store, id, next: 0, end: total.div_ceil(BLOCK), read: Vec::new().into_iter() }
    }

    /// Skips to a block without reading those before it. Does nothing if that block has been read.
    pub fn skip_to(&mut self, block: u64) {
        if block >= self.next {
            self.next = block;
            self.read = Vec::new().into_iter();
        }
    }

    fn advance(&mut self) -> Result<Option<BlockLog>> {
        loop {
            if let Some(block) = self.read.next() {
                return Ok(Some(block));
            }
            if self.next >= self.end {
                return Ok(None);
            }
            let until = (self.next + BLOCKS).min(self.end);
            self.read = self.store.log(self.id, self.next..until)?.into_iter();
            self.next = until;
        }
    }
}

impl Iterator for Blocks<'_> {
    type Item = Result<Vec<Record>>;

    /// The newest record of each point of the next block that has records, in order of index.
    fn next(&mut self) -> Option<Self::Item> {
        self.advance().transpose().map(|block| newest(&block?.1))
    }
}

/// The newest record of each point, in order of index. The last accepted record is the valid one: the store
/// accepts one outcome per claim, and hands out no claim for a succeeded point unless a record sets the success aside.
fn newest(chunks: &[Vec<u8>]) -> Result<Vec<Record>> {
    let mut records = Vec::new();
    for chunk in chunks {
        records.append(&mut stored::decode_chunk(chunk)?);
    }
    // The sort is stable: the newest record of a point comes last, and is kept.
    records.sort_by_key(|record| record.index);
    records.dedup_by(|next, kept| {
        let same = next.index == kept.index;
        if same {
            std::mem::swap(next, kept);
        }
        same
    });
    Ok(records)
}

/// The attempts of one point, oldest first. If the outcome of a worker that was reported lost arrived before the
/// job was claimed again, it replaces the loss.
///
/// # Errors
/// If the store cannot be read.
pub fn of_point(store: &dyn Store, id: &SweepId, index: u64) -> Result<Vec<Record>> {
    Ok(of_point_and_chunks(store, id, index)?.0)
}

/// As [`of_point`], with the number of chunks in the log of the point's block.
///
/// # Errors
/// If the store cannot be read.
pub fn of_point_and_chunks(store: &dyn Store, id: &SweepId, index: u64) -> Result<(Vec<Record>, u64)> {
    let block = record::block_of(index);
    let log = store.log(id, block..block + 1)?;
    let chunks: Vec<Vec<u8>> = log.into_iter().flat_map(|(_, chunks)| chunks).collect();
    let mut attempts: Vec<Record> = Vec::new();
    for chunk in &chunks {
        for record in stored::decode_chunk(chunk)?.into_iter().filter(|record| record.index == index) {
            attempts.pop_if(|last| last.tries.attempts == record.tries.attempts && is_loss(&last.outcome));
            attempts.push(record);
        }
    }
    Ok((attempts, chunks.len() as u64))
}

fn is_loss(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Lost { .. } | Outcome::Failed { cause: Cause::LostTooOften })
}
