//! Owns a sweep made ready to run on this machine: its document read once, its templates compiled, its program found.

use std::collections::HashMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use anyhow::{Context, Result};

use crate::extract::Extractor;
use crate::job::SweepId;
use crate::process::{self, StartError};
use crate::space::{Point, Space};
use crate::spec::{Document, Spec};
use crate::template::{JobContext, JobTemplate};
use crate::value::Value;

/// What a slot needs to run any job of a sweep.
pub struct SweepRuntime {
    /// The sweep.
    pub id: SweepId,
    /// Its id, printed.
    pub name: String,
    /// The validated sweep file.
    pub spec: Spec,
    /// The sweep file, where it was submitted from; absolute.
    pub file: PathBuf,
    /// Further files that it was read from, relative to `here`.
    pub inputs: Vec<String>,
    /// Its points.
    pub space: Space,
    /// Which submission it is: of all sweeps with its id, in whatever store, this one.
    pub submission: String,
    /// Its compiled templates.
    pub template: JobTemplate,
    /// How its results are read.
    pub extractor: Extractor,
    /// The folder that everything in the sweep file is relative to, on this machine.
    pub here: PathBuf,
    /// Whether `here` is the sweep file's own folder; if not, this machine has no such folder.
    pub here_is_original: bool,
    programs: Mutex<HashMap<String, PathBuf>>,
}

impl SweepRuntime {
    /// Makes a sweep ready from its document. Where this machine has no folder of the sweep file's name, jobs
    /// run in `fallback`.
    ///
    /// # Errors
    /// If its space is of a version that this version of sweep does not know, or it says something else that this one
    /// does not understand.
    pub fn new(id: SweepId, document: Document, fallback: &Path) -> Result<Self> {
        let Document { spec, here, file, submission, inputs, .. } = document;
        let space = Space::new(spec.space.clone()).with_context(|| format!("the space of {id} cannot be computed"))?;
        let template = JobTemplate::compile(&spec).map_err(|errors| {
            let all: Vec<_> = errors.iter().map(|error| error.message.clone()).collect();
            anyhow::anyhow!("the templates of {id} cannot be compiled: {}", all.join("; "))
        })?;
        let extractor = Extractor::new(&spec.results)
            .map_err(|why| anyhow::anyhow!("the results of {id} cannot be read: {why}"))?;
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
            space,
            submission,
            template,
            extractor,
            here,
            here_is_original,
            programs,
        })
    }

    /// Everything that the process of an attempt at a point is given.
    ///
    /// # Errors
    /// If the sweep has no such point, or a derived parameter or a template cannot be computed for it.
    pub fn prepare(&self, index: u64, attempt: u32) -> Result<Prepared> {
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
        let decks = rendered.decks;
        let dir = rendered.dir.map_or_else(|| self.here.clone(), |dir| self.here.join(dir));
        let mut env = self.standard_env(&point, attempt, &dir);
        env.extend(threads_env(&rendered.env));
        env.extend(rendered.env);
        Ok(Prepared { argv: rendered.argv, env, stdin: rendered.stdin, dir, decks, point })
    }

    /// The variables that every job finds.
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

    /// The absolute path of a program, looked up once.
    ///
    /// # Errors
    /// If there is no such program, with what may have been meant. Nothing is remembered then: it may yet come.
    pub fn program(&self, word: &str) -> Result<PathBuf, StartError> {
        let mut known = self.programs.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(path) = known.get(word) {
            return Ok(path.clone());
        }
        let search: Option<OsString> = std::env::var_os("PATH");
        let path = process::resolve(word, &self.here, search.as_deref())?;
        // A sweep whose program is a parameter may have many; a few are worth remembering.
        if known.len() < 64 {
            known.insert(word.to_owned(), path.clone());
        }
        Ok(path)
    }

    /// Forgets where a program was found: it is not there, or not what it was.
    pub fn forget_program(&self, word: &str) {
        self.programs.lock().unwrap_or_else(PoisonError::into_inner).remove(word);
    }
}

/// What the process of one attempt is given.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// The words of the command, the program as the user wrote it first.
    pub argv: Vec<String>,
    /// Variables set beside the worker's own; a later one of the same name wins.
    pub env: Vec<(String, String)>,
    /// Its standard input.
    pub stdin: Option<String>,
    /// Its working directory, absolute; it may have to be made.
    pub dir: PathBuf,
    /// Files to be written into that directory before the process starts: their names in it, and what is in them.
    pub decks: Vec<(String, String)>,
    /// The point.
    pub point: Point,
}

/// Slots that one job takes.
const CPUS: u32 = 1;

/// What tells the usual numerical libraries how many threads to start: as many as the job has slots, unless the sweep
/// file or the worker's own environment says otherwise. Without it each of many jobs takes every core.
fn threads_env(given: &[(String, String)]) -> impl Iterator<Item = (String, String)> {
    const NAMES: [&str; 6] = [
        "OMP_NUM_THREADS",
        "OPENBLAS_NUM_THREADS",
        "MKL_NUM_THREADS",
        "BLIS_NUM_THREADS",
        "VECLIB_MAXIMUM_THREADS",
        "NUMEXPR_NUM_THREADS",
    ];
    // Looked up once, like all that jobs inherit.
    static UNSET: LazyLock<Vec<&str>> =
        LazyLock::new(|| NAMES.into_iter().filter(|name| std::env::var_os(name).is_none()).collect());
    let set = |name: &&&str| given.iter().all(|(other, _)| other != *name);
    UNSET.iter().filter(set).map(|name| ((*name).to_owned(), CPUS.to_string()))
}

/// The sweeps that a worker has met.
#[derive(Default)]
pub struct Runtimes {
    known: HashMap<SweepId, Arc<SweepRuntime>>,
}

impl Runtimes {
    /// The sweep, if it was met before.
    pub fn get(&self, id: &SweepId) -> Option<Arc<SweepRuntime>> {
        self.known.get(id).cloned()
    }

    /// Forgets a sweep.
    pub fn forget(&mut self, id: &SweepId) {
        self.known.remove(id);
    }

    /// Remembers a sweep.
    pub fn insert(&mut self, runtime: SweepRuntime) -> Arc<SweepRuntime> {
        // A worker that lives for months meets many sweeps; what runs keeps its own reference.
        if self.known.len() >= 64 {
            self.known.clear();
        }
        let runtime = Arc::new(runtime);
        self.known.insert(runtime.id.clone(), runtime.clone());
        runtime
    }
}
