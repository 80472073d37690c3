//! Owns the requests about whole sweeps; see [`Sweeps`].

use std::ops::Range;

use super::{RedisStore, decode, inputs, reads};
use crate::job::{MAX_POINTS, SweepId};
use crate::model::FoundInputs;
use crate::record::block_of;
use crate::store::{Counts, NewSweep, Rerun, Result, STAGING_TIMEOUT, StoreError, SweepRow, Sweeps};

/// How many ranges one request puts back, and about how many points one script moves: this takes the server some
/// milliseconds.
const REQUEUE_RANGES: usize = 1000;
const REQUEUE_POINTS: usize = 5000;

/// About how many ranges and delayed points one script cancels: this takes the server some milliseconds.
const CANCEL_RANGES: usize = 2000;

/// How many blocks one script frees.
const PURGE_BLOCKS: usize = 500;

impl RedisStore {
    /// Frees the keys of removed sweeps, in steps.
    fn purge(&self) -> Result<()> {
        while self.run(&self.call(&self.scripts.purge).arg(PURGE_BLOCKS))? {}
        Ok(())
    }

    /// Puts the points of some ranges back in the queue, in steps.
    fn requeue_ranges(&self, id: &SweepId, mut ranges: Vec<Range<u64>>) -> Result<u64> {
        let mut moved = 0;
        while !ranges.is_empty() {
            let call = self.call(&self.scripts.requeue).arg(id.to_string()).arg(REQUEUE_POINTS);
            let call = ranges.iter().fold(call, |call, range| call.arg(range.start).arg(range.end));
            let (count, done, go_on): (u64, usize, u64) = self.run(&call)?;
            moved += count;
            ranges.drain(..done.min(ranges.len()));
            if let Some(range) = ranges.first_mut() {
                // Never back to an earlier index: a point that has failed again since stays failed.
                range.start = range.start.max(go_on);
            }
        }
        Ok(moved)
    }
}

impl Sweeps for RedisStore {
    fn submit(&self, new: &NewSweep) -> Result<SweepId> {
        new.check()?;
        let call = self.call(&self.scripts.submit).arg(STAGING_TIMEOUT.as_millis() as u64).arg(&new.request);
        let call = call.arg(&new.name).arg(&new.queue).arg(&new.user).arg(new.total).arg(new.document.as_slice());
        decode::sweep_id(&self.run::<String>(&inputs::arguments(call, &new.inputs))?)
    }

    fn replace_document(&self, id: &SweepId, queue: &str, document: &[u8], inputs: Option<&FoundInputs>) -> Result<()> {
        let call = self.call(&self.scripts.replace_document).arg(id.to_string()).arg(queue).arg(document);
        let call = call.arg(u8::from(inputs.is_some()));
        self.run(&match inputs {
            Some(inputs) => inputs::arguments(call, inputs),
            None => call,
        })
    }

    fn sweeps(&self) -> Result<Vec<SweepRow>> {
        reads::sweeps(self)
    }

    fn sweep(&self, id: &SweepId) -> Result<SweepRow> {
        reads::sweep(self, id)
    }

    fn document(&self, id: &SweepId) -> Result<Vec<u8>> {
        reads::document(self, id)
    }

    fn document_revision(&self, id: &SweepId) -> Result<u64> {
        reads::header_number(self, id, "revision")
    }

    fn set_paused(&self, id: &SweepId, reason: Option<&str>) -> Result<()> {
        self.run(&self.call(&self.scripts.pause).arg(id.to_string()).arg(reason))
    }

    fn pause_unless_resumed(&self, id: &SweepId, failed_at_resume: u64, reason: &str) -> Result<bool> {
        self.run(&self.call(&self.scripts.pause).arg(id.to_string()).arg(reason).arg(failed_at_resume))
    }

    fn cancel(&self, id: &SweepId) -> Result<Counts> {
        loop {
            let call = self.call(&self.scripts.cancel).arg(id.to_string()).arg(CANCEL_RANGES);
            let reply: (bool, [Option<String>; 7]) = self.run(&call)?;
            if !reply.0 {
                return decode::counts(reply.1);
            }
        }
    }

    fn remove(&self, id: &SweepId, force: bool) -> Result<()> {
        let call = self.call(&self.scripts.remove).arg(STAGING_TIMEOUT.as_millis() as u64);
        let call = call.arg(id.to_string()).arg(u8::from(force));
        match self.run::<u64>(&call)? {
            0 => self.purge(),
            held => {
                Err(StoreError::refused(format!("{id} has {held} running {}", if held == 1 { "job" } else { "jobs" }))
                    .remedy(format!(
                        "`sweep cancel {id}` ends them first; `sweep rm --force {id}` removes the sweep at once"
                    )))
            }
        }
    }

    fn requeue(&self, id: &SweepId, ranges: &[Range<u64>]) -> Result<u64> {
        // A sweep that does not exist is an error even if there is no range.
        reads::sweep(self, id)?;
        let whole = |range: &Range<u64>| range.start.min(MAX_POINTS)..range.end.min(MAX_POINTS);
        let ranges: Vec<_> = ranges.iter().map(whole).filter(|range| !range.is_empty()).collect();
        ranges.chunks(REQUEUE_RANGES).map(|ranges| self.requeue_ranges(id, ranges.to_vec())).sum()
    }

    fn rerun(&self, id: &SweepId, rerun: &Rerun) -> Result<bool> {
        // An index beyond all points would not be exact in Lua.
        let index = rerun.index.min(MAX_POINTS);
        let call = self.call(&self.scripts.rerun).arg(id.to_string()).arg(index).arg(block_of(index));
        self.run(&call.arg(rerun.attempts).arg(rerun.chunks).arg(rerun.chunk.as_slice()))
    }
}
