//! Owns the input files that only some commands of a sweep name: each is looked at before and after the jobs that name
//! it. Words that all commands have are looked at by the guard.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::time::SystemTime;

use super::guard::{Difference, DifferenceKind, InputDisk, InputStat, has_other_attributes};
use crate::fingerprint::{is_input, possible_paths, relative};
use crate::model::{FoundBy, Input, InputState, Spec};
use crate::worker::bounded::BoundedMap;

/// The most files whose content is remembered.
const MOST_FILES: usize = 10_000;

/// An input file that the command of a job names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobFile {
    path: String,
    place: usize,
    stat: InputStat,
    state: InputState,
    /// Whether the sweep does not know it yet.
    is_new: bool,
    /// Whether it was written so short a time before that its stat does not tell whether it is written again.
    is_young: bool,
}

/// A file that the command of a job names, before it is looked at.
#[derive(Debug)]
pub struct NamedFile {
    path: String,
    place: usize,
    /// What it must be; none: the sweep does not know it.
    expected: Option<InputState>,
    /// What was read of it before.
    known: Option<(InputStat, InputState)>,
    submitted_ns: i128,
}

/// What happened to the files of a job while it ran.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct FilesAtEnd {
    /// Files that the sweep did not know before: its inputs.
    pub found: Vec<Input>,
    /// Files that were written, with what they must be.
    pub written: Vec<(String, InputState)>,
}

/// The files that only some commands of a sweep name.
#[derive(Debug)]
pub struct JobFiles {
    /// Words that are looked at otherwise: those of all commands, and inputs that the guard has.
    others: HashSet<String>,
    /// The files among them that words of all commands name.
    of_all: HashSet<String>,
    expected: HashMap<String, InputState>,
    /// Words of the command that name files which jobs write, by their place, and single such files.
    written_places: HashSet<usize>,
    written_paths: HashSet<String>,
    /// Files that were written later than this were written by earlier attempts, unless the sweep knows them as inputs.
    submitted_ns: i128,
    contents: BoundedMap<String, (InputStat, InputState)>,
}

impl JobFiles {
    /// `submitted_ns`: when the sweep was submitted, nanoseconds since the epoch.
    pub fn new(submitted_ns: i128) -> JobFiles {
        JobFiles {
            others: HashSet::new(),
            of_all: HashSet::new(),
            expected: HashMap::new(),
            written_places: HashSet::new(),
            written_paths: HashSet::new(),
            submitted_ns,
            contents: BoundedMap::new(MOST_FILES),
        }
    }

    /// Sets which files are looked at otherwise, those of them that words of all commands name, and the inputs among the
    /// rest.
    pub fn set(
        &mut self,
        others: BTreeSet<String>,
        of_all: BTreeSet<String>,
        expected: impl IntoIterator<Item = (String, InputState)>,
    ) {
        self.others = others.into_iter().collect();
        self.of_all = of_all.into_iter().collect();
        self.expected = expected.into_iter().collect();
    }

    /// Files that jobs write.
    pub fn written_paths(&self) -> HashSet<String> {
        self.written_paths.clone()
    }

    /// Whether a word of all commands names this file.
    pub fn is_word_of_all(&self, path: &str) -> bool {
        self.of_all.contains(path)
    }

    /// Notes that an attempt writes a file. The words at the same place of the commands of other points name files that
    /// jobs write, too.
    pub fn note_written(&mut self, argv: &[String], path: &str, here: &str) {
        let places = possible_paths(argv).into_iter().filter(|word| relative(&word.text, here) == path);
        self.written_places.extend(places.map(|word| word.place));
        self.written_paths.insert(path.to_owned());
    }

    /// The files that the command of a job names and that may be inputs of it alone. Nothing is read.
    pub fn named(&self, spec: &Spec, here: &str, argv: &[String]) -> Vec<NamedFile> {
        let mut named = Vec::new();
        for word in possible_paths(argv) {
            if self.others.contains(&word.text) {
                continue;
            }
            let path = relative(&word.text, here);
            if !self.others.contains(&path) && !self.is_written(word.place, &path) && is_input(spec, &path) {
                let expected = self.expected.get(&path).cloned();
                let known = self.contents.get(&path).cloned();
                named.push(NamedFile { path, place: word.place, expected, known, submitted_ns: self.submitted_ns });
            }
        }
        named
    }

    /// Remembers the content of files, so that it is not read again while their stats stay the same.
    pub fn remember(&mut self, files: &[JobFile]) {
        for file in files {
            self.contents.insert(file.path.clone(), (file.stat, file.state.clone()));
        }
    }

    /// What has happened to the files of a job that has ended; `were_written` says it for each.
    pub fn end(&mut self, files: Vec<JobFile>, were_written: &[bool]) -> FilesAtEnd {
        let mut at_end = FilesAtEnd::default();
        for (JobFile { path, place, state, is_new, .. }, was_written) in files.into_iter().zip(were_written) {
            if self.is_written(place, &path) {
                continue;
            }
            if *was_written {
                at_end.written.push((path, state));
            } else if is_new {
                self.expected.insert(path.clone(), state.clone());
                at_end.found.push(Input { path, state, found_by: FoundBy::Command });
            }
        }
        at_end
    }

    fn is_written(&self, place: usize, path: &str) -> bool {
        self.written_places.contains(&place) || self.written_paths.contains(path)
    }
}

impl NamedFile {
    /// Looks at the file before the job starts; none: it is no input.
    ///
    /// # Errors
    /// If it differs from that of the sweep; also returns what it must be.
    pub fn look(self, disk: &dyn InputDisk, now: SystemTime) -> Result<Option<JobFile>, (Difference, InputState)> {
        let NamedFile { path, place, expected, known, submitted_ns } = self;
        let Some(expected) = expected else {
            let Some(stat) = disk.stat(&path).filter(|stat| stat.modified_ns < submitted_ns) else { return Ok(None) };
            let read = content(&path, stat, known, disk, now);
            return Ok(read.ok().and_then(|(stat, state)| JobFile::new(path, place, stat?, state, true, now)));
        };
        let differs =
            |path: &str, kind| Err((Difference { path: path.to_owned(), kind, was_equal: false }, expected.clone()));
        let Some(stat) = disk.stat(&path) else {
            return if expected == InputState::Absent { Ok(None) } else { differs(&path, DifferenceKind::Missing) };
        };
        match content(&path, stat, known, disk, now) {
            Ok((Some(stat), state)) if state == expected => Ok(JobFile::new(path, place, stat, state, false, now)),
            Ok((Some(_), _)) => differs(&path, DifferenceKind::Content),
            Ok((None, _)) => differs(&path, DifferenceKind::Missing),
            Err(why) => differs(&path, DifferenceKind::Unreadable(why)),
        }
    }
}

fn content(
    path: &str,
    stat: InputStat,
    known: Option<(InputStat, InputState)>,
    disk: &dyn InputDisk,
    now: SystemTime,
) -> Result<(Option<InputStat>, InputState), String> {
    match known {
        Some((of, state)) if of == stat && !stat.is_young(now) => Ok((Some(stat), state)),
        _ => disk.read(path),
    }
}

impl JobFile {
    /// A folder that a command names is no input by its names.
    fn new(
        path: String,
        place: usize,
        stat: InputStat,
        state: InputState,
        is_new: bool,
        now: SystemTime,
    ) -> Option<Self> {
        let is_file = matches!(state, InputState::File(_));
        is_file.then(|| JobFile { path, place, stat, state, is_new, is_young: stat.is_young(now) })
    }

    /// Whether it was perhaps written since.
    pub fn was_written(&self, disk: &dyn InputDisk) -> bool {
        let stat = disk.stat(&self.path);
        if self.is_young || has_other_attributes(Some(self.stat), stat) {
            let read = disk.read(&self.path);
            let is_same = |of: Option<InputStat>| of == Some(self.stat) || has_other_attributes(Some(self.stat), of);
            return !read.is_ok_and(|(of, state)| state == self.state && is_same(of));
        }
        stat != Some(self.stat)
    }
}
