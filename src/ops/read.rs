//! Owns reading a sweep file for `run`, `submit` and `check`: opens it, evaluates its conditions and computes the
//! fingerprint.

use std::path::Path;

use crate::error::Error;
use crate::files::Disk;
use crate::fingerprint::{self, FingerprintError};
use crate::model::{Document, Fingerprint};
use crate::ops::directories;
use crate::process::{git_state, host_name};
use crate::space::Space;
use crate::spec::{self, Diagnostics, OpenError, OpenedFile, SweepFile};

/// A sweep file that cannot be used.
#[derive(Debug)]
pub enum ReadError {
    /// It has errors. The caller renders them, with or without colours.
    Mistakes(Diagnostics),
    /// Anything else.
    Other(Error),
}

impl From<Error> for ReadError {
    fn from(error: Error) -> Self {
        ReadError::Other(error)
    }
}

/// What the caller shows while a sweep file is read.
pub struct ReadEvents<'a> {
    /// Called with the warnings (possibly none) if the file has no errors, and again with those that only the points show.
    pub warnings: &'a mut dyn FnMut(&Diagnostics),
    /// Called regularly while conditions are evaluated, with the number of points done and the total.
    pub progress: &'a mut dyn FnMut(u64, u64),
}

/// Reads a sweep file to submit. Runs git to record the state of its folder.
///
/// # Errors
/// If it cannot be read, or has errors.
pub fn for_submission(path: &Path, events: &mut ReadEvents) -> Result<Document, ReadError> {
    let (_, document) = read(path, events)?;
    Ok(Document { git: git_state(&document.here), ..document })
}

/// Reads a sweep file, evaluates which points its conditions keep, and computes the fingerprint. Both are stored with the
/// sweep, so that workers need not compute them again.
///
/// # Errors
/// If it cannot be read, or has errors.
pub fn read(path: &Path, events: &mut ReadEvents) -> Result<(SweepFile, Document), ReadError> {
    let opened = spec::open(path).map_err(|error| match error {
        OpenError::Unreadable { why, .. } => Error::file("read", path)(why).into(),
        OpenError::Mistakes(mistakes) => ReadError::Mistakes(mistakes),
        error @ OpenError::Folder(_) => {
            Error::usage(error.to_string()).remedy("move the sweep file to another folder").into()
        }
        error @ OpenError::NotText(_) => Error::usage(error.to_string()).remedy(spec::SAVE_AS_UTF8).into(),
    })?;
    (events.warnings)(&opened.sweep_file.warnings);
    let (mut sweep_file, mut document) = document(opened);
    let space =
        Space::prepare(document.spec.space, events.progress).map_err(|error| {
            match spec::mistaken_conditions(&path.display().to_string(), &document.text, &error) {
                Some(mistakes) => ReadError::Mistakes(mistakes),
                None => Error::from(error).into(),
            }
        })?;
    document.spec.space = space.spec().clone();
    let disk = Disk { here: document.here.clone() };
    let here = document.here.to_string_lossy();
    if let Some(shared) = directories::shared(&document.spec, &space, &here) {
        let found = vec![spec::shared_directory(&document.spec, &document.text, &shared)];
        let found = Diagnostics { file: path.display().to_string(), text: document.text.clone(), list: found };
        if found.has_errors() {
            return Err(ReadError::Mistakes(found));
        }
        (events.warnings)(&found);
        sweep_file.warnings.list.extend(found.list);
    }
    document.fingerprint = fingerprint::compute(&document.spec, &space, &disk, &here).map_err(|error| match error {
        FingerprintError::File { path, why } => Error::file("read", &document.here.join(path))(why),
        error => Error::usage(error.to_string()),
    })?;
    Ok((sweep_file, document))
}

/// The document of an opened file, before points are selected and the fingerprint is computed.
pub fn document(opened: OpenedFile) -> (SweepFile, Document) {
    let inputs = opened.inputs();
    let OpenedFile { sweep_file, text, path, here } = opened;
    let document = Document {
        submission: String::new(),
        spec: sweep_file.spec.clone(),
        text,
        here,
        file: path,
        inputs,
        git: None,
        fingerprint: Fingerprint::default(),
        fresh: false,
        reused_from: Vec::new(),
        before_inputs: Vec::new(),
        earlier_versions: Vec::new(),
        sweep_version: env!("CARGO_PKG_VERSION").into(),
        host: host_name(),
    };
    (sweep_file, document)
}
