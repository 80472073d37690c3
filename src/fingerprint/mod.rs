//! Owns computing a [`Fingerprint`]: the hash of everything that decides a job's result besides its point.
//!
//! Two sweeps with the same fingerprint give the same result at the same point, so the point need not be run again. The
//! computation is pure except for reading the files.
//!
//! The fingerprint covers:
//! - the command with `shell`, `env`, `stdin` and the templates;
//! - every existing file that a word of the command names at one of the first [`GRID_POINTS`] grid points;
//! - the files that `[files] watch` finds.
//!
//! It does not cover the parameter space, nor settings that decide only how a job is run (time limits, retries, memory,
//! queue). The settings of `[results]` have a hash of their own: if only that one changes, results are read again from
//! stored output and no job is run.
//!
//! A hash is the first 16 bytes of a BLAKE3 hash in hexadecimal digits. For a file it is the hash of the content; for a
//! setting, of its encoding, see `encoding`.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use glob::{MatchOptions, Pattern};
use thiserror::Error;

use crate::files::Files;
use crate::model::{FileSettings, Fingerprint, Hash, Spec};
use crate::project::names::hash_digits;
use crate::space::Space;

mod command_files;
mod encoding;

pub use command_files::{PossiblePath, possible_paths};

/// How many grid points are searched for files that their commands name.
pub const GRID_POINTS: u64 = 4096;

/// A fingerprint that cannot be computed.
#[derive(Debug, Error)]
pub enum FingerprintError {
    /// A file cannot be read.
    #[error("cannot read {path}: {why}")]
    File {
        /// The file, relative to the sweep file's folder, or absolute.
        path: String,
        /// Why.
        why: io::Error,
    },
    /// A pattern of `[files] watch` cannot be used.
    #[error("cannot use the pattern `{pattern}` in [files] watch: {why}")]
    Pattern {
        /// The pattern.
        pattern: String,
        /// Why.
        why: String,
    },
    /// The templates do not compile. Reading a sweep file reports this earlier, with the place.
    #[error("cannot compile the command: {0}")]
    Template(String),
}

/// Computes the fingerprint of a sweep with the files as they are now. `here` is the sweep file's folder, absolute.
/// O(size of the files), plus rendering up to [`GRID_POINTS`] commands.
///
/// # Errors
/// See [`FingerprintError`]. A fingerprint is never computed from a part of the files: earlier results could then be
/// reused although an input file changed.
pub fn compute(spec: &Spec, space: &Space, files: &dyn Files, here: &str) -> Result<Fingerprint, FingerprintError> {
    let job = &spec.job;
    let mut settings = BTreeMap::from([
        ("command".to_owned(), encoding::command(&spec.command, job.shell)),
        ("env".to_owned(), encoding::env(&job.env)),
        ("stdin".to_owned(), encoding::stdin(job.stdin.as_deref())),
    ]);
    for file in &spec.templates {
        settings.insert(format!("[templates] {}", file.name), encoding::template(file));
    }
    if spec.keeps_empty_words {
        settings.insert("the rule for empty arguments".to_owned(), encoding::keeps_empty_words());
    }
    let relative = |path: &str| relative(path, here);
    let mut watched = BTreeSet::new();
    for pattern in &spec.files.watch {
        let found = files.find(pattern);
        let found = found.map_err(|why| FingerprintError::Pattern { pattern: pattern.clone(), why })?;
        watched.extend(found.iter().map(|path| relative(path)));
    }
    watched.retain(|path| is_input(spec, path));
    let named = command_files::candidates(spec, space, here)?;
    let mut named: BTreeSet<String> =
        named.iter().map(|path| relative(path)).filter(|path| is_input(spec, path)).collect();
    named.retain(|path| !watched.contains(path));
    let results = encoding::results(&spec.results);
    Ok(Fingerprint { settings, files: hashes(files, named)?, watched: hashes(files, watched)?, results })
}

/// Whether `[files] watch` covers a path relative to the sweep file's folder. The file need not exist.
pub fn is_watched(spec: &Spec, path: &str) -> bool {
    watches(&spec.files, path) && is_input(spec, path)
}

/// The path of an input as the fingerprint names it: relative to the sweep file's folder `here` if it is below that,
/// otherwise as it is.
pub fn relative(path: &str, here: &str) -> String {
    let below = path.strip_prefix(here.trim_end_matches('/')).and_then(|rest| rest.strip_prefix('/'));
    without_dot(below.unwrap_or(path)).to_owned()
}

/// Whether a file may be an input file. The table that `sweep run` writes never is, whatever the patterns say.
pub fn is_input(spec: &Spec, path: &str) -> bool {
    let table = format!("{}.results.csv", spec.name);
    let is_table = path.strip_prefix(&table).is_some_and(|rest| rest.is_empty() || rest == ".meta.json");
    !is_table && !ignores(&spec.files, path)
}

fn watches(settings: &FileSettings, path: &str) -> bool {
    let by_folder = MatchOptions { require_literal_separator: true, ..MatchOptions::default() };
    patterns(&settings.watch).any(|pattern| pattern.matches_with(path, by_folder))
}

/// Whether `[files] ignore` matches a path relative to the sweep file's folder.
pub fn ignores(settings: &FileSettings, path: &str) -> bool {
    patterns(&settings.ignore).any(|pattern| pattern.matches(path))
}

/// Invalid patterns were rejected when the sweep file was read, so none is dropped here.
fn patterns(texts: &[String]) -> impl Iterator<Item = Pattern> {
    texts.iter().filter_map(|pattern| Pattern::new(without_dot(pattern)).ok())
}

/// A path or pattern without a leading `./`.
fn without_dot(path: &str) -> &str {
    path.trim_start_matches("./")
}

/// The first 16 bytes of a hash, in hexadecimal digits.
pub fn digits(hash: &blake3::Hash) -> Hash {
    hash_digits(hash)
}

/// The hashes of those paths that are files.
fn hashes(files: &dyn Files, paths: BTreeSet<String>) -> Result<BTreeMap<String, Hash>, FingerprintError> {
    let mut hashes = BTreeMap::new();
    for path in paths {
        match files.hash(&path) {
            Ok(Some(hash)) => drop(hashes.insert(path, digits(&hash))),
            Ok(None) => {}
            Err(why) => return Err(FingerprintError::File { path, why }),
        }
    }
    Ok(hashes)
}

#[cfg(test)]
mod tests;
