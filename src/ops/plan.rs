//! Owns the decision between continuing a stored sweep and creating a new one that reuses earlier results. Pure;
//! [`crate::ops::reuse`] does the work.
//!
//! The sweeps of one name from one folder are one line: they continue each other. A sweep of another folder, or of another
//! name, is never continued. Its results are reused if all inputs of its jobs are known and equal on this disk, or if
//! the user asks for them.

use std::path::PathBuf;

use crate::job::SweepId;
use crate::model::{Document, EarlierVersion, FingerprintChange, FoundInputs, Input};
use crate::store::Counts;

/// Which earlier results may be reused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ReusePolicy {
    /// Those that ran with the same fingerprint and the same inputs.
    #[default]
    IfUnchanged,
    /// All, even if the command or an input has changed since.
    EvenIfChanged,
    /// None: start a new sweep.
    Never,
}

/// What a submission reuses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReuseRequest {
    /// Which results.
    pub policy: ReusePolicy,
    /// Sweeps that are reused even if they have another name or come from another folder.
    pub from: Vec<SweepId>,
}

/// A stored sweep of the same name, or one that the user asks for.
#[derive(Clone, Debug)]
pub struct EarlierSweep {
    /// Its id.
    pub id: SweepId,
    /// The number of its points in each state.
    pub counts: Counts,
    /// The submitted document.
    pub document: Document,
    /// The inputs that the store keeps of it.
    pub inputs: FoundInputs,
    /// Which of these differ from the disk.
    pub input_changes: Vec<FingerprintChange>,
    /// Whether it has another name or comes from another folder.
    pub is_elsewhere: bool,
}

impl EarlierSweep {
    /// Whether every file that can change its results is known: then equal files give equal results in any folder.
    pub fn inputs_are_known(&self) -> bool {
        self.inputs.observed && self.inputs.omitted == 0 && self.document.before_inputs.is_empty()
    }

    /// Whether it has the points, the command, the inputs and the `[results]` of the new document.
    pub fn is_alike(&self, document: &Document) -> bool {
        let results = &self.document.fingerprint.results;
        self.changes(document).is_empty()
            && *results == document.fingerprint.results
            && self.document.spec.space.same_as_written(&document.spec.space)
    }

    /// What differs from the new document and the disk.
    fn changes(&self, document: &Document) -> Vec<FingerprintChange> {
        let mut changes = document.fingerprint.changes_since(&self.document.fingerprint);
        for change in &self.input_changes {
            if changes.iter().all(|known| known.part != change.part) {
                changes.push(change.clone());
            }
        }
        changes
    }
}

/// A sweep whose successes are reused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReuseSource {
    /// The sweep.
    pub id: SweepId,
    /// The number of its points.
    pub total: u64,
    /// Whether `[results]` differs: results are then extracted again from the stored output.
    pub results_changed: bool,
    /// Whether the command or an input differs; then the user asks for its results nevertheless.
    pub is_changed: bool,
    /// Whether it belongs to the line of the new sweep.
    pub is_own: bool,
    /// For each version of its files, from the first: what its records become in the new sweep.
    pub versions: Vec<VersionInNew>,
    /// The inputs that the store keeps of it.
    pub inputs: FoundInputs,
    /// The sweeps whose successes it has and of which not all inputs were known; itself, if it was not observed.
    pub before_inputs: Vec<String>,
}

/// What the records of a version of a source's files become in the new sweep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VersionInNew {
    /// They are not reused.
    NotReused,
    /// The files are those of the new sweep.
    Present,
    /// They belong to this earlier version of the new sweep.
    Earlier(u32),
}

/// A sweep that is not reused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotReused {
    /// The sweep.
    pub id: SweepId,
    /// What has changed. Empty: it comes from another folder, and not all its inputs are known.
    pub changes: Vec<FingerprintChange>,
    /// The folder of its sweep file, if that is another one.
    pub elsewhere: Option<PathBuf>,
    /// The number of its points that have succeeded.
    pub succeeded: u64,
}

/// What a submission does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Plan {
    /// Continue this sweep.
    Continue(SweepId),
    /// Create a new one.
    New {
        /// The sweeps to reuse, the preferred one first.
        sources: Vec<ReuseSource>,
        /// The versions of files that reused results have and that differ from the present ones.
        earlier_versions: Vec<EarlierVersion>,
        /// Sweeps that are not reused: those that the user asked for, and the newest other one if nothing is reused.
        not_reused: Vec<NotReused>,
    },
}

/// Decides what to do. `older` are the sweeps of the same name, newest first, and then those that the request names; the
/// iterator is read only as far as needed. O(size of the documents).
///
/// - A sweep of this line with the same fingerprint, inputs, `[results]` and space is continued, if it is the newest with
///   that fingerprint or has nothing left to run. (Otherwise a newer one, of another space, may have points that it
///   lacks.) If the request names a sweep that it has not reused, it is continued only if it has nothing left to run.
/// - A sweep with successes whose exit codes or time-outs are failures now is not continued, and only its other successes
///   are reused.
/// - If there is none, the successes of every sweep with the same fingerprint and inputs are reused.
/// - Sweeps of this line older than one that was started with `--fresh` are not considered.
///
/// # Errors
/// Those of `older`.
pub fn plan<E>(
    document: &Document,
    request: &ReuseRequest,
    older: impl IntoIterator<Item = Result<EarlierSweep, E>>,
) -> Result<Plan, E> {
    let mut choice = Choice {
        document,
        request,
        sources: Vec::new(),
        earlier_versions: Vec::new(),
        not_reused: Vec::new(),
        is_hidden: false,
    };
    if request.policy != ReusePolicy::Never {
        for older in older {
            if choice.is_hidden && request.from.is_empty() {
                break;
            }
            if let Some(id) = choice.consider(older?) {
                return Ok(Plan::Continue(id));
            }
        }
    }
    Ok(choice.new_sweep())
}

/// What is decided so far.
struct Choice<'a> {
    document: &'a Document,
    request: &'a ReuseRequest,
    sources: Vec<ReuseSource>,
    earlier_versions: Vec<EarlierVersion>,
    not_reused: Vec<NotReused>,
    /// Whether a sweep that was started with `--fresh` hides the older ones of this line.
    is_hidden: bool,
}

impl Choice<'_> {
    /// Considers a sweep. Returns its id if it is continued.
    fn consider(&mut self, older: EarlierSweep) -> Option<SweepId> {
        let is_asked = self.request.from.contains(&older.id);
        let is_own = !older.is_elsewhere;
        if self.is_hidden && !is_asked {
            return None;
        }
        let changes = older.changes(self.document);
        let EarlierSweep { id, counts, document: before, .. } = &older;
        let results_changed = self.document.fingerprint.results != before.fingerprint.results;
        // Otherwise it has successes that are none with the settings of now.
        let accepts_all = self.document.spec.accepts_exits_of(&before.spec);
        let same_space = before.spec.space.same_as_written(&self.document.spec.space);
        let is_same = changes.is_empty() && !results_changed && accepts_all && same_space;
        if is_own && is_same && (counts.succeeded == counts.total || self.has_no_other_source(&older)) {
            return Some(id.clone());
        }
        let may_change = self.request.policy == ReusePolicy::EvenIfChanged && (is_own || is_asked);
        let is_reused = (changes.is_empty() || may_change) && (is_own || is_asked || older.inputs_are_known());
        // With another `[results]`, a point that failed without a result may have one.
        let has_something = counts.succeeded > 0 || results_changed && counts.failed > 0;
        self.is_hidden |= is_own && before.fresh;
        if is_reused && has_something {
            let source = self.source(older, results_changed, &changes);
            self.sources.push(source);
        } else if !is_reused && counts.succeeded > 0 {
            let elsewhere = older.is_elsewhere.then(|| before.here.clone());
            self.not_reused.push(NotReused { id: id.clone(), changes, elsewhere, succeeded: counts.succeeded });
        }
        None
    }

    /// Whether no other sweep would give points to this one.
    fn has_no_other_source(&self, older: &EarlierSweep) -> bool {
        let reused = |id: &SweepId| *id == older.id || older.document.reused_from.contains(&id.to_string());
        self.sources.iter().all(|source| !source.is_own) && self.request.from.iter().all(reused)
    }

    fn new_sweep(self) -> Plan {
        let is_asked = |not_reused: &NotReused| self.request.from.contains(&not_reused.id);
        // A sweep of this folder is preferred: another folder may have another study of the same name.
        let newest = self.not_reused.iter().position(|not_reused| not_reused.elsewhere.is_none()).unwrap_or(0);
        let nothing_reused = self.sources.is_empty();
        let numbered = self.not_reused.into_iter().enumerate();
        let not_reused = numbered.filter(|(at, one)| is_asked(one) || nothing_reused && *at == newest);
        let not_reused = not_reused.map(|(_, one)| one).collect();
        Plan::New { sources: self.sources, earlier_versions: self.earlier_versions, not_reused }
    }

    /// A source. Its earlier versions, and the last one if something has changed, are reused only if the user asks for it.
    fn source(&mut self, older: EarlierSweep, results_changed: bool, changes: &[FingerprintChange]) -> ReuseSource {
        let EarlierSweep { id, counts, document, inputs, is_elsewhere, .. } = older;
        let is_changed = !changes.is_empty();
        let last =
            EarlierVersion { sweep: None, fingerprint: document.fingerprint, inputs: changed_inputs(&inputs, changes) };
        let mut versions = Vec::new();
        for version in document.earlier_versions {
            versions.push(match self.request.policy {
                ReusePolicy::EvenIfChanged => self.earlier(&id, version),
                _ => VersionInNew::NotReused,
            });
        }
        versions.push(if is_changed { self.earlier(&id, last) } else { VersionInNew::Present });
        let mut before_inputs = document.before_inputs;
        if !inputs.observed {
            before_inputs.push(id.to_string());
        }
        let (total, is_own) = (counts.total, !is_elsewhere);
        ReuseSource { id, total, results_changed, is_changed, is_own, versions, inputs, before_inputs }
    }

    /// Adds an earlier version.
    fn earlier(&mut self, id: &SweepId, version: EarlierVersion) -> VersionInNew {
        let sweep = version.sweep.or_else(|| Some(id.to_string()));
        self.earlier_versions.push(EarlierVersion { sweep, ..version });
        VersionInNew::Earlier(self.earlier_versions.len() as u32)
    }
}

/// The inputs that have changed.
fn changed_inputs(inputs: &FoundInputs, changes: &[FingerprintChange]) -> Vec<Input> {
    let is_changed = |input: &&Input| changes.iter().any(|change| change.part.ends_with(&input.path));
    inputs.inputs.iter().filter(is_changed).cloned().collect()
}

#[cfg(test)]
mod tests;
