//! Owns a model of the contract in memory: a list of points for each sweep, and the simplest code that fulfils the contract.
//!
//! Time is counted in steps, one for each request. A lease of [`SHORT`] or a delay up to [`SOON_MS`] has passed at the next
//! step, and a longer one never passes. The test that compares the model with a store waits between steps.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::time::Duration;

use sweep::job::{AttemptCounts, JobAddress, SweepId, Verdict};
use sweep::record::block_of;
use sweep::store::{
    Backlog, Claim, ClaimRequest, ColumnPlace, Counts, ExchangeReply, HeldClaim, LeaseStatus, Report, ReportEntry,
    Rerun, Scope,
};

use crate::harness::SHORT;

/// The longest delay that passes until the next step, milliseconds.
pub const SOON_MS: u64 = 5;

/// All state of a store.
#[derive(Default)]
pub struct Model {
    /// In the order in which they were submitted.
    pub sweeps: Vec<Sweep>,
    step: u64,
}

pub struct Sweep {
    pub id: SweepId,
    pub submission: u64,
    pub queue: String,
    pub paused: Option<String>,
    /// How many points had failed when it was last resumed.
    pub failed_at_resume: u64,
    pub points: Vec<Point>,
    /// The chunks of each block.
    pub log: BTreeMap<u64, Vec<Vec<u8>>>,
    pub columns: BTreeMap<String, ColumnPlace>,
    pub outputs: BTreeMap<(u64, u32), Vec<u8>>,
    pub has_outcome: bool,
}

pub struct Point {
    pub place: Place,
    pub tries: AttemptCounts,
    /// The claim that was reported lost, and whose outcome is still accepted: its attempt number and token.
    late: Option<(u32, u64)>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Place {
    Ready,
    /// The step of the outcome, and the delay in milliseconds.
    Delayed(u64, u64),
    Claimed(Lease),
    Failed,
    Cancelled,
    Succeeded,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Lease {
    pub worker: String,
    pub started: bool,
    token: u64,
    /// The last step at which it holds.
    until: u64,
    cancel_requested: bool,
}

const NEVER: u64 = u64::MAX;

impl Model {
    /// The last step at which a lease that begins now holds.
    fn until(&self, lease: Duration) -> u64 {
        if lease <= SHORT { self.step } else { NEVER }
    }

    /// Goes to the next step.
    pub fn next_step(&mut self) {
        self.step += 1;
    }

    pub fn submit(&mut self, id: SweepId, submission: u64, queue: String, total: u64) {
        let point = || Point { place: Place::Ready, tries: AttemptCounts::default(), late: None };
        self.sweeps.push(Sweep {
            id,
            submission,
            queue,
            paused: None,
            failed_at_resume: 0,
            points: (0..total).map(|_| point()).collect(),
            log: BTreeMap::new(),
            columns: BTreeMap::new(),
            outputs: BTreeMap::new(),
            has_outcome: false,
        });
    }

    pub fn find(&mut self, id: &SweepId) -> Option<&mut Sweep> {
        self.sweeps.iter_mut().find(|sweep| sweep.id == *id)
    }

    pub fn exchange(&mut self, worker: &str, reports: &[Report], request: Option<&ClaimRequest>) -> ExchangeReply {
        let stale = reports
            .iter()
            .enumerate()
            .filter_map(|(position, report)| self.report(report).map(|indices| (position, indices)))
            .collect();
        ExchangeReply { stale, claims: request.map(|request| self.claim(worker, request)).unwrap_or_default() }
    }

    /// Applies a report, or returns the stale indices.
    fn report(&mut self, report: &Report) -> Option<Vec<u64>> {
        let step = self.step;
        let moves: Vec<Place> = report.entries.iter().map(|entry| self.destination(entry.verdict)).collect();
        let Some(sweep) = self.find(&report.sweep).filter(|sweep| sweep.submission == report.submission) else {
            return Some(report.entries.iter().map(|entry| entry.index).collect());
        };
        let mut seen = BTreeSet::new();
        let stale: BTreeSet<u64> = report
            .entries
            .iter()
            .filter(|entry| !sweep.points[entry.index as usize].accepts(entry, step) || !seen.insert(entry.index))
            .map(|entry| entry.index)
            .collect();
        if !stale.is_empty() {
            return Some(stale.into_iter().collect());
        }
        for (entry, place) in report.entries.iter().zip(moves) {
            sweep.points[entry.index as usize].accept(entry, place);
            if let Some(output) = &entry.output {
                sweep.outputs.insert((entry.index, entry.attempt), output.clone());
            }
            assert_eq!(block_of(entry.index), report.block);
        }
        sweep.has_outcome = true;
        if !report.chunk.is_empty() {
            sweep.log.entry(report.block).or_default().push(report.chunk.clone());
        }
        for (name, place) in &report.columns {
            let smallest = sweep.columns.entry(name.clone()).or_insert(*place);
            *smallest = (*smallest).min(*place);
        }
        None
    }

    fn destination(&self, verdict: Verdict) -> Place {
        match verdict {
            Verdict::Succeeded => Place::Succeeded,
            Verdict::Failed => Place::Failed,
            Verdict::Cancelled => Place::Cancelled,
            Verdict::Again { delay_ms: 0 } => Place::Ready,
            Verdict::Again { delay_ms } => Place::Delayed(self.step, delay_ms),
        }
    }

    fn claim(&mut self, worker: &str, request: &ClaimRequest) -> Vec<Claim> {
        let (step, until) = (self.step, self.until(request.lease));
        let Some(sweep) = self.choose(&request.scope, &request.excluded) else { return vec![] };
        let sweep = &mut self.sweeps[sweep];
        let submission = sweep.submission;
        let mut given = sweep.claimable(step);
        given.truncate(request.most as usize);
        let claim = |index: u64| {
            let point = &mut sweep.points[index as usize];
            let lease =
                Lease { worker: worker.into(), started: false, token: request.token, until, cancel_requested: false };
            point.place = Place::Claimed(lease);
            point.tries.attempts += 1;
            point.late = None;
            let job = JobAddress { sweep: sweep.id.clone(), index };
            Claim { job, submission, token: request.token, tries: point.tries }
        };
        given.into_iter().map(claim).collect()
    }

    /// The first sweep of a scope that has points to claim.
    fn choose(&self, scope: &Scope, excluded: &[SweepId]) -> Option<usize> {
        let can = |sweep: &Sweep| {
            sweep.paused.is_none() && !excluded.contains(&sweep.id) && !sweep.claimable(self.step).is_empty()
        };
        match scope {
            Scope::Sweep(id) => self.sweeps.iter().position(|sweep| sweep.id == *id && can(sweep)),
            Scope::Queues(queues) => {
                queues.iter().find_map(|queue| self.sweeps.iter().position(|sweep| sweep.queue == *queue && can(sweep)))
            }
        }
    }

    pub fn beat(&mut self, held: &[HeldClaim], lease: Duration) -> Vec<(HeldClaim, LeaseStatus)> {
        let until = self.until(lease);
        let mut statuses = Vec::new();
        for held in held {
            let sweep = self.find(&held.job.sweep);
            let paused = sweep.as_ref().is_some_and(|sweep| sweep.paused.is_some());
            let point = sweep.map(|sweep| &mut sweep.points[held.job.index as usize]);
            match point.map(|point| &mut point.place) {
                Some(Place::Claimed(lease)) if lease.token == held.token => {
                    lease.until = until;
                    lease.started |= held.started;
                    if lease.cancel_requested {
                        statuses.push((held.clone(), LeaseStatus::Cancelled));
                    } else if paused && !held.started {
                        statuses.push((held.clone(), LeaseStatus::Paused));
                    }
                }
                _ => statuses.push((held.clone(), LeaseStatus::Lost)),
            }
        }
        statuses
    }

    pub fn mark_worker_dead(&mut self, worker: &str) -> u64 {
        let until = self.step;
        let mut ended = 0;
        for point in self.sweeps.iter_mut().flat_map(|sweep| &mut sweep.points) {
            if let Place::Claimed(lease) = &mut point.place
                && lease.worker == worker
            {
                lease.until = until;
                ended += 1;
            }
        }
        ended
    }

    pub fn backlog(&self, queues: &[String]) -> Backlog {
        let mut backlog = Backlog::default();
        for sweep in queues.iter().flat_map(|queue| self.sweeps.iter().filter(move |sweep| sweep.queue == *queue)) {
            let counts = sweep.counts();
            if sweep.paused.is_some() {
                backlog.paused.extend((!counts.is_settled()).then(|| sweep.id.clone()));
                continue;
            }
            let ready = sweep.claimable(self.step).len() as u64;
            backlog.ready += ready;
            backlog.delayed += counts.pending - ready;
            backlog.leased += counts.running;
        }
        backlog
    }
}

impl Sweep {
    /// Delayed points that are due, oldest first, then ready points.
    fn claimable(&self, step: u64) -> Vec<u64> {
        let points = || self.points.iter().zip(0..);
        let mut due: Vec<(u64, u64, u64)> = points()
            .filter_map(|(point, index)| match point.place {
                Place::Delayed(since, ms) if since < step && ms <= SOON_MS => Some((since, ms, index)),
                _ => None,
            })
            .collect();
        due.sort_unstable();
        let ready = points().filter(|(point, _)| point.place == Place::Ready);
        due.into_iter().map(|(_, _, index)| index).chain(ready.map(|(_, index)| index)).collect()
    }

    pub fn cancel(&mut self) -> Counts {
        for point in &mut self.points {
            match &mut point.place {
                Place::Ready | Place::Delayed(..) => point.place = Place::Cancelled,
                Place::Claimed(lease) => lease.cancel_requested = true,
                _ => {}
            }
        }
        self.counts()
    }

    pub fn set_paused(&mut self, reason: Option<&str>) {
        self.paused = reason.map(str::to_owned);
        if reason.is_none() {
            self.failed_at_resume = self.counts().failed;
        }
    }

    pub fn pause_unless_resumed(&mut self, failed_at_resume: u64, reason: &str) -> bool {
        if self.paused.is_none() && self.failed_at_resume == failed_at_resume {
            self.paused = Some(reason.into());
        }
        self.paused.as_deref() == Some(reason)
    }

    pub fn requeue(&mut self, ranges: &[Range<u64>]) -> u64 {
        let mut moved = 0;
        for (point, index) in self.points.iter_mut().zip(0..) {
            let named = ranges.iter().any(|range| range.contains(&index));
            if named && matches!(point.place, Place::Failed | Place::Cancelled) {
                point.place = Place::Ready;
                point.tries = AttemptCounts { attempts: point.tries.attempts, failures: 0, losses: 0 };
                moved += 1;
            }
        }
        self.failed_at_resume = self.failed_at_resume.min(self.counts().failed);
        moved
    }

    pub fn rerun(&mut self, rerun: &Rerun) -> bool {
        let block = block_of(rerun.index);
        let chunks = self.log.get(&block).map_or(0, Vec::len);
        match self.points.get_mut(rerun.index as usize) {
            Some(point) if point.place == Place::Succeeded && chunks as u64 == rerun.chunks => {
                point.place = Place::Ready;
                point.tries = AttemptCounts { attempts: rerun.attempts, failures: 0, losses: 0 };
                point.late = None;
                self.log.entry(block).or_default().push(rerun.chunk.clone());
                true
            }
            _ => false,
        }
    }

    pub fn counts(&self) -> Counts {
        let mut counts = Counts { total: self.points.len() as u64, ..Counts::default() };
        for point in &self.points {
            *match point.place {
                Place::Ready | Place::Delayed(..) => &mut counts.pending,
                Place::Claimed(_) => &mut counts.running,
                Place::Failed => &mut counts.failed,
                Place::Cancelled => &mut counts.cancelled,
                Place::Succeeded => &mut counts.succeeded,
            } += 1;
        }
        counts
    }
}

impl Point {
    fn accepts(&self, entry: &ReportEntry, step: u64) -> bool {
        match &self.place {
            Place::Claimed(lease) => {
                let held = (self.tries.attempts, lease.token) == (entry.attempt, entry.token);
                held && (lease.until < step || !entry.only_if_expired)
            }
            _ => self.late == Some((entry.attempt, entry.token)) && !entry.only_if_expired,
        }
    }

    fn accept(&mut self, entry: &ReportEntry, place: Place) {
        let cancelled = match &self.place {
            Place::Claimed(lease) => lease.cancel_requested,
            before => *before == Place::Cancelled,
        };
        let again = matches!(place, Place::Ready | Place::Delayed(..));
        self.place = if again && cancelled { Place::Cancelled } else { place };
        self.tries = entry.tries;
        let open = entry.only_if_expired && self.place != Place::Succeeded;
        self.late = open.then_some((entry.attempt, entry.token));
    }
}
