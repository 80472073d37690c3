//! Owns the step from what an attempt did to the inputs of its sweep: [`conclude`], and what a worker remembers of earlier
//! attempts for it, [`ObservedSweep`].

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use super::access_log::{Access, AccessLog, FileStamp, FoundFile};
use super::rules::ProjectRules;
use crate::model::{FoundBy, Hash, Input, InputState};

/// The disk, as [`conclude`] sees it after the attempt.
pub trait ProjectDisk {
    /// The stamp of a regular file, through symbolic links. None: there is none.
    fn stamp(&self, path: &Path) -> Option<FileStamp>;
    /// The hash of a file's content.
    fn hash(&self, path: &Path) -> Option<Hash>;
    /// Whether anything is there.
    fn is_there(&self, path: &Path) -> bool;
}

/// What a worker remembers of the observed attempts of a sweep.
#[derive(Clone, Debug, Default)]
pub struct ObservedSweep {
    /// Paths that observed attempts wrote.
    written: HashSet<PathBuf>,
    /// What one attempt looked for in vain.
    absent: HashSet<PathBuf>,
    /// Files that changed while an attempt had read them, in a way that left their earlier content unknown.
    changed: HashSet<PathBuf>,
    /// Files that were written after the first job had started, by a job or by a person.
    young: HashMap<PathBuf, FileStamp>,
}

/// The most paths that are remembered of each kind.
const MOST_REMEMBERED: usize = 20_000;

/// The circumstances of an attempt.
#[derive(Clone, Copy, Debug)]
pub struct Circumstances {
    /// When the first job of the sweep started on this worker, nanoseconds since 1970. None: nothing was known of the
    /// sweep's inputs before this attempt, so that files that are younger may be inputs as well.
    pub jobs_began: Option<i128>,
    /// Whether the sweep has a single point, so that no other attempt can confirm what this one looked for.
    pub is_only_point: bool,
}

/// What follows from an observed attempt.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Conclusion {
    /// The inputs, in the order of their names.
    pub inputs: Vec<Input>,
    /// Files that changed while the attempt had read them, in a way that left their earlier content unknown. Where it is
    /// known, the file is an input with that content.
    pub changed: Vec<String>,
    /// What the attempt wrote, removed or replaced.
    pub written: Vec<String>,
    /// Paths that could not be recorded; at least.
    pub missed: u64,
}

/// Decides which of the accesses of an attempt make inputs. Reads the files that have no hash yet.
///
/// - A file that was there and was read is an input, with the content that it had then.
/// - A file that is written, by this or an earlier observed attempt, is none; neither is what lies in a folder that was
///   created.
/// - A path that was looked for in vain is one by its absence, if two attempts looked for it: a check-point of one point
///   is not of interest to the sweep.
/// - A folder is one by its names, unless the attempt wrote into it, or loaded a module from it: then the import system
///   has listed it.
/// - Installed packages are none.
/// - A file that was written after the sweep's first job had started, and was not known before, was perhaps written by a
///   job: it is an input if the next attempt that reads it finds it unchanged.
pub fn conclude(
    log: &AccessLog,
    rules: &ProjectRules,
    disk: &dyn ProjectDisk,
    sweep: &mut ObservedSweep,
    circumstances: Circumstances,
) -> Conclusion {
    sweep.remember_written(log);
    let mut run = Concluding { log, disk, sweep, environments: HashMap::new(), root: rules.root() };
    let mut conclusion = Conclusion { missed: log.missed, ..Conclusion::default() };
    let mut push = |path: &Path, state: InputState| match rules.name(path) {
        Some(path) => conclusion.inputs.push(Input { path, state, found_by: FoundBy::Observed }),
        None => conclusion.missed += 1,
    };
    let mut changed = Vec::new();
    for (path, found, is_updated) in run.found_files() {
        match run.file(&path, &found, is_updated, circumstances) {
            FileState::Known(hash) => push(&path, InputState::File(hash)),
            FileState::Changed => changed.extend(rules.name(&path)),
            FileState::NoInput => {}
        }
    }
    for path in run.absent(circumstances) {
        push(&path, InputState::Absent);
    }
    for (path, hash) in run.folders() {
        if rules.has_job_dirs(&path) {
            continue;
        }
        push(&path, InputState::Folder(hash));
    }
    let is_written =
        |(path, access): (&PathBuf, &Access)| (*access == Access::Written).then(|| rules.name(path)).flatten();
    conclusion.written = log.files.iter().filter_map(is_written).collect();
    conclusion.written.sort_unstable();
    conclusion.inputs.sort_by(|one, other| one.path.cmp(&other.path));
    conclusion.inputs.dedup_by(|one, other| one.path == other.path);
    changed.sort_unstable();
    conclusion.changed = changed;
    conclusion
}

/// What became of a file that an attempt read.
enum FileState {
    /// The hash of the content that the attempt read.
    Known(Hash),
    /// It was changed since, and the content that the attempt read is unknown.
    Changed,
    /// It is no input.
    NoInput,
}

struct Concluding<'a> {
    log: &'a AccessLog,
    disk: &'a dyn ProjectDisk,
    sweep: &'a mut ObservedSweep,
    /// Whether a folder is that of an environment with installed packages.
    environments: HashMap<PathBuf, bool>,
    root: &'a Path,
}

impl Concluding<'_> {
    /// The files that were read, and whether they were opened for writing too.
    fn found_files(&self) -> Vec<(PathBuf, FoundFile, bool)> {
        let opened = self.log.files.iter().filter_map(|(path, access)| match access {
            Access::Read(found) => Some((path.clone(), found.clone(), false)),
            Access::Updated(found) => Some((path.clone(), found.clone(), true)),
            Access::Absent | Access::Written => None,
        });
        let is_loaded = |path: &Path| match path.extension().and_then(|extension| extension.to_str()) {
            // Python looks at the source of the bytecode that it reads.
            Some("py") => {
                path.file_stem().and_then(|stem| stem.to_str()).is_some_and(|stem| self.log.modules.contains(stem))
            }
            // Julia looks at the sources of what it has compiled before.
            Some("jl") => true,
            _ => false,
        };
        let looked_at = self.log.looked_at.iter().filter(|(path, _)| is_loaded(path) && !self.log.knows(path));
        opened
            .chain(looked_at.map(|(path, stamp)| (path.clone(), FoundFile { stamp: *stamp, hash: None }, false)))
            .collect()
    }

    fn file(&mut self, path: &Path, found: &FoundFile, is_updated: bool, circumstances: Circumstances) -> FileState {
        if self.is_written(path) || self.is_installed(path) {
            return FileState::NoInput;
        }
        let is_known_to_change = self.sweep.changed.contains(path);
        let is_young = circumstances.jobs_began.is_some_and(|began| found.stamp.modified >= began);
        if is_young && !is_known_to_change && self.sweep.young.get(path) != Some(&found.stamp) {
            if self.sweep.young.len() < MOST_REMEMBERED {
                self.sweep.young.insert(path.to_owned(), found.stamp);
            }
            return FileState::NoInput;
        }
        let now = self.disk.stamp(path);
        if now == Some(found.stamp) {
            let hash = found.hash.clone().or_else(|| self.disk.hash(path));
            if let Some(hash) = hash.filter(|_| self.disk.stamp(path) == now) {
                return FileState::Known(hash);
            }
        }
        if is_updated {
            self.sweep.written.insert(path.to_owned());
            return FileState::NoInput;
        }
        match &found.hash {
            Some(hash) => FileState::Known(hash.clone()),
            // The second time: something writes it all the time, so it is no input.
            None if is_known_to_change => {
                self.sweep.written.insert(path.to_owned());
                FileState::NoInput
            }
            None => {
                self.sweep.changed.insert(path.to_owned());
                FileState::Changed
            }
        }
    }

    /// What this attempt and another one looked for in vain, and is still not there.
    fn absent(&mut self, circumstances: Circumstances) -> Vec<PathBuf> {
        let absent = self.log.files.iter().filter(|(_, access)| **access == Access::Absent);
        let absent: Vec<PathBuf> = absent.map(|(path, _)| path.clone()).collect();
        let (mut confirmed, mut first) = (Vec::new(), Vec::new());
        for path in absent {
            if self.is_written(&path) || self.is_installed(&path) || self.disk.is_there(&path) {
                continue;
            }
            if circumstances.is_only_point || self.sweep.absent.contains(&path) {
                confirmed.push(path);
            } else {
                first.push(path);
            }
        }
        if self.sweep.absent.len() < MOST_REMEMBERED {
            self.sweep.absent.extend(first);
        }
        confirmed
    }

    fn folders(&mut self) -> Vec<(PathBuf, Hash)> {
        let used: HashSet<PathBuf> = self.searched_folders();
        let written_into: HashSet<&Path> = self.sweep.written.iter().filter_map(|path| path.parent()).collect();
        let is_input = |folder: &Path| !used.contains(folder) && !written_into.contains(folder);
        let all = self.log.folders.iter().filter(|(folder, _)| is_input(folder));
        let all: Vec<(PathBuf, Hash)> = all.map(|(folder, hash)| (folder.clone(), hash.clone())).collect();
        all.into_iter()
            .filter(|(folder, _)| !self.is_written(folder) && !self.is_installed(&folder.join("x")))
            .collect()
    }

    /// The folders in which an import system has searched: those of the modules that were loaded, and those of the
    /// packages that these belong to.
    fn searched_folders(&self) -> HashSet<PathBuf> {
        let is_module = |path: &Path| {
            let extension = path.extension().and_then(|extension| extension.to_str());
            matches!(
                extension,
                Some("py" | "pyc" | "so" | "jl" | "js" | "mjs" | "cjs" | "ts" | "rb" | "pm" | "lua" | "m")
            )
        };
        let read = |path: &Path| matches!(self.log.files.get(path), Some(Access::Read(_) | Access::Updated(_)));
        let looked = |path: &Path| read(path) || self.log.looked_at.contains_key(path);
        let loaded = self.log.files.keys().filter(|path| read(path)).chain(self.log.looked_at.keys());
        let mut searched = HashSet::new();
        for path in loaded.filter(|path| is_module(path)) {
            let mut folders = path.ancestors().skip(1).peekable();
            while let Some(folder) = folders.next() {
                searched.insert(folder.to_owned());
                if !looked(&folder.join("__init__.py")) {
                    // Perhaps a package without `__init__.py`.
                    searched.extend(folders.next().map(Path::to_owned));
                    break;
                }
            }
        }
        searched
    }

    /// Whether an observed attempt has written the path, or created a folder above it.
    fn is_written(&self, path: &Path) -> bool {
        path.ancestors().take_while(|folder| *folder != self.root).any(|path| self.sweep.written.contains(path))
    }

    /// Whether the file belongs to an environment with installed packages (venv, conda).
    fn is_installed(&mut self, path: &Path) -> bool {
        let folders = path.ancestors().skip(1).take_while(|folder| *folder != self.root);
        let mut is_installed = false;
        for folder in folders {
            let known = self.environments.get(folder).copied();
            let is_environment = known.unwrap_or_else(|| {
                ["pyvenv.cfg", "conda-meta"].iter().any(|name| self.disk.is_there(&folder.join(name)))
            });
            if known.is_none() {
                self.environments.insert(folder.to_owned(), is_environment);
            }
            is_installed |= is_environment;
        }
        is_installed
    }
}

impl ObservedSweep {
    fn remember_written(&mut self, log: &AccessLog) {
        let written = log.files.iter().filter(|(_, access)| **access == Access::Written).map(|(path, _)| path.clone());
        if self.written.len() < MOST_REMEMBERED {
            self.written.extend(written);
        }
    }
}
