//! Owns the trait of a store under test, and the helpers that the checks use.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use sweep::job::{AttemptCounts, JobState, SweepId, Verdict};
use sweep::record::block_of;
use sweep::store::sqlite::SqliteStore;
use sweep::store::{
    Claim, ClaimRequest, Counts, Exchange, ExchangeReply, Heartbeat, HeldClaim, LeaseStatus, NewSweep, PointSet,
    Report, ReportEntry, Scope, Span, Store, WorkerRow,
};

/// A new, empty store of some kind, for one check. Dropping it removes the store.
pub trait Bench {
    /// Opens a further connection to it, as another process would.
    fn connect(&self) -> Arc<dyn Store>;
}

/// The embedded store in a folder of its own.
pub struct SqliteBench {
    folder: tempfile::TempDir,
}

impl SqliteBench {
    pub fn fresh() -> SqliteBench {
        SqliteBench { folder: tempfile::tempdir().unwrap() }
    }

    /// The database.
    pub fn file(&self) -> std::path::PathBuf {
        self.folder.path().join(".sweep/sweep.db")
    }
}

impl Bench for SqliteBench {
    fn connect(&self) -> Arc<dyn Store> {
        Arc::new(SqliteStore::open(&self.folder.path().join(".sweep")).unwrap())
    }
}

/// A lease that does not run out while a check runs.
pub const LONG: Duration = Duration::from_secs(3600);

/// A lease that has run out after some milliseconds.
pub const SHORT: Duration = Duration::from_millis(1);

/// The longest time that a check waits for something.
pub const LIMIT: Duration = Duration::from_secs(60);

/// The stale indices if all outcomes were accepted.
pub const ALL_ACCEPTED: [u64; 0] = [];

/// A sweep with its submission.
pub type Submitted = (SweepId, u64);

/// A number that no other call in this process returns.
pub fn unique() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// Waits until `probe` returns something. Fails the test if that takes longer than [`LIMIT`].
pub fn eventually<T>(what: &str, mut probe: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = probe() {
            return found;
        }
        assert!(start.elapsed() < LIMIT, "waited too long: {what}");
        thread::sleep(Duration::from_millis(20));
    }
}

/// Lets the store's clock advance. For checks that depend on time alone; there is no event to wait for.
pub fn let_time_pass(at_least: Duration) {
    thread::sleep(at_least);
}

/// Submits a sweep, twice by the same request.
pub fn submit(store: &dyn Store, name: &str, queue: &str, total: u64) -> SweepId {
    let new = NewSweep {
        request: format!("request-{}", unique()),
        name: name.into(),
        queue: queue.into(),
        total,
        user: "ada".into(),
        document: format!("document of {name}").into_bytes(),
        inputs: sweep::model::FoundInputs::default(),
    };
    let first = store.submit(&new).unwrap();
    assert_eq!(store.submit(&new).unwrap(), first, "the same request again gives the same sweep");
    first
}

pub fn queue(name: &str) -> Scope {
    Scope::Queues(vec![name.into()])
}

pub fn only(id: &SweepId) -> Scope {
    Scope::Sweep(id.clone())
}

/// A worker that sends every request twice, and checks that both replies are the same.
pub struct Worker<'a> {
    pub store: &'a dyn Store,
    pub id: String,
    pub seq: u64,
}

impl<'a> Worker<'a> {
    pub fn new(store: &'a dyn Store) -> Worker<'a> {
        // The sequence numbers of a worker may start anywhere.
        Worker { store, id: format!("worker-{}", unique()), seq: 41 }
    }

    /// Sends outcomes and a request for claims.
    pub fn exchange(&mut self, reports: Vec<Report>, claim_request: Option<ClaimRequest>) -> ExchangeReply {
        self.seq += 1;
        let exchange = Exchange { worker: self.id.clone(), seq: self.seq, reports, claim_request };
        let first = self.store.exchange(&exchange).unwrap();
        let second = self.store.exchange(&exchange).unwrap();
        assert_eq!(first, second, "the same request again gets the same reply");
        first
    }

    /// Claims up to `most` jobs.
    pub fn claim(&mut self, scope: Scope, most: u32, lease: Duration) -> Vec<Claim> {
        self.exchange(vec![], Some(want(scope, most, lease))).claims
    }

    /// Claims exactly one job.
    pub fn claim_one(&mut self, id: &SweepId, lease: Duration) -> Claim {
        let mut claims = self.claim(only(id), 1, lease);
        assert_eq!(claims.len(), 1, "there is a job to claim");
        claims.pop().unwrap()
    }

    /// Reports outcomes, grouped by block. Returns the stale indices of all groups.
    pub fn report(&mut self, entries: Vec<(Submitted, ReportEntry)>) -> Vec<u64> {
        let replied = self.exchange(grouped(entries), None);
        replied.stale.into_iter().flat_map(|(_, indices)| indices).collect()
    }

    /// Reports one outcome of a claim. Returns whether it was accepted.
    pub fn finish(&mut self, claim: &Claim, verdict: Verdict) -> bool {
        self.report(vec![outcome(claim, verdict)]).is_empty()
    }

    /// Reports the claim as lost, as another worker does. Returns whether that was accepted.
    pub fn report_lost(&mut self, claim: &Claim, verdict: Verdict) -> bool {
        self.report(vec![lost(claim, verdict)]).is_empty()
    }

    /// Sends a heartbeat for some claims (with whether each is started). Returns the status of those that do not go on.
    pub fn beat(&self, held: &[(&Claim, bool)], lease: Duration) -> Vec<(u64, LeaseStatus)> {
        let held = held
            .iter()
            .map(|(claim, started)| HeldClaim { job: claim.job.clone(), token: claim.token, started: *started })
            .collect();
        let heartbeat = Heartbeat { worker: worker_row(&self.id), lease, held };
        let first = self.store.heartbeat(&heartbeat).unwrap();
        assert_eq!(self.store.heartbeat(&heartbeat).unwrap(), first, "a heartbeat may be sent twice");
        first.into_iter().map(|(held, status)| (held.job.index, status)).collect()
    }
}

pub fn worker_row(id: &str) -> WorkerRow {
    WorkerRow {
        id: id.into(),
        host: "here".into(),
        // A store may check whether the process exists.
        pid: std::process::id(),
        queues: vec!["default".into(), "long jobs".into()],
        slots: 4,
        busy: 1,
        excluded: vec![SweepId { name: "pi".into(), number: 3 }, SweepId { name: "a-b.c".into(), number: 12 }],
        excluded_why: vec!["no `solver` here".into(), "a \"b\"\n".into()],
        last_seen_ms: 0,
    }
}

/// A request for claims with a token of its own, near the largest number that a token can be.
pub fn want(scope: Scope, most: u32, lease: Duration) -> ClaimRequest {
    ClaimRequest { most, scope, excluded: vec![], token: u64::MAX - unique(), lease }
}

/// The attempt counts after a verdict on a claim.
pub fn tries_after(claim: &Claim, verdict: Verdict) -> AttemptCounts {
    match verdict {
        Verdict::Failed | Verdict::Again { .. } => AttemptCounts { failures: claim.tries.failures + 1, ..claim.tries },
        Verdict::Succeeded | Verdict::Cancelled => claim.tries,
    }
}

/// A worker's own outcome of a claim.
pub fn outcome(claim: &Claim, verdict: Verdict) -> (Submitted, ReportEntry) {
    let entry = ReportEntry {
        index: claim.job.index,
        attempt: claim.tries.attempts,
        token: claim.token,
        verdict,
        tries: tries_after(claim, verdict),
        only_if_expired: false,
        output: None,
    };
    ((claim.job.sweep.clone(), claim.submission), entry)
}

/// What another worker reports about a lost claim.
pub fn lost(claim: &Claim, verdict: Verdict) -> (Submitted, ReportEntry) {
    let tries = AttemptCounts { losses: claim.tries.losses + 1, ..claim.tries };
    let (id, entry) = outcome(claim, verdict);
    (id, ReportEntry { only_if_expired: true, tries, ..entry })
}

/// What a worker that stops reports about a claim whose process it has not started.
pub fn given_back(claim: &Claim) -> (Submitted, ReportEntry) {
    let tries = AttemptCounts { attempts: claim.tries.attempts - 1, ..claim.tries };
    let (id, entry) = outcome(claim, Verdict::Again { delay_ms: 0 });
    (id, ReportEntry { tries, ..entry })
}

/// Groups outcomes by sweep and block, as the contract requires. The chunk names each attempt, see [`recorded`].
pub fn grouped(entries: Vec<(Submitted, ReportEntry)>) -> Vec<Report> {
    let mut groups: BTreeMap<(Submitted, u64), Vec<ReportEntry>> = BTreeMap::new();
    for (id, entry) in entries {
        groups.entry((id, block_of(entry.index))).or_default().push(entry);
    }
    let report = |(((sweep, submission), block), entries): (_, Vec<ReportEntry>)| {
        let chunk = entries.iter().map(|entry| format!("{}:{};", entry.index, entry.attempt)).collect::<String>();
        Report { sweep, submission, block, entries, chunk: chunk.into_bytes(), columns: vec![] }
    };
    groups.into_iter().map(report).collect()
}

/// The log of a sweep as (index, attempt), ordered by block and then by acceptance.
pub fn recorded(store: &dyn Store, id: &SweepId) -> Vec<(u64, u32)> {
    let mut found = Vec::new();
    for (block, chunks) in store.log(id, 0..u64::MAX >> 11).unwrap() {
        for chunk in chunks {
            for item in String::from_utf8(chunk).unwrap().split_terminator(';') {
                let (index, attempt) = item.split_once(':').unwrap();
                let index = index.parse().unwrap();
                assert_eq!(block_of(index), block, "an outcome is in the log of its block");
                found.push((index, attempt.parse().unwrap()));
            }
        }
    }
    found
}

/// All spans of a set, read in small pages.
pub fn spans(store: &dyn Store, id: &SweepId, set: PointSet) -> Vec<Span> {
    let mut all: Vec<Span> = Vec::new();
    loop {
        let from = all.last().map_or(0, |span| span.indices.end);
        let page = store.spans(id, set, from, 7).unwrap();
        assert!(page.len() <= 7, "a page has at most as many spans as requested");
        if page.is_empty() {
            return all;
        }
        for span in page {
            assert!(span.indices.start < span.indices.end, "a span is not empty: {span:?}");
            assert!(all.last().is_none_or(|last| last.indices.end <= span.indices.start), "in order: {all:?} {span:?}");
            all.push(span);
        }
    }
}

/// The indices of a set as ranges. Neighbours are merged, whatever the rest of their state.
pub fn ranges(store: &dyn Store, id: &SweepId, set: PointSet) -> Vec<Range<u64>> {
    let mut merged: Vec<Range<u64>> = Vec::new();
    for span in spans(store, id, set) {
        match merged.last_mut() {
            Some(last) if last.end == span.indices.start => last.end = span.indices.end,
            _ => merged.push(span.indices),
        }
    }
    merged
}

/// The counts of a sweep. Checks that they add up and agree with the spans.
pub fn counts(store: &dyn Store, id: &SweepId) -> Counts {
    let counts = store.sweep(id).unwrap().counts;
    let sum = counts.pending + counts.running + counts.succeeded + counts.failed + counts.cancelled;
    assert_eq!(sum, counts.total, "the counts add up: {counts:?}");
    let mut starts = BTreeSet::new();
    let sets = [
        (PointSet::Pending, counts.pending),
        (PointSet::Running, counts.running),
        (PointSet::Failed, counts.failed),
        (PointSet::Cancelled, counts.cancelled),
    ];
    for (set, expected) in sets {
        let spans = spans(store, id, set);
        let covered: u64 = spans.iter().map(|span| span.indices.end - span.indices.start).sum();
        assert_eq!(covered, expected, "{set:?} counts what its spans cover: {counts:?} {spans:?}");
        for span in &spans {
            assert!(starts.insert(span.indices.start), "no point is in two sets: {span:?}");
            assert!(span.indices.end <= counts.total, "{span:?}");
            let fits = matches!(
                (set, &span.state),
                (PointSet::Pending, JobState::Pending { .. })
                    | (PointSet::Running, JobState::Running { .. })
                    | (PointSet::Failed, JobState::Failed)
                    | (PointSet::Cancelled, JobState::Cancelled)
            );
            assert!(fits, "the state belongs to {set:?}: {span:?}");
        }
    }
    counts
}

/// The state of a point as one word.
pub fn word(store: &dyn Store, id: &SweepId, index: u64) -> &'static str {
    store.point(id, index).unwrap().0.word()
}
