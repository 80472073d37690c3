//! Owns the search for the program that a command names.

use std::ffi::OsStr;
use std::path::{Component, Path, PathBuf};

use super::program::{check, is_executable_file};
use super::{StartError, suggestion};

/// Where programs are searched for when PATH is not set.
const DEFAULT_PATH: &str = "/usr/bin:/bin";

/// Finds the program that a command names, as an absolute path.
///
/// A word with a slash in it is a path, relative to `here`, the folder of the sweep file. Any other is searched for in the
/// folders of `path_var`, the value of PATH, in their order; a folder that is empty or relative is taken relative to
/// `here`. Symbolic links are not resolved: some programs depend on the name by which they were started.
///
/// Costs some system calls when the program is found; otherwise the folders are listed to suggest another name.
///
/// # Errors
/// If there is no such program, or the file cannot be run: not executable, a directory, a script without a `#!` line or
/// with a missing interpreter. The error suggests what was meant.
pub fn resolve(program: &str, here: &Path, path_var: Option<&OsStr>) -> Result<PathBuf, StartError> {
    let folders = folders(here, path_var);
    let path = if program.contains('/') {
        let path = without_dots(&here.join(program));
        if !path.exists() && !path.is_symlink() {
            return Err(suggestion::no_such_path(program, &path, here, &folders));
        }
        path
    } else {
        let found = folders.iter().map(|folder| folder.join(program)).find(|path| is_executable_file(path));
        found.ok_or_else(|| suggestion::not_on_path(program, here, &folders))?
    };
    check(&path, program)?;
    Ok(path)
}

fn folders(here: &Path, path_var: Option<&OsStr>) -> Vec<PathBuf> {
    let path = path_var.unwrap_or(OsStr::new(DEFAULT_PATH));
    std::env::split_paths(path).map(|folder| without_dots(&here.join(folder))).collect()
}

/// The path without `.` components. `..` stays: its meaning depends on symbolic links.
fn without_dots(path: &Path) -> PathBuf {
    path.components().filter(|component| *component != Component::CurDir).collect()
}
