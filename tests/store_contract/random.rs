//! Owns the check with random requests: the store must give the replies of the model and have its state after each request.

use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use sweep::job::{AttemptCounts, JobAddress, JobState, SweepId, Verdict};
use sweep::store::{
    Claim, ClaimRequest, ColumnPlace, ExchangeReply, Heartbeat, HeldClaim, PointSet, Report, ReportEntry, Rerun, Scope,
    Store,
};

use crate::harness::{
    Bench, LONG, SHORT, Submitted, Worker, counts, given_back, grouped, let_time_pass, lost, outcome, spans, submit,
    want, worker_row,
};
use crate::model::{Model, Place, SOON_MS, Sweep};

const QUEUES: [&str; 2] = ["a", "b"];
const WORKERS: usize = 3;

/// A request. A number names a sweep, a worker or a claim, modulo how many of them there are.
#[derive(Clone, Debug)]
enum Request {
    Submit {
        queue: usize,
        total: u64,
    },
    Exchange {
        worker: usize,
        outcomes: Vec<(usize, How)>,
        want: Option<Wanted>,
    },
    Beat {
        worker: usize,
        held: Vec<(usize, bool)>,
        short: bool,
    },
    Cancel(usize),
    Requeue(usize, Vec<(u64, u64)>),
    /// A point, and whether the caller has read the whole log.
    Rerun(usize, u64, bool),
    Pause(usize, bool),
    /// A worker pauses a sweep that it has read with this `failed_at_resume`.
    WorkerPauses(usize, u64),
    MarkDead(usize),
    Remove(usize, bool),
}

#[derive(Clone, Debug)]
struct Wanted {
    /// Only this sweep. None: both queues, in this order or reversed.
    sweep: Option<usize>,
    /// Excludes all sweeps with an odd number.
    exclude_odd: bool,
    backwards: bool,
    most: u32,
    short: bool,
}

/// The report about a claim.
#[derive(Clone, Copy, Debug)]
enum How {
    Own(Verdict),
    Lost(Verdict),
    GivenBack,
    WrongToken,
}

const AGAIN: Verdict = Verdict::Again { delay_ms: 0 };
const SOON: Verdict = Verdict::Again { delay_ms: 1 };
const LATER: Verdict = Verdict::Again { delay_ms: 3_600_000 };

fn how() -> impl Strategy<Value = How> {
    let own = prop_oneof![
        4 => Just(Verdict::Succeeded),
        2 => Just(Verdict::Failed),
        2 => Just(AGAIN),
        2 => Just(SOON),
        1 => Just(LATER),
        1 => Just(Verdict::Cancelled),
    ];
    let lost = prop_oneof![3 => Just(AGAIN), 1 => Just(Verdict::Failed), 1 => Just(SOON)];
    prop_oneof![
        6 => own.prop_map(How::Own),
        4 => lost.prop_map(How::Lost),
        1 => Just(How::GivenBack),
        1 => Just(How::WrongToken),
    ]
}

fn wanted() -> impl Strategy<Value = Wanted> {
    let sweep = proptest::option::weighted(0.3, 0..8usize);
    let exclude_odd = proptest::bool::weighted(0.2);
    let fields = (sweep, exclude_odd, any::<bool>(), 0..8u32, any::<bool>());
    fields.prop_map(|(sweep, exclude_odd, backwards, most, short)| Wanted {
        sweep,
        exclude_odd,
        backwards,
        most,
        short,
    })
}

fn request() -> impl Strategy<Value = Request> {
    let worker = 0..WORKERS;
    let sweep = 0..8usize;
    // The newest claims are the most likely.
    let claim = || prop_oneof![4 => 0..6usize, 1 => 0..40usize];
    let ranges = vec((0..25u64, 0..12u64), 0..4);
    prop_oneof![
        2 => (0..2usize, 0..24u64).prop_map(|(queue, total)| Request::Submit { queue, total }),
        14 => (worker.clone(), vec((claim(), how()), 0..5), proptest::option::weighted(0.6, wanted()))
            .prop_map(|(worker, outcomes, want)| Request::Exchange { worker, outcomes, want }),
        3 => (worker.clone(), vec((claim(), any::<bool>()), 0..5), any::<bool>())
            .prop_map(|(worker, held, short)| Request::Beat { worker, held, short }),
        1 => worker.prop_map(Request::MarkDead),
        1 => (sweep.clone(), 0..3u64).prop_map(|(sweep, failed_at_resume)| Request::WorkerPauses(sweep, failed_at_resume)),
        1 => sweep.clone().prop_map(Request::Cancel),
        2 => (sweep.clone(), ranges).prop_map(|(sweep, ranges)| Request::Requeue(sweep, ranges)),
        2 => (sweep.clone(), 0..25u64, proptest::bool::weighted(0.9))
            .prop_map(|(sweep, index, up_to_date)| Request::Rerun(sweep, index, up_to_date)),
        1 => (sweep.clone(), any::<bool>()).prop_map(|(sweep, pause)| Request::Pause(sweep, pause)),
        1 => (sweep, any::<bool>()).prop_map(|(sweep, force)| Request::Remove(sweep, force)),
    ]
}

pub fn random_requests_get_the_replies_of_the_model(bench: &dyn Bench) {
    let connections: Vec<_> = (0..WORKERS).map(|_| bench.connect()).collect();
    let config = Config { cases: 48, failure_persistence: None, ..Config::default() };
    let run = |requests: Vec<Request>| {
        // An earlier run leaves its sweeps, also if it failed.
        for row in connections[0].sweeps().unwrap() {
            connections[0].remove(&row.id, true).unwrap();
        }
        let workers = connections.iter().map(|store| Worker::new(&**store)).collect();
        let mut both = Both { store: &*connections[0], model: Model::default(), workers, claims: vec![] };
        // Without a sweep most requests do nothing.
        both.request(Request::Submit { queue: 0, total: 20 });
        for (n, request) in requests.into_iter().enumerate() {
            both.request(request);
            both.compare(n);
        }
        both.compare_all();
        Ok(())
    };
    TestRunner::new(config).run(&vec(request(), 1..60), run).unwrap();
}

/// A store and the model.
struct Both<'a> {
    store: &'a dyn Store,
    model: Model,
    /// Each has its own connection.
    workers: Vec<Worker<'a>>,
    /// All claims ever given.
    claims: Vec<Claim>,
}

impl Both<'_> {
    fn request(&mut self, request: Request) {
        // The leases are checked, so that no absence prolongs them. Short leases and delays have passed at the next step, and
        // no two steps are in the same millisecond.
        self.store.expired().unwrap();
        let_time_pass(Duration::from_millis(SOON_MS + 2));
        self.model.next_step();
        let queues = QUEUES.map(String::from);
        assert_eq!(self.store.backlog(&Scope::Queues(queues.to_vec())).unwrap(), self.model.backlog(&queues));
        match request {
            Request::Submit { queue, total } => {
                let id = submit(self.store, "random", QUEUES[queue], total);
                let submission = self.store.sweep(&id).unwrap().submitted_ms;
                self.model.submit(id, submission, QUEUES[queue].into(), total);
            }
            Request::Exchange { worker, outcomes, want } => self.exchange(worker, outcomes, want),
            Request::Beat { worker, held, short } => self.beat(worker, held, short),
            Request::Cancel(sweep) => self.on_sweep(sweep, |store, sweep| {
                let expected = sweep.cancel();
                for _ in 0..2 {
                    assert_eq!(store.cancel(&sweep.id).unwrap(), expected);
                }
            }),
            Request::Requeue(sweep, ranges) => self.on_sweep(sweep, |store, sweep| {
                let ranges: Vec<Range<u64>> = ranges.iter().map(|(from, length)| *from..from + length).collect();
                assert_eq!(store.requeue(&sweep.id, &ranges).unwrap(), sweep.requeue(&ranges));
                assert_eq!(store.requeue(&sweep.id, &ranges).unwrap(), 0);
            }),
            Request::Rerun(sweep, index, up_to_date) => self.on_sweep(sweep, |store, sweep| {
                let chunks = sweep.log.get(&0).map_or(0, Vec::len) as u64 + u64::from(!up_to_date);
                // More attempts than other claims of this test have, so that only later claims continue from there.
                let rerun = Rerun { index, attempts: 1000 * (chunks as u32 + 1), chunks, chunk: b"aside;".into() };
                assert_eq!(store.rerun(&sweep.id, &rerun).unwrap(), sweep.rerun(&rerun));
                assert!(!store.rerun(&sweep.id, &rerun).unwrap(), "it is done once");
            }),
            Request::Pause(sweep, pause) => self.on_sweep(sweep, |store, sweep| {
                store.set_paused(&sweep.id, pause.then_some("why not")).unwrap();
                sweep.set_paused(pause.then_some("why not"));
            }),
            Request::WorkerPauses(sweep, failed_at_resume) => self.on_sweep(sweep, |store, sweep| {
                let expected = sweep.pause_unless_resumed(failed_at_resume, "too many");
                for _ in 0..2 {
                    assert_eq!(store.pause_unless_resumed(&sweep.id, failed_at_resume, "too many").unwrap(), expected);
                }
            }),
            Request::MarkDead(worker) => {
                let worker = &self.workers[worker].id;
                assert_eq!(self.store.mark_worker_dead(worker).unwrap(), self.model.mark_worker_dead(worker));
            }
            Request::Remove(sweep, force) => self.remove(sweep, force),
        }
    }

    fn on_sweep(&mut self, number: usize, act: impl FnOnce(&dyn Store, &mut Sweep)) {
        let there_are = self.model.sweeps.len().max(1);
        if let Some(sweep) = self.model.sweeps.get_mut(number % there_are) {
            act(self.store, sweep);
        }
    }

    fn remove(&mut self, number: usize, force: bool) {
        let there_are = self.model.sweeps.len().max(1);
        let Some(sweep) = self.model.sweeps.get(number % there_are) else { return };
        let removed = self.store.remove(&sweep.id, force);
        if sweep.counts().running > 0 && !force {
            assert!(removed.as_ref().is_err_and(sweep::store::StoreError::is_refusal), "{removed:?}");
        } else {
            removed.unwrap();
            self.model.sweeps.remove(number % there_are);
        }
    }

    /// One of all claims ever given, counted from the newest.
    fn claim(&self, number: usize) -> Option<&Claim> {
        let back = number % self.claims.len().max(1);
        self.claims.iter().rev().nth(back)
    }

    fn exchange(&mut self, worker: usize, outcomes: Vec<(usize, How)>, wanted: Option<Wanted>) {
        let some =
            outcomes.iter().zip(1..).filter_map(|((number, how), n)| Some((entry(self.claim(*number)?, *how), n)));
        // No two points are due at the same time. Otherwise either might be given first.
        let entries = some.map(|((id, entry), n)| match entry.verdict {
            SOON => (id, ReportEntry { verdict: Verdict::Again { delay_ms: SOON_MS - n % SOON_MS }, ..entry }),
            _ => (id, entry),
        });
        let entries = entries.collect();
        let mut reports = grouped(entries);
        reports.iter_mut().for_each(add_columns);
        let want = wanted.map(|wanted| {
            let mut queues: Vec<String> = QUEUES.map(String::from).into();
            if wanted.backwards {
                queues.reverse();
            }
            let known: Vec<&SweepId> = self.claims.iter().map(|claim| &claim.job.sweep).collect();
            let alone = wanted.sweep.and_then(|number| known.get(number).copied().cloned());
            let scope = alone.map_or(Scope::Queues(queues), Scope::Sweep);
            let odd =
                self.model.sweeps.iter().map(|sweep| &sweep.id).filter(|id| wanted.exclude_odd && id.number % 2 == 1);
            let except = odd.cloned().collect();
            ClaimRequest { excluded: except, ..want(scope, wanted.most, if wanted.short { SHORT } else { LONG }) }
        });
        let expected = self.model.exchange(&self.workers[worker].id, &reports, want.as_ref());
        let replied = self.workers[worker].exchange(reports, want);
        assert_eq!(in_order(replied.clone()), in_order(expected));
        self.claims.extend(replied.claims);
    }

    fn beat(&mut self, worker: usize, held: Vec<(usize, bool)>, short: bool) {
        // A worker names each claim once.
        let held: BTreeMap<(u64, &JobAddress), bool> = held
            .iter()
            .filter_map(|(number, started)| self.claim(*number).map(|claim| ((claim.token, &claim.job), *started)))
            .collect();
        let held =
            held.into_iter().map(|((token, job), started)| HeldClaim { job: job.clone(), token, started }).collect();
        let worker = worker_row(&self.workers[worker].id);
        let heartbeat = Heartbeat { worker, lease: if short { SHORT } else { LONG }, held };
        let expected = self.model.beat(&heartbeat.held, heartbeat.lease);
        for _ in 0..2 {
            assert_eq!(self.store.heartbeat(&heartbeat).unwrap(), expected);
        }
    }

    /// Compares the sweeps, their counts and sets, and one point of each. Called after each step.
    fn compare(&self, step: usize) {
        let mut rows = self.store.sweeps().unwrap();
        rows.reverse();
        assert_eq!(rows.len(), self.model.sweeps.len());
        for (row, sweep) in rows.iter().zip(&self.model.sweeps) {
            assert_eq!((&row.id, &row.queue, &row.paused), (&sweep.id, &sweep.queue, &sweep.paused));
            assert_eq!(row.failed_at_resume, sweep.failed_at_resume, "{}", sweep.id);
            assert_eq!(row.last_outcome_ms.is_some(), sweep.has_outcome);
            assert_eq!(counts(self.store, &sweep.id), sweep.counts());
            assert_eq!(states(self.store, sweep), expected_states(sweep));
            if let Some(index) = step.checked_rem(sweep.points.len()) {
                compare_point(self.store, sweep, index);
            }
        }
    }

    /// Compares every point, and all logs, columns and outputs. Called at the end.
    fn compare_all(&self) {
        for sweep in &self.model.sweeps {
            (0..sweep.points.len()).for_each(|index| compare_point(self.store, sweep, index));
            let log: Vec<_> = sweep.log.clone().into_iter().collect();
            assert_eq!(self.store.log(&sweep.id, 0..1 << 43).unwrap(), log);
            let mut columns: Vec<_> = sweep.columns.iter().collect();
            columns.sort_by_key(|(_, place)| **place);
            let columns: Vec<&String> = columns.into_iter().map(|(name, _)| name).collect();
            assert_eq!(self.store.columns(&sweep.id).unwrap().iter().collect::<Vec<_>>(), columns);
            for claim in self.claims.iter().filter(|claim| claim.job.sweep == sweep.id) {
                let (index, attempt) = (claim.job.index, claim.tries.attempts);
                let output = self.store.outputs(&sweep.id, &[(index, attempt)]).unwrap();
                assert_eq!(output, [sweep.outputs.get(&(index, attempt)).cloned()]);
            }
        }
    }
}

fn entry(claim: &Claim, how: How) -> (Submitted, ReportEntry) {
    match how {
        How::Own(verdict) => {
            let (id, entry) = outcome(claim, verdict);
            let output = (verdict != Verdict::Succeeded).then(|| format!("{verdict:?}").into_bytes());
            (id, ReportEntry { output, ..entry })
        }
        How::Lost(verdict) => lost(claim, verdict),
        How::GivenBack => given_back(claim),
        How::WrongToken => outcome(&Claim { token: claim.token ^ 1 << 63, ..claim.clone() }, Verdict::Succeeded),
    }
}

/// Adds a column for each success, with one of three names. No two are at the same place.
fn add_columns(report: &mut Report) {
    let succeeded = report.entries.iter().filter(|entry| entry.verdict == Verdict::Succeeded);
    let place =
        |index: u64| (format!("column {}", index % 3), ColumnPlace { index, position: (index * 7 % 12) as u32 });
    report.columns = succeeded.map(|entry| place(entry.index)).collect();
}

/// Sorts the stale indices of a reply, which may come in any order.
fn in_order(mut exchanged: ExchangeReply) -> ExchangeReply {
    for (_, indices) in &mut exchanged.stale {
        indices.sort_unstable();
        indices.dedup();
    }
    exchanged
}

/// The state of each point as text, from the spans of the store.
fn states(store: &dyn Store, sweep: &Sweep) -> Vec<String> {
    let mut words = vec!["succeeded".to_owned(); sweep.points.len()];
    for set in [PointSet::Pending, PointSet::Running, PointSet::Failed, PointSet::Cancelled] {
        for span in spans(store, &sweep.id, set) {
            for index in span.indices {
                words[index as usize] = in_words(&span.state);
            }
        }
    }
    words
}

fn in_words(state: &JobState) -> String {
    match state {
        JobState::Pending { due_ms } => format!("pending, delayed: {}", due_ms.is_some()),
        JobState::Running { attempt, worker, started_ms } => {
            format!("attempt {attempt} by {worker}, started: {}", started_ms.is_some())
        }
        other => other.word().to_owned(),
    }
}

fn expected_states(sweep: &Sweep) -> Vec<String> {
    let words = |point: &crate::model::Point| match &point.place {
        Place::Ready => "pending, delayed: false".to_owned(),
        Place::Delayed(..) => "pending, delayed: true".to_owned(),
        Place::Claimed(lease) => {
            format!("attempt {} by {}, started: {}", point.tries.attempts, lease.worker, lease.started)
        }
        Place::Failed => "failed".to_owned(),
        Place::Cancelled => "cancelled".to_owned(),
        Place::Succeeded => "succeeded".to_owned(),
    };
    sweep.points.iter().map(words).collect()
}

fn compare_point(store: &dyn Store, sweep: &Sweep, index: usize) {
    let (state, tries) = store.point(&sweep.id, index as u64).unwrap();
    assert_eq!(in_words(&state), expected_states(sweep)[index]);
    let expected = (state != JobState::Succeeded).then_some(sweep.points[index].tries);
    // A point that was never attempted may have no counts, or zeros.
    let (tries, expected) = (tries.unwrap_or_default(), expected.unwrap_or_default());
    assert_eq!(tries, expected, "{}/{index} {state:?}", sweep.id);
    assert!(tries.attempts > 0 || tries == AttemptCounts::default());
}
