//! Tests of the guard with a simulated disk.

use std::cell::RefCell;
use std::collections::HashMap;

use proptest::prelude::*;

use super::*;

/// A disk whose clock has a resolution.
struct FakeDisk {
    /// Nanoseconds since the epoch.
    now: i128,
    resolution: i128,
    next_inode: u64,
    files: HashMap<String, (InputStat, u8)>,
    reads: RefCell<usize>,
}

const SECOND: i128 = 1_000_000_000;

impl FakeDisk {
    fn new(resolution: i128) -> FakeDisk {
        let now = 1_000 * SECOND;
        FakeDisk { now, resolution, next_inode: 1, files: HashMap::new(), reads: RefCell::new(0) }
    }

    fn time(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_nanos(self.now as u64)
    }

    fn stamp(&self) -> i128 {
        self.now / self.resolution * self.resolution
    }

    /// Writes a file in place or by renaming another one over it, with the present or a given modification time.
    fn write(&mut self, path: &str, content: u8, renames: bool, modified_ns: Option<i128>) {
        let stamp = self.stamp();
        let before = self.files.get(path).map(|(stat, _)| stat.inode);
        let inode = before.filter(|_| !renames).unwrap_or_else(|| {
            self.next_inode += 1;
            self.next_inode
        });
        let modified_ns = modified_ns.unwrap_or(stamp);
        let (mode, owner, links) = (0o100_644, (1, 1), 1);
        let stat = InputStat { device: 1, inode, size: 1, mode, owner, links, modified_ns, changed_ns: stamp };
        self.files.insert(path.into(), (stat, content));
    }
}

impl InputDisk for FakeDisk {
    fn stat(&self, path: &str) -> Option<InputStat> {
        self.files.get(path).map(|(stat, _)| *stat)
    }

    fn read(&self, path: &str) -> Result<(Option<InputStat>, InputState), String> {
        *self.reads.borrow_mut() += 1;
        Ok(self.files.get(path).map_or((None, InputState::Absent), |(stat, content)| (Some(*stat), file(*content))))
    }
}

fn file(content: u8) -> InputState {
    InputState::File(content.to_string())
}

fn guard(inputs: &[(&str, InputState)]) -> InputGuard {
    let mut guard = InputGuard::default();
    guard.set(inputs.iter().map(|(path, state)| ((*path).to_owned(), Expected::State(state.clone()))));
    guard
}

fn differs(path: &str, kind: DifferenceKind) -> Finding {
    Finding::Differs(Difference { path: path.into(), kind, was_equal: true })
}

#[test]
fn an_edit_and_its_undoing_begin_epochs_and_an_unchanged_input_is_not_read_again() {
    let mut disk = FakeDisk::new(1);
    disk.write("a", 1, false, None);
    disk.now += 10 * SECOND;
    let mut guard = guard(&[("a", file(1)), ("gone", InputState::Absent)]);
    assert_eq!((guard.look(&disk, disk.time()), guard.epoch()), (Finding::Same, 0));
    let reads = *disk.reads.borrow();
    disk.now += SECOND;
    assert_eq!(guard.look(&disk, disk.time()), Finding::Same);
    assert_eq!(*disk.reads.borrow(), reads);
    disk.write("a", 2, false, None);
    assert_eq!(guard.look(&disk, disk.time()), differs("a", DifferenceKind::Content));
    assert_eq!(guard.epoch(), 1);
    disk.now += SECOND;
    assert_eq!((guard.look(&disk, disk.time()), guard.epoch()), (differs("a", DifferenceKind::Content), 1));
    disk.write("a", 1, false, None);
    assert_eq!((guard.look(&disk, disk.time()), guard.epoch()), (Finding::Rewritten("a".into()), 2));
    disk.files.remove("a");
    assert_eq!(guard.look(&disk, disk.time()), differs("a", DifferenceKind::Missing));
    disk.write("a", 1, true, None);
    disk.write("gone", 1, true, None);
    assert_eq!(guard.look(&disk, disk.time()), differs("gone", DifferenceKind::Appeared));
}

#[test]
fn an_edit_within_the_resolution_of_the_clock_is_seen() {
    let mut disk = FakeDisk::new(SECOND);
    disk.write("a", 1, false, None);
    let mut guard = guard(&[("a", file(1))]);
    assert_eq!(guard.look(&disk, disk.time()), Finding::Same);
    let stat = disk.stat("a");
    disk.now += SECOND / 10;
    disk.write("a", 2, false, None);
    assert_eq!(disk.stat("a"), stat, "the stat does not tell");
    assert_eq!(guard.look(&disk, disk.time()), differs("a", DifferenceKind::Content));
}

#[test]
fn what_may_differ_must_not_change() {
    let mut disk = FakeDisk::new(1);
    disk.write("/bin/sh", 7, false, None);
    disk.write("/data/mesh", 7, false, None);
    if let Some((stat, _)) = disk.files.get_mut("/bin/sh") {
        stat.mode |= 0o111;
    }
    disk.now += 10 * SECOND;
    let mut guard = InputGuard::default();
    let unless = |path: &str| (path.to_owned(), Expected::UnlessExecutable(file(1)));
    guard.set([unless("/bin/sh")]);
    assert_eq!(guard.look(&disk, disk.time()), Finding::Same);
    disk.write("/bin/sh", 8, false, None);
    assert_eq!(guard.look(&disk, disk.time()), differs("/bin/sh", DifferenceKind::Content));
    assert!(guard.may_differ("/bin/sh"));
    guard.accept_again();
    disk.now += SECOND;
    if let Some((stat, _)) = disk.files.get_mut("/bin/sh") {
        stat.mode |= 0o111;
    }
    assert_eq!(guard.look(&disk, disk.time()), Finding::Same);
    guard.set([unless("/bin/sh"), unless("/data/mesh")]);
    let path = "/data/mesh".to_owned();
    let never_equal = Difference { path, kind: DifferenceKind::Content, was_equal: false };
    assert_eq!(guard.look(&disk, disk.time()), Finding::Differs(never_equal));
    assert!(!guard.may_differ("/data/mesh"));
}

#[test]
fn an_input_that_becomes_known_later_voids_attempts_only_if_it_was_written_since() {
    let mut disk = FakeDisk::new(1);
    disk.write("a", 1, false, None);
    disk.write("old", 1, false, None);
    disk.now += 10 * SECOND;
    let mut guard = guard(&[("a", file(1))]);
    assert_eq!(guard.look(&disk, disk.time()), Finding::Same);
    disk.now += SECOND;
    disk.write("new", 1, false, None);
    guard.add("old".into(), file(1));
    guard.add("missing".into(), InputState::Absent);
    assert_eq!(guard.look(&disk, disk.time()), Finding::Same);
    guard.add("new".into(), file(1));
    assert_eq!(guard.look(&disk, disk.time()), Finding::Rewritten("new".into()));
    guard.set([("a".into(), Expected::State(file(1)))]);
    assert_eq!(guard.look(&disk, disk.time()), Finding::Same);
    disk.write("old", 2, false, None);
    assert_eq!(guard.look(&disk, disk.time()), differs("old", DifferenceKind::Content), "it was added");
}

#[test]
fn an_attempt_counts_although_a_file_was_written_that_turns_out_to_be_no_input() {
    let mut disk = FakeDisk::new(1);
    disk.write("a", 1, false, None);
    disk.write("log", 1, false, None);
    disk.now += 10 * SECOND;
    let mut guard = guard(&[("a", file(1)), ("log", file(1))]);
    assert_eq!(guard.look(&disk, disk.time()), Finding::Same);
    disk.write("log", 2, false, None);
    assert_eq!(guard.look(&disk, disk.time()), differs("log", DifferenceKind::Content));
    assert!(!guard.is_untouched_since(0));
    guard.drop_input("log");
    assert_eq!(guard.look(&disk, disk.time()), Finding::Same);
    assert!(guard.is_untouched_since(0));
    disk.write("a", 1, false, None);
    guard.look(&disk, disk.time());
    assert!(!guard.is_untouched_since(guard.epoch() - 1) && guard.is_untouched_since(guard.epoch()));
}

#[test]
fn links_and_permissions_are_no_content() {
    let mut disk = FakeDisk::new(1);
    disk.write("a", 1, false, None);
    disk.now += 10 * SECOND;
    let mut guard = guard(&[("a", file(1))]);
    assert_eq!(guard.look(&disk, disk.time()), Finding::Same);
    disk.now += SECOND;
    let now = disk.now;
    let change = |disk: &mut FakeDisk, links: u64, content: u8| {
        let (stat, held) = disk.files.get_mut("a").unwrap();
        (stat.links, stat.changed_ns, *held) = (links, now + i128::from(links), content);
    };
    change(&mut disk, 2, 1);
    assert_eq!(guard.look(&disk, disk.time()), Finding::Same);
    change(&mut disk, 3, 2);
    assert_eq!(guard.look(&disk, disk.time()), differs("a", DifferenceKind::Content));
}

/// What happens on the simulated machine.
#[derive(Clone, Copy, Debug)]
enum Step {
    Write { path: usize, content: u8, renames: bool, keeps_time: bool },
    Remove { path: usize },
    Pass { milliseconds: u16 },
    Look,
    Begin,
    End,
    Learn { path: usize },
}

const PATHS: [&str; 3] = ["a", "b", "late"];

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (0..PATHS.len(), 1..3u8, any::<bool>(), any::<bool>())
            .prop_map(|(path, content, renames, keeps_time)| Step::Write { path, content, renames, keeps_time }),
        1 => (0..PATHS.len()).prop_map(|path| Step::Remove { path }),
        2 => (1..3000u16).prop_map(|milliseconds| Step::Pass { milliseconds }),
        4 => Just(Step::Look),
        3 => Just(Step::Begin),
        3 => Just(Step::End),
        1 => (0..PATHS.len()).prop_map(|path| Step::Learn { path }),
    ]
}

/// An attempt, and what each path held at any time while it ran.
struct Attempt {
    epoch: u64,
    held: Vec<(String, InputState)>,
    has_ended: bool,
}

proptest! {
    /// Whatever happens: an attempt that counts has seen only the content that the sweep declares.
    #[test]
    fn an_attempt_that_counts_has_seen_only_the_declared_inputs(steps in prop::collection::vec(step(), 1..80)) {
        let mut disk = FakeDisk::new(1_000_000);
        for path in PATHS {
            disk.write(path, 1, false, None);
        }
        disk.now += 5 * SECOND;
        let mut guard = guard(&[("a", file(1)), ("b", file(1))]);
        let mut known = vec!["a", "b"];
        let mut may_begin = false;
        let mut attempts: Vec<Attempt> = Vec::new();
        for step in steps {
            // More than the resolution of the clock.
            disk.now += 2_000_000;
            match step {
                Step::Write { path, content, renames, keeps_time } => {
                    let path = PATHS[path];
                    let modified_ns = disk.stat(path).filter(|_| keeps_time).map(|stat| stat.modified_ns);
                    disk.write(path, content, renames, modified_ns);
                }
                Step::Remove { path } => drop(disk.files.remove(PATHS[path])),
                Step::Pass { milliseconds } => disk.now += i128::from(milliseconds) * 1_000_000,
                Step::Begin if may_begin => {
                    attempts.push(Attempt { epoch: guard.epoch(), held: Vec::new(), has_ended: false });
                }
                Step::End => attempts.iter_mut().for_each(|attempt| attempt.has_ended = true),
                Step::Learn { path } => {
                    guard.add(PATHS[path].into(), file(1));
                    known.push(PATHS[path]);
                }
                Step::Look => {
                    let is_good = !matches!(guard.look(&disk, disk.time()), Finding::Differs(_));
                    may_begin = is_good;
                    for attempt in attempts.extract_if(.., |attempt| attempt.has_ended) {
                        let counts = is_good && guard.is_untouched_since(attempt.epoch);
                        let all = attempt.held.iter().filter(|(path, _)| known.contains(&path.as_str()));
                        let seen: Vec<_> = all.filter(|(_, state)| *state != file(1)).collect();
                        prop_assert!(!counts || seen.is_empty(), "it counts, and has seen {seen:?}");
                    }
                }
                Step::Begin => {}
            }
            for attempt in attempts.iter_mut().filter(|attempt| !attempt.has_ended) {
                let held = PATHS.map(|path| (path.to_owned(), disk.read(path).unwrap().1));
                attempt.held.extend(held);
            }
        }
    }

    /// While nothing is written, every attempt counts.
    #[test]
    fn attempts_count_while_nothing_is_written(looks in prop::collection::vec(1..3000u16, 1..20)) {
        let mut disk = FakeDisk::new(4_000_000);
        disk.write("a", 1, false, None);
        let mut guard = guard(&[("a", file(1)), ("none", InputState::Absent)]);
        for milliseconds in looks {
            prop_assert_eq!(guard.look(&disk, disk.time()), Finding::Same);
            disk.now += i128::from(milliseconds) * 1_000_000;
        }
        prop_assert_eq!(guard.epoch(), 0);
    }
}
