//! Owns submitting a sweep file: continuing a stored sweep, or creating a new one that reuses the results of earlier
//! ones.

use std::path::PathBuf;

use serde_json::{Value as Json, json};

use crate::error::{Error, Result};
use crate::job::SweepId;
use crate::model::{Document, FoundInputs};
use crate::ops::plan::{EarlierSweep, NotReused, Plan, ReusePolicy, ReuseSource, plan};
use crate::ops::reuse::{Reuse, ReusedPoints};
use crate::ops::select;
use crate::space::Space;
use crate::store::{Counts, NewSweep, StagedSweep, Store, StoreError, SweepRow};
use crate::system::random;

/// What to do with a sweep file, as decided from what is in the store.
pub struct SubmitPlan {
    /// What to do.
    pub plan: Plan,
    /// Messages about sweeps of that name that cannot be read and are ignored.
    pub unread: Vec<String>,
    /// The number of the newest stored sweep of that name; 0: there is none.
    newest: u64,
}

/// The effect of a submission.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SubmitReport {
    /// A sweep continues.
    Continued {
        /// The sweep.
        id: SweepId,
        /// The number of points in each state, before failed and cancelled ones are put back in the queue.
        before: Counts,
        /// Why it was paused, if it was.
        paused: Option<String>,
    },
    /// A new sweep.
    New {
        /// The number of its points.
        total: u64,
        /// The points that it reuses.
        reused: ReusedPoints,
        /// The sweep that it does not reuse.
        not_reused: Option<NotReused>,
        /// The first of the reused sweeps that had another `[results]`.
        results_changed_since: Option<SweepId>,
    },
}

/// Decides what to do. Reads the documents of earlier sweeps of the same name only as far as needed.
///
/// # Errors
/// If the store cannot be read.
pub fn plan_submission(store: &dyn Store, document: &Document, policy: ReusePolicy) -> Result<SubmitPlan> {
    let name = &document.spec.name;
    let rows: Vec<SweepRow> = store.sweeps()?.into_iter().filter(|row| row.id.name == *name).collect();
    let newest = rows.iter().map(|row| row.id.number).max().unwrap_or(0);
    let mut unread = Vec::new();
    let older = rows.into_iter().filter_map(|row| older(store, row, &mut unread).transpose());
    let plan = plan(document, policy, older)?;
    Ok(SubmitPlan { plan, unread, newest })
}

/// A stored sweep; none: it was removed in the meantime, or cannot be read (a newer version of sweep wrote it).
fn older(store: &dyn Store, row: SweepRow, unread: &mut Vec<String>) -> Result<Option<EarlierSweep>> {
    let bytes = match store.document(&row.id) {
        Err(error) if error.is_no_such_sweep() => return Ok(None),
        bytes => bytes?,
    };
    match Document::decode(&bytes) {
        Ok(document) => Ok(Some(EarlierSweep { id: row.id, counts: row.counts, document })),
        Err(why) => {
            unread.push(format!("no points are reused from {}: {why}", row.id));
            Ok(None)
        }
    }
}

impl SubmitReport {
    /// The JSON form: the sweep that continues, how many points are done and to run, and what has changed.
    pub fn to_json(&self) -> Json {
        match self {
            SubmitReport::Continued { id, before, .. } => json!({
                "sweep": id.to_string(),
                "done": before.succeeded,
                "to_run": before.total - before.succeeded,
                "changed": [],
            }),
            SubmitReport::New { total, reused, not_reused, .. } => {
                let changes = not_reused.iter().flat_map(|not_reused| &not_reused.changes);
                json!({
                    "sweep": null,
                    "done": reused.points(),
                    "to_run": total - reused.points(),
                    "changed": changes.map(ToString::to_string).collect::<Vec<_>>(),
                })
            }
        }
    }
}

impl SubmitPlan {
    /// Whether there is no sweep of that name.
    pub fn is_first(&self) -> bool {
        self.newest == 0
    }

    /// What the submission would do; changes nothing. Calls `progress` with the number of earlier points done and
    /// the total.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn preview(
        self,
        store: &dyn Store,
        document: &Document,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<SubmitReport> {
        match self.plan {
            Plan::Continue(id) => {
                let row = store.sweep(&id)?;
                Ok(SubmitReport::Continued { id, before: row.counts, paused: row.paused })
            }
            Plan::New { sources, not_reused } => {
                let space = space(document)?;
                let reuse = Reuse { store, sources: &sources, space: &space, results: &document.spec.results };
                let reused = reuse.count(progress)?;
                Ok(SubmitReport::New {
                    total: space.len(),
                    reused,
                    not_reused,
                    results_changed_since: first_with_changed_results(&sources),
                })
            }
        }
    }

    /// Carries the plan out and returns the sweep. Two identical submissions at the same time create one sweep. Without
    /// reuse the time does not depend on the number of points.
    ///
    /// # Errors
    /// If the space cannot be computed, or the store refuses.
    pub fn carry_out(
        self,
        store: &dyn Store,
        document: &Document,
        policy: ReusePolicy,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<(SweepId, SubmitReport)> {
        let newest = self.newest;
        match self.plan {
            Plan::Continue(id) => continue_sweep(store, document, id),
            Plan::New { sources, not_reused } => {
                let space = space(document)?;
                let staged_sweep = staged_sweep(document, &space, policy, newest)?;
                let reuse = Reuse { store, sources: &sources, space: &space, results: &document.spec.results };
                let (id, reused) = reuse.make(&staged_sweep, progress)?;
                Ok((
                    id,
                    SubmitReport::New {
                        total: space.len(),
                        reused,
                        not_reused,
                        results_changed_since: first_with_changed_results(&sources),
                    },
                ))
            }
        }
    }
}

fn first_with_changed_results(sources: &[ReuseSource]) -> Option<SweepId> {
    sources.iter().find(|source| source.results_changed).map(|source| source.id.clone())
}

fn space(document: &Document) -> Result<Space> {
    Space::new(document.spec.space.clone()).map_err(Error::from)
}

/// Continues a sweep with the current settings of the file; puts its failed and cancelled points back in the queue.
fn continue_sweep(store: &dyn Store, document: &Document, id: SweepId) -> Result<(SweepId, SubmitReport)> {
    let row = store.sweep(&id)?;
    let stored = store.document(&id)?;
    let before = Document::decode(&stored).map_err(|error| StoreError::damaged(error.to_string()))?;
    // These fields describe the original submission. The fingerprint keeps the hashes of files that the command no longer
    // names.
    let document = Document {
        submission: before.submission,
        fresh: before.fresh,
        git: before.git,
        sweep_version: before.sweep_version,
        host: before.host,
        fingerprint: document.fingerprint.clone().with_files_of(&before.fingerprint),
        ..document.clone()
    };
    let encoded = encode(&document)?;
    if encoded != stored {
        store.replace_document(&id, &document.spec.job.queue, &encoded)?;
    }
    let counts = row.counts;
    if counts.failed + counts.cancelled > 0 {
        store.requeue(&id, &[std::ops::Range { start: 0, end: counts.total }])?;
    }
    if row.paused.is_some() {
        store.set_paused(&id, None)?;
    }
    Ok((id.clone(), SubmitReport::Continued { id, before: counts, paused: row.paused }))
}

/// The new sweep. The id of its request is computed from the sweep and the newest stored one, so that identical commands at
/// the same time send the same request. Each `--fresh` sends a different request.
fn staged_sweep(document: &Document, space: &Space, policy: ReusePolicy, newest: u64) -> Result<StagedSweep> {
    let random = || random().map_err(|error| Error::usage(error.to_string()));
    let token = format!("{:016x}", random()?);
    let spec = &document.spec;
    let request = match policy {
        ReusePolicy::Never => token.clone(),
        ReusePolicy::IfUnchanged | ReusePolicy::EvenIfChanged => {
            // Of the document only what decides what is run: not when, where and by which text it was submitted.
            let what = Document {
                submission: String::new(),
                text: String::new(),
                here: PathBuf::new(),
                file: PathBuf::new(),
                inputs: Vec::new(),
                git: None,
                fresh: false,
                sweep_version: String::new(),
                host: String::new(),
                ..document.clone()
            };
            let mut hasher = blake3::Hasher::new();
            hasher.update(&[u8::from(policy == ReusePolicy::EvenIfChanged)]);
            hasher.update(&newest.to_le_bytes());
            hasher.update(&encode(&what)?);
            hasher.finalize().to_hex().to_string()
        }
    };
    let document = Document { submission: token.clone(), fresh: policy == ReusePolicy::Never, ..document.clone() };
    let sweep = NewSweep {
        request,
        name: spec.name.clone(),
        queue: spec.job.queue.clone(),
        total: space.len(),
        user: select::user(),
        document: encode(&document)?,
        inputs: FoundInputs::default(),
    };
    Ok(StagedSweep { token, sweep })
}

fn encode(document: &Document) -> Result<Vec<u8>> {
    document.encode().map_err(|error| Error::usage(error.to_string()))
}
