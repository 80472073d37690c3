//! Owns the tests of the rules: which accesses make inputs, also for random sequences of what a job may do.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};

use proptest::prelude::*;

use super::*;
use crate::model::{Hash, InputState};

const ROOT: &str = "/p";

fn rules() -> ProjectRules {
    let here = Path::new("/p/study");
    ProjectRules::new(&["*.log".to_owned(), "out/*".to_owned()], vec!["runs/".to_owned()], Path::new(ROOT), here, here)
}

/// Files by path: a stamp that grows with each write, and the content.
#[derive(Clone, Debug, Default)]
struct FakeDisk {
    files: HashMap<PathBuf, (FileStamp, String)>,
    others: HashSet<PathBuf>,
    clock: i128,
}

impl FakeDisk {
    fn write(&mut self, path: &str, text: &str) {
        self.clock += 10;
        let stamp = FileStamp { modified: self.clock, changed: self.clock, size: text.len() as u64, file: (1, 1) };
        self.files.insert(Path::new(ROOT).join(path), (stamp, text.to_owned()));
    }

    fn stamp(&self, path: &str) -> FileStamp {
        self.files[&Path::new(ROOT).join(path)].0
    }
}

fn hash(text: &str) -> Hash {
    names::hash_digits(&blake3::hash(text.as_bytes()))
}

impl ProjectDisk for FakeDisk {
    fn stamp(&self, path: &Path) -> Option<FileStamp> {
        self.files.get(path).map(|(stamp, _)| *stamp)
    }

    fn hash(&self, path: &Path) -> Option<Hash> {
        self.files.get(path).map(|(_, text)| hash(text))
    }

    fn is_there(&self, path: &Path) -> bool {
        self.files.contains_key(path) || self.others.contains(path)
    }
}

fn at(path: &str) -> PathBuf {
    Path::new(ROOT).join(path)
}

const FIRST: Circumstances = Circumstances { jobs_began: None, is_only_point: false };

fn found(conclusion: &Conclusion) -> BTreeMap<&str, &InputState> {
    conclusion.inputs.iter().map(|input| (input.path.as_str(), &input.state)).collect()
}

#[test]
fn names_are_relative_to_the_sweep_file() {
    let rules = rules();
    for (path, name) in
        [("study/a", "a"), ("study", "."), ("", ".."), ("lib/m.py", "../lib/m.py"), ("study2/a", "../study2/a")]
    {
        assert_eq!(rules.name(&at(path)).as_deref(), Some(name), "{path}");
    }
    assert_eq!(rules.inside(Path::new("/q/a")), None);
    let here = Path::new("/data/p/study");
    let linked = ProjectRules::new(&[], Vec::new(), Path::new("/data/p"), here, Path::new("/home/p/study"));
    assert_eq!(linked.inside(Path::new("/home/p/lib/a")), Some("/data/p/lib/a".into()));
    assert_eq!(linked.inside(Path::new("/home/q")), None);
}

#[test]
fn what_jobs_sweep_and_editors_write_is_not_covered() {
    let rules = rules();
    for path in
        ["study/runs/1/deck", "study/a.log", "study/out/x", "study/.sweep/db", ".git/HEAD", "study/t.results.csv"]
    {
        assert!(!rules.covers(&at(path)), "{path}");
    }
    for path in ["lib/__pycache__/m.pyc", "study/a.py~", "node_modules/x/i.js", "v/lib/site-packages/n.py"] {
        assert!(!rules.covers(&at(path)), "{path}");
    }
    for path in ["study/a.py", "lib/m.py", "study/.env", "data/runs/a", "study/running.txt"] {
        assert!(rules.covers(&at(path)), "{path}");
    }
}

#[test]
fn paths_are_joined_without_following_links() {
    let join = |base: &str, path: &str| join_without_dots(Path::new(base), Path::new(path));
    assert_eq!(join("/a/b", "./c//d/."), Some("/a/b/c/d".into()));
    assert_eq!(join("/a/b", "../../../c"), Some("/c".into()));
    assert_eq!(join("/", "usr/lib"), Some("/usr/lib".into()));
    assert_eq!(join("/a", "link/../c"), None);
}

#[test]
fn a_project_is_the_nearest_folder_with_git_but_never_a_home_folder() {
    let root = |here: &'static str, git: &'static str| {
        project_root(Path::new(here), Some(Path::new("/home/me")), |path| path == Path::new(git))
    };
    assert_eq!(root("/home/me/p/study", "/home/me/p/.git"), Path::new("/home/me/p"));
    assert_eq!(root("/home/me/p/study", "/home/me/.git"), Path::new("/home/me/p/study"));
    assert_eq!(root("/scratch/p", "/.git"), Path::new("/scratch/p"));
}

#[test]
fn bytecode_stands_for_its_source() {
    let source = |path: &str| source_of_bytecode(Path::new(path));
    assert_eq!(source("/p/lib/__pycache__/m.cpython-311.pyc"), Some("/p/lib/m.py".into()));
    assert_eq!(source("/p/lib/__pycache__/m.cpython-311.opt-1.pyc"), Some("/p/lib/m.py".into()));
    assert_eq!(source("/p/lib/m.pyc"), None);
    let mut disk = FakeDisk::default();
    disk.write("lib/m.py", "m");
    disk.write("lib/n.py", "n");
    // The cache is outside the project (PYTHONPYCACHEPREFIX), so that the source is only looked at.
    let mut log = AccessLog::default();
    log.look(&at("lib/m.py"), disk.stamp("lib/m.py"));
    log.look(&at("lib/n.py"), disk.stamp("lib/n.py"));
    log.read_bytecode("m");
    let conclusion = conclude(&log, &rules(), &disk, &mut ObservedSweep::default(), FIRST);
    assert_eq!(found(&conclusion), BTreeMap::from([("../lib/m.py", &InputState::File(hash("m")))]));
}

#[test]
fn a_listed_folder_is_an_input_unless_modules_were_loaded_from_it_or_the_job_wrote_into_it() {
    let mut disk = FakeDisk::default();
    disk.write("study/main.py", "");
    disk.write("study/pkg/__init__.py", "");
    disk.write("study/pkg/sub/m.py", "");
    let mut log = AccessLog::default();
    for path in ["study/main.py", "study/pkg/__init__.py", "study/pkg/sub/m.py"] {
        log.read(&at(path), disk.stamp(path));
    }
    log.write(&at("results/x"));
    for folder in ["study", "study/pkg", "study/pkg/sub", "data", "results"] {
        log.list(&at(folder), || Some(hash(folder)));
    }
    let conclusion = conclude(&log, &rules(), &disk, &mut ObservedSweep::default(), FIRST);
    let folders = conclusion.inputs.iter().filter(|input| matches!(input.state, InputState::Folder(_)));
    assert_eq!(folders.map(|input| input.path.as_str()).collect::<Vec<_>>(), ["../data"]);
}

#[test]
fn what_was_missing_is_an_input_when_two_attempts_looked_for_it() {
    let (mut disk, mut sweep) = (FakeDisk::default(), ObservedSweep::default());
    let attempt = |paths: &[&str]| {
        let mut log = AccessLog::default();
        paths.iter().for_each(|path| log.miss(&at(path)));
        log
    };
    let first = attempt(&["study/config.json", "study/check-17"]);
    assert_eq!(conclude(&first, &rules(), &disk, &mut sweep, FIRST).inputs, []);
    let second = attempt(&["study/config.json", "study/check-18"]);
    let conclusion = conclude(&second, &rules(), &disk, &mut sweep, FIRST);
    assert_eq!(found(&conclusion), BTreeMap::from([("config.json", &InputState::Absent)]));
    // Another job has made it meanwhile.
    disk.write("study/config.json", "");
    assert_eq!(conclude(&attempt(&["study/config.json"]), &rules(), &disk, &mut sweep, FIRST).inputs, []);
    let alone = Circumstances { is_only_point: true, ..FIRST };
    let conclusion = conclude(&first, &rules(), &FakeDisk::default(), &mut ObservedSweep::default(), alone);
    assert_eq!(conclusion.inputs.len(), 2);
}

#[test]
fn a_file_that_changes_while_an_attempt_has_read_it_counts_with_its_earlier_content() {
    let (mut disk, mut sweep) = (FakeDisk::default(), ObservedSweep::default());
    disk.write("study/a", "one");
    let mut log = AccessLog::default();
    log.read(&at("study/a"), disk.stamp("study/a"));
    let without_hash = log.clone();
    log.set_hash(&at("study/a"), disk.stamp("study/a"), hash("one"));
    disk.write("study/a", "two");
    let conclusion = conclude(&log, &rules(), &disk, &mut sweep, FIRST);
    assert_eq!(conclusion.changed, [""; 0]);
    assert_eq!(found(&conclusion), BTreeMap::from([("a", &InputState::File(hash("one")))]));
    // Without a hash the earlier content is unknown: once it is told, and then the file is taken as one that jobs write.
    let conclusion = conclude(&without_hash, &rules(), &disk, &mut sweep, FIRST);
    assert_eq!((conclusion.changed.as_slice(), conclusion.inputs.len()), (&["a".to_owned()][..], 0));
    assert_eq!(conclude(&without_hash, &rules(), &disk, &mut sweep, FIRST), Conclusion::default());
}

#[test]
fn a_file_that_is_younger_than_the_first_job_is_an_input_only_if_it_stays_as_it_is() {
    let (mut disk, mut sweep) = (FakeDisk::default(), ObservedSweep::default());
    let later = Circumstances { jobs_began: Some(5), ..FIRST };
    disk.write("study/cache", "1");
    let attempt = |disk: &FakeDisk| {
        let mut log = AccessLog::default();
        log.read(&at("study/cache"), disk.stamp("study/cache"));
        log
    };
    let log = attempt(&disk);
    assert_eq!(conclude(&log, &rules(), &disk, &mut sweep, later).inputs, []);
    disk.write("study/cache", "2");
    let log = attempt(&disk);
    assert_eq!(conclude(&log, &rules(), &disk, &mut sweep, later).inputs, []);
    assert_eq!(conclude(&log, &rules(), &disk, &mut sweep, later).inputs.len(), 1);
}

#[test]
fn installed_packages_are_none() {
    let mut disk = FakeDisk::default();
    disk.others.insert(at("env/pyvenv.cfg"));
    disk.write("env/lib/tool.py", "");
    disk.write("study/a.py", "");
    let mut log = AccessLog::default();
    log.read(&at("env/lib/tool.py"), disk.stamp("env/lib/tool.py"));
    log.read(&at("study/a.py"), disk.stamp("study/a.py"));
    let conclusion = conclude(&log, &rules(), &disk, &mut ObservedSweep::default(), FIRST);
    assert_eq!(found(&conclusion).into_keys().collect::<Vec<_>>(), ["a.py"]);
}

/// What a job may do with one of some paths.
#[derive(Clone, Copy, Debug)]
enum Act {
    Read,
    Update,
    /// Opens it for both, and writes.
    Change,
    Write,
    Miss,
    Look,
}

fn acts() -> impl Strategy<Value = Vec<(usize, Act)>> {
    let act = prop_oneof![
        Just(Act::Read),
        Just(Act::Update),
        Just(Act::Change),
        Just(Act::Write),
        Just(Act::Miss),
        Just(Act::Look)
    ];
    prop::collection::vec((0..PATHS.len(), act), 0..40)
}

const PATHS: [&str; 8] =
    ["study/a", "study/b.py", "study/c.log", "lib/d.py", "study/runs/1/e", "study/made/f", "made", "study/g"];

proptest! {
    /// For any sequence of accesses: an input is a file that was there before, that the job has read and not written, with
    /// the content that it had; and every such file is one.
    #[test]
    fn inputs_are_exactly_what_was_there_was_read_and_was_not_written(acts in acts()) {
        let mut disk = FakeDisk::default();
        for path in PATHS.iter().take(6) {
            disk.write(path, path);
        }
        let (before, rules) = (disk.clone(), rules());
        let mut log = AccessLog::default();
        let (mut read, mut written) = (HashSet::new(), HashSet::new());
        for (which, act) in acts {
            let path = PATHS[which];
            // Whoever fills the log asks the rules first.
            if !rules.covers(&at(path)) {
                continue;
            }
            let stamp = disk.stamp_of(path);
            match (act, stamp) {
                (Act::Read, Some(stamp)) => {
                    log.read(&at(path), stamp);
                    read.insert(path);
                }
                (Act::Update, Some(stamp)) => {
                    log.update(&at(path), Some(stamp));
                    read.insert(path);
                }
                (Act::Change, stamp) => {
                    log.update(&at(path), stamp);
                    disk.write(path, "changed");
                    written.insert(path);
                }
                (Act::Write, _) => {
                    log.write(&at(path));
                    disk.write(path, "written");
                    written.insert(path);
                }
                (Act::Look, Some(stamp)) => log.look(&at(path), stamp),
                (Act::Read | Act::Miss | Act::Look, None) => log.miss(&at(path)),
                (Act::Update, None) => {
                    log.update(&at(path), None);
                    disk.write(path, "");
                    written.insert(path);
                }
                (Act::Miss, Some(_)) => {}
            }
        }
        let conclusion = conclude(&log, &rules, &disk, &mut ObservedSweep::default(), FIRST);
        let is_input = |path: &&str| {
            read.contains(path) && before.stamp_of(path).is_some() && !written.contains(path)
        };
        let expected: BTreeMap<String, InputState> = PATHS
            .iter()
            .filter(|path| is_input(path))
            .map(|path| (rules.name(&at(path)).unwrap(), InputState::File(hash(path))))
            .collect();
        let seen: BTreeMap<String, InputState> =
            conclusion.inputs.iter().map(|input| (input.path.clone(), input.state.clone())).collect();
        prop_assert_eq!(seen, expected);
        prop_assert_eq!(conclusion.changed, Vec::<String>::new());
    }
}

impl FakeDisk {
    fn stamp_of(&self, path: &str) -> Option<FileStamp> {
        self.files.get(&at(path)).map(|(stamp, _)| *stamp)
    }
}
