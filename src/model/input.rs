//! Owns [`Input`]: a file, a folder or a missing file that can change the results of a sweep.

use serde::Serialize;

use super::{ChangeKind, FingerprintChange, Hash};

/// An input of a sweep, as it was when it was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    /// The path relative to the sweep file's folder, normalised: `/` between the names, `..` only at the start, no `.`.
    pub path: String,
    /// What was there.
    pub state: InputState,
    /// How it was found. It is no part of the comparison with the disk.
    pub found_by: FoundBy,
}

/// What is at the path of an input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InputState {
    /// A file with this hash of its content.
    File(Hash),
    /// A folder with this hash of the sorted names of its entries.
    Folder(Hash),
    /// Nothing. The sweep looked for a file there, and one that appears can change its results.
    Absent,
}

/// How an input was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum FoundBy {
    /// A word of the command names it.
    Command,
    /// `[files] watch` matches it.
    Watch,
    /// The syntax of a Python script imports it.
    Import,
    /// An attempt was seen to read it.
    Observed,
}

impl Input {
    /// How the input differs from what is at its path now. None: it does not.
    pub fn change(&self, now: &InputState) -> Option<FingerprintChange> {
        if self.state == *now {
            return None;
        }
        let kind = match (&self.state, now) {
            (InputState::Absent, _) => ChangeKind::Added,
            (_, InputState::Absent) => ChangeKind::Removed,
            _ => ChangeKind::Changed,
        };
        let part = match (&self.state, now) {
            (InputState::Folder(_), InputState::Folder(_)) => format!("the list of files in {}", self.path),
            _ => self.path.clone(),
        };
        Some(FingerprintChange { part, kind })
    }
}

impl FoundBy {
    /// One word, as it is stored and shown.
    pub fn word(self) -> &'static str {
        match self {
            FoundBy::Command => "command",
            FoundBy::Watch => "watch",
            FoundBy::Import => "import",
            FoundBy::Observed => "observed",
        }
    }
}

/// The inputs of a sweep that the store keeps beside its document: those that were found while its jobs ran, and those of
/// the sweeps whose results it reuses. The fingerprint has those that were known when the sweep file was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FoundInputs {
    /// The inputs. A store returns them in the order of their paths, each path once.
    pub inputs: Vec<Input>,
    /// Whether an attempt was observed: then `inputs` has what that attempt read.
    pub observed: bool,
    /// How many further inputs were found and are not kept; at least.
    pub omitted: u64,
}
