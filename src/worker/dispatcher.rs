//! Owns a worker's loop: it ties the state, the pace and the store together, from the first claim to the last delivery.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::bounded::BoundedMap;
use super::compaction::{self, Compactor};
use super::doorbell::Ring;
use super::events::WorkerEvent;
use super::exclusions::ExcludedSweeps;
use super::failures::FirstFailures;
use super::options::{Options, Summary};
use super::pace::{Pace, Step, Stopping};
use super::recent::Recent;
use super::report::{Finished, KnownColumns, group};
use super::state::{Task, WorkerState};
use super::step_back::exclude_unreadable;
use crate::job::SweepId;
use crate::model::Document;
use crate::runtime::{RuntimeCache, SweepRuntime};
use crate::store::{Claim, ClaimRequest, Exchange, Store, StoreError};

mod replies;

/// How long a worker that was told to stop at once tries to deliver to a store that is away.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// The most sweeps of which something is remembered; those beyond are loaded again.
const MOST_SWEEPS: usize = 256;

/// A request on its way, with what it was made from.
struct Request {
    exchange: Exchange,
    finished: Vec<Finished>,
    asked: u32,
}

/// What became of the attempt to load a sweep.
enum Loaded {
    /// It is ready to run.
    Ready(Arc<SweepRuntime>),
    /// It was removed, or the worker was told to stop while the store is away.
    Gone,
    /// This version of sweep cannot read it; in words.
    Unreadable(String),
}

/// What is wrong with the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trouble {
    Away,
    Refuses,
}

/// The loop's state.
pub(super) struct Dispatcher<'a> {
    store: &'a dyn Store,
    options: &'a Options,
    state: &'a WorkerState,
    id: &'a str,
    excluded: &'a ExcludedSweeps,
    pace: Pace,
    runtimes: RuntimeCache,
    columns: KnownColumns,
    summary: Summary,
    seq: u64,
    trouble: Option<Trouble>,
    /// Sweeps of which it was reported that their jobs run in another folder.
    reported_folders: BoundedMap<SweepId, ()>,
    /// Of which submission of each sweep the runtime and the columns are.
    submissions: BoundedMap<SweepId, u64>,
    /// The revision of the document of each loaded sweep, and when it was last checked.
    revisions: BoundedMap<SweepId, (u64, Instant)>,
    first_failures: FirstFailures,
    recent: Recent,
    compactor: Compactor,
}

impl<'a> Dispatcher<'a> {
    /// A worker's loop, before its first turn.
    pub(super) fn new(
        store: &'a dyn Store,
        options: &'a Options,
        state: &'a WorkerState,
        id: &'a str,
        excluded: &'a ExcludedSweeps,
    ) -> Self {
        Dispatcher {
            store,
            options,
            state,
            id,
            excluded,
            pace: Pace::new(),
            runtimes: RuntimeCache::default(),
            columns: KnownColumns::default(),
            summary: Summary::default(),
            seq: 0,
            trouble: None,
            reported_folders: BoundedMap::new(MOST_SWEEPS),
            submissions: BoundedMap::new(MOST_SWEEPS),
            revisions: BoundedMap::new(MOST_SWEEPS),
            first_failures: FirstFailures::default(),
            recent: Recent::default(),
            compactor: Compactor::default(),
        }
    }

    /// What was done.
    pub(super) fn into_summary(self) -> Summary {
        self.summary
    }

    /// Turns until the worker is over.
    ///
    /// # Errors
    /// If the store says something that waiting does not mend.
    pub(super) fn work(&mut self) -> Result<(), StoreError> {
        let state = self.state;
        loop {
            let view = state.view();
            if view.stopping != Stopping::No && view.queued > 0 {
                state.add_done(state.take_queue());
                continue;
            }
            let now = Instant::now();
            self.pace.observe(&view, now);
            match state.take_ring() {
                Some(Ring::NewWork { workers, share }) => self.pace.new_work(workers, share, now),
                Some(Ring::Failed) => self.pace.set_told(false),
                Some(Ring::Restored) => self.pace.set_told(true),
                None => {}
            }
            match self.pace.next(&view, now) {
                Step::Finished => return Ok(()),
                Step::Wait(until) => {
                    state.set_idle(self.pace.is_idle());
                    state.wait(until);
                }
                Step::GiveBack(many) => state.add_done(state.take_last(many)),
                Step::Look => {
                    let nothing_left = self.look()?;
                    let idle = view.running == 0 && view.queued == 0 && view.done == 0;
                    if idle {
                        self.compact_logs(compaction::SOME);
                    }
                    if nothing_left && idle && self.options.until_empty {
                        return Ok(());
                    }
                }
                Step::Exchange { want } => {
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
        let finished = self.state.take_done();
        for one in &finished {
            if let Some(seconds) = one.seconds() {
                self.pace.job_took(seconds);
            }
        }
        self.seq += 1;
        let Options { scope, lease, .. } = self.options;
        let want = if want > 0 {
            let token = random()
                .map_err(|error| StoreError::refused(format!("the system gives no random numbers: {error}")))?;
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

    /// Sends a request until it is answered; the same one, so that nothing is applied twice. Returns whether it was: not
    /// when the worker is told to stop at once and the store stays away.
    fn send(&mut self, mut request: Request) -> Result<bool, StoreError> {
        let mut last_words = None;
        loop {
            match self.store.exchange(&request.exchange) {
                Ok(reply) => {
                    self.report_recovery(request.exchange.claim_request.is_some());
                    self.state.delivered();
                    let given = reply.claims.len() as u32;
                    self.pace.answered(request.asked, given, Instant::now());
                    // First: what is recorded now pushes older outcomes out of those that can be repeated.
                    self.repeat_what_was_forgotten();
                    let failed = self.record_reply(request, &reply);
                    self.take_on(reply.claims)?;
                    self.pause_if_too_many_fail(&failed)?;
                    return Ok(true);
                }
                Err(error) => {
                    // A store that is full, or a replica for a while: what it refuses it has not begun. It may yet take
                    // the outcomes, if no new claims are asked for; that is another request, with a number of its own.
                    if error.is_refusal() && request.exchange.claim_request.take().is_some() {
                        self.seq += 1;
                        request.exchange.seq = self.seq;
                    }
                    self.wait_out(error)?;
                }
            }
            self.wait_for_store();
            if self.gives_up(&mut last_words) {
                self.summary.undelivered += request.finished.len() + self.state.take_done().len();
                return Ok(false);
            }
        }
    }

    /// Waits until it is time to ask the store again; returns earlier if the worker must stop at once.
    fn wait_for_store(&mut self) {
        let state = self.state;
        let again = self.pace.unanswered(Instant::now());
        while Instant::now() < again && state.view().stopping != Stopping::Now {
            state.wait(again);
        }
    }

    /// Whether the worker, told to stop at once, has tried for long enough and nothing runs any more.
    fn gives_up(&self, last_words: &mut Option<Instant>) -> bool {
        let view = self.state.view();
        if view.stopping != Stopping::Now {
            return false;
        }
        let until = *last_words.get_or_insert_with(|| Instant::now() + LAST_WORDS);
        self.state.wait(Instant::now() + Duration::from_millis(100));
        view.running == 0 && Instant::now() >= until
    }

    /// Queues new claims, with their sweep made ready.
    fn take_on(&mut self, claims: Vec<Claim>) -> Result<(), StoreError> {
        let Some(first) = claims.first() else { return Ok(()) };
        let (sweep, jobs) = (&first.job.sweep, claims.len());
        self.state.emit_of_every_job(|| WorkerEvent::Claimed { sweep: sweep.clone(), jobs });
        self.meet(first);
        self.forget_if_replaced(&first.job.sweep);
        match self.runtime(&first.job.sweep)? {
            Loaded::Ready(sweep) => {
                let task = |claim| Task { claim, sweep: sweep.clone() };
                self.state.queue(claims.into_iter().map(task).collect());
            }
            // The sweep was removed meanwhile, or the worker was told to stop and the store is away.
            Loaded::Gone => {}
            Loaded::Unreadable(why) => {
                self.state.add_done(claims.iter().map(Finished::given_back).collect());
                if exclude_unreadable(self.excluded, sweep, &why) {
                    self.state.emit(WorkerEvent::SteppedBack { sweep: sweep.clone(), why, pause: None });
                }
            }
        }
        Ok(())
    }

    /// Forgets what is known of a sweep if the claim is of another submission: a store that was emptied gives the same
    /// ids again.
    fn meet(&mut self, claim: &Claim) {
        let id = &claim.job.sweep;
        if self.submissions.get(id) == Some(&claim.submission) {
            return;
        }
        self.runtimes.forget(id);
        self.columns.forget(id);
        self.submissions.insert(id.clone(), claim.submission);
    }

    /// Forgets the runtime of a sweep if its document was replaced since it was loaded. Checked before a load, and then at
    /// most once a heartbeat. While the store is away nothing is known; the next claims are checked.
    fn forget_if_replaced(&mut self, id: &SweepId) {
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

    /// The sweep, ready to run.
    ///
    /// # Errors
    /// If the store says something that waiting does not mend.
    fn runtime(&mut self, id: &SweepId) -> Result<Loaded, StoreError> {
        if let Some(known) = self.runtimes.get(id) {
            return Ok(Loaded::Ready(known));
        }
        let document = loop {
            match self.store.document(id) {
                Ok(document) => break document,
                Err(error) if error.is_no_such_sweep() => return Ok(Loaded::Gone),
                Err(error) => {
                    self.wait_out(error)?;
                    self.state.wait(Instant::now() + Duration::from_secs(1));
                    if self.state.view().stopping == Stopping::Now {
                        return Ok(Loaded::Gone);
                    }
                }
            }
        };
        let runtime = Document::decode(&document)
            .map_err(anyhow::Error::from)
            .and_then(|document| SweepRuntime::new(id.clone(), document, &self.options.fallback));
        let runtime = match runtime {
            Ok(runtime) => runtime,
            Err(error) => {
                let why = format!("this worker cannot read it: {error:#}");
                return Ok(Loaded::Unreadable(why));
            }
        };
        if !runtime.here_is_original && self.reported_folders.get(id).is_none() {
            self.reported_folders.insert(id.clone(), ());
            self.state.emit(WorkerEvent::OtherFolder { sweep: id.clone(), folder: runtime.here.clone() });
        }
        Ok(Loaded::Ready(self.runtimes.insert(runtime)))
    }

    /// Packs blocks to which this worker has added at least so many small chunks.
    fn compact_logs(&mut self, least: u32) {
        while let Some((sweep, block)) = self.compactor.take(least) {
            // What stays as it is takes more room, and nothing else: the sweep is gone, the store is away.
            let _ = compaction::pack(self.store, &sweep, block);
        }
    }

    /// Looks whether there is more to do, and whether nobody has anything left to do in this worker's scope.
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
        // An idle worker sends no outcomes for long, so it notices a restart of the server here.
        if self.repeat_what_was_forgotten() {
            return Ok(false);
        }
        let empty = backlog.ready == 0 && backlog.delayed == 0 && backlog.leased == 0;
        if empty {
            self.summary.paused = backlog.paused;
        }
        Ok(empty)
    }

    /// Reports what is wrong with the store if that may pass.
    ///
    /// # Errors
    /// The error itself, if it does not pass.
    fn wait_out(&mut self, error: StoreError) -> Result<(), StoreError> {
        let trouble = match &error {
            error if error.is_unreachable() => Trouble::Away,
            error if error.is_refusal() => Trouble::Refuses,
            _ => return Err(error),
        };
        self.report_trouble(trouble, error.to_string());
        Ok(())
    }

    /// Reports once what is wrong with the store.
    fn report_trouble(&mut self, trouble: Trouble, why: String) {
        if self.trouble.replace(trouble) != Some(trouble) {
            self.state.emit(match trouble {
                Trouble::Away => WorkerEvent::StoreAway { why },
                Trouble::Refuses => WorkerEvent::StoreRefuses { why },
            });
        }
    }

    /// Reports that the store works again. A store that refused to give claims does not work again because it accepted
    /// outcomes.
    fn report_recovery(&mut self, gave_claims: bool) {
        if self.trouble == Some(Trouble::Away) || gave_claims && self.trouble.is_some() {
            self.trouble = None;
            self.state.emit(WorkerEvent::StoreBack);
        }
    }
}

/// A random number from the system.
pub(super) fn random() -> std::io::Result<u64> {
    getrandom::u64().map_err(std::io::Error::from)
}
