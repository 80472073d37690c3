//! Tests of which files and settings a fingerprint covers, and of the changes it reports.

use std::collections::HashMap;

use super::*;
use crate::model::FingerprintChange;
use crate::spec::{SourceFile, read_with};

/// Files by their names.
struct MemoryFiles(HashMap<&'static str, &'static str>);

impl Files for MemoryFiles {
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
    let files = MemoryFiles(files.iter().copied().collect());
    let source = SourceFile { file: "a.toml".into(), stem: "a".into(), here: "/study".into() };
    let read = read_with(text, &source, &files).unwrap_or_else(|mistakes| panic!("{}", mistakes.render(false)));
    let space = Space::new(read.spec.space.clone()).unwrap();
    compute(&read.spec, &space, &files, "/study").unwrap()
}

fn said(new: &Fingerprint, old: &Fingerprint) -> Vec<String> {
    new.changes_since(old).iter().map(FingerprintChange::to_string).collect()
}

const FILES: [(&str, &str); 5] =
    [("a.py", "print(1)"), ("conf.toml", "k = 1"), ("m/x.xyz", "X"), ("m/y.xyz", "Y"), ("out.txt", "")];

#[test]
fn it_covers_files_named_at_any_grid_point() {
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
fn changes_are_reported_and_only_those_that_matter() {
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

/// Files of which some cannot be listed, as on a disk with names that are not Unicode.
struct Unlistable;

impl Files for Unlistable {
    fn read(&self, _: &str) -> io::Result<Vec<u8>> {
        Err(io::ErrorKind::NotFound.into())
    }

    fn find(&self, _: &str) -> Result<Vec<String>, String> {
        Err("its name is not Unicode".into())
    }
}

#[test]
fn watched_files_that_cannot_be_listed_are_an_error() {
    let text = "command = 'p {{ x }}'\n[grid]\nx = [1]\n[files]\nwatch = ['*.csv']\n";
    let source = SourceFile { file: "a.toml".into(), stem: "a".into(), here: "/study".into() };
    let spec = read_with(text, &source, &Unlistable).unwrap().spec;
    let space = Space::new(spec.space.clone()).unwrap();
    let error = compute(&spec, &space, &Unlistable, "/study").unwrap_err();
    assert!(matches!(error, FingerprintError::Pattern { .. }), "{error}");
}
