//! Owns noticing that the jobs of a sweep gave no results.

use crate::error::Result;
use crate::job::{JobAddress, Outcome};
use crate::model::Spec;
use crate::ops::history::Blocks;
use crate::ops::output;
use crate::ops::show::text;
use crate::store::{Store, SweepRow};
use crate::visible::{informative_line, visible_in_line};

/// The longest line that is shown, in characters.
const LONGEST_LINE: usize = 120;

/// A sweep whose finished jobs gave no result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoResults {
    /// The number of jobs that succeeded.
    pub jobs: u64,
    /// The first of them.
    pub example: JobAddress,
    /// The last line of what it printed; none: nothing, or it was not kept.
    pub last_line: Option<String>,
}

impl NoResults {
    /// What happened, and what to do.
    pub fn message(&self) -> (String, &'static str) {
        let NoResults { jobs, example, last_line } = self;
        let all = if *jobs == 1 {
            "the job that has succeeded".to_owned()
        } else {
            format!("all {jobs} jobs that have succeeded")
        };
        let line = match last_line {
            Some(line) => format!("the last line of {example} is `{line}`"),
            None => format!("`sweep logs {example}` shows what one of them printed"),
        };
        (format!("{}: {all} gave no result; {line}", example.sweep), HELP)
    }
}

/// What to do about jobs without results.
pub const HELP: &str = "print results as lines `name = value` or as a JSON object, or say under [results] how they are read; for \
                        jobs without results write format = \"none\" there";

/// Looks whether no job of a sweep gave a result although the sweep reads results. None: some did, no job has succeeded, or
/// the sweep reads none. Reads one block of records and one output.
///
/// # Errors
/// If the store cannot be read.
pub fn find(store: &dyn Store, row: &SweepRow, spec: &Spec) -> Result<Option<NoResults>> {
    if row.counts.succeeded == 0 || spec.results.is_empty() || !store.columns(&row.id)?.is_empty() {
        return Ok(None);
    }
    for block in Blocks::new(store, &row.id, row.counts.total) {
        let block = block?;
        let succeeded = block.iter().find(|record| matches!(record.outcome, Outcome::Succeeded { .. }));
        let Some(record) = succeeded else { continue };
        let output = output::of_record(store, &row.id, record)?;
        let line = output.and_then(|output| {
            let stdout = text(&output.stdout);
            informative_line(&stdout).map(|line| visible_in_line(&line.chars().take(LONGEST_LINE).collect::<String>()))
        });
        let example = JobAddress { sweep: row.id.clone(), index: record.index };
        return Ok(Some(NoResults { jobs: row.counts.succeeded, example, last_line: line }));
    }
    Ok(None)
}
