//! Owns submitting a sweep file: continuing a stored sweep, or creating a new one that reuses the results of earlier
//! ones.

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde_json::{Value as Json, json};

use crate::error::{Error, Result};
use crate::job::SweepId;
use crate::model::{Document, FoundInputs, Spec};
use crate::ops::inputs::{DiskStates, inherited};
use crate::ops::plan::{EarlierSweep, NotReused, Plan, ReusePolicy, ReuseRequest, ReuseSource, plan};
use crate::ops::reuse::{Reuse, ReusedPoints};
use crate::ops::{select, sign};
use crate::sign::SigningKey;
use crate::space::Space;
use crate::store::{Counts, NewSweep, StagedSweep, Store, StoreError, StoreErrorKind, SweepRow};
use crate::system::random;

/// What to do with a sweep file, as decided from what is in the store.
pub struct SubmitPlan {
    /// What to do.
    pub plan: Plan,
    /// Messages about sweeps of that name that cannot be read and are ignored.
    pub unread: Vec<String>,
    /// A sweep of another name with the same points, command and inputs, and how many successes it has; none: something
    /// is reused, or there is none.
    alike: Option<(SweepId, u64)>,
    /// The inputs of the sweeps that a new sweep reuses.
    inherited: FoundInputs,
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
        /// The inputs that the store keeps of it.
        inputs: FoundInputs,
        /// How many versions of files its results have.
        versions: u32,
    },
    /// A new sweep.
    New {
        /// The number of its points.
        total: u64,
        /// The points that it reuses.
        reused: ReusedPoints,
        /// Sweeps that it does not reuse.
        not_reused: Vec<NotReused>,
        /// A sweep of another name with the same points, command and inputs, and how many successes it has.
        alike: Option<(SweepId, u64)>,
        /// The inputs of the reused sweeps.
        inputs: FoundInputs,
        /// The first of the reused sweeps that had another `[results]`.
        results_changed_since: Option<SweepId>,
    },
}

/// Decides what to do. Reads the documents and inputs of earlier sweeps only as far as needed.
///
/// # Errors
/// If the store cannot be read, or has no sweep that the request names.
pub fn plan_submission(store: &dyn Store, document: &Document, request: &ReuseRequest) -> Result<SubmitPlan> {
    let name = &document.spec.name;
    let all = store.sweeps()?;
    let mut rows: Vec<SweepRow> = all.iter().filter(|row| row.id.name == *name).cloned().collect();
    let newest = rows.iter().map(|row| row.id.number).max().unwrap_or(0);
    for asked in &request.from {
        if rows.iter().all(|row| row.id != *asked) {
            rows.push(store.sweep(asked)?);
        }
    }
    let mut reader = EarlierReader { store, document, disk: DiskStates::new(document), unread: Vec::new() };
    let mut is_new_here = true;
    let older = rows.into_iter().filter_map(|row| {
        let older = reader.read(row).transpose();
        is_new_here &= !matches!(&older, Some(Ok(older)) if !older.is_elsewhere);
        older
    });
    let plan = plan(document, request, older)?;
    let alike = match &plan {
        Plan::New { sources, not_reused, .. } if sources.is_empty() && not_reused.is_empty() && is_new_here => {
            reader.alike(&all, request.policy)?
        }
        _ => None,
    };
    let inherited = match &plan {
        Plan::New { sources, .. } => inherited(sources, &mut reader.disk),
        Plan::Continue(_) => FoundInputs::default(),
    };
    Ok(SubmitPlan { plan, unread: reader.unread, alike, inherited, newest })
}

/// Reads earlier sweeps and compares their inputs with the disk.
struct EarlierReader<'a> {
    store: &'a dyn Store,
    document: &'a Document,
    disk: DiskStates<'a>,
    unread: Vec<String>,
}

impl EarlierReader<'_> {
    /// A stored sweep; none: it was removed in the meantime, or cannot be read (a newer version of sweep wrote it).
    fn read(&mut self, row: SweepRow) -> Result<Option<EarlierSweep>> {
        let read = self.store.document(&row.id).and_then(|bytes| Ok((bytes, self.store.inputs(&row.id)?)));
        let (bytes, inputs) = match read {
            Err(error) if error.is_no_such_sweep() => return Ok(None),
            Err(error) if error.kind == StoreErrorKind::Newer => return Ok(self.ignore(&row, &error.to_string())),
            read => read?,
        };
        let document = match Document::decode(&bytes) {
            Ok(document) => document,
            Err(why) => return Ok(self.ignore(&row, &why.to_string())),
        };
        let input_changes = self.disk.changes(&inputs);
        let is_elsewhere = document.spec.name != self.document.spec.name || document.here != self.document.here;
        Ok(Some(EarlierSweep { id: row.id, counts: row.counts, document, inputs, input_changes, is_elsewhere }))
    }

    fn ignore(&mut self, row: &SweepRow, why: &str) -> Option<EarlierSweep> {
        self.unread.push(format!("no points are reused from {}: {why}", row.id));
        None
    }

    /// The newest sweep of another name that has the same points, command and inputs, and successes: the sweep file may
    /// have been renamed.
    fn alike(&mut self, rows: &[SweepRow], policy: ReusePolicy) -> Result<Option<(SweepId, u64)>> {
        /// The most sweeps that are read.
        const MOST: usize = 50;
        if policy == ReusePolicy::Never {
            return Ok(None);
        }
        let (name, total) = (&self.document.spec.name, space(self.document)?.len());
        let may_be = |row: &&SweepRow| row.id.name != *name && row.counts.total == total && row.counts.succeeded > 0;
        for row in rows.iter().filter(may_be).take(MOST) {
            let unread = self.unread.len();
            let read = self.read(row.clone())?;
            // Whether a sweep of another name can be read is no concern of this one.
            self.unread.truncate(unread);
            if let Some(other) = read.filter(|other| other.is_alike(self.document)) {
                return Ok(Some((other.id, other.counts.succeeded)));
            }
        }
        Ok(None)
    }
}

impl SubmitReport {
    /// The inputs that are known besides those of the fingerprint.
    pub fn inputs(&self) -> &FoundInputs {
        match self {
            SubmitReport::Continued { inputs, .. } | SubmitReport::New { inputs, .. } => inputs,
        }
    }

    /// The JSON form: the sweep that continues, how many points are done and to run, and what has changed.
    pub fn to_json(&self) -> Json {
        match self {
            SubmitReport::Continued { id, before, .. } => json!({
                "sweep": id.to_string(),
                "done": before.succeeded,
                "to_run": before.total - before.succeeded,
                "changed": [],
                "same_points": null,
            }),
            SubmitReport::New { total, reused, not_reused, alike, .. } => {
                let changes = not_reused.iter().flat_map(|not_reused| &not_reused.changes);
                json!({
                    "sweep": null,
                    "done": reused.points(),
                    "to_run": total - reused.points(),
                    "changed": changes.map(ToString::to_string).collect::<Vec<_>>(),
                    "same_points": alike.as_ref().map(|(id, _)| id.to_string()),
                })
            }
        }
    }
}

impl SubmitPlan {
    /// Whether it creates a sweep, and no stored sweep matters for it.
    pub fn says_nothing(&self) -> bool {
        let is_plain =
            matches!(&self.plan, Plan::New { sources, not_reused, .. } if sources.is_empty() && not_reused.is_empty());
        self.newest == 0 && self.alike.is_none() && is_plain
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
                let inputs = store.inputs(&id)?;
                let versions = Document::decode(&store.document(&id)?).map_err(StoreError::from)?.version();
                Ok(SubmitReport::Continued { id, before: row.counts, paused: row.paused, inputs, versions })
            }
            Plan::New { sources, not_reused, earlier_versions } => {
                let space = space(document)?;
                let version = earlier_versions.len() as u32 + 1;
                let reuse = Reuse { store, sources: &sources, space: &space, spec: &document.spec, version };
                let reused = reuse.count(progress)?;
                Ok(SubmitReport::New {
                    total: space.len(),
                    reused,
                    not_reused,
                    alike: self.alike,
                    inputs: self.inherited,
                    results_changed_since: first_with_changed_results(&sources),
                })
            }
        }
    }

    /// Carries the plan out and returns the sweep, signed if there is a key. Two identical submissions at the same time create one sweep. Without
    /// reuse the time does not depend on the number of points.
    ///
    /// # Errors
    /// If the space cannot be computed, or the store refuses.
    pub fn carry_out(
        self,
        store: &dyn Store,
        document: &Document,
        policy: ReusePolicy,
        key: Option<&SigningKey>,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<(SweepId, SubmitReport)> {
        let SubmitPlan { plan, newest, alike, inherited, .. } = self;
        let (sources, not_reused, earlier_versions) = match plan {
            Plan::Continue(id) => return continue_sweep(store, document, id, key),
            Plan::New { sources, not_reused, earlier_versions } => (sources, not_reused, earlier_versions),
        };
        let space = space(document)?;
        let reused_from = sources.iter().map(|source| source.id.to_string()).collect();
        let document = Document { reused_from, earlier_versions, ..document.clone() };
        let staged = staged_sweep(&document, &space, policy, newest, inherited.clone())?;
        let version = document.version();
        let reuse = Reuse { store, sources: &sources, space: &space, spec: &document.spec, version };
        let complete = |reused: &ReusedPoints, id: Option<&SweepId>, mut staged: StagedSweep| -> Result<StagedSweep> {
            let submission = staged.token.clone();
            let document = Document { submission, before_inputs: before_inputs(&sources, reused), ..document.clone() };
            let document = Document { fresh: policy == ReusePolicy::Never, ..document };
            staged.sweep.document = match id {
                Some(id) => sign::encode(&document, id, space.len(), key, None)?,
                None => encode(&document)?,
            };
            Ok(staged)
        };
        let (id, reused) = reuse.make(staged, &complete, key.is_some(), progress)?;
        let results_changed_since = first_with_changed_results(&sources);
        Ok((
            id,
            SubmitReport::New {
                total: space.len(),
                reused,
                not_reused,
                alike,
                inputs: inherited,
                results_changed_since,
            },
        ))
    }
}

/// Of the sweeps that were reused, those whose inputs were not all known, and their sources of which this is true.
fn before_inputs(sources: &[ReuseSource], reused: &ReusedPoints) -> Vec<String> {
    let used = |source: &&ReuseSource| reused.from.iter().any(|(id, _)| *id == source.id);
    let all = sources.iter().filter(used).flat_map(|source| &source.before_inputs);
    all.cloned().collect::<BTreeSet<_>>().into_iter().collect()
}

fn first_with_changed_results(sources: &[ReuseSource]) -> Option<SweepId> {
    sources.iter().find(|source| source.results_changed).map(|source| source.id.clone())
}

fn space(document: &Document) -> Result<Space> {
    Space::new(document.spec.space.clone()).map_err(Error::from)
}

/// Continues a sweep with the current settings of the file; puts its failed and cancelled points back in the queue.
fn continue_sweep(
    store: &dyn Store,
    document: &Document,
    id: SweepId,
    key: Option<&SigningKey>,
) -> Result<(SweepId, SubmitReport)> {
    let row = store.sweep(&id)?;
    let stored = store.document(&id)?;
    let before = Document::decode(&stored).map_err(|error| StoreError::damaged(error.to_string()))?;
    // These fields describe the original submission. The fingerprint keeps the hashes of files that the command no longer
    // names.
    let mut document = Document {
        submission: before.submission,
        fresh: before.fresh,
        git: before.git,
        sweep_version: before.sweep_version,
        host: before.host,
        reused_from: before.reused_from,
        before_inputs: before.before_inputs,
        earlier_versions: before.earlier_versions,
        fingerprint: document.fingerprint.clone().with_files_of(&before.fingerprint),
        // Derived parameters and commands stay as they are, by the rules of their version.
        spec: Spec { space: before.spec.space, rules: before.spec.rules, ..document.spec.clone() },
        ..document.clone()
    };
    let inputs = store.inputs(&id)?;
    if row.counts.succeeded > row.counts.reused && !inputs.observed {
        let itself = id.to_string();
        if !document.before_inputs.contains(&itself) {
            document.before_inputs.push(itself);
        }
    }
    let encoded = sign::encode(&document, &id, row.counts.total, key, Some(&stored))?;
    if encoded != stored {
        store.replace_document(&id, &document.spec.job.queue, &encoded, None)?;
    }
    let counts = row.counts;
    if counts.failed + counts.cancelled > 0 {
        store.requeue(&id, &[std::ops::Range { start: 0, end: counts.total }])?;
    }
    if row.paused.is_some() {
        store.set_paused(&id, None)?;
    }
    let versions = document.version();
    Ok((id.clone(), SubmitReport::Continued { id, before: counts, paused: row.paused, inputs, versions }))
}

/// The new sweep, without its document. The id of its request is computed from the sweep and the newest stored one, so that identical commands at
/// the same time send the same request. Each `--fresh` sends a different request.
fn staged_sweep(
    document: &Document,
    space: &Space,
    policy: ReusePolicy,
    newest: u64,
    inputs: FoundInputs,
) -> Result<StagedSweep> {
    let random = || random().map_err(|error| Error::usage(error.to_string()));
    let token = format!("{:016x}", random()?);
    let spec = &document.spec;
    let request = match policy {
        ReusePolicy::Never => token.clone(),
        ReusePolicy::IfUnchanged | ReusePolicy::EvenIfChanged => {
            // Of the document only what decides what is run, and the folder: not when and by which text it was submitted.
            let what = Document {
                submission: String::new(),
                text: String::new(),
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
    let sweep = NewSweep {
        request,
        name: spec.name.clone(),
        queue: spec.job.queue.clone(),
        total: space.len(),
        user: select::user(),
        document: Vec::new(),
        inputs,
    };
    Ok(StagedSweep { token, sweep })
}

fn encode(document: &Document) -> Result<Vec<u8>> {
    document.encode().map_err(|error| Error::usage(error.to_string()))
}
