//! Owns what an observed attempt did with the files of its project: [`AccessLog`].

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use crate::model::Hash;

/// The most paths of a project that are remembered of one attempt, and the most of them that were looked for in vain.
const MOST_PATHS: usize = 20_000;
const MOST_ABSENT: usize = 256;

/// What distinguishes one state of a file from another without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct FileStamp {
    /// The device and the number of the file on it.
    pub file: (u64, u64),
    /// Its size, bytes.
    pub size: u64,
    /// When its content was modified, nanoseconds since 1970.
    pub modified: i128,
    /// When its content, name or permissions changed, likewise.
    pub changed: i128,
}

/// A file that was there when it was opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundFile {
    /// Its state then.
    pub stamp: FileStamp,
    /// The hash of its content, if it was computed while that state lasted.
    pub hash: Option<Hash>,
}

/// What an attempt did with a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Access {
    /// It was there, and was opened for reading.
    Read(FoundFile),
    /// It was there, and was opened for reading and writing. Fortran opens files so that it only reads.
    Updated(FoundFile),
    /// It was looked for and was not there.
    Absent,
    /// It was created, truncated, removed or replaced.
    Written,
}

/// What an observed attempt did with the files of its project. Paths are absolute and below the root. In each path the
/// first access counts, until the file is written.
#[derive(Clone, Debug, Default)]
pub struct AccessLog {
    pub(super) files: HashMap<PathBuf, Access>,
    /// Folders whose names were read, and the hash of the names.
    pub(super) folders: HashMap<PathBuf, Hash>,
    /// Source files that were there and were looked at, but not opened.
    pub(super) looked_at: HashMap<PathBuf, FileStamp>,
    /// Modules whose bytecode was read from a cache outside the project.
    pub(super) modules: HashSet<String>,
    absent: usize,
    /// How many accesses were left out, because there were too many or the process could not be read.
    pub missed: u64,
}

impl AccessLog {
    /// What happened to which paths, in no particular order.
    pub fn files(&self) -> impl Iterator<Item = (&Path, &Access)> {
        self.files.iter().map(|(path, access)| (path.as_path(), access))
    }

    /// The folders whose names were read, and the hash of these, in no particular order.
    pub fn folders(&self) -> impl Iterator<Item = (&Path, &Hash)> {
        self.folders.iter().map(|(path, hash)| (path.as_path(), hash))
    }

    /// Whether something has happened to this path.
    pub fn knows(&self, path: &Path) -> bool {
        self.files.contains_key(path)
    }

    /// Whether it is known what reading this path means: it was there before, or it was written.
    pub fn knows_content(&self, path: &Path) -> bool {
        self.files.get(path).is_some_and(|access| *access != Access::Absent)
    }

    /// Whether nothing at all that happens to this path from now on matters.
    pub fn knows_as_written(&self, path: &Path) -> bool {
        self.files.get(path) == Some(&Access::Written)
    }

    /// A file is opened for reading, or executed.
    pub fn read(&mut self, path: &Path, stamp: FileStamp) {
        let new = || Access::Read(FoundFile { stamp, hash: None });
        match self.files.get_mut(path) {
            // Another process has created it meanwhile.
            Some(access @ Access::Absent) => *access = new(),
            Some(_) => {}
            None => self.add(path, new()),
        }
    }

    /// A file is opened for reading and writing without being truncated; `stamp` is none if it is not there.
    pub fn update(&mut self, path: &Path, stamp: Option<FileStamp>) {
        match (self.files.get_mut(path), stamp) {
            (Some(access), _) => {
                *access = match std::mem::replace(access, Access::Written) {
                    Access::Read(found) | Access::Updated(found) => Access::Updated(found),
                    Access::Absent | Access::Written => Access::Written,
                }
            }
            (None, Some(stamp)) => self.add(path, Access::Updated(FoundFile { stamp, hash: None })),
            (None, None) => self.add(path, Access::Written),
        }
    }

    /// A file or folder is created, truncated, removed or replaced.
    pub fn write(&mut self, path: &Path) {
        match self.files.get_mut(path) {
            Some(access) => *access = Access::Written,
            None => self.add(path, Access::Written),
        }
    }

    /// A file is looked for that is not there.
    pub fn miss(&mut self, path: &Path) {
        if self.files.contains_key(path) {
            return;
        }
        self.absent += 1;
        if self.absent <= MOST_ABSENT {
            self.add(path, Access::Absent);
        } else {
            self.missed += 1;
        }
    }

    /// The names in a folder are read; `hash` computes their hash.
    pub fn list(&mut self, folder: &Path, hash: impl FnOnce() -> Option<Hash>) {
        if self.folders.contains_key(folder) || self.folders.len() >= MOST_PATHS {
            return;
        }
        if let Some(hash) = hash() {
            self.folders.insert(folder.to_owned(), hash);
        }
    }

    /// A source file that is there is looked at.
    pub fn look(&mut self, path: &Path, stamp: FileStamp) {
        if self.looked_at.len() < MOST_PATHS && !self.looked_at.contains_key(path) {
            self.looked_at.insert(path.to_owned(), stamp);
        }
    }

    /// Bytecode of a module is read from a cache outside the project.
    pub fn read_bytecode(&mut self, module: &str) {
        if self.modules.len() < MOST_PATHS {
            self.modules.insert(module.to_owned());
        }
    }

    /// Sets the hash of a file's content, computed while it still had this stamp.
    pub fn set_hash(&mut self, path: &Path, of: FileStamp, hash: Hash) {
        if let Some(Access::Read(found) | Access::Updated(found)) = self.files.get_mut(path)
            && found.stamp == of
        {
            found.hash = Some(hash);
        }
    }

    fn add(&mut self, path: &Path, access: Access) {
        if self.files.len() < MOST_PATHS {
            self.files.insert(path.to_owned(), access);
        } else {
            self.missed += 1;
        }
    }
}
