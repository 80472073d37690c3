//! Owns what `retry` needs when the files of a sweep have changed since it was submitted: finding that out, and making a new
//! version of the sweep.

use crate::error::{Error, Result};
use crate::files::Disk;
use crate::fingerprint;
use crate::model::{Document, EarlierVersion, Fingerprint, FingerprintChange, FoundInputs};
use crate::ops::inputs::DiskStates;
use crate::ops::sign;
use crate::sign::SigningKey;
use crate::space::Space;
use crate::store::{Store, StoreError, SweepRow};

/// The files of a sweep that differ from those that it was submitted with.
pub struct ChangedFiles {
    /// What has changed; at least one change.
    pub changes: Vec<FingerprintChange>,
    document: Document,
    found: FoundInputs,
    /// The fingerprint with the files as they are now.
    fingerprint: Fingerprint,
    /// The inputs as they are now.
    inputs: FoundInputs,
}

/// Compares the files of a stored sweep with the disk. None: they are the same, or its folder is not on this machine.
///
/// # Errors
/// If the store or a file cannot be read.
pub fn changed_files(store: &dyn Store, row: &SweepRow) -> Result<Option<ChangedFiles>> {
    let document = Document::decode(&store.document(&row.id)?).map_err(StoreError::from)?;
    if !document.here.is_dir() {
        return Ok(None);
    }
    let space = Space::new(document.spec.space.clone())?;
    let disk = Disk { here: document.here.clone() };
    let now = fingerprint::compute(&document.spec, &space, &disk, &document.here.to_string_lossy());
    let now = now.map_err(|error| Error::usage(error.to_string()))?;
    let found = store.inputs(&row.id)?;
    let mut states = DiskStates::new(&document);
    let mut changes = now.changes_since(&document.fingerprint);
    for change in states.changes(&found) {
        if changes.iter().all(|known| known.part != change.part) {
            changes.push(change);
        }
    }
    // A worker must see again what the changed files read.
    let inputs = FoundInputs { inputs: states.as_now(&found.inputs), observed: false, omitted: found.omitted };
    let fingerprint = now.with_files_of(&document.fingerprint);
    let changed = !changes.is_empty();
    Ok(changed.then_some(ChangedFiles { changes, document, found, fingerprint, inputs }))
}

/// Makes a new version of a sweep: attempts from now on belong to it, and records keep theirs. Signs it if
/// there is a key. Returns its number.
///
/// # Errors
/// If jobs are running, which have the earlier files, or the store refuses.
pub fn make_version(store: &dyn Store, row: &SweepRow, changed: ChangedFiles, key: Option<&SigningKey>) -> Result<u32> {
    let id = &row.id;
    if row.counts.running > 0 {
        return Err(Error::usage(format!("jobs of {id} are running, with the earlier files"))
            .remedy(format!("`sweep wait {id}` waits for their end, `sweep cancel {id}` ends them")));
    }
    let ChangedFiles { document, found, fingerprint, inputs, .. } = changed;
    let differing = found.inputs.into_iter().filter(|input| !inputs.inputs.contains(input)).collect();
    let earlier = EarlierVersion { sweep: None, fingerprint: document.fingerprint, inputs: differing };
    let mut earlier_versions = document.earlier_versions;
    earlier_versions.push(earlier);
    let document = Document { earlier_versions, fingerprint, ..document };
    let encoded = sign::encode(&document, id, row.counts.total, key, Some(&store.document(id)?))?;
    store.replace_document(id, &row.queue, &encoded, Some(&inputs))?;
    Ok(document.version())
}
