//! Owns the compaction of logs: the outcome of a long job is recorded in its own chunk, and the worker that reports it
//! merges many such chunks of a block into one, between two requests.

use std::collections::HashMap;

use crate::job::SweepId;
use crate::store::{Report, Result, Store};
use crate::stored;

/// This many small chunks of a block are merged at once. An idle worker merges [`SOME`].
pub const MANY: u32 = 32;
/// See [`MANY`].
pub const SOME: u32 = 8;

/// A chunk with at least this many records is not small: merging would hardly save space.
const SMALL: usize = 16;

/// The most blocks that are remembered. A worker fills one block after the other. A forgotten block is not compacted.
const MOST_BLOCKS: usize = 1024;

/// The number of small chunks that this worker has added to each block since its last compaction.
#[derive(Default)]
pub struct Compactor {
    added: HashMap<(SweepId, u64), u32>,
}

impl Compactor {
    /// Notes an accepted report.
    pub fn note(&mut self, report: &Report) {
        if report.chunk.is_empty() || report.entries.len() >= SMALL {
            return;
        }
        if self.added.len() >= MOST_BLOCKS {
            self.added.retain(|_, added| *added >= SOME);
        }
        if self.added.len() < MOST_BLOCKS {
            *self.added.entry((report.sweep.clone(), report.block)).or_default() += 1;
        }
    }

    /// Takes a block to which at least `least` small chunks were added.
    pub fn take(&mut self, least: u32) -> Option<(SweepId, u64)> {
        let block = self.added.iter().find(|(_, added)| **added >= least).map(|(block, _)| block.clone())?;
        self.added.remove(&block);
        Some(block)
    }
}

/// Merges the chunks of a block into one. Returns false if there are few, or if another worker has changed the block.
///
/// # Errors
/// As [`History::log`](crate::store::History::log) and [`History::compact`](crate::store::History::compact). A block
/// with a chunk that cannot be read stays as it is.
pub fn pack(store: &dyn Store, sweep: &SweepId, block: u64) -> Result<bool> {
    let Some((_, chunks)) = store.log(sweep, block..block + 1)?.pop() else { return Ok(false) };
    if chunks.len() < SOME as usize {
        return Ok(false);
    }
    match stored::merge_chunks(&chunks) {
        Ok(chunk) => store.compact(sweep, block, &chunks, &chunk),
        Err(_) => Ok(false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::{AttemptCounts, Verdict};
    use crate::store::ReportEntry;

    fn report(block: u64, entries: usize) -> Report {
        let entry = ReportEntry {
            index: 0,
            attempt: 1,
            token: 1,
            verdict: Verdict::Succeeded,
            tries: AttemptCounts::default(),
            only_if_expired: false,
            output: None,
        };
        let sweep = SweepId { name: "a".into(), number: 1 };
        Report { sweep, submission: 1, block, entries: vec![entry; entries], chunk: vec![1], columns: Vec::new() }
    }

    #[test]
    fn a_block_is_packed_when_many_small_chunks_were_added_or_some_in_a_quiet_time() {
        let mut compactor = Compactor::default();
        for _ in 0..MANY {
            assert_eq!(compactor.take(MANY), None);
            compactor.note(&report(7, 1));
            compactor.note(&report(8, SMALL));
        }
        assert_eq!(compactor.take(MANY).map(|(_, block)| block), Some(7));
        assert_eq!(compactor.take(SOME), None, "large chunks stay");
        (0..SOME).for_each(|_| compactor.note(&report(9, 2)));
        assert_eq!(compactor.take(SOME).map(|(_, block)| block), Some(9));
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut compactor = Compactor::default();
        (0..5000).for_each(|block| compactor.note(&report(block, 1)));
        assert!(compactor.added.len() <= MOST_BLOCKS);
    }
}
