//! Owns the checks that jobs run with the inputs that their sweep declares.
//!
//! - [`guard`] decides, purely, whether inputs differ or were written; [`reaction`] decides, purely, what to do.
//! - [`disk`] looks at files: stat, and the hash of content.
//! - [`messages`]: what people read about it.
//! - [`job_files`]: the input files that only some commands of a sweep name.
//! - [`SweepInputs`] (here): what the slots and the dispatcher share about the inputs of one sweep.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use crate::files::{self, Files as _};
use crate::fingerprint::{is_input, possible_paths, relative};
use crate::model::{FoundBy, FoundInputs, Input, InputState};
use crate::runtime::SweepRuntime;
use disk::Disk;
use guard::Expected;
use job_files::{FilesAtEnd, JobFile, JobFiles};

pub mod disk;
pub mod guard;
pub mod job_files;
pub mod messages;
pub mod reaction;

/// What the slots and the dispatcher share about the inputs of one sweep.
#[derive(Debug)]
pub struct SweepInputs {
    /// Whether files may differ from those of the sweep.
    allows_different: bool,
    epoch: AtomicU64,
    /// Attempts under way whose accesses to files are observed.
    observed: AtomicU32,
    files: Mutex<JobFiles>,
    /// Files that only some commands name and that differ or were written.
    suspects: Mutex<Vec<Suspect>>,
    /// Files that the guard is to drop, because jobs write them.
    written: Mutex<Vec<String>>,
}

/// A file that only some commands name and that differs before a job or was written while it ran.
#[derive(Debug)]
struct Suspect {
    path: String,
    expected: InputState,
    /// Whether the job itself may have written it.
    may_be_output: bool,
}

/// What is known of the inputs of an attempt.
#[derive(Debug)]
pub struct AttemptInputs {
    /// The epoch in which it began, see [`guard`].
    pub epoch: u64,
    /// The files that its command names.
    files: Vec<JobFile>,
    /// Inputs that it has found.
    pub found: FoundInputs,
}

impl SweepInputs {
    /// `submission`: when the sweep was submitted, milliseconds since the epoch.
    pub fn new(allows_different: bool, submission: u64) -> SweepInputs {
        SweepInputs {
            allows_different,
            epoch: AtomicU64::new(0),
            observed: AtomicU32::new(0),
            files: Mutex::new(JobFiles::new(i128::from(submission) * 1_000_000)),
            suspects: Mutex::default(),
            written: Mutex::default(),
        }
    }

    /// Whether files may differ from those of the sweep.
    pub fn allows_different(&self) -> bool {
        self.allows_different
    }

    /// Sets the inputs of a loaded sweep, as known from its document and its store. Returns those for the guard, which
    /// concern all jobs.
    pub fn set(&self, sweep: &SweepRuntime, stored: &[Input]) -> Vec<(String, Expected)> {
        let words = words_of_all(sweep);
        let here = sweep.here.to_string_lossy();
        let of_all: BTreeSet<String> = words.iter().map(|word| relative(word, &here)).collect();
        let (mut all, mut some) = (Vec::new(), Vec::new());
        let fingerprint = &sweep.fingerprint;
        let known = fingerprint.watched.iter().map(|(path, hash)| (path, hash, FoundBy::Watch));
        let known = known.chain(fingerprint.files.iter().map(|(path, hash)| (path, hash, FoundBy::Command)));
        let known = known.map(|(path, hash, found_by)| (path.clone(), InputState::File(hash.clone()), found_by));
        // The document's hashes are those of the files that the sweep was submitted with.
        let is_known = |path: &String| fingerprint.watched.contains_key(path) || fingerprint.files.contains_key(path);
        let stored = stored
            .iter()
            .filter(|input| !is_known(&input.path))
            .map(|input| (input.path.clone(), input.state.clone(), input.found_by));
        let are_written = self.files().written_paths();
        for (path, state, found_by) in known.chain(stored) {
            if found_by == FoundBy::Command && are_written.contains(&path) {
                continue;
            }
            if found_by == FoundBy::Command && !of_all.contains(&path) {
                some.push((path, state));
            } else {
                let expected = self.expected(&path, state);
                all.push((path, expected));
            }
        }
        if self.allows_different {
            some.clear();
        }
        let others =
            words.into_iter().chain(of_all.iter().cloned()).chain(all.iter().map(|(path, _)| path.clone())).collect();
        self.files().set(others, of_all, some);
        all
    }

    /// Programs outside the sweep file's folder may differ from machine to machine.
    fn expected(&self, path: &str, state: InputState) -> Expected {
        match () {
            () if self.allows_different => Expected::AsFound,
            () if path.starts_with('/') => Expected::UnlessExecutable(state),
            () => Expected::State(state),
        }
    }

    /// The files that `[files] watch` matches now and did not match when the sweep was submitted.
    pub fn new_watched(&self, sweep: &SweepRuntime) -> Vec<String> {
        if self.allows_different {
            return Vec::new();
        }
        let (files, here) = (files::Disk { here: sweep.here.clone() }, sweep.here.to_string_lossy());
        // The patterns were valid when the sweep was submitted.
        let found = sweep.spec.files.watch.iter().flat_map(|pattern| files.find(pattern).unwrap_or_default());
        let found = found.map(|path| relative(&path, &here));
        let is_new = |path: &String| !sweep.fingerprint.watched.contains_key(path) && is_input(&sweep.spec, path);
        found.filter(is_new).filter(|path| sweep.here.join(path).is_file()).collect()
    }

    /// Notes the guard's epoch.
    pub fn set_epoch(&self, epoch: u64) {
        self.epoch.store(epoch, Ordering::SeqCst);
    }

    /// An attempt begins. Call it after the slot has taken the job, and before anything of the job is read.
    pub fn begin(&self) -> AttemptInputs {
        AttemptInputs { epoch: self.epoch.load(Ordering::SeqCst), files: Vec::new(), found: FoundInputs::default() }
    }

    /// Looks at the files that only this command names. Returns whether they are as the sweep declares them. If not, the
    /// dispatcher learns of it, see [`SweepInputs::take_suspects`].
    pub fn begin_files(&self, attempt: &mut AttemptInputs, sweep: &SweepRuntime, argv: &[String]) -> bool {
        let here = sweep.here.to_string_lossy();
        let named = self.files().named(&sweep.spec, &here, argv);
        if named.is_empty() {
            return true;
        }
        let (disk, now) =
            (Disk { here: sweep.here.clone(), settings: &sweep.spec.files, gives_up: &|| false }, SystemTime::now());
        for file in named {
            match file.look(&disk, now) {
                Ok(file) => attempt.files.extend(file),
                Err((difference, expected)) => {
                    self.suspects().push(Suspect { path: difference.path, expected, may_be_output: false });
                    return false;
                }
            }
        }
        self.files().remember(&attempt.files);
        true
    }

    /// An attempt has ended: looks at its files again.
    pub fn end_files(&self, attempt: &mut AttemptInputs, sweep: &SweepRuntime) {
        let files = std::mem::take(&mut attempt.files);
        if files.is_empty() {
            return;
        }
        let disk = Disk { here: sweep.here.clone(), settings: &sweep.spec.files, gives_up: &|| false };
        let were_written: Vec<bool> = files.iter().map(|file| file.was_written(&disk)).collect();
        let FilesAtEnd { found, written } = self.files().end(files, &were_written);
        if !self.allows_different {
            attempt.found.inputs.extend(found);
        }
        let suspect = |(path, expected)| Suspect { path, expected, may_be_output: true };
        self.suspects().extend(written.into_iter().map(suspect));
    }

    /// Notes that an attempt with this command writes a file: it is no input.
    pub fn note_written(&self, sweep: &SweepRuntime, argv: &[String], path: &str) {
        self.files().note_written(argv, path, &sweep.here.to_string_lossy());
        self.suspects().retain(|suspect| suspect.path != path);
        let is_watched = sweep.fingerprint.watched.contains_key(path);
        if !is_watched {
            self.written.lock().unwrap_or_else(PoisonError::into_inner).push(path.to_owned());
        }
    }

    /// Notes that an attempt begins or ends whose accesses to files are observed. Until it ends, nothing is decided about
    /// files that only some commands name: it may show that jobs write them.
    pub fn note_observed(&self, begins: bool) {
        if begins {
            self.observed.fetch_add(1, Ordering::SeqCst);
        } else {
            self.observed.fetch_sub(1, Ordering::SeqCst);
        }
    }

    /// Takes the files that the guard is to drop, because jobs write them.
    pub fn take_written(&self) -> Vec<String> {
        std::mem::take(&mut *self.written.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether an observed attempt is under way that may show that jobs write this file: a word of the command names it.
    pub fn may_turn_out_written(&self, path: &str) -> bool {
        self.observed.load(Ordering::SeqCst) > 0 && self.files().is_word_of_all(path)
    }

    /// Whether files that only some commands name differ or were written.
    pub fn has_suspects(&self) -> bool {
        let is_observed = self.observed.load(Ordering::SeqCst) > 0;
        self.suspects().iter().any(|suspect| !(suspect.may_be_output && is_observed))
    }

    /// Takes the files that only some commands name and that differ or were written, with what they must be. Also returns
    /// whether all are known: not while an observed attempt may show that jobs write them.
    pub fn take_suspects(&self) -> (Vec<(String, InputState)>, bool) {
        let mut suspects = self.suspects();
        let is_observed = self.observed.load(Ordering::SeqCst) > 0;
        let (later, now): (Vec<_>, Vec<_>) =
            std::mem::take(&mut *suspects).into_iter().partition(|suspect| suspect.may_be_output && is_observed);
        let are_all = later.is_empty();
        *suspects = later;
        (now.into_iter().map(|suspect| (suspect.path, suspect.expected)).collect(), are_all)
    }

    fn files(&self) -> MutexGuard<'_, JobFiles> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn suspects(&self) -> MutexGuard<'_, Vec<Suspect>> {
        self.suspects.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The words that the commands of all points have, judged by three of them.
fn words_of_all(sweep: &SweepRuntime) -> BTreeSet<String> {
    let last = sweep.space.len().saturating_sub(1);
    let words = |index: u64| {
        let argv = sweep.argv(index)?;
        Some(possible_paths(&argv).into_iter().map(|word| word.text).collect::<BTreeSet<String>>())
    };
    let some = [0, last / 2, last].into_iter().filter_map(words);
    some.reduce(|words, other| words.intersection(&other).cloned().collect()).unwrap_or_default()
}
