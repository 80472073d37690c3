//! Owns which files of a project may be inputs, and how they are named.

use std::ffi::{OsStr, OsString};
use std::path::{Component, Path, PathBuf};

use glob::Pattern;

use super::names::{folder_hash, is_ignored_name};
use crate::model::{Hash, Spec};

/// The folder of the job directories of sweeps without `[job] dir`.
const RUNS: &str = "runs/";

/// Which files of a project may be inputs of a sweep.
#[derive(Clone, Debug)]
pub struct ProjectRules {
    /// The project's root, without symbolic links.
    root: PathBuf,
    /// Another path of the root, through symbolic links.
    other_root: Option<PathBuf>,
    /// The sweep file's folder, without symbolic links: names are relative to it.
    here: PathBuf,
    ignored: Vec<Pattern>,
    /// What the names of job directories begin with.
    job_dirs: Vec<String>,
}

impl ProjectRules {
    /// The rules of a sweep. `here` is the sweep file's folder and `root` the project's, both absolute and without
    /// symbolic links; `given` is the sweep file's folder as its users name it. See [`job_dirs`].
    pub fn new(ignore: &[String], job_dirs: Vec<String>, root: &Path, here: &Path, given: &Path) -> ProjectRules {
        // `/link/project/study` and `/data/project/study` have the root `/link/project`, if `study` is no link.
        let below = here.strip_prefix(root).unwrap_or(Path::new(""));
        let other_root = given.ancestors().nth(below.components().count());
        let is_same_study = given.ends_with(below);
        let other_root = other_root.filter(|other| is_same_study && *other != root).map(Path::to_owned);
        ProjectRules {
            root: root.to_owned(),
            other_root,
            here: here.to_owned(),
            ignored: ignore.iter().filter_map(|text| Pattern::new(text.trim_start_matches("./")).ok()).collect(),
            job_dirs,
        }
    }

    /// The path with the root's own path at its start, if it is below the root. `path` is absolute and has no `..`.
    pub fn inside(&self, path: &Path) -> Option<PathBuf> {
        if path.starts_with(&self.root) {
            return Some(path.to_owned());
        }
        let below = path.strip_prefix(self.other_root.as_ref()?).ok()?;
        Some(self.root.join(below))
    }

    /// Whether a path below the root may be an input: it is none of what is skipped, ignored or written by the sweep.
    pub fn covers(&self, inside: &Path) -> bool {
        let Ok(below) = inside.strip_prefix(&self.root) else { return false };
        if below.iter().any(is_ignored_name) {
            return false;
        }
        let Some(name) = self.name(inside) else { return false };
        let is_of_jobs = |dir: &str| name.starts_with(dir) || name == dir.trim_end_matches('/');
        let is_of_jobs = is_of_jobs(RUNS) || self.job_dirs.iter().any(|dir| is_of_jobs(dir));
        !is_of_jobs && !self.ignored.iter().any(|pattern| pattern.matches(&name))
    }

    /// The name of a file of the project: its path relative to the sweep file's folder, with `..` where it is needed.
    /// None: it is not Unicode.
    pub fn name(&self, inside: &Path) -> Option<String> {
        let (up, common) = self.here.ancestors().enumerate().find(|(_, folder)| inside.starts_with(folder))?;
        let below = inside.strip_prefix(common).ok()?.to_str()?;
        let name = "../".repeat(up) + below;
        Some(if name.is_empty() { ".".to_owned() } else { name.trim_end_matches('/').to_owned() })
    }

    /// The hash of the names in a folder that may be inputs.
    pub fn folder_hash(&self, folder: &Path, names: &[OsString]) -> Hash {
        folder_hash(names, |name: &OsStr| {
            self.name(&folder.join(name)).is_some_and(|name| self.ignored.iter().any(|pattern| pattern.matches(&name)))
        })
    }

    /// Whether the jobs' directories are made in this folder, so that its names change while jobs run.
    pub fn has_job_dirs(&self, folder: &Path) -> bool {
        let in_folder =
            |dir: &String| Path::new(dir.trim_end_matches('/')).parent().map(|parent| self.here.join(parent));
        self.job_dirs.iter().filter_map(in_folder).any(|parent| parent == *folder)
    }

    /// The root.
    pub fn root(&self) -> &Path {
        &self.root
    }
}

/// What the names of a sweep's job directories begin with: `runs/` where it has no `dir`, otherwise the fixed part of `[job] dir`. A `dir` without
/// a template is one folder for all jobs, which may hold inputs; one that begins with a template has no fixed part.
pub fn job_dirs(spec: &Spec) -> Vec<String> {
    let mut dirs: Vec<String> = Vec::new();
    if let Some((fixed, _)) = spec.job.dir.as_deref().and_then(|dir| dir.split_once('{')) {
        let fixed = fixed.trim_start_matches("./");
        if !fixed.is_empty() && !fixed.starts_with('/') {
            dirs.push(fixed.to_owned());
        }
    }
    if spec.job.dir.is_none() && spec.needs_job_dir() {
        dirs.push(RUNS.to_owned());
    }
    dirs
}

/// The source of a file of Python bytecode in a cache: `a/__pycache__/m.cpython-311.pyc` stands for `a/m.py`.
pub fn source_of_bytecode(path: &Path) -> Option<PathBuf> {
    let name = bytecode_module(path)?;
    let cache = path.parent().filter(|folder| folder.ends_with("__pycache__"))?;
    Some(cache.parent()?.join(format!("{name}.py")))
}

/// The name of the module of a file of Python bytecode.
pub fn bytecode_module(path: &Path) -> Option<&str> {
    let name = path.file_name()?.to_str()?;
    name.ends_with(".pyc").then(|| name.split('.').next()).flatten()
}

/// Joins a path to the folder that it starts from, without `.` and `..`. None: it has a `..` after a name, which means
/// something else if the name is a symbolic link. `base` is absolute and has no symbolic links.
pub fn join_without_dots(base: &Path, path: &Path) -> Option<PathBuf> {
    let mut joined = base.to_owned();
    let mut is_below = false;
    for component in path.components() {
        match component {
            Component::Normal(name) => {
                joined.push(name);
                is_below = true;
            }
            Component::ParentDir if is_below => return None,
            Component::ParentDir => drop(joined.pop()),
            Component::RootDir => {
                joined = PathBuf::from("/");
                is_below = false;
            }
            Component::CurDir | Component::Prefix(_) => {}
        }
    }
    Some(joined)
}

/// The root of a project: the nearest folder from `here` upward that has `.git`, otherwise `here`. A home folder and the
/// root of the file system are never projects: some people keep their settings in git. `exists` answers for a path.
pub fn project_root<'a>(here: &'a Path, home: Option<&Path>, exists: impl Fn(&Path) -> bool) -> &'a Path {
    let is_project =
        |folder: &&Path| folder.parent().is_some() && Some(*folder) != home && exists(&folder.join(".git"));
    here.ancestors().find(is_project).unwrap_or(here)
}
