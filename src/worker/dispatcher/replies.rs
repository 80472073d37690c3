//! Owns the handling of the store's replies: it counts recorded outcomes, keeps them for a while, delivers refused ones
//! again, and pauses sweeps of which too many points fail.

use std::collections::BTreeSet;
use std::time::Instant;

use super::sweeps::LoadedSweep;
use super::{Dispatcher, Request};
use crate::job::{SweepId, Verdict};
use crate::store::{ExchangeReply, StoreError};
use crate::worker::events::WorkerEvent;
use crate::worker::failures::too_many;
use crate::worker::report::{FinishedAttempt, KnownColumns};

impl Dispatcher<'_> {
    /// Counts the outcomes that the store has accepted. A report with a stale claim was refused as a whole; its other
    /// outcomes are delivered again. Returns the sweeps of which points have failed.
    pub(super) fn record_reply(&mut self, request: Request, reply: &ExchangeReply) -> BTreeSet<SweepId> {
        let mut again = Vec::new();
        let mut failed = BTreeSet::new();
        let (mut recorded, mut refused_outcomes, mut requeued) = (0, 0, 0);
        let reports = &request.exchange.reports;
        let refused = |one: &FinishedAttempt| {
            reply.stale.iter().find(|(at, _)| reports.get(*at).is_some_and(|report| one.is_of(report)))
        };
        for one in request.finished {
            match refused(&one) {
                None => {
                    requeued += usize::from(one.is_foreign());
                    recorded += usize::from(one.is_outcome());
                    if one.verdict() == Verdict::Failed {
                        self.first_failures.note(&one);
                        failed.insert(one.job().sweep.clone());
                    }
                    self.count_and_keep(one);
                }
                Some((_, stale)) if !stale.contains(&one.job().index) => again.push(one),
                Some(_) => refused_outcomes += usize::from(!one.is_foreign() && !one.is_repeated()),
            }
        }
        for (at, report) in reports.iter().enumerate() {
            if reply.stale.iter().all(|(stale, _)| *stale != at) {
                self.columns.accepted(report);
                self.compactor.note(report);
            }
        }
        if !again.is_empty() {
            self.state.add_done(again);
        }
        if recorded > 0 {
            self.state.emit_of_every_job(|| WorkerEvent::Recorded { jobs: recorded });
        }
        if refused_outcomes > 0 {
            self.state.emit(WorkerEvent::OutcomesRefused { jobs: refused_outcomes });
        }
        if requeued > 0 {
            self.state.emit(WorkerEvent::LostJobsRequeued { jobs: requeued });
        }
        failed
    }

    /// Counts an accepted outcome of this worker's own, and keeps it for a while where the store may forget it.
    fn count_and_keep(&mut self, one: FinishedAttempt) {
        if one.is_foreign() || one.is_repeated() {
            return;
        }
        self.count(one.verdict());
        if self.store.restarts().is_some() {
            self.recent.keep(one, Instant::now());
        }
    }

    /// Delivers the outcomes of the last seconds again if the server was restarted, because it may have forgotten them.
    /// It refuses those that it has not forgotten; that is not reported. Returns whether there are any.
    pub(super) fn repeat_what_was_forgotten(&mut self) -> bool {
        let Some(restarts) = self.store.restarts() else { return false };
        let repeated = self.recent.to_repeat(restarts);
        let is_any = !repeated.is_empty();
        if is_any {
            self.columns = KnownColumns::default();
            self.state.add_done(repeated);
        }
        is_any
    }

    /// Pauses sweeps of which too many points fail.
    pub(super) fn pause_if_too_many_fail(&mut self, failed: &BTreeSet<SweepId>) -> Result<(), StoreError> {
        for id in failed {
            let LoadedSweep::Ready(sweep) = self.runtime(id)? else { continue };
            // The sweep is gone or the store is away: the next failure checks again.
            let Ok(row) = self.store.sweep(id) else { continue };
            let Some(why) = too_many(&sweep.spec.job, &row) else { continue };
            let reason = self.first_failures.reason(id, &why);
            if self.store.pause_unless_resumed(id, row.failed_at_resume, &reason).unwrap_or(false) {
                let back = self.state.take_queue_of(id);
                self.state.add_done(back);
                self.state.emit(WorkerEvent::Paused { sweep: id.clone(), reason });
            }
        }
        Ok(())
    }

    fn count(&mut self, verdict: Verdict) {
        match verdict {
            Verdict::Succeeded => self.summary.succeeded += 1,
            Verdict::Failed => self.summary.failed += 1,
            Verdict::Again { .. } | Verdict::Cancelled => {}
        }
    }
}
