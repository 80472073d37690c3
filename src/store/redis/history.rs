//! Owns the requests about points and their logs; see [`History`].

use std::ops::Range;

use super::{RedisStore, reads};
use crate::job::{AttemptCounts, JobState, SweepId};
use crate::store::{BlockLog, History, PointSet, Result, Span};

impl History for RedisStore {
    fn spans(&self, id: &SweepId, set: PointSet, from: u64, limit: usize) -> Result<Vec<Span>> {
        reads::spans(self, id, set, from, limit)
    }

    fn point(&self, id: &SweepId, index: u64) -> Result<(JobState, Option<AttemptCounts>)> {
        reads::point(self, id, index)
    }

    fn log(&self, id: &SweepId, blocks: Range<u64>) -> Result<Vec<BlockLog>> {
        reads::log(self, id, blocks)
    }

    fn compact(&self, id: &SweepId, block: u64, read: &[Vec<u8>], chunk: &[u8]) -> Result<bool> {
        let Some(first) = read.first() else { return Ok(false) };
        let call = self.call(&self.scripts.compact).arg(id.to_string()).arg(block).arg(read.len());
        self.run(&call.arg(first.as_slice()).arg(chunk))
    }

    fn columns(&self, id: &SweepId) -> Result<Vec<String>> {
        reads::columns(self, id)
    }

    fn outputs(&self, id: &SweepId, attempts: &[(u64, u32)]) -> Result<Vec<Option<Vec<u8>>>> {
        reads::outputs(self, id, attempts)
    }
}
