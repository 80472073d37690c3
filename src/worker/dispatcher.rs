//! Owns the dispatcher, a worker's main loop: it does what the pace decides, from the first claim to the last delivery.
//! `sweeps` loads the sweeps of claims, `inputs` looks at their inputs, `replies` handles the store's replies, `trouble` a
//! store that is away.

use std::time::Instant;

use super::bounded::BoundedMap;
use super::compaction::{self, Compactor};
use super::exclusions::ExcludedSweeps;
use super::failures::FirstFailures;
use super::options::{WorkSummary, WorkerOptions};
use super::pace::{NextAction, Pace, Stopping};
use super::recent_outcomes::RecentOutcomes;
use super::report::{FinishedAttempt, KnownColumns, group};
use super::state::WorkerState;
use super::step_back::StepBack;
use super::trust::Trust;
use super::work_notices::WorkNotice;
use crate::job::SweepId;
use crate::runtime::RuntimeCache;
use crate::store::{ClaimRequest, Exchange, Store, StoreError};
use crate::system::random;
use inputs::GuardedSweeps;
use trouble::StoreTrouble;

mod inputs;
mod replies;
mod sweeps;
mod trouble;

/// The most sweeps of which something is remembered.
const MOST_SWEEPS: usize = 256;

/// A request to the store, with what it was made from.
struct Request {
    exchange: Exchange,
    finished: Vec<FinishedAttempt>,
    asked: u32,
}

/// A worker's main loop.
pub(super) struct Dispatcher<'a> {
    store: &'a dyn Store,
    options: &'a WorkerOptions,
    state: &'a WorkerState,
    id: &'a str,
    excluded: &'a ExcludedSweeps,
    step_back: &'a StepBack<'a>,
    guarded: GuardedSweeps,
    pace: Pace,
    runtimes: RuntimeCache,
    columns: KnownColumns,
    summary: WorkSummary,
    seq: u64,
    trouble: Option<StoreTrouble>,
    /// Sweeps for which an event `OtherFolder` was reported.
    reported_folders: BoundedMap<SweepId, ()>,
    /// The submission of each sweep to which its runtime and its columns belong.
    submissions: BoundedMap<SweepId, u64>,
    /// The revision of the document of each loaded sweep, and when it was last checked.
    revisions: BoundedMap<SweepId, (u64, Instant)>,
    first_failures: FirstFailures,
    recent: RecentOutcomes,
    compactor: Compactor,
    trust: Option<Trust>,
}

impl<'a> Dispatcher<'a> {
    /// Makes a dispatcher.
    pub(super) fn new(
        store: &'a dyn Store,
        options: &'a WorkerOptions,
        state: &'a WorkerState,
        id: &'a str,
        step_back: &'a StepBack<'a>,
    ) -> Self {
        Dispatcher {
            store,
            options,
            state,
            id,
            excluded: step_back.excluded,
            step_back,
            guarded: GuardedSweeps::default(),
            pace: Pace::new(),
            runtimes: RuntimeCache::default(),
            columns: KnownColumns::default(),
            summary: WorkSummary::default(),
            seq: 0,
            trouble: None,
            reported_folders: BoundedMap::new(MOST_SWEEPS),
            submissions: BoundedMap::new(MOST_SWEEPS),
            revisions: BoundedMap::new(MOST_SWEEPS),
            first_failures: FirstFailures::default(),
            recent: RecentOutcomes::default(),
            compactor: Compactor::default(),
            trust: options.trusted.clone().map(Trust::new),
        }
    }

    /// Returns what was done.
    pub(super) fn into_summary(self) -> WorkSummary {
        self.summary
    }

    /// Runs until the worker has ended.
    ///
    /// # Errors
    /// If the store reports an error that does not pass by itself.
    pub(super) fn work(&mut self) -> Result<(), StoreError> {
        let state = self.state;
        loop {
            self.look_at_due_inputs()?;
            let verifies_at = self.verifies_at();
            let view = state.view(verifies_at.is_none());
            if view.stopping != Stopping::No && view.queued > 0 {
                state.add_done(state.take_queue());
                continue;
            }
            let now = Instant::now();
            self.pace.observe(&view, now);
            match state.take_notice() {
                Some(WorkNotice::NewWork { workers, share }) => self.pace.new_work(workers, share, now),
                Some(WorkNotice::Failed) => self.pace.set_notices(false),
                Some(WorkNotice::Restored) => self.pace.set_notices(true),
                None => {}
            }
            match self.pace.next(&view, now) {
                NextAction::End => return Ok(()),
                NextAction::Wait(until) => {
                    state.set_idle(self.pace.is_idle());
                    state.wait(verifies_at.map_or(until, |at| at.min(until)));
                }
                NextAction::GiveBack(many) => state.add_done(state.take_last(many)),
                NextAction::Look => {
                    let nothing_left = self.look()?;
                    let idle = view.running == 0 && view.queued == 0 && view.done == 0 && view.unverified == 0;
                    if idle {
                        self.compact_logs(compaction::SOME);
                    }
                    if nothing_left && idle && self.options.until_empty {
                        return Ok(());
                    }
                }
                NextAction::Exchange { want } => {
                    let request = self.request(want)?;
                    if !self.send(request)? {
                        return Ok(());
                    }
                    self.compact_logs(compaction::MANY);
                }
            }
        }
    }

    fn request(&mut self, want: u32) -> Result<Request, StoreError> {
        self.verify_outcomes()?;
        let finished = self.state.take_done();
        for one in &finished {
            if let Some(seconds) = one.seconds() {
                self.pace.job_took(seconds);
            }
        }
        self.seq += 1;
        let WorkerOptions { scope, lease, .. } = self.options;
        let want = if want > 0 {
            let token = random().map_err(|error| StoreError::refused(error.to_string()))?;
            Some(ClaimRequest {
                most: want,
                scope: scope.clone(),
                excluded: self.excluded.sweeps(),
                token,
                lease: *lease,
            })
        } else {
            None
        };
        let asked = want.as_ref().map_or(0, |want| want.most);
        let reports = group(&finished, &self.columns);
        let exchange = Exchange { worker: self.id.to_owned(), seq: self.seq, reports, claim_request: want };
        Ok(Request { exchange, finished, asked })
    }

    /// Sends a request until it is answered. It is the same request each time, so that nothing is applied twice.
    /// Returns false if the store stays away after the worker was told to stop at once.
    fn send(&mut self, mut request: Request) -> Result<bool, StoreError> {
        let mut give_up_at = None;
        loop {
            match self.store.exchange(&request.exchange) {
                Ok(reply) => {
                    self.report_recovery(request.exchange.claim_request.is_some());
                    self.state.delivered();
                    let given = reply.claims.len() as u32;
                    self.pace.answered(request.asked, given, Instant::now());
                    // Before the new outcomes are kept: those push out older ones that may have to be repeated.
                    self.repeat_what_was_forgotten();
                    let failed = self.record_reply(request, &reply);
                    self.take_on(reply.claims)?;
                    self.pause_if_too_many_fail(&failed)?;
                    return Ok(true);
                }
                Err(error) => {
                    // The store is full, or a replica for a while. It may still accept the outcomes without a claim
                    // request. The number stays the same: if an earlier send was applied and its reply was lost, the
                    // store returns that reply, with its claims.
                    if error.is_refusal() {
                        request.exchange.claim_request = None;
                    }
                    self.wait_out(error)?;
                }
            }
            self.wait_for_store()?;
            if self.gives_up(&mut give_up_at) {
                let left = self.state.take_done();
                self.summary.undelivered += self.state.unverified().0;
                self.summary.undelivered +=
                    request.finished.iter().chain(&left).filter(|finished| finished.is_outcome()).count();
                return Ok(false);
            }
        }
    }

    /// Compacts the blocks to which this worker has added at least `least` small chunks.
    fn compact_logs(&mut self, least: u32) {
        while let Some((sweep, block)) = self.compactor.take(least) {
            // An error does no harm: an uncompacted block only takes more room.
            let _ = compaction::pack(self.store, &sweep, block);
        }
    }

    /// Reads the backlog. Returns whether no job is left in this worker's scope, for any worker.
    fn look(&mut self) -> Result<bool, StoreError> {
        let backlog = match self.store.backlog(&self.options.scope) {
            Ok(backlog) => Some(backlog),
            Err(error) => {
                self.wait_out(error)?;
                None
            }
        };
        let (ready, delayed) = backlog.as_ref().map_or((0, 0), |backlog| (backlog.ready, backlog.delayed));
        self.pace.looked(ready, delayed, Instant::now());
        let Some(backlog) = backlog else { return Ok(false) };
        // An idle worker sends no outcomes, so it notices a restart of the server here.
        if self.repeat_what_was_forgotten() {
            return Ok(false);
        }
        let empty = backlog.ready == 0 && backlog.delayed == 0 && backlog.leased == 0;
        if empty {
            self.summary.paused = backlog.paused;
        }
        Ok(empty)
    }
}
