//! Owns a job's directory: made, kept fresh for each attempt, filled with input decks; and the reading of its files
//! with results.
//!
//! A directory that sweep made for a job carries a small file, [`JOB_MARKER_FILE`], which says whose it is. When the
//! job is tried again, the directory is renamed aside (`DIR.attempt-1`) and made anew. What else is found there stays
//! as it is: a directory without a marker is somebody's own; one with another job's marker is shared on purpose, and is
//! marked as such, so that no retry takes it away from the others. Nothing is ever deleted. Where the name of the
//! directory is the same for all jobs, there are no markers at all, and a sweep without `dir` pays for nothing of this.
//!
//! **Two attempts at once.** A worker that lost its lease may still run the job, or be about to start it, when another
//! one begins the next attempt. The newer attempt renames the directory aside: the older process stays in the renamed
//! one, because a working directory follows a rename; only what it opens by an absolute path (`{{ dir }}`) from then on
//! meets the newer attempt's. An older attempt that finds a newer one's marker does not start. Looking at the marker
//! and acting on it happens under a lock on the directory (where the file system has locks). What is left: a worker
//! stopped for longer than its lease between the marker and the start of its process then starts in the newer attempt's
//! directory. Its outcome is refused by the store all the same.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};

use self::beneath::{FileStamp, FolderOfJob};
use crate::extract::Overflow;
use crate::model::JOB_MARKER_FILE;
use crate::record::Kept;
use crate::runtime::{PreparedJob, SweepRuntime};
use crate::store::Claim;

mod beneath;

/// Why a job cannot use its directory.
#[derive(Debug, PartialEq, Eq)]
pub enum DirectoryError {
    /// The directory or a file in it cannot be created.
    Cannot(String),
    /// A newer attempt at the same job has the directory.
    NewerAttempt,
}

/// The directory of an attempt, ready for its process.
#[derive(Debug)]
pub struct Directory {
    dir: PathBuf,
    /// The files with results as they were before the job started, those that had been there for a while.
    before: Vec<(String, FileStamp)>,
    /// Whether it was created for this attempt.
    is_fresh: bool,
}

impl Directory {
    /// Makes the directory, and writes the input decks into it.
    ///
    /// # Errors
    /// If that cannot be done, or should not.
    pub fn enter(sweep: &SweepRuntime, prepared: &PreparedJob, claim: &Claim) -> Result<Directory, DirectoryError> {
        let dir = &prepared.dir;
        let shared = sweep.template.one_dir_for_all() && sweep.space.len() > 1;
        let found = if sweep.spec.job.dir.is_none() {
            // The default folder is not created. If it is missing, the start of the process fails and reports that.
            DirectoryState::AsItWas
        } else if shared {
            make(dir)?;
            DirectoryState::AsItWas
        } else {
            let attempt = claim.tries.attempts;
            let owner =
                Owner { submission: &sweep.submission, job: claim.job.to_string(), attempt, token: claim.token };
            take(dir, &owner)?
        };
        if !prepared.files.is_empty() {
            let folder = FolderOfJob::open(dir).map_err(cannot(dir, "opened"))?;
            for (name, text) in &prepared.files {
                folder.write(name, text).map_err(|error| cannot(&dir.join(name), "written")(error))?;
            }
        }
        let folder = sweep.spec.result_files().next().and_then(|_| FolderOfJob::open(dir).ok());
        let old = |name: &str| Some((name.to_owned(), folder.as_ref()?.stamp(name)?.if_old()?));
        let before = match found {
            DirectoryState::AsItWas => sweep.spec.result_files().filter_map(old).collect(),
            DirectoryState::Fresh => Vec::new(),
        };
        Ok(Directory { dir: dir.clone(), before, is_fresh: found == DirectoryState::Fresh })
    }

    /// Makes the directory anew for another start of the same attempt: what the first one left is renamed aside, as that of
    /// an earlier attempt would be.
    ///
    /// # Errors
    /// If that cannot be done, or should not.
    pub fn renew(
        self,
        sweep: &SweepRuntime,
        prepared: &PreparedJob,
        claim: &Claim,
    ) -> Result<Directory, DirectoryError> {
        if self.is_fresh {
            let (dir, attempt) = (&self.dir, claim.tries.attempts);
            move_aside(dir, attempt).map_err(cannot(dir, "renamed aside"))?;
        }
        Directory::enter(sweep, prepared, claim)
    }

    /// The end of a file with results, after the job has ended: at most `keep` bytes. What comes before goes to
    /// `overflow`, if that wants it.
    ///
    /// # Errors
    /// If there is none that this job wrote; in words that go on after "no result: ".
    pub fn read(&self, name: &str, keep: usize, overflow: Option<Overflow>) -> Result<Kept, String> {
        let path = self.dir.join(name);
        let unreadable = |error: std::io::Error| match error.kind() {
            ErrorKind::NotFound => format!("the job wrote no file {}", path.display()),
            _ => format!("{} cannot be read: {error}", path.display()),
        };
        let folder = FolderOfJob::open(&self.dir).map_err(unreadable)?;
        let before = self.before.iter().find(|(other, _)| other == name);
        if before.is_some_and(|(_, before)| folder.stamp(name) == Some(*before)) {
            return Err(format!("{} was there before, and the job did not write it", path.display()));
        }
        folder.read_end(name, keep, overflow).map_err(unreadable)
    }
}

/// The state in which a directory was found.
#[derive(Debug, PartialEq, Eq)]
enum DirectoryState {
    /// It was created, or is empty.
    Fresh,
    /// It has content that sweep must not move.
    AsItWas,
}

/// The attempt that wants a directory.
#[derive(Debug)]
struct Owner<'a> {
    submission: &'a str,
    job: String,
    attempt: u32,
    token: u64,
}

/// What a marker says.
#[derive(Debug, PartialEq, Eq)]
enum MarkerOwner {
    /// The directory is empty and has no marker.
    Empty,
    /// It is somebody's own, or shared by several jobs.
    NotOurs,
    /// It is another job's.
    OtherJob,
    /// It is this very claim's.
    Mine,
    /// An earlier attempt at the same job has it; this is its number.
    Earlier(u32),
    /// A later attempt at the same job has it.
    Later,
}

/// The content of the marker of a directory that several jobs use.
const SHARED: &str = "shared\n";

impl Owner<'_> {
    fn line(&self) -> String {
        format!("{} {} {} {:016x}\n", self.job, self.attempt, self.submission, self.token)
    }

    /// What a marker's text means to this attempt.
    fn judge(&self, text: &str) -> MarkerOwner {
        let words: Vec<&str> = text.split(' ').collect();
        let [job, attempt, submission, _] = words.as_slice() else { return MarkerOwner::NotOurs };
        let Ok(attempt) = attempt.parse::<u32>() else { return MarkerOwner::NotOurs };
        match () {
            () if text == self.line() => MarkerOwner::Mine,
            () if *job != self.job => MarkerOwner::OtherJob,
            // A sweep of another store with the same id: its job is not of this sweep.
            () if *submission != self.submission => MarkerOwner::Earlier(attempt),
            // The same number under another token: that claim was given back before its process started.
            () if attempt <= self.attempt => MarkerOwner::Earlier(attempt),
            () => MarkerOwner::Later,
        }
    }
}

/// Creates a directory for an attempt. An existing one that belongs to an earlier attempt is renamed aside.
fn take(dir: &Path, owner: &Owner) -> Result<DirectoryState, DirectoryError> {
    // Another attempt may move the directory after it was read; then it is read again. 16 times are more than enough.
    for _ in 0..16 {
        refuse_link(dir)?;
        make(dir)?;
        let Some(held) = lock(dir) else { continue };
        let found = match mark(dir, owner) {
            MarkerOwner::Empty => match put_marker(dir, &owner.line(), true) {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => continue,
                put => put.map(|()| DirectoryState::Fresh),
            },
            MarkerOwner::Mine | MarkerOwner::NotOurs => Ok(DirectoryState::AsItWas),
            MarkerOwner::OtherJob => put_marker(dir, SHARED, false).map(|()| DirectoryState::AsItWas),
            MarkerOwner::Later => return Err(DirectoryError::NewerAttempt),
            MarkerOwner::Earlier(attempt) => {
                move_aside(dir, attempt).map_err(cannot(dir, "renamed aside"))?;
                continue;
            }
        };
        drop(held);
        return found.map_err(cannot(&dir.join(JOB_MARKER_FILE), "written"));
    }
    Err(DirectoryError::Cannot(format!("its directory {} is moved again and again by other processes", dir.display())))
}

fn mark(dir: &Path, owner: &Owner) -> MarkerOwner {
    match FolderOfJob::open(dir).and_then(|folder| folder.read_small(JOB_MARKER_FILE)) {
        Ok(text) => owner.judge(&text),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let is_empty = fs::read_dir(dir).is_ok_and(|mut entries| entries.next().is_none());
            if is_empty { MarkerOwner::Empty } else { MarkerOwner::NotOurs }
        }
        Err(_) => MarkerOwner::NotOurs,
    }
}

fn put_marker(dir: &Path, text: &str, new: bool) -> std::io::Result<()> {
    let folder = FolderOfJob::open(dir)?;
    if new { folder.create(JOB_MARKER_FILE, text) } else { folder.write(JOB_MARKER_FILE, text) }
}

/// Renames a directory to a name that nothing has: `DIR.attempt-N`, or with a further number.
fn move_aside(dir: &Path, attempt: u32) -> std::io::Result<()> {
    let name = |suffix: &str| {
        let mut name = dir.as_os_str().to_owned();
        name.push(format!(".attempt-{attempt}{suffix}"));
        PathBuf::from(name)
    };
    let mut aside = name("");
    let mut number = 1;
    while aside.symlink_metadata().is_ok() {
        number += 1;
        aside = name(&format!(".{number}"));
    }
    match fs::rename(dir, aside) {
        // Another attempt was faster.
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        renamed => renamed,
    }
}

/// Refuses a link in the place of a directory that is this job's alone: another job may have put it there, and input decks
/// would replace files elsewhere. Folders above it may be links.
fn refuse_link(dir: &Path) -> Result<(), DirectoryError> {
    if dir.symlink_metadata().is_ok_and(|found| found.is_symlink()) {
        return Err(DirectoryError::Cannot(format!("its directory {} is a link; remove the link", dir.display())));
    }
    Ok(())
}

/// Opens and locks a directory until the result is dropped; none if it was moved away meanwhile. On a file system
/// without locks it is not locked.
fn lock(dir: &Path) -> Option<File> {
    let open = File::open(dir).ok()?;
    let _ = flock(&open, FlockOperation::LockExclusive);
    let (held, there) = (open.metadata().ok()?, fs::metadata(dir).ok()?);
    ((held.dev(), held.ino()) == (there.dev(), there.ino())).then_some(open)
}

fn make(dir: &Path) -> Result<(), DirectoryError> {
    // The usual case, a folder that is there, costs one system call.
    if dir.is_dir() {
        return Ok(());
    }
    fs::create_dir_all(dir).map_err(cannot(dir, "created"))
}

fn cannot(path: &Path, what: &str) -> impl FnOnce(std::io::Error) -> DirectoryError {
    move |error| DirectoryError::Cannot(format!("{} cannot be {what}: {error}", path.display()))
}

#[cfg(test)]
mod tests;
