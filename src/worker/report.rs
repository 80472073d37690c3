//! Owns what a worker reports to the store: an ended attempt as a [`FinishedAttempt`], and many of them as reports by
//! block.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use super::bounded::BoundedMap;
use super::events::Ending;
use crate::job::{self, AttemptCounts, Cause, JobAddress, Outcome, RetryPolicy, SweepId, Verdict};
use crate::model::{JobSettings, Logs};
use crate::process::Ended;
use crate::record::{self, Output, Record};
use crate::runtime::SweepRuntime;
use crate::store::{Claim, ColumnPlace, ExpiredClaim, HeldClaim, Report, ReportEntry};
use crate::stored;
use crate::system::wall_clock_ms;
use crate::visible::visible;

/// Who ran an attempt.
#[derive(Clone, Debug)]
pub struct Runner {
    /// The machine.
    pub host: String,
    /// The worker's id.
    pub worker: String,
}

/// An attempt that is over, with the verdict, ready to be reported.
pub struct FinishedAttempt {
    job: JobAddress,
    submission: u64,
    token: u64,
    attempt: u32,
    verdict: Verdict,
    tries: AttemptCounts,
    /// None: no process ran, so the history needs no record.
    record: Option<Record>,
    output: Option<Vec<u8>>,
    foreign: bool,
    repeated: bool,
}

/// How many lines of a failed job's output a message shows.
const TOLD_LINES: usize = 3;

impl FinishedAttempt {
    /// An attempt that ran here. `ended` is none if its process could not be started.
    pub fn ran(claim: &Claim, outcome: Outcome, sweep: &SweepRuntime, ended: Option<Ended>, runner: &Runner) -> Self {
        let settings = &sweep.spec.job;
        let (verdict, tries) = job::verdict(&outcome, &settings.retry, claim.tries, dice(claim));
        let record = Record {
            index: claim.job.index,
            tries: AttemptCounts { attempts: claim.tries.attempts, ..tries },
            exit_code: ended.as_ref().and_then(Ended::exit_code),
            ended_ms: wall_clock_ms(),
            seconds: ended.as_ref().map_or(0.0, |ended| ended.seconds),
            cpu_seconds: ended.as_ref().map_or(0.0, |ended| ended.cpu_seconds),
            max_rss_bytes: ended.as_ref().map_or(0, |ended| ended.max_rss_bytes),
            host: runner.host.clone(),
            worker: runner.worker.clone(),
            outcome,
            verdict,
            version: sweep.version,
            origin: None,
        };
        let output = ended.and_then(|ended| kept(ended.output, verdict, settings.logs));
        FinishedAttempt::new(claim, verdict, tries, Some(record), output, false)
    }

    /// How an attempt at a claim ended, for people and programs.
    pub fn ending(claim: &Claim, outcome: &Outcome, settings: &JobSettings) -> Ending {
        let (verdict, _) = job::verdict(outcome, &settings.retry, claim.tries, dice(claim));
        match outcome {
            Outcome::Succeeded { .. } => Ending::Succeeded,
            Outcome::Failed { cause } => {
                let retry_after = match verdict {
                    Verdict::Again { delay_ms } => Some(Duration::from_millis(delay_ms)),
                    _ => None,
                };
                Ending::Failed { cause: cause.clone(), retry_after }
            }
            Outcome::Cancelled => Ending::Cancelled,
            Outcome::CannotHere { why } => Ending::GivenBack { why: Some(why.clone()) },
            // Another worker's loss and a success set aside by hand are no ends of attempts here.
            Outcome::GivenBack { .. } | Outcome::Lost { .. } | Outcome::SetAside => Ending::GivenBack { why: None },
        }
    }

    /// A claim given back, or found cancelled, before its process was started.
    pub fn never_started(claim: &Claim, outcome: &Outcome) -> Self {
        let (verdict, tries) = job::verdict(outcome, &RetryPolicy::NEVER, claim.tries, dice(claim));
        FinishedAttempt::new(claim, verdict, tries, None, None, false)
    }

    /// A claim given back before its process was started: charged nothing.
    pub fn given_back(claim: &Claim) -> Self {
        FinishedAttempt::never_started(claim, &Outcome::GivenBack { started: false })
    }

    /// Another worker's claim whose lease ran out, reported on its behalf.
    pub fn expired(expired: &ExpiredClaim) -> Self {
        let lost = Outcome::Lost { started: expired.started };
        let (verdict, tries) = job::verdict(&lost, &RetryPolicy::NEVER, expired.claim.tries, dice(&expired.claim));
        let outcome = if verdict == Verdict::Failed { Outcome::Failed { cause: Cause::LostTooOften } } else { lost };
        let record = expired.started.then(|| Record {
            index: expired.claim.job.index,
            tries,
            outcome,
            verdict,
            exit_code: None,
            ended_ms: wall_clock_ms(),
            seconds: 0.0,
            cpu_seconds: 0.0,
            max_rss_bytes: 0,
            host: String::new(),
            worker: expired.worker.clone(),
            version: 0,
            origin: None,
        });
        FinishedAttempt::new(&expired.claim, verdict, tries, record, None, true)
    }

    fn new(
        claim: &Claim,
        verdict: Verdict,
        tries: AttemptCounts,
        record: Option<Record>,
        output: Option<Vec<u8>>,
        foreign: bool,
    ) -> Self {
        let (job, submission, token, attempt) =
            (claim.job.clone(), claim.submission, claim.token, claim.tries.attempts);
        FinishedAttempt { job, submission, token, attempt, verdict, tries, record, output, foreign, repeated: false }
    }

    /// Whether the claim is another worker's.
    pub fn is_foreign(&self) -> bool {
        self.foreign
    }

    /// Whether it reports an attempt that ran on this machine: neither a claim given back nor another worker's.
    pub fn is_outcome(&self) -> bool {
        self.record.is_some() && !self.foreign
    }

    /// Whether it says something about the inputs of the sweep: they must have been the same from its start to its end.
    pub fn rests_on_inputs(&self) -> bool {
        let outcome = self.record.as_ref().map(|record| &record.outcome);
        !self.foreign && matches!(outcome, Some(Outcome::Succeeded { .. } | Outcome::Failed { .. }))
    }

    /// The same attempt without its outcome: the claim goes back and nothing is charged.
    pub fn taken_back(self, claim: &Claim) -> Self {
        let outcome = Outcome::GivenBack { started: true };
        let (verdict, tries) = job::verdict(&outcome, &RetryPolicy::NEVER, claim.tries, dice(claim));
        let tries_of_record = AttemptCounts { attempts: claim.tries.attempts, ..tries };
        let record = self.record.map(|record| Record { outcome, verdict, tries: tries_of_record, ..record });
        FinishedAttempt { verdict, tries, record, ..self }
    }

    /// Marks it for another delivery to a store that may have forgotten it.
    pub fn repeated(self) -> Self {
        FinishedAttempt { repeated: true, ..self }
    }

    /// Whether the store has accepted it before.
    pub fn is_repeated(&self) -> bool {
        self.repeated
    }

    /// How it ended, in words, with the last lines of what it printed: on stderr, or if there is nothing on stdout.
    pub fn in_words(&self) -> String {
        let cause = match self.record.as_ref().map(|record| &record.outcome) {
            Some(Outcome::Failed { cause }) => cause.to_string(),
            _ => "without a cause".into(),
        };
        let output = self.output.as_deref().and_then(|bytes| stored::decode_output(bytes).ok()).unwrap_or_default();
        let stream = if output.stderr.total > 0 { &output.stderr } else { &output.stdout };
        let text = String::from_utf8_lossy(&stream.tail);
        let lines: Vec<&str> = text.lines().map(str::trim_end).filter(|line| !line.is_empty()).collect();
        let told = lines.iter().skip(lines.len().saturating_sub(TOLD_LINES));
        visible(&told.fold(format!("{}: {cause}", self.job), |words, line| words + "\n  " + line))
    }

    /// The claim, as a heartbeat names it until the outcome is delivered.
    pub fn held(&self) -> HeldClaim {
        HeldClaim { job: self.job.clone(), token: self.token, started: self.record.is_some() }
    }

    /// Wall time of the process, where one ran here.
    pub fn seconds(&self) -> Option<f64> {
        self.record.as_ref().filter(|_| !self.foreign).map(|record| record.seconds)
    }

    /// The verdict.
    pub fn verdict(&self) -> Verdict {
        self.verdict
    }

    /// The job.
    pub fn job(&self) -> &JobAddress {
        &self.job
    }

    /// Whether it went into this report.
    pub fn is_of(&self, report: &Report) -> bool {
        self.job.sweep == report.sweep
            && self.submission == report.submission
            && record::block_of(self.job.index) == report.block
    }

    fn entry(&self) -> ReportEntry {
        ReportEntry {
            index: self.job.index,
            attempt: self.attempt,
            token: self.token,
            verdict: self.verdict,
            tries: self.tries,
            only_if_expired: self.foreign,
            output: self.output.clone(),
        }
    }
}

/// The output as the store is to keep it; none: the job printed nothing, or nothing is to be kept.
fn kept(mut output: Output, verdict: Verdict, logs: Logs) -> Option<Vec<u8>> {
    let limit = if verdict == Verdict::Succeeded { logs.succeeded } else { logs.failed } as usize;
    if limit == 0 || (output.stdout.total == 0 && output.stderr.total == 0) {
        return None;
    }
    output.stdout.limit(limit);
    output.stderr.limit(limit);
    Some(stored::encode_output(&output))
}

/// Returns random bits for a claim, always the same for the same claim. Claims of one request share a token.
fn dice(claim: &Claim) -> u64 {
    let hash = blake3::hash(&[claim.token.to_le_bytes(), claim.job.index.to_le_bytes()].concat());
    // A hash has 32 bytes.
    hash.as_bytes().first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

/// The result columns whose first places the store knows. Each is sent once and not with every report.
pub struct KnownColumns {
    known: BoundedMap<SweepId, HashMap<String, ColumnPlace>>,
}

/// The most sweeps whose columns are remembered. Columns of other sweeps are sent again, which does no harm.
const MOST_SWEEPS: usize = 64;

impl Default for KnownColumns {
    fn default() -> Self {
        KnownColumns { known: BoundedMap::new(MOST_SWEEPS) }
    }
}

impl KnownColumns {
    fn new_columns(&self, sweep: &SweepId, records: &[Record]) -> Vec<(String, ColumnPlace)> {
        let mut first: HashMap<&str, ColumnPlace> = HashMap::new();
        for record in records {
            for (position, (name, _)) in record.outcome.results().iter().enumerate() {
                let place = ColumnPlace { index: record.index, position: position as u32 };
                let known = self.known.get(sweep).and_then(|columns| columns.get(name));
                if known.is_none_or(|known| place < *known) {
                    first.entry(name).and_modify(|old| *old = place.min(*old)).or_insert(place);
                }
            }
        }
        first.into_iter().map(|(name, place)| (name.to_owned(), place)).collect()
    }

    /// Forgets a sweep.
    pub fn forget(&mut self, sweep: &SweepId) {
        self.known.remove(sweep);
    }

    /// Notes the columns of an accepted report.
    pub fn accepted(&mut self, report: &Report) {
        if report.columns.is_empty() {
            return;
        }
        let Some(known) = self.known.entry(&report.sweep, HashMap::new) else { return };
        for (name, place) in &report.columns {
            known.entry(name.clone()).and_modify(|old| *old = (*place).min(*old)).or_insert(*place);
        }
    }
}

/// Packs ended attempts into reports, one for each block of each sweep, each in order of index.
pub fn group(finished: &[FinishedAttempt], columns: &KnownColumns) -> Vec<Report> {
    let mut groups: BTreeMap<(&SweepId, u64, u64), Vec<&FinishedAttempt>> = BTreeMap::new();
    for one in finished {
        groups.entry((&one.job.sweep, one.submission, record::block_of(one.job.index))).or_default().push(one);
    }
    let report = |((sweep, submission, block), mut members): ((&SweepId, u64, u64), Vec<&FinishedAttempt>)| {
        members.sort_by_key(|one| one.job.index);
        let records: Vec<Record> = members.iter().filter_map(|one| one.record.clone()).collect();
        let chunk = if records.is_empty() { Vec::new() } else { stored::encode_chunk(&records) };
        let entries = members.iter().map(|one| one.entry()).collect();
        Report {
            sweep: sweep.clone(),
            submission,
            block,
            entries,
            chunk,
            columns: columns.new_columns(sweep, &records),
        }
    };
    groups.into_iter().map(report).collect()
}
