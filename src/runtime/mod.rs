//! Owns a sweep loaded on this machine and ready to run: templates compiled, result extraction compiled, programs located.

use std::collections::HashMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{LazyLock, Mutex, PoisonError};

use anyhow::{Context, Result};

use crate::extract::Extractor;
use crate::job::SweepId;
use crate::model::{Document, Fingerprint, Spec};
use crate::process::{self, StartError};
use crate::space::{Point, Space};
use crate::template::{JobContext, JobTemplate};
use crate::value::Value;

mod cache;

pub use cache::RuntimeCache;

/// A sweep loaded on this machine: everything needed to run any of its jobs.
pub struct SweepRuntime {
    /// The id of the sweep.
    pub id: SweepId,
    /// The id as text.
    pub name: String,
    /// The validated sweep file.
    pub spec: Spec,
    /// The path of the sweep file where it was submitted, absolute.
    pub file: PathBuf,
    /// Other files that values and templates were read from, relative to `here`.
    pub inputs: Vec<String>,
    /// The hashes of the inputs that were known when the sweep was submitted.
    pub fingerprint: Fingerprint,
    /// The parameter space.
    pub space: Space,
    /// Random id of the submission: it tells apart sweeps that have the same id in different stores.
    pub submission: String,
    /// The version of its files, see [`Document::version`].
    pub version: u32,
    /// The compiled templates.
    pub template: JobTemplate,
    /// The compiled `[results]` settings.
    pub extractor: Extractor,
    /// The folder on this machine that relative paths of the sweep file start from.
    pub here: PathBuf,
    /// Whether `here` is the sweep file's folder. False: that folder does not exist on this machine.
    pub here_is_original: bool,
    programs: Mutex<HashMap<String, PathBuf>>,
    /// The number of successes so far that had no results; [`HAS_RESULTS`] once one had.
    without_results: AtomicU32,
}

/// After this many successes without a result, and none with one, a worker says so.
pub const FIRST_JOBS: u32 = 20;

const HAS_RESULTS: u32 = u32::MAX;

impl SweepRuntime {
    /// Notes a success with or without results. Returns whether it is the [`FIRST_JOBS`]th without, and none had any.
    pub fn note_results(&self, has_results: bool) -> bool {
        if has_results {
            self.without_results.store(HAS_RESULTS, Ordering::Relaxed);
            return false;
        }
        let count = |before: u32| (before < FIRST_JOBS).then(|| before + 1);
        let before = self.without_results.fetch_update(Ordering::Relaxed, Ordering::Relaxed, count);
        before == Ok(FIRST_JOBS - 1)
    }

    /// Loads a sweep from its document. If the sweep file's folder does not exist on this machine, jobs run in
    /// `fallback`.
    ///
    /// # Errors
    /// If the document has something that this version of sweep does not support, for example a newer version of the
    /// parameter space.
    pub fn new(id: SweepId, document: Document, fallback: &Path) -> Result<Self> {
        let version = document.version();
        let Document { spec, here, file, submission, inputs, fingerprint, .. } = document;
        let space = Space::new(spec.space.clone()).map_err(|error| {
            let remedy = error.remedy().map_or_else(String::new, |remedy| format!("; {remedy}"));
            anyhow::anyhow!("cannot load the parameter space of {id}: {error}{remedy}")
        })?;
        let template = JobTemplate::compile(&spec).map_err(|errors| {
            let all: Vec<_> = errors.iter().map(|error| error.message.clone()).collect();
            anyhow::anyhow!("cannot compile the templates of {id}: {}", all.join("; "))
        })?;
        let extractor = Extractor::new(&spec.results)
            .map_err(|why| anyhow::anyhow!("cannot compile the [results] of {id}: {why}"))?;
        let here_is_original = here.is_dir();
        let here = if here_is_original { here } else { fallback.to_path_buf() };
        let name = id.to_string();
        let programs = Mutex::default();
        Ok(SweepRuntime {
            id,
            name,
            spec,
            file,
            inputs,
            fingerprint,
            space,
            submission,
            version,
            template,
            extractor,
            here,
            here_is_original,
            programs,
            without_results: AtomicU32::new(0),
        })
    }

    /// Everything that the process of one attempt is given.
    ///
    /// # Errors
    /// If the sweep has no point with this index, or a derived parameter or a template cannot be evaluated for it.
    pub fn prepare(&self, index: u64, attempt: u32) -> Result<PreparedJob> {
        let point = self.space.point(index).with_context(|| {
            format!("{} has no point {index}; the last one is {}", self.id, self.space.len().saturating_sub(1))
        })?;
        if let Some(fault) = &point.fault {
            let params = std::iter::zip(self.space.names().iter(), &point.params)
                .filter(|(_, value)| **value != Value::Missing)
                .map(|(name, value)| format!("{name} = {value}"));
            anyhow::bail!("point {index} ({}): {fault}", params.collect::<Vec<_>>().join(", "));
        }
        let here = self.here.to_string_lossy();
        let names = self.space.names();
        let context = JobContext { sweep: &self.name, names, point: &point, attempt, cpus: CPUS, here: &here };
        let rendered = self.template.render(&context)?;
        let files = rendered.files;
        let dir = rendered.dir.map_or_else(|| self.here.clone(), |dir| self.here.join(dir));
        let mut env = self.standard_env(&point, attempt, &dir);
        env.extend(threads_env(&rendered.env));
        env.extend(rendered.env);
        Ok(PreparedJob { argv: rendered.argv, env, stdin: rendered.stdin, dir, files, point })
    }

    /// The words of the command of a point; none: they cannot be rendered.
    pub fn argv(&self, index: u64) -> Option<Vec<String>> {
        let point = self.space.point(index).filter(|point| point.fault.is_none())?;
        let here = self.here.to_string_lossy();
        let names = self.space.names();
        let context = JobContext { sweep: &self.name, names, point: &point, attempt: 1, cpus: CPUS, here: &here };
        self.template.argv(&context).ok()
    }

    /// The environment variables that every job gets.
    fn standard_env(&self, point: &Point, attempt: u32, dir: &Path) -> Vec<(String, String)> {
        let params = point.params_json(self.space.names());
        let pair = |name: &str, value: String| (name.to_owned(), value);
        vec![
            pair("SWEEP_ID", self.name.clone()),
            pair("SWEEP_JOB", point.index.to_string()),
            pair("SWEEP_ATTEMPT", attempt.to_string()),
            pair("SWEEP_SEED", point.seed.to_string()),
            pair("SWEEP_DIR", dir.to_string_lossy().into_owned()),
            pair("SWEEP_HERE", self.here.to_string_lossy().into_owned()),
            pair("SWEEP_PARAMS", serde_json::Value::Object(params).to_string()),
        ]
    }

    /// The absolute path of a program. It is looked up once and then cached.
    ///
    /// # Errors
    /// If there is no such program, with a suggestion. A failure is not cached: the program may be installed later.
    pub fn program(&self, word: &str) -> Result<PathBuf, StartError> {
        let mut known = self.programs.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(path) = known.get(word) {
            return Ok(path.clone());
        }
        let search: Option<OsString> = std::env::var_os("PATH");
        let path = process::resolve(word, &self.here, search.as_deref())?;
        // If the program is a parameter there may be many; the limit bounds the cache.
        if known.len() < 64 {
            known.insert(word.to_owned(), path.clone());
        }
        Ok(path)
    }

    /// Removes a program from the cache, because it was moved or replaced.
    pub fn forget_program(&self, word: &str) {
        self.programs.lock().unwrap_or_else(PoisonError::into_inner).remove(word);
    }
}

/// Everything that the process of one attempt is given.
#[derive(Clone, Debug)]
pub struct PreparedJob {
    /// The words of the command. The first is the program, as the user wrote it.
    pub argv: Vec<String>,
    /// Environment variables in addition to the worker's own. If a name occurs twice, the later one wins.
    pub env: Vec<(String, String)>,
    /// The standard input. None: empty.
    pub stdin: Option<String>,
    /// The working directory, absolute. It may not exist yet.
    pub dir: PathBuf,
    /// Files to write into that directory before the process starts: relative path and content.
    pub files: Vec<(String, String)>,
    /// The point.
    pub point: Point,
}

/// The number of slots that a job takes.
const CPUS: u32 = 1;

/// Variables that tell numerical libraries to start one thread per slot of the job, unless the sweep file or the worker's
/// environment sets them. Without them every job would start a thread on each core.
fn threads_env(given: &[(String, String)]) -> impl Iterator<Item = (String, String)> {
    const NAMES: [&str; 6] = [
        "OMP_NUM_THREADS",
        "OPENBLAS_NUM_THREADS",
        "MKL_NUM_THREADS",
        "BLIS_NUM_THREADS",
        "VECLIB_MAXIMUM_THREADS",
        "NUMEXPR_NUM_THREADS",
    ];
    // Looked up once: the worker's environment does not change.
    static UNSET: LazyLock<Vec<&str>> =
        LazyLock::new(|| NAMES.into_iter().filter(|name| std::env::var_os(name).is_none()).collect());
    let set = |name: &&&str| given.iter().all(|(other, _)| other != *name);
    UNSET.iter().filter(set).map(|name| ((*name).to_owned(), CPUS.to_string()))
}
