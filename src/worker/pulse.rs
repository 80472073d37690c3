//! Owns the thread of heartbeats: it renews the worker's claims, acts on what the store says of them, and looks for the
//! lost claims of others.

use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use super::board::Board;
use super::report::Finished;
use crate::store::{Heartbeat, Store, WorkerRow};

/// How often it looks for claims that ran out; the store answers once a second, whoever asks.
const LOOK: Duration = Duration::from_secs(1);

/// Runs until the other end of `over` is dropped. Errors of the store are left to the worker's loop, which meets them
/// too and waits; a heartbeat that failed is tried again after [`LOOK`].
pub fn run(store: &dyn Store, board: &Board, me: &WorkerRow, lease: Duration, over: &Receiver<()>) {
    let every = lease / 4;
    let mut next_beat = Instant::now();
    while over.recv_timeout(LOOK.min(every)) == Err(RecvTimeoutError::Timeout) {
        if Instant::now() >= next_beat && beat(store, board, me, lease).is_ok() {
            next_beat = Instant::now() + every;
        }
        if let Ok(expired) = store.expired() {
            let (mine, _) = board.held();
            let is_mine = |claim: &crate::store::Claim| {
                mine.iter().any(|held| held.token == claim.token && held.job == claim.job)
            };
            let lost: Vec<_> = expired.iter().filter(|one| !is_mine(&one.claim)).map(Finished::expired).collect();
            if !lost.is_empty() {
                board.add_done(lost);
            }
        }
    }
}

/// Gives one sign of life. The first one makes the worker known.
///
/// # Errors
/// As [`Store::heartbeat`].
pub fn beat(store: &dyn Store, board: &Board, me: &WorkerRow, lease: Duration) -> crate::store::Result<()> {
    let (held, busy) = board.held();
    let fates = store.heartbeat(&Heartbeat { worker: WorkerRow { busy, ..me.clone() }, lease, held })?;
    let to_report = board.apply(&fates);
    if !to_report.is_empty() {
        board.add_done(to_report);
    }
    Ok(())
}
