//! Owns the document of a sweep as it is stored: JSON with a version.
//!
//! | version | written by | |
//! | --- | --- | --- |
//! | 2 | sweep 0.1, and this version if the sweep requires nothing newer | |
//! | 3 | this version | has `requires`: names of what a reader must understand |
//!
//! The forms are in `spec_form` and `space_form`; `mirror` says how they follow the runtime types. A new key has a serde default,
//! and is left out of the JSON when it has that value. What else it takes:
//!
//! - It changes nothing that a worker does, or what a table holds (a note for people): nothing else. Older versions ignore
//!   it.
//! - It changes which points there are, what runs, how results are read, or when a sweep is paused: give it a name in
//!   [`UNDERSTOOD`], and let [`requirements`] name it where a sweep uses it. Older versions then refuse that sweep, and
//!   only that one.
//! - A key that is removed or changes its meaning: a new version, with types of its own; those here stay for reading.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use self::mirror::{Mirror, mirror};
use self::spec_form::SpecForm;
use super::signed::SignedDocument;
use super::{decode_input, encode_input};
use crate::expr::Rules;
use crate::model::{Document, EarlierVersion, Fingerprint, GitState, Input, Reducers, ResultFormat, ResultSettings};
use crate::space;

mod mirror;
mod space_form;
mod spec_form;

/// The oldest version that is read, and the one that is written if nothing is required.
const OLDEST: u64 = 2;
/// The version that is written if something is required.
const NEWEST: u64 = 3;
/// The same, for a signed document.
pub(super) const VERSION_WITH_REQUIREMENTS: u64 = NEWEST;

/// The requirement of a signed document, see `signed`.
pub(super) const SIGNATURE: &str = "signature";

/// What a document may require of its reader.
const UNDERSTOOD: &[&str] =
    &[TEMPLATE_RULES, EMPTY_WORDS, SHARED_ROWS, OK_EXIT_CODES, ON_TIMEOUT, REDUCED_RESULTS, TABLE_RESULTS, VERSIONS];

/// Templates that are rendered by the second rules of expressions, or use filters that the first release does not have.
const TEMPLATE_RULES: &str = "template-rules-2";
/// Empty texts that are empty arguments.
const EMPTY_WORDS: &str = "empty-words";
/// Repeated rows of a points file that are one point and several rows of the table.
const SHARED_ROWS: &str = "shared-rows";
/// Exit codes other than 0 that are successes.
const OK_EXIT_CODES: &str = "ok-exit-codes";
/// Jobs that succeed although their time-out ended them.
const ON_TIMEOUT: &str = "on-timeout";
/// Results that are made of several values.
const REDUCED_RESULTS: &str = "reduced-results";
/// Results that are read from a table.
const TABLE_RESULTS: &str = "table-results";

/// Records of several versions of the files, and a column for that.
const VERSIONS: &str = "versions";

/// What a document requires of its reader, by names from [`UNDERSTOOD`].
fn requirements(document: &Document) -> Vec<String> {
    let spec = &document.spec;
    let has_shared_rows = spec.space.blocks.iter().any(|block| !block.shared_rows.is_empty());
    let any = |uses: fn(&ResultSettings) -> bool| spec.results.iter().any(uses);
    let required = [
        (TEMPLATE_RULES, spec.rules != Rules::First),
        (EMPTY_WORDS, spec.keeps_empty_words),
        (SHARED_ROWS, has_shared_rows),
        (OK_EXIT_CODES, spec.job.ok_exit_codes != [0]),
        (ON_TIMEOUT, any(|settings| settings.keep_on_timeout)),
        (REDUCED_RESULTS, any(|settings| settings.reduce != Reducers::default())),
        (TABLE_RESULTS, any(|settings| matches!(settings.format, ResultFormat::Table(_)))),
        (VERSIONS, !document.earlier_versions.is_empty()),
    ];
    required.into_iter().filter(|(_, needed)| *needed).map(|(name, _)| name.to_owned()).collect()
}

/// A document that cannot be written or read.
#[derive(Debug, Error)]
#[error("{}", self.message())]
pub enum DocumentError {
    /// A newer version of sweep submitted the sweep, and this one does not understand all of it. A worker leaves such a
    /// sweep to others.
    Newer {
        /// The version of sweep that submitted it, if the document says so.
        by: Option<String>,
        /// What this version does not understand: part of a sentence.
        what: String,
    },
    /// It is not a document; in words.
    Damaged(String),
    /// It cannot be written as JSON, because this path is not Unicode.
    NotUnicode(PathBuf),
}

impl DocumentError {
    /// What happened.
    pub fn message(&self) -> String {
        match self {
            DocumentError::Newer { by, what } => {
                let by = by.as_ref().map(|by| format!(", {by}")).unwrap_or_default();
                format!(
                    "this sweep was submitted by a newer version of sweep{by}: {what}, which this version ({}) does not \
                     understand",
                    env!("CARGO_PKG_VERSION")
                )
            }
            DocumentError::Damaged(why) => format!("the sweep's document in the store is damaged: {why}"),
            DocumentError::NotUnicode(path) => {
                format!("the sweep cannot be stored: the path {} is not Unicode", path.display())
            }
        }
    }

    /// What to do.
    pub fn remedy(&self) -> Option<&'static str> {
        match self {
            DocumentError::Newer { .. } => Some(super::UPDATE),
            DocumentError::Damaged(_) => None,
            DocumentError::NotUnicode(_) => Some("rename the folder, or move the sweep file to another one"),
        }
    }

    /// Whether a newer version of sweep submitted the sweep.
    pub fn is_newer(&self) -> bool {
        matches!(self, DocumentError::Newer { .. })
    }
}

/// What is read before anything else.
#[derive(Deserialize)]
struct Header {
    version: u64,
    #[serde(default)]
    requires: Vec<String>,
    #[serde(default)]
    sweep_version: Option<String>,
}

/// A document of version 2 or 3.
#[derive(Serialize, Deserialize)]
struct DocumentForm {
    version: u64,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    requires: Vec<String>,
    submission: String,
    spec: SpecForm,
    text: String,
    here: String,
    file: String,
    inputs: Vec<String>,
    #[serde(default)]
    git: Option<GitForm>,
    fingerprint: FingerprintForm,
    fresh: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    reused_from: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    before_inputs: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    earlier_versions: Vec<EarlierVersionForm>,
    sweep_version: String,
    host: String,
}

mirror! {
    /// [`GitState`].
    GitForm of GitState { commit: String, dirty: bool }

    /// [`EarlierVersion`].
    EarlierVersionForm of EarlierVersion {
        sweep: Option<String>,
        fingerprint: FingerprintForm,
        inputs: Vec<InputForm>,
    }

    /// [`Fingerprint`].
    FingerprintForm of Fingerprint {
        settings: std::collections::BTreeMap<String, String>,
        files: std::collections::BTreeMap<String, String>,
        watched: std::collections::BTreeMap<String, String>,
        results: String,
    }
}

/// [`Input`]: its path, and the rest as a text.
#[derive(Serialize, Deserialize)]
struct InputForm(String, String);

impl Mirror for InputForm {
    type Runtime = Input;

    fn store(input: &Input) -> InputForm {
        InputForm(input.path.clone(), encode_input(input))
    }

    fn load(self) -> Result<Input, String> {
        decode_input(&self.0, &self.1).map_err(|error| error.message())
    }
}

impl Document {
    /// The document as it is stored: UTF-8 JSON.
    ///
    /// # Errors
    /// If the path `here` or `file` is not Unicode.
    pub fn encode(&self) -> Result<Vec<u8>, DocumentError> {
        let text = |path: &PathBuf| path.to_str().map(str::to_owned).ok_or(DocumentError::NotUnicode(path.clone()));
        let requires = requirements(self);
        let form = DocumentForm {
            version: if requires.is_empty() { OLDEST } else { NEWEST },
            requires,
            submission: self.submission.clone(),
            spec: SpecForm::store(&self.spec),
            text: self.text.clone(),
            here: text(&self.here)?,
            file: text(&self.file)?,
            inputs: self.inputs.clone(),
            git: Mirror::store(&self.git),
            fingerprint: FingerprintForm::store(&self.fingerprint),
            fresh: self.fresh,
            reused_from: self.reused_from.clone(),
            before_inputs: self.before_inputs.clone(),
            earlier_versions: Mirror::store(&self.earlier_versions),
            sweep_version: self.sweep_version.clone(),
            host: self.host.clone(),
        };
        // Text, numbers, lists and maps from text: they always encode.
        serde_json::to_vec(&form).map_err(|error| DocumentError::Damaged(error.to_string()))
    }

    /// Reads a document of any version since sweep 0.1. What [`Document::encode`] wrote reads back the same.
    ///
    /// # Errors
    /// If a newer version of sweep wrote it, or it is damaged.
    pub fn decode(bytes: &[u8]) -> Result<Document, DocumentError> {
        match SignedDocument::decode(bytes)? {
            Some(signed) => Document::decode_plain(&signed.document),
            None => Document::decode_plain(bytes),
        }
    }

    /// Reads a document that is not signed.
    fn decode_plain(bytes: &[u8]) -> Result<Document, DocumentError> {
        let damaged = |error: serde_json::Error| DocumentError::Damaged(error.to_string());
        let Header { version, requires, sweep_version: by } = serde_json::from_slice(bytes).map_err(damaged)?;
        if version > NEWEST {
            return Err(DocumentError::Newer { by, what: format!("its document has version {version}") });
        }
        if version < OLDEST {
            return Err(DocumentError::Damaged(format!("no released version of sweep wrote version {version}")));
        }
        if let Some(name) = requires.iter().find(|name| !UNDERSTOOD.contains(&name.as_str())) {
            return Err(DocumentError::Newer { by, what: format!("it requires `{name}`") });
        }
        let form: DocumentForm = serde_json::from_slice(bytes).map_err(damaged)?;
        let document = form.load().map_err(DocumentError::Damaged)?;
        if let Some(fault) = document.spec.fault() {
            return Err(DocumentError::Damaged(fault));
        }
        match document.spec.space.version {
            version if version > space::VERSION => {
                Err(DocumentError::Newer { by, what: format!("its points are computed by rules of version {version}") })
            }
            _ => Ok(document),
        }
    }
}

impl DocumentForm {
    fn load(self) -> Result<Document, String> {
        Ok(Document {
            submission: self.submission,
            spec: self.spec.load()?,
            text: self.text,
            here: self.here.into(),
            file: self.file.into(),
            inputs: self.inputs,
            git: self.git.load()?,
            fingerprint: self.fingerprint.load()?,
            fresh: self.fresh,
            reused_from: self.reused_from,
            before_inputs: self.before_inputs,
            earlier_versions: self.earlier_versions.load()?,
            sweep_version: self.sweep_version,
            host: self.host,
        })
    }
}

/// Stores a space and reads it back, for the tests of spaces.
#[cfg(test)]
pub(crate) fn read_back_space(spec: &space::SpaceSpec) -> space::SpaceSpec {
    let text = serde_json::to_string(&space_form::SpaceForm::store(spec)).unwrap();
    serde_json::from_str::<space_form::SpaceForm>(&text).unwrap().load().unwrap()
}
