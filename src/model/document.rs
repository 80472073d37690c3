//! Owns [`Document`]: a sweep as it is submitted.

use std::path::PathBuf;

use serde::Serialize;

use super::{Fingerprint, Input, Spec};

/// The state of a git working tree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct GitState {
    /// The hash of the commit.
    pub commit: String,
    /// Whether tracked files differ from the commit.
    pub dirty: bool,
}

/// The files of a version of a sweep before its present one. The user asked for results of several versions in one table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EarlierVersion {
    /// The sweep that ran it; none: this one.
    pub sweep: Option<String>,
    /// Its fingerprint.
    pub fingerprint: Fingerprint,
    /// Its inputs beside the fingerprint, as far as they differ from the present ones.
    pub inputs: Vec<Input>,
}

/// What the store keeps of a submitted sweep: enough to run it on any worker, and to repeat it.
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    /// Random id of this submission. It differs from that of every other sweep, including sweeps with the same name in
    /// other stores. Empty until the sweep is submitted.
    pub submission: String,
    /// The validated sweep file: what is run.
    pub spec: Spec,
    /// The text of the sweep file.
    pub text: String,
    /// The folder of the sweep file, absolute. Relative paths in the sweep file start here.
    pub here: PathBuf,
    /// The path of the sweep file, absolute. No output may overwrite it.
    pub file: PathBuf,
    /// The files that values and templates were read from, as written in the sweep file. No output may overwrite them.
    pub inputs: Vec<String>,
    /// The git state of the sweep file's folder at submission. None: not in a git working tree, or not looked up.
    pub git: Option<GitState>,
    /// Hashes of everything that decides a job's result besides its point.
    pub fingerprint: Fingerprint,
    /// Whether the sweep was submitted with `--fresh`: it reuses nothing from older sweeps, and no later sweep looks
    /// past it.
    pub fresh: bool,
    /// The ids of the sweeps whose successes it reused when it was created.
    pub reused_from: Vec<String>,
    /// The ids of sweeps of which it has successes that may have been computed before all their inputs were known: its
    /// sources and the sources of these, and itself if it had successes before one of its attempts was observed. For
    /// such points a change of an input may have gone unnoticed.
    pub before_inputs: Vec<String>,
    /// The versions of its files before the present one, oldest first. A record says to which version it belongs
    /// ([`crate::record::Record::version`]); the first is 1.
    pub earlier_versions: Vec<EarlierVersion>,
    /// The version of the sweep program that submitted it.
    pub sweep_version: String,
    /// The machine it was submitted from.
    pub host: String,
}

impl Document {
    /// The number of the present version of its files, from 1. Attempts that run now belong to it.
    pub fn version(&self) -> u32 {
        self.earlier_versions.len() as u32 + 1
    }
}
