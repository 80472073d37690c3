//! Owns a worker's loop: it ties the board, the pace and the store together, from the first claim to the last delivery.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use super::board::{Board, Task};
use super::pace::{Pace, Step, Stopping};
use super::report::{Finished, KnownColumns, Runner, group};
use super::runtime::{Runtimes, SweepRuntime};
use super::{pulse, slot};
use crate::job::{Outcome, SweepId, Verdict};
use crate::process::Stopper;
use crate::spec::Document;
use crate::store::{Claim, Exchange, Exchanged, Scope, Store, StoreError, Want, WorkerRow};

/// How long a worker that was told to stop at once tries to deliver to a store that is away.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// What a worker is to do.
#[derive(Clone, Debug)]
pub struct Options {
    /// Which sweeps it works for.
    pub scope: Scope,
    /// How many jobs it runs at once, at least 1.
    pub slots: u32,
    /// Whether it ends when there is nothing pending, delayed or leased by anyone in its scope.
    pub until_empty: bool,
    /// How long its claims hold without a sign of life.
    pub lease: Duration,
    /// Where jobs run when this machine has no folder of the sweep file's name.
    pub fallback: PathBuf,
}

/// What a worker has to say to a person while it works.
#[derive(Clone, Debug)]
pub enum Notice {
    /// The store cannot be reached; jobs go on, outcomes are held.
    StoreAway(String),
    /// The store can be reached but gives no claims: it is full, for example. Jobs go on, outcomes are delivered.
    StoreRefuses(String),
    /// It is well again.
    StoreBack,
    /// This machine has no folder of the sweep file's name: jobs run in the worker's own.
    OtherFolder {
        /// The sweep.
        sweep: SweepId,
        /// Where they run.
        here: PathBuf,
    },
    /// Outcomes that came after the job had gone to another worker, and were refused.
    TooLate(usize),
    /// A lost worker's jobs were put back in the queue, or given up.
    TookOver(usize),
}

/// What a worker has done.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    /// Attempts that succeeded.
    pub succeeded: u64,
    /// Points that failed for the last time.
    pub failed: u64,
    /// Outcomes that could not be delivered; those jobs run again once their leases have run out.
    pub undelivered: usize,
    /// Paused sweeps that still have jobs to run.
    pub paused: Vec<SweepId>,
}

/// A worker, made but not yet running.
pub struct Worker {
    store: Arc<dyn Store>,
    options: Options,
    board: Arc<Board>,
    runner: Runner,
}

/// Stops a worker from another thread.
#[derive(Clone)]
pub struct StopHandle(Arc<Board>);

impl StopHandle {
    /// Tells the worker to stop; a stronger order replaces a weaker one.
    pub fn stop(&self, how: Stopping) {
        self.0.stop(how);
    }
}

impl Worker {
    /// Makes a worker with a random id of its own.
    ///
    /// # Errors
    /// If the machine has no file descriptors or randomness left.
    pub fn new(store: Arc<dyn Store>, options: Options) -> std::io::Result<Self> {
        let stoppers: Vec<_> = (0..options.slots).map(|_| Stopper::new()).collect::<Result<_, _>>()?;
        let id = format!("{:016x}", random()?);
        let host = crate::process::host_name();
        Ok(Worker { store, options, board: Arc::new(Board::new(stoppers)), runner: Runner { host, worker: id } })
    }

    /// What stops it.
    pub fn stop_handle(&self) -> StopHandle {
        StopHandle(self.board.clone())
    }

    /// The worker's id.
    pub fn id(&self) -> &str {
        &self.runner.worker
    }

    /// Works until stopped, or until there is nothing left to do if so asked. While the store is away it keeps running
    /// what it has, and delivers when the store is back.
    ///
    /// # Errors
    /// If the store says something that waiting does not mend. Running jobs are ended first.
    pub fn run(&self, notify: &mut dyn FnMut(Notice)) -> Result<Summary, StoreError> {
        let me = self.row();
        let mut shift = Shift {
            worker: self,
            notify,
            pace: Pace::new(),
            runtimes: Runtimes::default(),
            columns: KnownColumns::default(),
            summary: Summary::default(),
            seq: 0,
            trouble: None,
            told_folder: HashSet::new(),
        };
        thread::scope(|threads| {
            let (over, is_over) = mpsc::channel();
            for slot in 0..self.options.slots as usize {
                threads.spawn(move || slot::run(&self.board, slot, &self.runner));
            }
            // The first sign of life is given before the first claim, so that whoever looks sees the worker.
            let known = pulse::beat(&*self.store, &self.board, &me, self.options.lease);
            threads.spawn(move || pulse::run(&*self.store, &self.board, &me, self.options.lease, &is_over));
            let result = match known {
                Err(error) if !matches!(error, StoreError::Unreachable { .. }) => Err(error),
                _ => shift.work(),
            };
            if result.is_err() {
                self.board.stop(Stopping::Now);
            }
            self.board.close();
            drop(over);
            result
        })?;
        // The worker holds nothing any more; that it is not forgotten at once does no harm.
        let _ = self.store.retire(self.id());
        Ok(shift.summary)
    }

    fn row(&self) -> WorkerRow {
        let queues = match &self.options.scope {
            Scope::Queues(queues) => queues.clone(),
            Scope::Sweep(_) => Vec::new(),
        };
        WorkerRow {
            id: self.runner.worker.clone(),
            host: self.runner.host.clone(),
            pid: std::process::id(),
            queues,
            slots: self.options.slots,
            busy: 0,
            last_seen_ms: 0,
        }
    }
}

/// A request on its way, with what it was made from.
struct Request {
    exchange: Exchange,
    finished: Vec<Finished>,
    asked: u32,
}

/// What is wrong with the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trouble {
    Away,
    Refuses,
}

struct Shift<'a> {
    worker: &'a Worker,
    notify: &'a mut dyn FnMut(Notice),
    pace: Pace,
    runtimes: Runtimes,
    columns: KnownColumns,
    summary: Summary,
    seq: u64,
    trouble: Option<Trouble>,
    told_folder: HashSet<SweepId>,
}

impl Shift<'_> {
    fn work(&mut self) -> Result<(), StoreError> {
        let board = &self.worker.board;
        loop {
            let view = board.view();
            if view.stopping != Stopping::No && view.queued > 0 {
                let back = Outcome::GivenBack { started: false };
                let queue = board.take_queue();
                board.add_done(queue.iter().map(|task| Finished::never_started(&task.claim, &back)).collect());
                continue;
            }
            match self.pace.next(&view, Instant::now()) {
                Step::Finished => return Ok(()),
                Step::Wait(until) => board.wait(until),
                Step::Exchange { want } => {
                    let request = self.request(want)?;
                    let Some(given) = self.send(request)? else { return Ok(()) };
                    let idle = want > 0 && given == 0 && view.running == 0 && view.queued == 0;
                    if idle && self.worker.options.until_empty && self.is_empty()? {
                        return Ok(());
                    }
                }
            }
        }
    }

    fn request(&mut self, want: u32) -> Result<Request, StoreError> {
        let finished = self.worker.board.take_done();
        for one in &finished {
            if let Some(seconds) = one.seconds() {
                self.pace.job_took(seconds);
            }
        }
        self.seq += 1;
        let Options { scope, lease, .. } = &self.worker.options;
        let want = if want > 0 {
            let token = random().map_err(|error| StoreError::Refused(format!("no random token to be had: {error}")))?;
            Some(Want { most: want, scope: scope.clone(), token, lease: *lease })
        } else {
            None
        };
        let asked = want.as_ref().map_or(0, |want| want.most);
        let reports = group(&finished, &self.columns);
        let exchange = Exchange { worker: self.worker.id().to_owned(), seq: self.seq, reports, want };
        Ok(Request { exchange, finished, asked })
    }

    /// Sends a request until it is answered; the same one, so that nothing is applied twice. Returns the number of
    /// claims given, or nothing when the worker is told to stop at once and the store stays away.
    fn send(&mut self, mut request: Request) -> Result<Option<u32>, StoreError> {
        let mut last_words = None;
        loop {
            match self.worker.store.exchange(&request.exchange) {
                Ok(reply) => {
                    self.say_back(request.exchange.want.is_some());
                    self.worker.board.delivered();
                    let given = reply.claims.len() as u32;
                    self.pace.answered(request.asked, given, Instant::now());
                    self.settle(request, &reply);
                    self.take_on(reply.claims)?;
                    return Ok(Some(given));
                }
                Err(StoreError::Unreachable { why, .. }) => self.say(Trouble::Away, why),
                // A store that is full, or a replica for a while: what it refuses it has not begun. It may yet take the
                // outcomes, if no new claims are asked for; that is another request, with a number of its own.
                Err(StoreError::Refused(why)) => {
                    self.say(Trouble::Refuses, why);
                    if request.exchange.want.take().is_some() {
                        self.seq += 1;
                        request.exchange.seq = self.seq;
                    }
                }
                Err(error) => return Err(error),
            }
            self.wait_for_store();
            if self.gives_up(&mut last_words) {
                self.summary.undelivered += request.finished.len() + self.worker.board.take_done().len();
                return Ok(None);
            }
        }
    }

    /// Waits until the store is to be asked again, but not when the worker is told to stop at once.
    fn wait_for_store(&mut self) {
        let board = &self.worker.board;
        let again = self.pace.unanswered(Instant::now());
        while Instant::now() < again && board.view().stopping != Stopping::Now {
            board.wait(again);
        }
    }

    /// Whether the worker, told to stop at once, has tried for long enough and nothing runs any more.
    fn gives_up(&self, last_words: &mut Option<Instant>) -> bool {
        let view = self.worker.board.view();
        if view.stopping != Stopping::Now {
            return false;
        }
        let until = *last_words.get_or_insert_with(|| Instant::now() + LAST_WORDS);
        self.worker.board.wait(Instant::now() + Duration::from_millis(100));
        view.running == 0 && Instant::now() >= until
    }

    /// Books what the store has accepted; what a refused report held beside stale claims is delivered again.
    fn settle(&mut self, request: Request, reply: &Exchanged) {
        let mut again = Vec::new();
        let mut too_late = 0;
        let mut took_over = 0;
        let reports = &request.exchange.reports;
        let refused = |one: &Finished| {
            reply.stale.iter().find(|(at, _)| reports.get(*at).is_some_and(|report| one.is_of(report)))
        };
        for one in request.finished {
            match refused(&one) {
                None if one.is_foreign() => took_over += 1,
                None => self.count(one.verdict()),
                Some((_, stale)) if !stale.contains(&one.job().index) => again.push(one),
                Some(_) if one.is_foreign() => {}
                Some(_) => too_late += 1,
            }
        }
        for (at, report) in reports.iter().enumerate() {
            if reply.stale.iter().all(|(stale, _)| *stale != at) {
                self.columns.accepted(report);
            }
        }
        if !again.is_empty() {
            self.worker.board.add_done(again);
        }
        if too_late > 0 {
            (self.notify)(Notice::TooLate(too_late));
        }
        if took_over > 0 {
            (self.notify)(Notice::TookOver(took_over));
        }
    }

    fn count(&mut self, verdict: Verdict) {
        match verdict {
            Verdict::Succeeded => self.summary.succeeded += 1,
            Verdict::Failed => self.summary.failed += 1,
            Verdict::Again { .. } | Verdict::Cancelled => {}
        }
    }

    /// Queues new claims, with their sweep made ready.
    fn take_on(&mut self, claims: Vec<Claim>) -> Result<(), StoreError> {
        let Some(first) = claims.first() else { return Ok(()) };
        match self.runtime(&first.job.sweep) {
            Ok(Some(sweep)) => {
                let task = |claim| Task { claim, sweep: sweep.clone() };
                self.worker.board.queue(claims.into_iter().map(task).collect());
                Ok(())
            }
            // The sweep was removed meanwhile, or the worker was told to stop and the store is away.
            Ok(None) => Ok(()),
            Err(error) => {
                let back = Outcome::GivenBack { started: false };
                let finished: Vec<_> = claims.iter().map(|claim| Finished::never_started(claim, &back)).collect();
                self.seq += 1;
                let reports = group(&finished, &self.columns);
                let exchange = Exchange { worker: self.worker.id().to_owned(), seq: self.seq, reports, want: None };
                // If this fails too, the claims run out by themselves.
                let _ = self.worker.store.exchange(&exchange);
                Err(error)
            }
        }
    }

    fn runtime(&mut self, id: &SweepId) -> Result<Option<Arc<SweepRuntime>>, StoreError> {
        if let Some(known) = self.runtimes.get(id) {
            return Ok(Some(known));
        }
        let document = loop {
            match self.worker.store.document(id) {
                Ok(document) => break document,
                Err(StoreError::NoSuchSweep(_)) => return Ok(None),
                Err(StoreError::Unreachable { why, .. }) => {
                    self.say(Trouble::Away, why);
                    self.worker.board.wait(Instant::now() + Duration::from_secs(1));
                    if self.worker.board.view().stopping == Stopping::Now {
                        return Ok(None);
                    }
                }
                Err(error) => return Err(error),
            }
        };
        let runtime = Document::decode(&document)
            .map_err(anyhow::Error::from)
            .and_then(|document| SweepRuntime::new(id.clone(), document, &self.worker.options.fallback))
            .map_err(|error| StoreError::Damaged(format!("the stored sweep {id} cannot be run: {error:#}")))?;
        if !runtime.here_is_original && self.told_folder.insert(id.clone()) {
            (self.notify)(Notice::OtherFolder { sweep: id.clone(), here: runtime.here.clone() });
        }
        Ok(Some(self.runtimes.insert(runtime)))
    }

    /// Whether nobody has anything left to do in this worker's scope.
    fn is_empty(&mut self) -> Result<bool, StoreError> {
        match self.worker.store.backlog(&self.worker.options.scope) {
            Ok(backlog) => {
                let empty = backlog.ready == 0 && backlog.delayed == 0 && backlog.leased == 0;
                if empty {
                    self.summary.paused = backlog.paused;
                }
                Ok(empty)
            }
            Err(StoreError::Unreachable { why, .. }) => {
                self.say(Trouble::Away, why);
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    /// Says once what is wrong with the store.
    fn say(&mut self, trouble: Trouble, why: String) {
        if self.trouble.replace(trouble) != Some(trouble) {
            (self.notify)(match trouble {
                Trouble::Away => Notice::StoreAway(why),
                Trouble::Refuses => Notice::StoreRefuses(why),
            });
        }
    }

    /// Says that the store is well again. One that refused to give claims is not because it took outcomes.
    fn say_back(&mut self, gave_claims: bool) {
        if self.trouble == Some(Trouble::Away) || gave_claims && self.trouble.is_some() {
            self.trouble = None;
            (self.notify)(Notice::StoreBack);
        }
    }
}

fn random() -> std::io::Result<u64> {
    getrandom::u64().map_err(std::io::Error::from)
}
