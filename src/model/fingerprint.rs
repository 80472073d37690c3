//! Owns [`Fingerprint`]: the hashes of everything that decides a job's result besides its point, and their comparison.
//!
//! [`crate::fingerprint`] computes it. It has several parts, each with its own hash, so that a message can name the part
//! that changed.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

/// A hash: 32 hexadecimal digits.
pub type Hash = String;

/// The fingerprint of a sweep. The default is empty and belongs to no sweep.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Fingerprint {
    /// Hashes of settings by name: `command`, `env`, `stdin`, and `[templates] NAME`.
    pub settings: BTreeMap<String, Hash>,
    /// Hashes of files that words of the command name, by path: relative to the sweep file's folder, or absolute.
    pub files: BTreeMap<String, Hash>,
    /// Hashes of files that `[files] watch` finds, by path.
    pub watched: BTreeMap<String, Hash>,
    /// Hash of how results are read. It is compared separately: see [`crate::fingerprint`].
    pub results: Hash,
}

/// A part of a fingerprint that differs from an earlier one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FingerprintChange {
    /// The name of the setting, or the path of the file.
    pub part: String,
    /// How it differs.
    pub kind: ChangeKind,
}

/// How a part differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeKind {
    /// Both fingerprints have it, with different hashes.
    Changed,
    /// Only the new one has it.
    Added,
    /// Only the earlier one has it.
    Removed,
}

impl fmt::Display for FingerprintChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verb = match self.kind {
            ChangeKind::Changed => "changed",
            ChangeKind::Added => "was added",
            ChangeKind::Removed => "was removed",
        };
        match self.part.as_str() {
            "command" => write!(f, "the command {verb}"),
            "env" | "stdin" => write!(f, "`{}` {verb}", self.part),
            part => write!(f, "{part} {verb}"),
        }
    }
}

impl Fingerprint {
    /// What differs from an earlier fingerprint, without `results`. Empty: earlier results can be reused.
    ///
    /// Files that words of the command name are compared only where both fingerprints have them. A file that only one
    /// of them has belongs to a parameter value that the other sweep lacks, or was written in between, perhaps by the
    /// jobs themselves.
    pub fn changes_since(&self, earlier: &Fingerprint) -> Vec<FingerprintChange> {
        let mut changes = differences(&self.settings, &earlier.settings);
        let files = differences(&self.files, &earlier.files);
        changes.extend(files.into_iter().filter(|change| change.kind == ChangeKind::Changed));
        changes.extend(differences(&self.watched, &earlier.watched));
        changes
    }

    /// The paths of all files in it.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.files.keys().chain(self.watched.keys()).map(String::as_str)
    }

    /// This fingerprint plus the files that only an earlier one has. Used when a sweep continues: the results that were
    /// computed from those files stay in it.
    pub fn with_files_of(mut self, earlier: &Fingerprint) -> Fingerprint {
        for (path, hash) in &earlier.files {
            self.files.entry(path.clone()).or_insert_with(|| hash.clone());
        }
        self
    }
}

fn differences(new: &BTreeMap<String, Hash>, old: &BTreeMap<String, Hash>) -> Vec<FingerprintChange> {
    let change = |part: &String, kind| FingerprintChange { part: part.clone(), kind };
    let of_new = new.iter().filter_map(|(part, hash)| match old.get(part) {
        None => Some(change(part, ChangeKind::Added)),
        Some(other) if other != hash => Some(change(part, ChangeKind::Changed)),
        Some(_) => None,
    });
    let removed = old.keys().filter(|part| !new.contains_key(*part));
    of_new.chain(removed.map(|part| change(part, ChangeKind::Removed))).collect()
}
