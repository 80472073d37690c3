//! Owns what is recorded of the programs and packages around a table: they are no inputs, but they tell where it comes from.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value as Json, json};

use crate::process::{host_name, interpreter_version};
use crate::project::names::hash_digits;
use crate::runtime::SweepRuntime;

/// Files in which package managers write down the exact versions that they install.
const LOCK_FILES: [&str; 14] = [
    "uv.lock",
    "poetry.lock",
    "pdm.lock",
    "Pipfile.lock",
    "pylock.toml",
    "requirements.txt",
    "pixi.lock",
    "conda-lock.yml",
    "environment.yml",
    "renv.lock",
    "Manifest.toml",
    "package-lock.json",
    "Cargo.lock",
    "flake.lock",
];

/// The program of the sweep's first point and its packages, on this machine, as they are now. `null` where something is
/// not known. `may_ask`: an interpreter may be started to ask for its version, because it has just run jobs; the program of
/// a sweep that somebody else submitted is not started only to write a table.
pub fn describe(sweep: &SweepRuntime, may_ask: bool) -> Json {
    let word = sweep.argv(0).and_then(|argv| argv.first().cloned());
    let program = word.as_ref().and_then(|word| sweep.program(word).ok());
    let real = program.as_ref().and_then(|program| program.canonicalize().ok());
    json!({
        "host": host_name(),
        "program": word,
        "path": program,
        "real_path": real,
        "version": program.as_deref().filter(|_| may_ask).and_then(interpreter_version),
        "packages": program.as_deref().and_then(packages),
        "lock_files": lock_files(&sweep.here),
    })
}

/// The environment that a program belongs to (venv, conda), with the number and the hash of its packages with their
/// versions.
fn packages(program: &Path) -> Option<Json> {
    let folder = program.parent()?.parent()?;
    let mut names = if folder.join("pyvenv.cfg").is_file() {
        // lib/python3.11/site-packages/numpy-2.1.0.dist-info
        let versions = entries(&folder.join("lib")).into_iter().filter(|path| path.join("site-packages").is_dir());
        let all = versions.flat_map(|version| entries(&version.join("site-packages")));
        names_ending(all, "dist-info")
    } else if folder.join("conda-meta").is_dir() {
        names_ending(entries(&folder.join("conda-meta")), "json")
    } else {
        return None;
    };
    names.sort_unstable();
    names.dedup();
    let mut hasher = blake3::Hasher::new();
    for name in &names {
        hasher.update(name.as_bytes()).update(b"\n");
    }
    Some(json!({ "environment": folder, "count": names.len(), "hash": hash_digits(&hasher.finalize()) }))
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect()
}

/// The names that end in an extension, without it.
fn names_ending(paths: impl IntoIterator<Item = PathBuf>, extension: &str) -> Vec<String> {
    let all = paths.into_iter().filter(|path| path.extension() == Some(OsStr::new(extension)));
    all.filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned())).collect()
}

/// Lock files in the sweep file's folder and the folders above it, up to the one with `.git`; with their hashes.
fn lock_files(here: &Path) -> Vec<Json> {
    let mut found = Vec::new();
    for folder in here.ancestors().take(8) {
        let there =
            LOCK_FILES.iter().map(|name| folder.join(name)).filter_map(|path| Some((fs::read(&path).ok()?, path)));
        found.extend(there.map(|(bytes, path)| json!({ "path": path, "hash": hash_digits(&blake3::hash(&bytes)) })));
        if folder.join(".git").exists() {
            return found;
        }
    }
    // Not in a project: what lies above is somebody else's.
    found.retain(|file| file["path"].as_str().is_some_and(|path| Path::new(path).parent() == Some(here)));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_of_an_environment_are_counted_and_hashed() {
        let folder = tempfile::tempdir().unwrap();
        let site = folder.path().join("lib/python3.11/site-packages");
        fs::create_dir_all(&site).unwrap();
        let program = folder.path().join("bin/python");
        assert_eq!(packages(&program), None);
        fs::write(folder.path().join("pyvenv.cfg"), "").unwrap();
        for name in ["numpy-2.1.0.dist-info", "numpy", "scipy-1.15.0.dist-info"] {
            fs::create_dir(site.join(name)).unwrap();
        }
        let before = packages(&program).unwrap();
        assert_eq!(before["count"], 2);
        fs::rename(site.join("numpy-2.1.0.dist-info"), site.join("numpy-2.2.0.dist-info")).unwrap();
        assert_ne!(packages(&program).unwrap()["hash"], before["hash"]);
    }

    #[test]
    fn lock_files_of_the_project_are_found() {
        let folder = tempfile::tempdir().unwrap();
        let here = folder.path().join("study");
        fs::create_dir_all(&here).unwrap();
        fs::write(folder.path().join("uv.lock"), "a").unwrap();
        fs::write(here.join("requirements.txt"), "b").unwrap();
        assert_eq!(lock_files(&here).len(), 1);
        fs::create_dir(folder.path().join(".git")).unwrap();
        assert_eq!(lock_files(&here).len(), 2);
    }
}
