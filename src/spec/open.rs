//! Owns reading a sweep file from the disk: the one effect in this folder.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::files::{SAVE_AS_UTF8, utf8};
use super::{Diagnostics, Document, Fingerprint, Found, Read, Source, document, read};

/// A sweep file that cannot be used.
#[derive(Debug, Error)]
pub enum OpenError {
    /// It cannot be read.
    #[error("cannot read the sweep file {}: {why}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        why: io::Error,
    },
    /// Its folder has a name that is not Unicode, and so no place in a sweep.
    #[error("the folder {} has a name that is not Unicode; move the sweep file to another one", .0.display())]
    Folder(PathBuf),
    /// It is not UTF-8; the text says where.
    #[error("{0}; {SAVE_AS_UTF8}")]
    NotText(String),
    /// It has mistakes.
    #[error("{0}")]
    Mistakes(Diagnostics),
}

/// Reads and checks a sweep file. The document has no fingerprint yet: that takes the space, see [`Fingerprint::of`].
///
/// # Errors
/// If it cannot be read or has mistakes; all of them are told.
pub fn open(path: &Path) -> Result<(Read, Document), OpenError> {
    let unreadable = |why| OpenError::Unreadable { path: path.to_owned(), why };
    let bytes = std::fs::read(path).map_err(unreadable)?;
    let text = utf8(&path.display().to_string(), bytes).map_err(OpenError::NotText)?;
    let absolute = path.canonicalize().map_err(unreadable)?;
    let here = absolute.parent().unwrap_or(Path::new("/")).to_owned();
    if here.to_str().is_none() {
        return Err(OpenError::Folder(here));
    }
    let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let source = Source { file: path.display().to_string(), stem, here: here.clone() };
    let read = read(&text, &source).map_err(OpenError::Mistakes)?;
    let document = Document {
        version: document::VERSION,
        submission: String::new(),
        spec: read.spec.clone(),
        text,
        here,
        file: absolute.clone(),
        inputs: inputs(&read),
        git: None,
        fingerprint: Fingerprint::default(),
        fresh: false,
        sweep_version: env!("CARGO_PKG_VERSION").into(),
        host: crate::process::host_name(),
    };
    Ok((read, document))
}

/// The files that were read beside the sweep file.
fn inputs(read: &Read) -> Vec<String> {
    let values = read.found.iter().filter_map(|found| match found {
        Found::Lines { file, .. } | Found::Points { file, .. } => Some(file),
        Found::Glob { .. } => None,
    });
    values.chain(read.spec.templates.iter().map(|deck| &deck.file)).cloned().collect()
}
