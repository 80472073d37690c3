//! Owns the step from a reported call to an entry of the [`AccessLog`]: which file it is about, and what is there now,
//! before the call goes on.

use std::collections::{HashSet, VecDeque};
use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{Mode, OFlags, open};

use super::super::stamp;
use super::filter::{PathArgument, ReportedCall};
use super::memory::{GivenPath, given_path, number, open_path};
use crate::project::names::hash_digits;
use crate::project::{AccessLog, FileStamp, ProjectRules, bytecode_module, join_without_dots, source_of_bytecode};

/// The most paths outside the project that are remembered as such.
const MOST_OUTSIDE: usize = 50_000;

/// Folders of the system that hold no files of a project.
const NEVER_OF_A_PROJECT: [&str; 3] = ["/proc", "/sys", "/dev"];

/// Files up to this size are hashed while the job runs; larger ones after it. Bytes.
const HASHED_AT_ONCE: u64 = 4 << 20;

/// Translates the reported calls of one attempt.
pub(super) struct Translator {
    rules: Arc<ProjectRules>,
    log: AccessLog,
    /// Paths that were found to lead out of the project.
    outside: HashSet<PathBuf>,
    /// Files to hash when there is time.
    to_hash: VecDeque<(PathBuf, FileStamp)>,
}

fn is_missing(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

impl Translator {
    pub(super) fn new(rules: Arc<ProjectRules>) -> Translator {
        Translator { rules, log: AccessLog::default(), outside: HashSet::new(), to_hash: VecDeque::new() }
    }

    /// What was seen so far.
    pub(super) fn take_log(&mut self) -> AccessLog {
        self.to_hash.clear();
        std::mem::take(&mut self.log)
    }

    /// Records a call of a thread that waits for it.
    pub(super) fn record(&mut self, thread: i32, call: ReportedCall) {
        if self.try_record(thread, call).is_err() {
            self.log.missed += 1;
        }
    }

    fn try_record(&mut self, thread: i32, call: ReportedCall) -> io::Result<()> {
        match call {
            ReportedCall::Open(path, flags) => self.opened(thread, path, flags),
            ReportedCall::OpenHow(path, how) => self.opened(thread, path, number(thread, how)?),
            ReportedCall::Execute(path) => self.opened(thread, path, libc::O_RDONLY as u64),
            ReportedCall::Look(path) => self.looked(thread, path),
            ReportedCall::List(folder) => self.listed(thread, folder),
            ReportedCall::Change(path) => self.changed(thread, path, |path| !path.is_dir()),
            // It fails where something is there.
            ReportedCall::Create(path) => self.changed(thread, path, |path| path.symlink_metadata().is_err()),
            ReportedCall::Rename(from, to) => {
                self.changed(thread, from, Path::exists)?;
                self.changed(thread, to, |_| true)
            }
        }
    }

    fn opened(&mut self, thread: i32, argument: PathArgument, flags: u64) -> io::Result<()> {
        let has = |flag: i32| flags & (flag as u64) == flag as u64;
        let given = given_path(thread, argument)?;
        if given.is_never_of_a_project() || has(libc::O_PATH) || has(libc::O_TMPFILE) {
            return Ok(());
        }
        let mode = flags & (libc::O_ACCMODE as u64);
        let is_written = mode != libc::O_RDONLY as u64 || has(libc::O_TRUNC);
        if is_written || has(libc::O_CREAT) {
            let is_emptied = has(libc::O_TRUNC) || mode == libc::O_WRONLY as u64;
            let must_be_new = has(libc::O_CREAT) && has(libc::O_EXCL);
            self.opened_for_writing(&given, is_written, is_emptied, must_be_new);
        } else if let Some(path) = self.read_path(&given) {
            self.read_if_there(thread, &path);
        }
        Ok(())
    }

    fn opened_for_writing(&mut self, given: &GivenPath, is_written: bool, is_emptied: bool, must_be_new: bool) {
        let Some(path) = self.written_path(given).filter(|path| !self.log.knows_as_written(path)) else { return };
        let found = match fs::metadata(&path) {
            // The call will fail.
            Ok(_) if must_be_new => return,
            Ok(metadata) if metadata.is_file() => Some(stamp(&metadata)),
            Ok(_) => return,
            Err(_) => None,
        };
        match found {
            _ if is_emptied => self.log.write(&path),
            // `O_RDONLY | O_CREAT`
            Some(found) if !is_written => self.read(&path, found),
            found => self.log.update(&path, found),
        }
    }

    /// A covered path is opened for reading.
    fn read_if_there(&mut self, thread: i32, path: &Path) {
        if self.log.knows_content(path) {
            return;
        }
        match fs::metadata(path) {
            Ok(metadata) if metadata.is_file() => self.read(path, stamp(&metadata)),
            Ok(_) => {}
            Err(error) if is_missing(&error) => self.miss(thread, path),
            Err(_) => {}
        }
    }

    fn read(&mut self, path: &Path, stamp: FileStamp) {
        if self.log.knows_content(path) {
            return;
        }
        self.log.read(path, stamp);
        if stamp.size <= HASHED_AT_ONCE {
            self.to_hash.push_back((path.to_owned(), stamp));
        }
    }

    /// A covered path is looked for and is not there.
    fn miss(&mut self, thread: i32, path: &Path) {
        if !self.log.knows(path) && !is_version_control(thread) {
            self.log.miss(path);
        }
    }

    fn looked(&mut self, thread: i32, argument: PathArgument) -> io::Result<()> {
        let given = given_path(thread, argument)?;
        let Some(path) = given.joined().and_then(|path| self.rules.inside(&path)) else { return Ok(()) };
        if self.log.knows(&path) || !self.rules.covers(&path) {
            return Ok(());
        }
        match fs::metadata(&path) {
            Ok(metadata) if metadata.is_file() && is_source(&path) => self.log.look(&path, stamp(&metadata)),
            Ok(_) => {}
            Err(error) if is_missing(&error) && path.symlink_metadata().is_err() => self.miss(thread, &path),
            Err(_) => {}
        }
        Ok(())
    }

    fn listed(&mut self, thread: i32, folder: i32) -> io::Result<()> {
        let folder = open_path(thread, folder)?;
        let Some(folder) = self.rules.inside(&folder) else { return Ok(()) };
        if (folder != self.rules.root() && !self.rules.covers(&folder)) || is_version_control(thread) {
            return Ok(());
        }
        let rules = &self.rules;
        self.log.list(&folder, || {
            let names: Vec<_> = fs::read_dir(&folder).ok()?.flatten().map(|entry| entry.file_name()).collect();
            Some(rules.folder_hash(&folder, &names))
        });
        Ok(())
    }

    /// A path is created, changed or removed, if `counts` says so of it.
    fn changed(&mut self, thread: i32, argument: PathArgument, counts: impl Fn(&Path) -> bool) -> io::Result<()> {
        let given = given_path(thread, argument)?;
        if !given.is_never_of_a_project()
            && let Some(path) = self.written_path(&given).filter(|path| !self.log.knows_as_written(path))
            && counts(&path)
        {
            self.log.write(&path);
        }
        Ok(())
    }

    /// The path of the project that a path which is read leads to: itself, if the project's rules cover it; for a cache of
    /// bytecode its source; otherwise what it leads to through symbolic links, if they cover that.
    fn read_path(&mut self, given: &GivenPath) -> Option<PathBuf> {
        let joined = given.joined();
        if let Some(inside) = joined.as_deref().and_then(|path| self.rules.inside(path)) {
            if let Some(source) = source_of_bytecode(&inside) {
                return Some(source).filter(|source| self.rules.covers(source) && source.is_file());
            }
            if self.rules.covers(&inside) {
                return Some(inside);
            }
        }
        let path = joined.unwrap_or_else(|| given.base.join(&given.text));
        if self.outside.contains(&path) {
            return None;
        }
        let real = real_path(&path).and_then(|real| self.rules.inside(&real)).filter(|real| self.rules.covers(real));
        if real.is_none() {
            if let Some(module) = bytecode_module(&path) {
                self.log.read_bytecode(module);
            }
            if self.outside.len() < MOST_OUTSIDE {
                self.outside.insert(path);
            }
        }
        real
    }

    /// The covered path of the project that is created, changed or removed; through symbolic links of its folder.
    fn written_path(&mut self, given: &GivenPath) -> Option<PathBuf> {
        let joined = given.joined();
        if let Some(inside) = joined.as_deref().and_then(|path| self.rules.inside(path)) {
            let covered = Some(inside).filter(|inside| self.rules.covers(inside))?;
            // A link in the project may lead to another file of it.
            return match real_path(&covered).and_then(|real| self.rules.inside(&real)) {
                Some(real) if real != covered && self.rules.covers(&real) => {
                    self.log.write(&covered);
                    Some(real)
                }
                _ => Some(covered),
            };
        }
        let path = joined.unwrap_or_else(|| given.base.join(&given.text));
        let real = fs::canonicalize(path.parent()?).ok()?.join(path.file_name()?);
        self.rules.inside(&real).filter(|real| self.rules.covers(real))
    }

    /// Whether there are files to hash.
    pub(super) fn has_work(&self) -> bool {
        !self.to_hash.is_empty()
    }

    /// Hashes one file.
    pub(super) fn work(&mut self) {
        let Some((path, of)) = self.to_hash.pop_front() else { return };
        if let Some(hash) = hash_if(&path, of) {
            self.log.set_hash(&path, of, hash);
        }
    }
}

/// The hash of a file's content, if it has this stamp before and after.
fn hash_if(path: &Path, of: FileStamp) -> Option<String> {
    let file = File::open(path).ok()?;
    let now = |file: &File| file.metadata().ok().map(|metadata| stamp(&metadata));
    if now(&file) != Some(of) {
        return None;
    }
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(&file).ok()?;
    (now(&file) == Some(of)).then(|| hash_digits(&hasher.finalize()))
}

/// Where a path leads, through symbolic links. Opens nothing but the name: a pipe or a device is not touched.
fn real_path(path: &Path) -> Option<PathBuf> {
    let open = open(path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty()).ok()?;
    fs::read_link(format!("/proc/self/fd/{}", open.as_raw_fd())).ok()
}

fn is_source(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "py" || extension == "jl")
}

/// Whether the thread belongs to a program of version control: it lists and looks for everything, to describe the state of
/// the project and not to compute from it.
fn is_version_control(thread: i32) -> bool {
    let name = fs::read_to_string(format!("/proc/{thread}/comm")).unwrap_or_default();
    matches!(name.trim_end(), "git" | "hg" | "svn" | "jj")
}

impl GivenPath {
    fn joined(&self) -> Option<PathBuf> {
        join_without_dots(&self.base, &self.text)
    }

    fn is_never_of_a_project(&self) -> bool {
        let of_system = |folder: &str| {
            if self.base == Path::new("/") {
                // Without its leading slash.
                self.text.starts_with(folder.trim_start_matches('/'))
            } else {
                self.base.starts_with(folder)
            }
        };
        NEVER_OF_A_PROJECT.into_iter().any(of_system)
    }
}
