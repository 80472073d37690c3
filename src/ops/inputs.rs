//! Owns the known inputs of a sweep: comparing them with the disk, passing them on to a sweep that reuses results, and
//! listing them.

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;

use crate::error::Result;
use crate::human::group;
use crate::inputs::disk;
use crate::job::SweepId;
use crate::model::{Document, FingerprintChange, FoundBy, FoundInputs, Input, InputState};
use crate::ops::plan::ReuseSource;
use crate::store::{Store, StoreError};
use crate::visible::visible_in_line;

/// The states of inputs on this disk, each looked up once. Paths are relative to the folder of one sweep file.
pub struct DiskStates<'a> {
    document: &'a Document,
    /// None: it cannot be read.
    known: HashMap<String, Option<InputState>>,
}

impl<'a> DiskStates<'a> {
    /// The states in the folder of a sweep file.
    pub fn new(document: &'a Document) -> DiskStates<'a> {
        DiskStates { document, known: HashMap::new() }
    }

    /// The state of a path; none: it cannot be read.
    fn state(&mut self, path: &str) -> Option<&InputState> {
        let Document { here, spec, .. } = self.document;
        let look = || disk::state(here, path, &spec.files).ok();
        self.known.entry(path.to_owned()).or_insert_with(look).as_ref()
    }

    /// Which inputs differ from the disk, by name. Inputs that `[files] ignore` matches now are not compared, nor files that
    /// only words of the command named and that are gone: the words may belong to a value that was removed. O(size of the
    /// files that were not looked up before).
    pub fn changes(&mut self, found: &FoundInputs) -> Vec<FingerprintChange> {
        let mut changes = Vec::new();
        for input in &found.inputs {
            if !crate::fingerprint::is_input(&self.document.spec, &input.path) {
                continue;
            }
            let unreadable = InputState::File(String::new());
            let now = self.state(&input.path).unwrap_or(&unreadable);
            let is_past_word = input.found_by == FoundBy::Command && *now == InputState::Absent;
            changes.extend(input.change(now).filter(|_| !is_past_word));
        }
        changes
    }
}

impl DiskStates<'_> {
    /// Inputs with the states that they have now. What cannot be read stays as it is.
    pub fn as_now(&mut self, inputs: &[Input]) -> Vec<Input> {
        let mut now = |input: &Input| self.state(&input.path).cloned().unwrap_or_else(|| input.state.clone());
        inputs.iter().map(|input| Input { state: now(input), ..input.clone() }).collect()
    }
}

/// The inputs with which a sweep begins that reuses results of these sources: theirs. An input that differs from the disk,
/// because the user reuses results nevertheless, is taken as it is now. All sources must have been observed for the new
/// sweep to count as observed.
pub fn inherited(sources: &[ReuseSource], disk: &mut DiskStates<'_>) -> FoundInputs {
    let mut inputs: BTreeMap<&str, Input> = BTreeMap::new();
    for source in sources {
        for input in &source.inputs.inputs {
            if !inputs.contains_key(input.path.as_str()) {
                let now = if source.is_changed { disk.state(&input.path).cloned() } else { None };
                let state = now.unwrap_or_else(|| input.state.clone());
                inputs.insert(&input.path, Input { state, ..input.clone() });
            }
        }
    }
    FoundInputs {
        inputs: inputs.into_values().collect(),
        observed: !sources.is_empty() && sources.iter().all(|source| source.inputs.observed),
        omitted: sources.iter().map(|source| source.inputs.omitted).max().unwrap_or(0),
    }
}

/// The known inputs of a sweep, as they are shown. In JSON a contract with programs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct KnownInputs {
    /// Whether an attempt was observed: then `files` has what it read.
    pub observed: bool,
    /// How many further inputs were found and are not kept.
    pub omitted: u64,
    /// The inputs, in the order of their paths.
    pub files: Vec<KnownInput>,
}

/// The sweeps of whose successes a sweep has some that were computed before their inputs were known, when its own have
/// become known. Empty: nothing is to be said.
///
/// # Errors
/// If the store cannot be read.
pub fn before_inputs(store: &dyn Store, id: &SweepId) -> Result<Vec<String>> {
    let document = Document::decode(&store.document(id)?).map_err(StoreError::from)?;
    let says = !document.before_inputs.is_empty() && store.inputs(id)?.observed;
    Ok(if says { document.before_inputs } else { Vec::new() })
}

/// An input of a sweep as it is shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct KnownInput {
    /// Its path, relative to the sweep file's folder.
    pub path: String,
    /// `file`, `folder` or `absent`.
    pub kind: &'static str,
    /// The hash of the content, or of the names in a folder. None: it is absent.
    pub hash: Option<String>,
    /// How it was found.
    pub found_by: FoundBy,
}

impl KnownInputs {
    /// The known inputs of a sweep: those of the fingerprint, and those found later.
    pub fn of(document: &Document, found: &FoundInputs) -> KnownInputs {
        let mut all: BTreeMap<&str, KnownInput> = BTreeMap::new();
        all.extend(found.inputs.iter().map(|input| (input.path.as_str(), KnownInput::of(input))));
        let fingerprint = &document.fingerprint;
        for (files, found_by) in [(&fingerprint.files, FoundBy::Command), (&fingerprint.watched, FoundBy::Watch)] {
            for (path, hash) in files {
                let input = Input { path: path.clone(), state: InputState::File(hash.clone()), found_by };
                all.insert(path, KnownInput::of(&input));
            }
        }
        KnownInputs { observed: found.observed, omitted: found.omitted, files: all.into_values().collect() }
    }

    /// The known inputs of a stored sweep.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn of_stored(store: &dyn Store, id: &SweepId) -> Result<KnownInputs> {
        let document = Document::decode(&store.document(id)?).map_err(StoreError::from)?;
        Ok(KnownInputs::of(&document, &store.inputs(id)?))
    }

    /// A line for people: the files by name, the first of many; `others` are named after them. None: nothing is known.
    pub fn line(&self, others: &[&str]) -> Option<String> {
        /// The most files that are named.
        const MOST: usize = 8;
        let there = self.files.iter().filter(|input| input.kind != "absent").map(KnownInput::named);
        let named: Vec<String> = there.chain(others.iter().map(|other| visible_in_line(other))).collect();
        let more = named.len().saturating_sub(MOST) as u64 + self.omitted;
        let more = if more > 0 { format!(", and {} more", group(more)) } else { String::new() };
        let shown: Vec<&str> = named.iter().take(MOST).map(String::as_str).collect();
        (!shown.is_empty()).then(|| format!("{}{more}", shown.join(", ")))
    }
}

impl KnownInput {
    /// An input as it is shown.
    pub fn of(input: &Input) -> KnownInput {
        let (kind, hash) = match &input.state {
            InputState::File(hash) => ("file", Some(hash)),
            InputState::Folder(hash) => ("folder", Some(hash)),
            InputState::Absent => ("absent", None),
        };
        KnownInput { path: input.path.clone(), kind, hash: hash.cloned(), found_by: input.found_by }
    }

    /// Its path, with how it was found unless the sweep file says it.
    fn named(&self) -> String {
        let slash = if self.kind == "folder" { "/" } else { "" };
        let how = match self.found_by {
            FoundBy::Command | FoundBy::Watch => "",
            FoundBy::Import => " (imported)",
            FoundBy::Observed => " (observed)",
        };
        visible_in_line(&format!("{}{slash}{how}", self.path))
    }
}
