//! Checks the documentation against the program: sweep accepts every command line that it shows and reads every sweep file
//! that it shows, every test that it names exists, every link leads to a file or a heading, and the modules import each other
//! in the order that it states.

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

/// The files in a folder, not those below it, whose names end in `.EXTENSION`.
fn files(folder: &str, extension: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(root().join(folder)).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.extension().is_some_and(|found| found == extension)).collect()
}

/// All pages: those of the root and of `docs/`.
fn pages() -> Vec<PathBuf> {
    files(".", "md").into_iter().chain(files("docs", "md")).collect()
}

/// The files that show command lines: the pages, and the comments of the sample sweeps.
fn shown() -> Vec<PathBuf> {
    files("sweeps", "toml").into_iter().chain(pages()).collect()
}

#[test]
fn every_command_line_shown_is_one_that_sweep_takes() {
    let mut seen = 0;
    for path in shown() {
        for line in text(&path).lines() {
            // On a page after a prompt, in a sample's comment after three blanks. What follows two blanks explains the line.
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

/// The input files that the documentation's sweep files name, with just enough content.
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

/// The TOML blocks of a page that are whole sweep files: those with a command.
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

/// Whether `path` is the source file called `file`: by its stem, or, if it is the `main.rs` of a folder, by the folder.
fn is_called(path: &Path, file: &str) -> bool {
    let stem = path.file_stem().unwrap();
    let folder = path.parent().and_then(Path::file_name).unwrap();
    stem == file || stem == "main" && folder == file
}

#[test]
fn every_fault_of_the_reliability_page_names_a_test_that_exists() {
    let page = text(&root().join("docs/reliability.md"));
    let sources: Vec<PathBuf> = ["tests", "src"].iter().flat_map(|folder| sources(&root().join(folder))).collect();
    let faults = page.split("\n### ").skip(1).map(|rest| rest.split("\n#").next().unwrap());
    for fault in faults {
        assert!(fault.contains("\n- Test: `"), "no test shows: {fault}");
    }
    let mut seen = 0;
    for tests in page.lines().filter_map(|line| line.split_once("Test: ")).map(|(_, tests)| tests) {
        for test in tests.split('`').filter(|word| word.contains("::")) {
            let (file, name) = test.split_once("::").unwrap();
            let declared = format!("fn {name}(");
            let exists = sources.iter().any(|path| is_called(path, file) && text(path).contains(&declared));
            assert!(exists, "there is no test {test}");
            seen += 1;
        }
    }
    assert!(seen > 20, "only {seen} tests are named");
}

/// The links of a page to this repository: what follows `](`, without addresses of the web.
fn links(page: &str) -> Vec<&str> {
    let targets = page.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    targets.filter(|target| !target.contains("://") && !target.contains(' ')).collect()
}

/// The anchors of a page's headings, as GitHub makes them.
fn anchors(page: &str) -> Vec<String> {
    let headings =
        page.lines().filter_map(|line| line.strip_prefix('#')).map(|line| line.trim_start_matches('#').trim());
    let kept = |c: &char| c.is_alphanumeric() || "-_ ".contains(*c);
    headings.map(|heading| heading.to_lowercase().chars().filter(kept).collect::<String>().replace(' ', "-")).collect()
}

#[test]
fn every_link_leads_to_a_file_and_a_heading() {
    for page in pages() {
        let content = text(&page);
        for link in links(&content) {
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = if file.is_empty() { page.clone() } else { page.parent().unwrap().join(file) };
            assert!(target.exists(), "{}: there is no {file}", page.display());
            let leads = anchor.is_empty() || anchors(&text(&target)).iter().any(|found| found == anchor);
            assert!(leads, "{}: {file} has no heading #{anchor}", page.display());
        }
    }
}

#[test]
fn every_source_path_on_a_page_exists() {
    for page in pages() {
        let content = text(&page);
        let quoted = content.split('`').skip(1).step_by(2);
        for path in quoted.filter(|word| word.starts_with("src/") || word.starts_with("tests/")) {
            if path.contains([' ', '*', '<', '{']) {
                continue;
            }
            assert!(root().join(path).exists(), "{}: there is no {path}", page.display());
        }
    }
}

#[test]
fn versions_are_the_same_in_all_files() {
    let citation = format!("\nversion: {}\n", env!("CARGO_PKG_VERSION"));
    assert!(text(&root().join("CITATION.cff")).contains(&citation), "CITATION.cff needs the line{citation}");
    let rust = format!("Rust {} or newer", env!("CARGO_PKG_RUST_VERSION"));
    for page in ["README.md", "CONTRIBUTING.md"] {
        assert!(text(&root().join(page)).contains(&rust), "{page} does not say `{rust}`");
    }
}

/// A source file of `src/` (its path below that) and its code: without comments and unit tests. `stored/earlier.rs` is
/// declared for tests only.
fn product_code() -> Vec<(String, String)> {
    let src = root().join("src");
    let paths = sources(&src).into_iter().map(|path| (path.strip_prefix(&src).unwrap().display().to_string(), path));
    let product = paths
        .filter(|(name, _)| !name.ends_with("tests.rs") && !name.contains("/tests/") && name != "stored/earlier.rs");
    let code = |path: &Path| -> String {
        let text = text(path);
        let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
        code.lines().filter(|line| !line.trim_start().starts_with("//")).map(|line| format!("{line}\n")).collect()
    };
    product.map(|(name, path)| (name, code(&path))).collect()
}

/// What follows each `PREFIX::` in some code, up to the end of the identifier. The prefix is not the end of a longer name.
fn paths_from<'a>(code: &'a str, prefix: &str) -> Vec<&'a str> {
    let is_name = |c: char| c.is_alphanumeric() || c == '_';
    let prefix = format!("{prefix}::");
    let found = code.match_indices(&prefix).filter(|(at, _)| !code[..*at].ends_with(is_name));
    found.map(|(at, start)| code[at + start.len()..].split(|c| !is_name(c)).next().unwrap()).collect()
}

#[test]
fn modules_import_only_from_lines_below_their_own() {
    let page = text(&root().join("docs/architecture.md"));
    let order = page.split("```modules\n").nth(1).expect("a block ```modules").split("```").next().unwrap();
    let level = |module: &str| order.lines().position(|line| line.split_whitespace().any(|word| word == module));
    let mut seen = 0;
    for (name, code) in product_code().iter().filter(|(name, _)| !matches!(name.as_str(), "lib.rs" | "main.rs")) {
        let module = name.split(['/', '.']).next().unwrap();
        let own = level(module).unwrap_or_else(|| panic!("docs/architecture.md does not place src/{module}"));
        for used in paths_from(code, "crate").into_iter().filter(|used| *used != module) {
            let below = level(used).is_some_and(|level| level > own);
            assert!(below, "src/{name} imports crate::{used}, which is not below {module} in docs/architecture.md");
            seen += 1;
        }
    }
    assert!(seen > 300, "only {seen} imports were found");
}

/// Crates that only a part of the product may know, and that part.
const CONFINED: [(&str, &[&str]); 7] = [
    ("clap", &["cli/", "cli.rs"]),
    ("indicatif", &["cli/", "human.rs"]), // human.rs uses its formats for numbers; it draws nothing
    ("comfy_table", &["status/"]),
    ("tokio", &["store/redis/"]),
    ("rusqlite", &["store/sqlite/"]),
    ("toml", &["spec/"]),
    ("minijinja", &["template/", "expr/", "expr.rs"]),
];

#[test]
fn crates_are_used_only_in_their_modules() {
    for (name, code) in product_code() {
        for (used, places) in CONFINED {
            let allowed = places.iter().any(|place| name.starts_with(place));
            assert!(allowed || paths_from(&code, used).is_empty(), "src/{name} uses {used}; only {places:?} may");
        }
    }
}
