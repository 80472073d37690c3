//! Owns the names of files and folders that are never inputs, and the hash of the names in a folder.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use crate::model::Hash;

/// Whether a file or folder with this name is never an input, wherever it is: what sweep, version control, Python, editors
/// and systems write beside the files of a user, and installed packages.
pub fn is_ignored_name(name: &OsStr) -> bool {
    const NAMES: [&str; 20] = [
        ".sweep",
        ".git",
        ".hg",
        ".svn",
        ".jj",
        "__pycache__",
        "node_modules",
        "site-packages",
        "dist-packages",
        ".DS_Store",
        ".ipynb_checkpoints",
        ".mypy_cache",
        ".pytest_cache",
        ".ruff_cache",
        ".tox",
        ".nox",
        ".snakemake",
        ".sweep-job",
        ".Rhistory",
        "4913",
    ];
    const STARTS: [&str; 4] = [".sweep-", ".nfs", ".#", "#"];
    const ENDS: [&str; 7] = ["~", ".swp", ".swo", ".swx", ".pyc", ".results.csv", ".results.csv.meta.json"];
    let name = name.to_string_lossy();
    NAMES.contains(&name.as_ref())
        || STARTS.iter().any(|start| name.starts_with(start))
        || ENDS.iter().any(|end| name.ends_with(end))
}

/// The hash of the names in a folder, in any order: of the sorted names, each followed by a zero byte. Names that are no
/// inputs ([`is_ignored_name`]), and those that `ignores` answers for, are left out.
pub fn folder_hash(names: impl IntoIterator<Item: AsRef<OsStr>>, ignores: impl Fn(&OsStr) -> bool) -> Hash {
    let names = names.into_iter().map(|name| name.as_ref().to_owned());
    let mut names: Vec<_> = names.filter(|name| !is_ignored_name(name) && !ignores(name)).collect();
    names.sort();
    let mut hasher = blake3::Hasher::new();
    for name in &names {
        hasher.update(name.as_bytes()).update(&[0]);
    }
    hash_digits(&hasher.finalize())
}

/// The first 16 bytes of a hash, in hexadecimal digits.
pub fn hash_digits(hash: &blake3::Hash) -> Hash {
    hash.to_hex().chars().take(32).collect()
}
