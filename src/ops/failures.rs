//! Owns the failed points of a sweep: one by one, and grouped by cause and by the line of output that says most.

use std::collections::HashMap;

use crate::error::Result;
use crate::job::{Cause, CausePattern, JobAddress, Outcome};
use crate::ops::history::Blocks;
use crate::ops::normalize;
use crate::ops::output;
use crate::ops::points::PointStates;
use crate::ops::shared_traits::{self, SharedTrait, TraitTracker};
use crate::ops::show::text;
use crate::record::{Output, Record, block_of};
use crate::space::Space;
use crate::store::{PointSet, Store, SweepRow};
use crate::visible::{informative_line, visible_in_line};

/// The most groups by last line; further lines form one group per cause.
const MOST_GROUPS: usize = 1000;

/// A point that has failed.
#[derive(Clone, Debug, PartialEq)]
pub struct Failure {
    /// Its index.
    pub index: u64,
    /// The number of its newest attempt.
    pub attempt: u32,
    /// Why that attempt failed.
    pub cause: Cause,
    /// The machine that ran it; empty: it is not known.
    pub host: String,
}

impl Failure {
    fn new(index: u64, record: Option<&Record>) -> Failure {
        let cause = match record.map(|record| &record.outcome) {
            Some(Outcome::Failed { cause }) => cause.clone(),
            // Without the record of a failed attempt, the point failed because its workers were lost.
            _ => Cause::LostTooOften,
        };
        let (attempt, host) = record.map_or((0, ""), |record| (record.tries.attempts, &record.host));
        Failure { index, attempt, cause, host: host.to_owned() }
    }
}

/// The line of a job's output that says most about a failure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailureLine {
    /// With numbers and paths replaced, see [`normalize::last_line`].
    pub normalized: String,
    /// As it was printed, with control characters made visible; shortened.
    pub printed: String,
}

/// The longest printed line, in characters.
const LONGEST_LINE: usize = 300;

/// The line of each failed point that says most: of stderr, or if that is blank of stdout; none: nothing is stored.
///
/// # Errors
/// If the store cannot be read.
pub fn last_lines(store: &dyn Store, row: &SweepRow, failures: &[Failure]) -> Result<Vec<Option<FailureLine>>> {
    let attempts: Vec<_> = failures.iter().map(|failure| (failure.index, failure.attempt)).collect();
    let outputs = output::of_attempts(store, &row.id, &attempts)?;
    Ok(outputs.into_iter().map(|output| output.as_ref().and_then(line)).collect())
}

fn line(output: &Output) -> Option<FailureLine> {
    [&output.stderr, &output.stdout].into_iter().find_map(|stream| {
        let text = text(stream);
        let line = informative_line(&text)?;
        let printed: String = line.chars().take(LONGEST_LINE).collect();
        Some(FailureLine { normalized: normalize::last_line(line)?, printed: visible_in_line(&printed) })
    })
}

/// Iterates over the failed points in order of index. Reads only blocks that have any; memory is bounded.
pub struct Failures<'a> {
    failed: PointStates<'a>,
    run: std::ops::Range<u64>,
    blocks: Blocks<'a>,
    block: Option<u64>,
    records: Vec<Record>,
}

impl<'a> Failures<'a> {
    /// The failed points of a sweep.
    pub fn new(store: &'a dyn Store, row: &'a SweepRow) -> Self {
        let total = row.counts.total;
        Failures {
            failed: PointStates::of(store, &row.id, total, &[PointSet::Failed]),
            run: 0..0,
            blocks: Blocks::new(store, &row.id, total),
            block: None,
            records: Vec::new(),
        }
    }

    /// The next failed points, up to the number of outputs that one request reads; none: there are no more.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn next_batch(&mut self) -> Result<Option<Vec<Failure>>> {
        let some: Vec<Failure> = self.by_ref().take(output::AT_ONCE).collect::<Result<_>>()?;
        Ok(Some(some).filter(|some| !some.is_empty()))
    }

    fn step(&mut self) -> Result<Option<Failure>> {
        while self.run.is_empty() {
            let Some((indices, state)) = self.failed.next().transpose()? else { return Ok(None) };
            if state == crate::job::JobState::Failed {
                self.run = indices;
            }
        }
        let index = self.run.start;
        self.run.start += 1;
        let block = block_of(index);
        while self.block.is_none_or(|read| read < block) {
            self.blocks.skip_to(block);
            match self.blocks.next().transpose()? {
                Some(records) => {
                    self.block = records.first().map(|record| block_of(record.index));
                    self.records = records;
                }
                None => (self.block, self.records) = (Some(u64::MAX), Vec::new()),
            }
        }
        let at = self.records.binary_search_by_key(&index, |record| record.index);
        Ok(Some(Failure::new(index, at.ok().and_then(|at| self.records.get(at)))))
    }
}

impl Iterator for Failures<'_> {
    type Item = Result<Failure>;

    fn next(&mut self) -> Option<Self::Item> {
        self.step().transpose()
    }
}

/// Failed points with the same cause and last line.
#[derive(Clone, Debug, PartialEq)]
pub struct FailureGroup {
    /// The cause, as `sweep retry --cause` takes it.
    pub cause: CausePattern,
    /// The cause of the example, in words.
    pub words: String,
    /// Whether other points have another text for the cause.
    pub varied: bool,
    /// The normalized line of output; none: nothing is stored.
    pub last_line: Option<String>,
    /// The line of the example as it was printed.
    pub example_line: Option<String>,
    /// Whether other points have another line that is the same when it is normalized.
    pub lines_differ: bool,
    /// Whether this group collects the points of one cause with too many different lines.
    pub mixed: bool,
    /// The number of points.
    pub count: u64,
    /// The first of these points.
    pub example: JobAddress,
    /// What these points have in common and others have not.
    pub shared: Vec<SharedTrait>,
}

/// The failed points by cause and line of output, the largest group first; at most the first `limit` points, and whether
/// there are more. What points share is found where `space` is given. Memory grows with the number of groups, which is at
/// most [`MOST_GROUPS`] plus one per cause.
///
/// # Errors
/// If the store cannot be read.
pub fn grouped(
    store: &dyn Store,
    row: &SweepRow,
    space: Option<&Space>,
    limit: u64,
) -> Result<(Vec<FailureGroup>, bool)> {
    let mut groups: HashMap<(String, Option<String>, bool), (FailureGroup, TraitTracker)> = HashMap::new();
    let mut failures = Failures::new(store, row);
    let (mut read, mut is_cut) = (0, false);
    while let Some(some) = failures.next_batch()? {
        if read >= limit {
            is_cut = true;
            break;
        }
        read += some.len() as u64;
        let lines = last_lines(store, row, &some)?;
        for (failure, line) in some.into_iter().zip(lines) {
            let cause = failure.cause.pattern();
            let mut key = (cause.to_string(), line.as_ref().map(|line| line.normalized.clone()), false);
            if groups.len() >= MOST_GROUPS && !groups.contains_key(&key) {
                (key.1, key.2) = (None, true);
            }
            let (last_line, mixed) = (key.1.clone(), key.2);
            let example = JobAddress { sweep: row.id.clone(), index: failure.index };
            let words = failure.cause.to_string();
            let printed = line.filter(|_| !mixed).map(|line| line.printed);
            let new = || {
                let (words, example_line) = (words.clone(), printed.clone());
                let group = FailureGroup {
                    cause,
                    words,
                    varied: false,
                    last_line,
                    example_line,
                    lines_differ: false,
                    mixed,
                    count: 0,
                    example,
                    shared: Vec::new(),
                };
                (group, TraitTracker::default())
            };
            let (group, tracker) = groups.entry(key).or_insert_with(new);
            group.count += 1;
            group.varied |= group.words != words;
            group.lines_differ |= group.example_line != printed;
            if let Some(point) = space.and_then(|space| space.point(failure.index)) {
                tracker.add(&point.params, &failure.host);
            }
        }
    }
    let mut groups: Vec<(FailureGroup, TraitTracker)> = groups.into_values().collect();
    groups.sort_by(|(a, _), (b, _)| b.count.cmp(&a.count).then(a.example.cmp(&b.example)));
    if let Some(space) = space {
        let trackers: Vec<(u64, &TraitTracker)> =
            groups.iter().map(|(group, tracker)| (group.count, tracker)).collect();
        let shared = shared_traits::find(store, row, space, &trackers)?;
        groups.iter_mut().zip(shared).for_each(|((group, _), shared)| group.shared = shared);
    }
    Ok((groups.into_iter().map(|(group, _)| group).collect(), is_cut))
}

/// The command that puts the points of a group back in the queue, and no others; for a mixed group, all points of its
/// cause.
pub fn retry_command(row: &SweepRow, group: &FailureGroup, groups: &[FailureGroup]) -> Vec<String> {
    let mut words = vec!["sweep".into(), "retry".into(), row.id.to_string(), "--cause".into(), group.cause.to_string()];
    let shares_cause = groups.iter().filter(|other| other.cause == group.cause).count() > 1;
    if shares_cause && !group.mixed {
        words.push(format!("--last-line={}", group.last_line.as_deref().unwrap_or_default()));
    }
    words
}
