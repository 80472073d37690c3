//! The documentation, held against the program: every command line that it shows is one that sweep takes, and the sweep
//! files that it shows are read without a mistake.

#![allow(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used)] // a test that cannot go on fails

use std::io;
use std::path::{Path, PathBuf};

use sweep::files::Files;
use sweep::spec::{SourceFile, read_with};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

fn text(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The files in which command lines stand: the README, and the comments of the samples.
fn shown() -> Vec<PathBuf> {
    let samples = std::fs::read_dir(root().join("sweeps")).unwrap().map(|entry| entry.unwrap().path());
    samples.filter(|path| path.extension().is_some_and(|e| e == "toml")).chain([root().join("README.md")]).collect()
}

#[test]
fn every_command_line_shown_is_one_that_sweep_takes() {
    let mut seen = 0;
    for path in shown() {
        for line in text(&path).lines() {
            // In the README behind a prompt, in a sample's comment set off by three blanks; what follows two blanks says
            // what the line does.
            let Some(line) = line.strip_prefix("$ sweep ").or_else(|| line.strip_prefix("#   sweep ")) else {
                continue;
            };
            let line = line.split("  ").next().unwrap().split(" #").next().unwrap();
            let words = shlex::split(line).unwrap_or_else(|| panic!("{}: {line}", path.display()));
            let parsed = sweep::cli::definition().try_get_matches_from(["sweep".to_owned()].into_iter().chain(words));
            assert!(parsed.is_ok(), "{}: sweep {line}: {}", path.display(), parsed.unwrap_err());
            seen += 1;
        }
    }
    assert!(seen > 20, "only {seen} command lines were found");
}

/// The files that the documentation's sweep files name, as far as they matter.
struct Named;

impl Files for Named {
    fn read(&self, path: &str) -> io::Result<Vec<u8>> {
        match path {
            "solvents.txt" => Ok(b"water\nethanol\n".to_vec()),
            "points.csv" => Ok(b"id,Molar mass\n007,1.5\n008,2.5\n".to_vec()),
            "in.lmp.j2" => Ok(b"size {{ size }}\n".to_vec()),
            other => Err(io::Error::new(io::ErrorKind::NotFound, other.to_owned())),
        }
    }

    fn find(&self, pattern: &str) -> Result<Vec<String>, String> {
        Ok(vec![pattern.replace('*', "a"), pattern.replace('*', "b")])
    }
}

/// The TOML blocks of a page that are whole sweep files: those that say what is run.
fn sweep_files(page: &str) -> Vec<String> {
    let blocks = page.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next());
    blocks.filter(|block| block.contains("command = ")).map(str::to_owned).collect()
}

#[test]
fn every_sweep_file_shown_is_read_without_a_mistake() {
    for page in ["README.md", "docs/sweep-file.md"] {
        let files = sweep_files(&text(&root().join(page)));
        assert!(!files.is_empty(), "{page} shows no sweep file");
        for file in files {
            let source = SourceFile { file: page.into(), stem: "study".into(), here: root() };
            if let Err(mistakes) = read_with(&file, &source, &Named) {
                panic!("{}", mistakes.render(false));
            }
        }
    }
}

/// The Rust sources in a folder and those below it.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let below = entries.flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] });
    below.filter(|path| path.extension().is_some_and(|extension| extension == "rs")).collect()
}

/// Whether a source is the one that is named: by its stem, or, a folder's first file, by the folder.
fn is_called(path: &Path, file: &str) -> bool {
    let stem = path.file_stem().unwrap();
    let folder = path.parent().and_then(Path::file_name).unwrap();
    stem == file || stem == "main" && folder == file
}

#[test]
fn every_fault_of_the_reliability_table_is_shown_by_a_test_that_is_there() {
    let page = text(&root().join("docs/reliability.md"));
    let sources: Vec<PathBuf> = ["tests", "src"].iter().flat_map(|folder| sources(&root().join(folder))).collect();
    let mut seen = 0;
    for row in page.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| ---")) {
        let last = row.trim_end_matches('|').rsplit('|').next().unwrap();
        if last.contains("the test") {
            continue;
        }
        let tests: Vec<&str> = last.split('`').filter(|word| word.contains("::")).collect();
        assert!(!tests.is_empty(), "no test shows: {row}");
        for test in tests {
            let (file, name) = test.split_once("::").unwrap();
            let declared = format!("fn {name}(");
            let is_there = sources.iter().any(|path| is_called(path, file) && text(path).contains(&declared));
            assert!(is_there, "there is no test {test}");
            seen += 1;
        }
    }
    assert!(seen > 20, "only {seen} tests are named");
}
