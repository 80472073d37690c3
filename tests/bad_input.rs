//! Owns the tests of wrong sweep files and their messages: `tests/bad/NAME.toml` with its snapshot `NAME.snap`, and
//! `tests/warned/` for files that are valid but may not say what was meant.

// clippy.toml allows these in tests, but does not count the helper functions of tests.
#![allow(clippy::indexing_slicing, clippy::unwrap_used)]

use std::path::{Path, PathBuf};

use sweep::spec::{self, OpenError, Severity};

/// The sweep files of a folder in `tests/`, sorted.
fn cases(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(folder);
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> =
        files.filter(|path| path.extension().is_some_and(|ending| ending == "toml")).collect();
    files.sort();
    assert!(!files.is_empty());
    files
}

fn assert_message(folder: &str, path: &Path, message: &str) {
    let name = path.file_stem().unwrap().to_str().unwrap();
    insta::with_settings!({
        snapshot_path => folder,
        prepend_module_to_snapshot => false,
        omit_expression => true,
    }, {
        insta::assert_snapshot!(name, message);
    });
}

/// Reads a file by its path relative to the folder in which the tests run.
fn read(folder: &str, path: &Path) -> Result<spec::SweepFile, spec::Diagnostics> {
    let source = spec::SourceFile {
        file: format!("tests/{folder}/{}", path.file_name().unwrap().to_str().unwrap()),
        stem: path.file_stem().unwrap().to_str().unwrap().into(),
        here: path.parent().unwrap().to_owned(),
    };
    spec::read(&std::fs::read_to_string(path).unwrap(), &source)
}

#[test]
fn all_errors_are_reported_with_their_places() {
    for path in cases("bad") {
        let found = read("bad", &path).expect_err(&path.display().to_string());
        assert!(found.has_errors());
        assert_message("bad", &path, &found.render(false));
    }
}

#[test]
fn warnings_do_not_prevent_use() {
    for path in cases("warned") {
        let read = read("warned", &path).unwrap_or_else(|found| panic!("{}: {found}", path.display()));
        assert!(!read.warnings.list.is_empty());
        assert!(read.warnings.list.iter().all(|found| found.severity == Severity::Warning));
        assert_message("warned", &path, &read.warnings.render(false));
    }
}

#[test]
fn an_invalid_file_name_gives_a_remedy() {
    let source = spec::SourceFile { file: "my study.toml".into(), stem: "my study".into(), here: "/".into() };
    let found = spec::read("command = \"prog\"\n", &source).unwrap_err();
    insta::assert_snapshot!(found.render(false), @r#"
    error: the file name `my study` cannot be the name of a sweep
    --> my study.toml
     = help: write `name = "my-study"` at the top of the file; use up to 100 letters (a to z), digits, `_`, `-` and `.`, beginning with a letter, a digit or `_`
    "#);
}

#[test]
fn colours_are_used_only_when_requested() {
    let source = spec::SourceFile { file: "a.toml".into(), stem: "a".into(), here: "/".into() };
    let found = spec::read("comand = 1", &source).unwrap_err();
    assert!(found.render(true).contains('\u{1b}'));
    assert!(!found.render(false).contains('\u{1b}'));
}

#[test]
fn a_file_that_is_not_text_is_reported_with_the_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.toml");
    let told = |bytes: &[u8]| {
        std::fs::write(&path, bytes).unwrap();
        let told = spec::open(&path).unwrap_err();
        assert!(matches!(told, OpenError::NotText(_)));
        told.to_string().replace(&*path.to_string_lossy(), "a.toml")
    };
    assert_eq!(told(b"command = 'p'\n# caf\xe9\n"), "a.toml:2: this is not UTF-8");
    assert_eq!(told(b"\xff\xfec\0o\0"), "a.toml is encoded as UTF-16");
}

#[test]
fn unreadable_files_and_files_with_errors_are_distinguished() {
    let missing = spec::open(Path::new("tests/bad/no-such-file.toml"));
    assert!(matches!(missing, Err(OpenError::Unreadable { .. })));
    let mistaken = spec::open(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bad/empty-axis.toml"));
    assert!(matches!(mistaken, Err(OpenError::Mistakes(_))));
}
