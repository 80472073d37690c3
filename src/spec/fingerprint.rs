//! Owns the fingerprint: what decides, beside a point's parameters and seed, what its job does. Two sweeps with the same
//! fingerprint give the same result at the same point, so that it need not be run again. Pure but for the files' contents.
//!
//! It is kept in parts, each with a hash of its own, so that it can be said what changed. A hash is the first 16 bytes of
//! a BLAKE3 hash in hexadecimal digits: of a file, of its content; of a setting, of the compact JSON
//! `["sweep1f", NAME, VALUE…]`. It covers the command with `shell`, `env`, `stdin` and the templates; every existing
//! file that a word of the command names, at any of the first [`GRID_POINTS`] grid points; and what `[files] watch`
//! finds. Nothing that only decides how a job is run is in it (time-outs, retries, resources, queue), nor the space.
//! How results are read has a hash of its own: when that alone changes, results are read anew from kept output.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Spec;
use super::files::Files;
use super::inputs::bare;
use crate::space::Space;
use crate::template::{JobContext, JobTemplate};

/// How many grid points are looked at for the files that their commands name.
pub const GRID_POINTS: u64 = 4096;

/// A hash, 32 hexadecimal digits.
pub type Hash = String;

/// See the module. An empty one is that of no sweep.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fingerprint {
    /// Settings by name: `command`, `env`, `stdin`, and `[templates] NAME`.
    pub settings: BTreeMap<String, Hash>,
    /// Files that words of the command name, by their paths relative to the sweep file's folder, or absolute.
    pub files: BTreeMap<String, Hash>,
    /// Files that `[files] watch` finds.
    pub watched: BTreeMap<String, Hash>,
    /// How results are read; apart from the rest.
    pub results: Hash,
}

/// A part that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The part: a setting or a file.
    pub part: String,
    /// What became of it.
    pub how: How,
}

/// What became of a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// It is another one.
    Changed,
    /// It was not there.
    Added,
    /// It is not there any more.
    Removed,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let how = match self.how {
            How::Changed => "changed",
            How::Added => "was added",
            How::Removed => "was removed",
        };
        match self.part.as_str() {
            "command" => write!(f, "the command {how}"),
            "env" | "stdin" => write!(f, "`{}` {how}", self.part),
            part => write!(f, "{part} {how}"),
        }
    }
}

/// Whether a file may be an input. The table that `run` writes is none, whatever the pattern.
fn is_input(spec: &Spec, path: &str) -> bool {
    let table = format!("{}.results.csv", spec.name);
    let of_table = path.strip_prefix(&table).is_some_and(|rest| rest.is_empty() || rest == ".meta.json");
    !of_table && !spec.files.ignores(path)
}

/// Whether a file with this path, relative to the sweep file's folder, is watched, or would be if it were there.
pub fn is_watched(spec: &Spec, path: &str) -> bool {
    spec.files.watches(path) && is_input(spec, path)
}

impl Fingerprint {
    /// The fingerprint of a sweep, with the contents of files as they are now. `here` is the sweep file's folder,
    /// absolute. O(files' lengths), and a look at some thousand commands.
    ///
    /// # Errors
    /// If a file cannot be read, with its path.
    pub fn of(spec: &Spec, space: &Space, files: &dyn Files, here: &str) -> Result<Fingerprint, (String, io::Error)> {
        let job = &spec.job;
        let mut env = job.env.clone();
        env.sort();
        let mut settings = BTreeMap::from([
            ("command".to_owned(), setting("command", &(&spec.command, job.shell))),
            ("env".to_owned(), setting("env", &env)),
            ("stdin".to_owned(), setting("stdin", &job.stdin)),
        ]);
        for deck in &spec.templates {
            settings.insert(format!("[templates] {}", deck.name), setting("template", &(&deck.name, &deck.text)));
        }
        let mut named = words(spec, space, here);
        let prefix = format!("{}/", here.trim_end_matches('/'));
        let relative = |path: &str| bare(path.strip_prefix(&prefix).unwrap_or(path)).to_owned();
        let mut watched = BTreeSet::new();
        for pattern in &spec.files.watch {
            // A pattern that cannot be used was refused when the file was read.
            watched.extend(files.find(pattern).unwrap_or_default().iter().map(|path| relative(path)));
        }
        watched.retain(|path| is_input(spec, path));
        named = named.iter().map(|path| relative(path)).filter(|path| is_input(spec, path)).collect();
        named.retain(|path| !watched.contains(path));
        let results = setting("results", &spec.results);
        Ok(Fingerprint { settings, files: hashes(files, named)?, watched: hashes(files, watched)?, results })
    }

    /// What differs from an older fingerprint, results apart; empty: they are the same.
    ///
    /// Files that words of the command name are compared where both know them: one that only one of them knows belongs
    /// to a value that the other has not, or was written since, perhaps by the jobs themselves.
    pub fn changes_since(&self, older: &Fingerprint) -> Vec<Change> {
        let mut changes = differences(&self.settings, &older.settings);
        changes.extend(differences(&self.files, &older.files).into_iter().filter(|change| change.how == How::Changed));
        changes.extend(differences(&self.watched, &older.watched));
        changes
    }

    /// The files that it covers.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.files.keys().chain(self.watched.keys()).map(String::as_str)
    }

    /// The same with the files that only an older one knows, whose results stand beside those of this one.
    pub fn with_files_of(mut self, older: &Fingerprint) -> Fingerprint {
        for (path, hash) in &older.files {
            self.files.entry(path.clone()).or_insert_with(|| hash.clone());
        }
        self
    }
}

fn differences(new: &BTreeMap<String, Hash>, old: &BTreeMap<String, Hash>) -> Vec<Change> {
    let of_new = new.iter().filter_map(|(part, hash)| match old.get(part) {
        None => Some(Change { part: part.clone(), how: How::Added }),
        Some(other) if other != hash => Some(Change { part: part.clone(), how: How::Changed }),
        Some(_) => None,
    });
    let gone = old.keys().filter(|part| !new.contains_key(*part));
    of_new.chain(gone.map(|part| Change { part: part.clone(), how: How::Removed })).collect()
}

fn setting(name: &str, value: &impl Serialize) -> Hash {
    // Settings are text, numbers and lists of them, which always encode.
    let bytes = serde_json::to_vec(&("sweep1f", name, value)).unwrap_or_default();
    digits(&blake3::hash(&bytes))
}

/// The first 16 bytes of a hash, in hexadecimal digits.
fn digits(hash: &blake3::Hash) -> Hash {
    hash.to_hex().chars().take(32).collect()
}

/// The hashes of those paths that name files.
fn hashes(files: &dyn Files, paths: BTreeSet<String>) -> Result<BTreeMap<String, Hash>, (String, io::Error)> {
    let mut hashes = BTreeMap::new();
    for path in paths {
        match files.hash(&path) {
            Ok(Some(hash)) => drop(hashes.insert(path, digits(&hash))),
            Ok(None) => {}
            Err(why) => return Err((path, why)),
        }
    }
    Ok(hashes)
}

/// What of the commands of the first grid points may name a file: each word, and what stands behind a `=` in it.
fn words(spec: &Spec, space: &Space, here: &str) -> BTreeSet<String> {
    let mut words = BTreeSet::new();
    // Templates that do not compile were refused when the file was read.
    let Ok(template) = JobTemplate::compile(spec) else { return words };
    let names: &Arc<[String]> = space.names();
    for point in (0..space.grid_len().min(GRID_POINTS)).map_while(|index| space.point(index)) {
        let context = JobContext { sweep: &spec.name, names, point: &point, attempt: 1, cpus: 1, here };
        // A point whose command cannot be rendered is not run.
        let Ok(argv) = template.argv(&context) else { continue };
        for (at, word) in argv.iter().enumerate() {
            // `sh -c TEXT`, also by `shell = true`: the text has words of its own.
            if at == 2 && argv.get(1).is_some_and(|option| is_shell_option(option)) {
                words.extend(shell_words(word));
            } else {
                add(&mut words, word);
            }
        }
    }
    words
}

/// Whether the word behind it is a text for a shell: `-c`, `-lc`.
fn is_shell_option(word: &str) -> bool {
    word.starts_with('-') && !word.starts_with("--") && word.ends_with('c')
}

fn add(words: &mut BTreeSet<String>, word: &str) {
    let behind = word.split_once('=').map(|(_, behind)| behind);
    for text in [Some(word), behind].into_iter().flatten() {
        // Most words are numbers, and none of those is worth a look at the disk.
        if !text.is_empty() && !text.starts_with('-') && text.parse::<f64>().is_err() && !words.contains(text) {
            words.insert(text.to_owned());
        }
    }
}

/// The words of a text for a shell, without those that it writes to.
fn shell_words(text: &str) -> BTreeSet<String> {
    let mut words = BTreeSet::new();
    let spaced = text.replace(';', " ; ").replace('>', " > ").replace('<', " < ").replace(['|', '(', ')', '&'], " ");
    let all = shlex::split(&spaced).unwrap_or_else(|| spaced.split_whitespace().map(str::to_owned).collect());
    let mut written = false;
    for word in all {
        match word.as_str() {
            ">" => written = true,
            "<" | ";" => {}
            _ if std::mem::take(&mut written) => {}
            // A quoted text in it may be a script of its own.
            quoted if quoted.contains(char::is_whitespace) => words.extend(shell_words(quoted)),
            word => add(&mut words, word),
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::spec::{Source, read_with};

    /// Files by their names.
    struct Memory(HashMap<&'static str, &'static str>);

    impl Files for Memory {
        fn read(&self, path: &str) -> io::Result<Vec<u8>> {
            let text = self.0.get(path).ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?;
            Ok(text.as_bytes().to_vec())
        }

        fn find(&self, pattern: &str) -> Result<Vec<String>, String> {
            let pattern = glob::Pattern::new(pattern).map_err(|error| error.to_string())?;
            Ok(self.0.keys().filter(|path| pattern.matches(path)).map(|path| (*path).to_owned()).collect())
        }
    }

    fn of(text: &str, files: &[(&'static str, &'static str)]) -> Fingerprint {
        let files = Memory(files.iter().copied().collect());
        let source = Source { file: "a.toml".into(), stem: "a".into(), here: "/study".into() };
        let read = read_with(text, &source, &files).unwrap_or_else(|mistakes| panic!("{}", mistakes.render(false)));
        let space = Space::new(read.spec.space.clone()).unwrap();
        Fingerprint::of(&read.spec, &space, &files, "/study").unwrap()
    }

    fn said(new: &Fingerprint, old: &Fingerprint) -> Vec<String> {
        new.changes_since(old).iter().map(Change::to_string).collect()
    }

    const FILES: [(&str, &str); 5] =
        [("a.py", "print(1)"), ("conf.toml", "k = 1"), ("m/x.xyz", "X"), ("m/y.xyz", "Y"), ("out.txt", "")];

    #[test]
    fn it_has_the_files_that_words_name_at_any_grid_point() {
        let grid = "[grid]\nm = { glob = \"m/*.xyz\" }\nx = [1, 2]\n";
        let command = |command: &str| of(&format!("command = {command}\n{grid}"), &FILES).files.into_keys().collect();
        let cases: [(&str, &[&str]); 6] = [
            (
                "'python3 {{ here }}/a.py --conf=conf.toml {{ m }} {{ x }} --verbose'",
                &["a.py", "conf.toml", "m/x.xyz", "m/y.xyz"],
            ),
            ("'./a.py {{ m }}{{ x }} none.txt'", &["a.py"]),
            (
                "['sh', '-c', 'python3 a.py <conf.toml >out.txt; cat \"$1\"', 'job', '{{ x }} {{ m }}']",
                &["a.py", "conf.toml"],
            ),
            ("['a.py', '-c', 'conf.toml', 'm/x.xyz']", &["a.py", "conf.toml", "m/x.xyz"]),
            ("\"bash -lc 'python3 a.py | tail {{ m }} {{ x }} >> out.txt'\"", &["a.py", "m/x.xyz", "m/y.xyz"]),
            ("'echo out.txt {{ x }} {{ m }}x'", &["out.txt"]),
        ];
        for (text, expected) in cases {
            let found: Vec<String> = command(text);
            assert_eq!(found, expected, "{text}");
        }
        let shell = format!("command = 'python3 a.py {{{{ m }}}} {{{{ x }}}} 2>out.txt'\n[job]\nshell = true\n{grid}");
        assert_eq!(of(&shell, &FILES).files.into_keys().collect::<Vec<_>>(), ["a.py", "m/x.xyz", "m/y.xyz"]);
    }

    #[test]
    fn it_says_what_changed_and_is_silent_about_the_rest() {
        let text = "command = 'python3 a.py {{ m }} {{ x }}'\nrepeats = 2\n[job]\nenv = { A = '1', B = '2' }\n\
                    stdin = 's'\ntimeout = '1s'\nretries = 1\n[templates]\n'in' = 'conf.toml'\n\
                    [files]\nwatch = ['*.toml']\n[grid]\nm = ['m/x.xyz']\nx = [1]\n[results]\nformat = 'json'\n";
        let old = of(text, &FILES);
        let with = |from: &str, to: &str| {
            assert!(text.contains(from), "{from}");
            of(&text.replace(from, to), &FILES)
        };
        for (from, to) in [
            ("repeats = 2", "repeats = 3"),
            ("A = '1', B = '2'", "B = '2', A = '1'"),
            ("timeout = '1s'", "queue = 'q'"),
            ("retries = 1", "retries = 3"),
            ("m = ['m/x.xyz']", "m = ['m/y.xyz', 'm/x.xyz']"),
            ("x = [1]", "x = [2]"),
        ] {
            assert_eq!(said(&with(from, to), &old), [""; 0], "{to}");
            assert_eq!(with(from, to).results, old.results);
        }
        for (from, to, what) in [
            ("a.py {{ m }}", "-u a.py {{ m }}", "the command changed"),
            ("stdin = 's'", "stdin = 't'", "`stdin` changed"),
            ("A = '1'", "A = '2'", "`env` changed"),
            ("'in' = 'conf.toml'", "'in' = 'a.py'", "[templates] in changed"),
            ("watch = ['*.toml']", "watch = ['*.toml', '*.txt']", "out.txt was added"),
            ("watch = ['*.toml']", "watch = []", "conf.toml was removed"),
        ] {
            assert_eq!(said(&with(from, to), &old), [what]);
        }
        let json = with("format = 'json'", "format = 'keyvalue'");
        assert_eq!(said(&json, &old), [""; 0]);
        assert_ne!(json.results, old.results);

        let mut files = FILES;
        files[0].1 = "print(2)";
        files[3].1 = "another";
        assert_eq!(said(&of(text, &files), &old), ["a.py changed"], "m/y.xyz is named at no point");
        assert_eq!(said(&of(&text.replace("[files]", "[files]\nignore = ['*.py']"), &files), &old), [""; 0]);
        assert_eq!(old.clone(), of(text, &FILES));

        // The table that `run` writes, and what it says beside it, are no inputs.
        let tables = [("a.results.csv", "1"), ("a.results.csv.meta.json", "2"), ("b.csv", "3"), ("c.csv", "4")];
        let watch = "command = 'p {{ x }}'\n[grid]\nx = [1]\n[files]\nwatch = ['*.csv', '*.json']\nignore = ['c*']\n";
        assert_eq!(of(watch, &tables).watched.into_keys().collect::<Vec<_>>(), ["b.csv"]);
    }
}
