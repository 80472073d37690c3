//! Owns the decision whether the inputs of a sweep are as the sweep declares them, and whether one was written since the
//! last look. Pure: what is on disk comes from an [`InputDisk`], and `now` is an argument.
//!
//! A look compares the stat of each input with that of the look before, and reads the content only where the stat
//! differs. A look that finds a written or a different input begins a new *epoch*. An attempt that began in an epoch and
//! ended before a look in the same epoch ran with the declared inputs from its start to its end.

use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::model::InputState;

/// A file that was written this short a time ago may be written again without a new stat: clocks of file systems are
/// coarse. Its content is read at the next look.
const YOUNG: Duration = Duration::from_secs(2);

/// An input that is added later is known to be unwritten since the first look if it was last written this long before. More
/// than the tick of a kernel's clock (at most 10 ms), which gives the times of files.
const MARGIN: Duration = Duration::from_millis(15);

/// What distinguishes one state of a file or folder from another without reading it. The change time is part of it,
/// because programs can set the modification time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InputStat {
    /// The device.
    pub device: u64,
    /// The inode.
    pub inode: u64,
    /// Bytes.
    pub size: u64,
    /// Its type and permissions, as in `st_mode`.
    pub mode: u32,
    /// The user and the group that own it.
    pub owner: (u32, u32),
    /// How many names it has.
    pub links: u64,
    /// When the content was last written: nanoseconds since the epoch.
    pub modified_ns: i128,
    /// When the content or the inode was last changed: nanoseconds since the epoch.
    pub changed_ns: i128,
}

/// The files of one machine.
pub trait InputDisk {
    /// What is at a path now; none: nothing.
    fn stat(&self, path: &str) -> Option<InputStat>;

    /// What is at a path now, with its content. The stat belongs to the content: nothing was written in between.
    ///
    /// # Errors
    /// If it cannot be read, or is being written; in words.
    fn read(&self, path: &str) -> Result<(Option<InputStat>, InputState), String>;
}

/// How an input differs from that of the sweep.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DifferenceKind {
    /// It has another content.
    Content,
    /// It is missing.
    Missing,
    /// It is there, and was not for the sweep.
    Appeared,
    /// It cannot be read; why.
    Unreadable(String),
}

/// An input that differs from that of the sweep.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Its path, relative to the sweep file's folder, or absolute.
    pub path: String,
    /// How it differs.
    pub kind: DifferenceKind,
    /// Whether it was as the sweep declares it at an earlier look.
    pub was_equal: bool,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Difference { path, kind, .. } = self;
        match kind {
            DifferenceKind::Content => write!(f, "{path} differs"),
            DifferenceKind::Missing => write!(f, "{path} is missing"),
            DifferenceKind::Appeared => write!(f, "{path} is new"),
            DifferenceKind::Unreadable(why) => write!(f, "{path} cannot be read: {why}"),
        }
    }
}

/// What a look found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// All inputs are as the sweep declares them, and none was written since the last look.
    Same,
    /// All inputs are as the sweep declares them, but this one was written since the last look. Whether it had another
    /// content for a moment is unknown. A new epoch has begun.
    Rewritten(String),
    /// This input differs. A new epoch has begun if one was written since the last look.
    Differs(Difference),
}

/// The inputs of a sweep on one machine.
#[derive(Debug, Default)]
pub struct InputGuard {
    inputs: BTreeMap<String, Known>,
    epoch: u64,
    /// The epoch that began when an input was last found written.
    written_epoch: u64,
    /// When the first look was made.
    since: Option<SystemTime>,
    /// Whether the last look read content.
    has_read: bool,
}

/// A known input.
#[derive(Debug)]
struct Known {
    declared: Expected,
    /// The content that it must have; none: it was not looked at yet.
    expected: Option<InputState>,
    seen: Option<Seen>,
    /// Whether a look has found it as declared.
    was_equal: bool,
    /// The epoch that began when it was last found written.
    written_epoch: u64,
    /// Whether it was added while the sweep ran, and is not among the inputs that are set.
    is_added: bool,
}

/// The content that an input must have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expected {
    /// This one.
    State(InputState),
    /// The one that the first look finds: the file may differ from machine to machine, but must not change.
    AsFound,
    /// This one, except if the first look finds an executable: then as [`Expected::AsFound`].
    UnlessExecutable(InputState),
}

/// What a look has seen.
#[derive(Debug)]
struct Seen {
    stat: Option<InputStat>,
    is_young: bool,
    is_folder: bool,
    difference: Option<DifferenceKind>,
}

impl InputGuard {
    /// The present epoch.
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Whether no input was written since an attempt of this epoch began, as far as the last look found.
    pub fn is_untouched_since(&self, epoch: u64) -> bool {
        self.written_epoch <= epoch
    }

    /// Whether the last look read content, and not only stats.
    pub fn has_read(&self) -> bool {
        self.has_read
    }

    /// Sets the inputs, besides those that were added. What was seen of those that stay the same is kept.
    pub fn set(&mut self, inputs: impl IntoIterator<Item = (String, Expected)>) {
        let mut before = std::mem::take(&mut self.inputs);
        for (path, declared) in inputs {
            let known = before.remove(&path).filter(|known| known.declared == declared);
            self.inputs.insert(path, known.unwrap_or_else(|| Known::new(declared)));
        }
        self.inputs.extend(before.into_iter().filter(|(_, known)| known.is_added));
    }

    /// Whether the next look would accept what is on disk for this input: it may differ from machine to machine.
    pub fn may_differ(&self, path: &str) -> bool {
        self.inputs.get(path).is_some_and(Known::may_differ)
    }

    /// Accepts at the next look what is then on disk, for inputs that may differ from machine to machine. Only while no
    /// attempt is under way.
    pub fn accept_again(&mut self) {
        for known in self.inputs.values_mut().filter(|known| known.may_differ()) {
            *known = Known { is_added: known.is_added, ..Known::new(known.declared.clone()) };
        }
    }

    /// Adds an input, or sets what it must be.
    pub fn add(&mut self, path: String, expected: InputState) {
        let declared = Expected::State(expected);
        if self.inputs.get(&path).is_none_or(|known| known.declared != declared) {
            self.inputs.insert(path, Known { is_added: true, ..Known::new(declared) });
        }
    }

    /// Adds an input that was found, unless it is known.
    pub fn add_found(&mut self, path: String, expected: InputState) {
        if !self.inputs.contains_key(&path) {
            self.add(path, expected);
        }
    }

    /// Adds a file that is new: earlier looks would have found it too.
    pub fn add_new(&mut self, path: String) {
        let was_equal = self.since.is_some();
        let known = || Known { was_equal, is_added: true, ..Known::new(Expected::State(InputState::Absent)) };
        self.inputs.entry(path).or_insert_with(known);
    }

    /// Drops an input: the jobs themselves write it.
    pub fn drop_input(&mut self, path: &str) {
        self.inputs.remove(path);
        self.written_epoch = self.inputs.values().map(|known| known.written_epoch).max().unwrap_or(0);
    }

    /// Looks at all inputs. `now`: the wall-clock time, by which stats are given. O(inputs) stats, and the content of
    /// those whose stat differs from the last look.
    pub fn look(&mut self, disk: &dyn InputDisk, now: SystemTime) -> Finding {
        let since = *self.since.get_or_insert(now);
        let is_first = self.inputs.values().all(|known| known.seen.is_none());
        let (mut rewritten, mut difference) = (None, None);
        let next_epoch = self.epoch + 1;
        self.has_read = false;
        for (path, known) in &mut self.inputs {
            let was_seen = known.seen.is_some();
            let written = known.look(path, disk, now, &mut self.has_read);
            let seen = known.seen.as_ref();
            // An input that is looked at for the first time, after others, was perhaps written meanwhile.
            let is_late = !was_seen && !is_first && seen.is_some_and(|seen| seen.changed_after(since));
            let kind = seen.and_then(|seen| seen.difference.clone());
            if written && was_seen || is_late || written && kind.is_some() {
                known.written_epoch = next_epoch;
                rewritten.get_or_insert_with(|| path.clone());
            }
            if let (None, Some(kind)) = (&difference, kind) {
                difference = Some(Difference { path: path.clone(), kind, was_equal: known.was_equal });
            }
        }
        if rewritten.is_some() {
            (self.epoch, self.written_epoch) = (next_epoch, next_epoch);
        }
        match (difference, rewritten) {
            (Some(difference), _) => Finding::Differs(difference),
            (None, Some(path)) => Finding::Rewritten(path),
            (None, None) => Finding::Same,
        }
    }
}

impl Known {
    fn new(declared: Expected) -> Known {
        Known { declared, expected: None, seen: None, was_equal: false, written_epoch: 0, is_added: false }
    }

    fn may_differ(&self) -> bool {
        match &self.declared {
            Expected::State(_) => false,
            Expected::AsFound => true,
            // The first look has found an executable with another content.
            Expected::UnlessExecutable(declared) => self.expected.as_ref().is_some_and(|found| found != declared),
        }
    }

    /// Looks at an input. Returns whether it was perhaps written since the last look.
    fn look(&mut self, path: &str, disk: &dyn InputDisk, now: SystemTime, has_read: &mut bool) -> bool {
        let stat = disk.stat(path);
        if self.seen.as_ref().is_some_and(|seen| !seen.is_young && seen.stat == stat) {
            return false;
        }
        *has_read = true;
        let (stat, found) = match disk.read(path) {
            Ok((stat, state)) => (stat, Ok(state)),
            // It is read again at the next look.
            Err(why) => (None, Err(why)),
        };
        let is_young = found.is_err() || stat.is_some_and(|stat| stat.is_young(now));
        let is_folder = matches!(found, Ok(InputState::Folder(_)));
        let difference = match found {
            Ok(state) => self.difference(state, stat),
            Err(why) => Some(DifferenceKind::Unreadable(why)),
        };
        // The names in a folder are the same, whatever was written into it. A link or `chmod` writes no content.
        let same_stat = |seen: &Seen| is_folder || seen.stat == stat || has_other_attributes(seen.stat, stat);
        let same = |seen: &Seen| seen.difference == difference && same_stat(seen);
        let written = !self.seen.as_ref().is_some_and(same);
        self.was_equal |= difference.is_none();
        self.seen = Some(Seen { stat, is_young, is_folder, difference });
        written
    }

    fn difference(&mut self, found: InputState, stat: Option<InputStat>) -> Option<DifferenceKind> {
        let expected = self.expected.get_or_insert_with(|| match &self.declared {
            Expected::State(state) => state.clone(),
            Expected::UnlessExecutable(state) if !stat.is_some_and(InputStat::is_executable) => state.clone(),
            Expected::AsFound | Expected::UnlessExecutable(_) => found.clone(),
        });
        match (&*expected, &found) {
            (expected, found) if expected == found => None,
            (_, InputState::Absent) => Some(DifferenceKind::Missing),
            (InputState::Absent, _) => Some(DifferenceKind::Appeared),
            _ => Some(DifferenceKind::Content),
        }
    }
}

impl Seen {
    /// Whether its content was perhaps changed at a time or later. What is absent as expected was never there.
    fn changed_after(&self, time: SystemTime) -> bool {
        let limit = nanoseconds(time.checked_sub(MARGIN).unwrap_or(time));
        !self.is_folder && self.stat.is_some_and(|stat| stat.changed_ns >= limit)
    }
}

/// Whether only links, permissions or the owner of a file changed from one look to the next. A write that restores the
/// modification time changes none of these.
pub fn has_other_attributes(before: Option<InputStat>, after: Option<InputStat>) -> bool {
    let (Some(before), Some(after)) = (before, after) else { return false };
    let attributes = |stat: &InputStat| (stat.mode, stat.owner, stat.links);
    let InputStat { mode, owner, links, changed_ns, .. } = after;
    attributes(&before) != attributes(&after) && InputStat { mode, owner, links, changed_ns, ..before } == after
}

impl InputStat {
    /// Whether anybody may execute it.
    pub fn is_executable(self) -> bool {
        self.mode & 0o170_000 == 0o100_000 && self.mode & 0o111 != 0
    }

    /// Whether it was written within [`YOUNG`] of `now`, before or after: clocks differ.
    pub fn is_young(&self, now: SystemTime) -> bool {
        let newest = self.modified_ns.max(self.changed_ns);
        newest.abs_diff(nanoseconds(now)) < YOUNG.as_nanos()
    }
}

/// A time in nanoseconds since the epoch.
pub fn nanoseconds(time: SystemTime) -> i128 {
    match time.duration_since(UNIX_EPOCH) {
        Ok(since) => since.as_nanos() as i128,
        Err(before) => -(before.duration().as_nanos() as i128),
    }
}

#[cfg(test)]
mod tests;
