//! Owns the sweeps of the claims that a worker gets: loaded when the first claim comes, loaded again when they change.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Dispatcher;
use crate::job::SweepId;
use crate::model::Document;
use crate::runtime::SweepRuntime;
use crate::store::{Claim, StoreError};
use crate::system::wall_clock_ms;
use crate::worker::events::WorkerEvent;
use crate::worker::pace::Stopping;
use crate::worker::report::FinishedAttempt;
use crate::worker::state::ClaimedJob;
use crate::worker::step_back::exclude_unreadable;

/// The result of loading a sweep.
pub(super) enum LoadedSweep {
    /// It is ready to run.
    Ready(Arc<SweepRuntime>),
    /// It was removed, or the worker was told to stop while the store was away.
    Gone,
    /// This version of sweep cannot read it, or no trusted key has signed it; why.
    Unreadable(String),
}

impl Dispatcher<'_> {
    /// Loads the sweep of new claims and queues them. All claims of one reply belong to one sweep.
    pub(super) fn take_on(&mut self, claims: Vec<Claim>) -> Result<(), StoreError> {
        let Some(first) = claims.first() else { return Ok(()) };
        let (sweep, jobs) = (&first.job.sweep, claims.len());
        self.state.emit_of_every_job(|| WorkerEvent::Claimed { sweep: sweep.clone(), jobs });
        self.meet(first);
        self.forget_if_replaced(&first.job.sweep);
        match self.runtime(&first.job.sweep)? {
            LoadedSweep::Ready(sweep) => match self.inputs_for(&sweep, first.submission)? {
                Some(inputs) => {
                    let task = |claim| ClaimedJob { claim, sweep: sweep.clone(), inputs: inputs.clone() };
                    self.state.queue(claims.into_iter().map(task).collect());
                }
                None => self.state.add_done(claims.iter().map(FinishedAttempt::given_back).collect()),
            },
            // The claims need no report: the sweep is gone, or their leases run out.
            LoadedSweep::Gone => {}
            LoadedSweep::Unreadable(why) => {
                self.state.add_done(claims.iter().map(FinishedAttempt::given_back).collect());
                if exclude_unreadable(self.excluded, sweep, &why, self.trust.is_some()) {
                    self.state.emit(WorkerEvent::SteppedBack { sweep: sweep.clone(), why, pause: None });
                }
            }
        }
        Ok(())
    }

    /// Forgets what is known about a sweep if the claim belongs to another submission. A store that was emptied gives
    /// out the same ids again.
    fn meet(&mut self, claim: &Claim) {
        let id = &claim.job.sweep;
        if self.submissions.get(id) == Some(&claim.submission) {
            return;
        }
        self.runtimes.forget(id);
        self.columns.forget(id);
        self.submissions.insert(id.clone(), claim.submission);
    }

    /// Forgets the runtime of a sweep if its document was replaced since it was loaded. Checked before a load, and then
    /// at most once a heartbeat. While the store is away nothing is known; the next claims are checked.
    pub(super) fn forget_if_replaced(&mut self, id: &SweepId) {
        let is_loaded = self.runtimes.get(id).is_some();
        let last = self.revisions.get(id).copied().filter(|_| is_loaded);
        if last.is_some_and(|(_, checked)| checked.elapsed() < self.options.lease / 4) {
            return;
        }
        let Ok(revision) = self.store.document_revision(id) else { return };
        if last.is_some_and(|(known, _)| known != revision) {
            self.runtimes.forget(id);
        }
        self.revisions.insert(id.clone(), (revision, Instant::now()));
    }

    /// Returns a sweep, loaded on this machine.
    ///
    /// # Errors
    /// If the store reports an error that does not pass by itself.
    pub(super) fn runtime(&mut self, id: &SweepId) -> Result<LoadedSweep, StoreError> {
        if let Some(known) = self.runtimes.get(id) {
            return Ok(LoadedSweep::Ready(known));
        }
        let document = loop {
            match self.store.document(id) {
                Ok(document) => break document,
                Err(error) if error.is_no_such_sweep() => return Ok(LoadedSweep::Gone),
                Err(error) => {
                    self.wait_out(error)?;
                    self.state.wait(Instant::now() + Duration::from_secs(1));
                    if self.state.view(true).stopping == Stopping::Now {
                        return Ok(LoadedSweep::Gone);
                    }
                }
            }
        };
        let document = match self.read_document(id, &document) {
            Ok(document) => document,
            Err(why) => return Ok(LoadedSweep::Unreadable(why)),
        };
        let runtime = match SweepRuntime::new(id.clone(), document, &self.options.fallback) {
            Ok(runtime) => runtime,
            Err(error) => return Ok(LoadedSweep::Unreadable(cannot_read(&error))),
        };
        if !runtime.here_is_original && self.reported_folders.get(id).is_none() {
            self.reported_folders.insert(id.clone(), ());
            self.state.emit(WorkerEvent::OtherFolder { sweep: id.clone(), folder: runtime.here.clone() });
        }
        Ok(LoadedSweep::Ready(self.runtimes.insert(runtime)))
    }

    /// The document that is run: the worker's own; the one in the store, if a trusted key must have signed it and has; or
    /// the one in the store.
    ///
    /// # Errors
    /// Why the worker does not run the sweep; in words.
    fn read_document(&mut self, id: &SweepId, stored: &[u8]) -> Result<Document, String> {
        if let Some(own) = &self.options.own {
            // The store may have the same sweep from an identical command at the same time: its directories carry the id of
            // that submission.
            // Records belong to the last of the versions of its files.
            let stored = Document::decode(stored).unwrap_or_else(|_| own.clone());
            let Document { submission, earlier_versions, .. } = stored;
            return Ok(Document { submission, earlier_versions, ..own.clone() });
        }
        match (&mut self.trust, self.submissions.get(id)) {
            (Some(trust), Some(submission)) => {
                let checked = trust.check(id, *submission, &self.options.scope, stored, wall_clock_ms());
                checked.map_err(|why| format!("this worker may not run it: {why}"))
            }
            (Some(_), None) => Err("its submission is not known".into()),
            (None, _) => Document::decode(stored).map_err(|error| cannot_read(&error.into())),
        }
    }
}

fn cannot_read(error: &anyhow::Error) -> String {
    format!("this worker cannot read it: {error:#}")
}
