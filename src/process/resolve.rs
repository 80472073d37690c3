//! Owns the way from the program that a command names to the file that is run.

use std::ffi::OsStr;
use std::path::{Component, Path, PathBuf};

use super::program::{check, is_executable_file};
use super::{StartError, hint};

/// Where programs are looked for when there is no PATH.
const DEFAULT_PATH: &str = "/usr/bin:/bin";

/// Finds the program that a command names, as an absolute path.
///
/// A word with a slash in it is a path, relative to `here`, the folder of the sweep file. Any other is looked for in the
/// folders of `path_var`, the value of PATH, in their order; one that is empty or relative is taken from `here`.
/// Symbolic links are left as they are: some programs look at the name by which they were started.
///
/// Some system calls when all is well; when not, the folders are searched for what may have been meant.
///
/// # Errors
/// If there is no such program, or the file cannot be run: not executable, a directory, a script without a `#!` line or
/// one whose interpreter is missing. The error guesses what was meant.
pub fn resolve(program: &str, here: &Path, path_var: Option<&OsStr>) -> Result<PathBuf, StartError> {
    let folders = folders(here, path_var);
    let path = if program.contains('/') {
        let path = without_dots(&here.join(program));
        if !path.exists() && !path.is_symlink() {
            return Err(hint::no_such_path(program, &path, here, &folders));
        }
        path
    } else {
        let found = folders.iter().map(|folder| folder.join(program)).find(|path| is_executable_file(path));
        found.ok_or_else(|| hint::not_on_path(program, here, &folders))?
    };
    check(&path, program)?;
    Ok(path)
}

fn folders(here: &Path, path_var: Option<&OsStr>) -> Vec<PathBuf> {
    let path = path_var.unwrap_or(OsStr::new(DEFAULT_PATH));
    std::env::split_paths(path).map(|folder| without_dots(&here.join(folder))).collect()
}

/// The path without `.` in it. `..` stays: what it means depends on symbolic links.
fn without_dots(path: &Path) -> PathBuf {
    path.components().filter(|component| *component != Component::CurDir).collect()
}
