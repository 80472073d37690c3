//! Owns reading a sweep file from disk: the one side effect in this folder.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::files::utf8;
use super::{Diagnostics, Import, SourceFile, SweepFile, read};

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
    /// The path of its folder is not Unicode, so it cannot be stored with the sweep.
    #[error("the path of the folder {} is not Unicode", .0.display())]
    Folder(PathBuf),
    /// It is not UTF-8. The text gives the line.
    #[error("{0}")]
    NotText(String),
    /// It has errors.
    #[error("{0}")]
    Mistakes(Diagnostics),
}

/// A sweep file read from disk.
#[derive(Clone, Debug)]
pub struct OpenedFile {
    /// What it says.
    pub sweep_file: SweepFile,
    /// Its text.
    pub text: String,
    /// Its path, absolute.
    pub path: PathBuf,
    /// Its folder, absolute.
    pub here: PathBuf,
}

impl OpenedFile {
    /// The files that values and templates were read from, as the sweep file names them.
    pub fn inputs(&self) -> Vec<String> {
        let values = self.sweep_file.imports.iter().filter_map(|import| match import {
            Import::Lines { file, .. } | Import::Points { file, .. } => Some(file),
            Import::Glob { .. } => None,
        });
        values.chain(self.sweep_file.spec.templates.iter().map(|template| &template.file)).cloned().collect()
    }
}

/// Reads and checks a sweep file.
///
/// # Errors
/// If it cannot be read, or with all its errors and warnings.
pub fn open(path: &Path) -> Result<OpenedFile, OpenError> {
    let unreadable = |why| OpenError::Unreadable { path: path.to_owned(), why };
    let bytes = std::fs::read(path).map_err(unreadable)?;
    let text = utf8(&path.display().to_string(), bytes).map_err(OpenError::NotText)?;
    let absolute = path.canonicalize().map_err(unreadable)?;
    let here = absolute.parent().unwrap_or(Path::new("/")).to_owned();
    if here.to_str().is_none() {
        return Err(OpenError::Folder(here));
    }
    let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let source = SourceFile { file: path.display().to_string(), stem, here: here.clone() };
    let sweep_file = read(&text, &source).map_err(OpenError::Mistakes)?;
    Ok(OpenedFile { sweep_file, text, path: absolute, here })
}
