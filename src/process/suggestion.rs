//! Owns the suggestion what was meant by a program that does not exist.

use std::path::{Path, PathBuf};

use super::program::{check, is_executable_file};
use super::{ProgramProblem, StartError};

/// Words that only shells know.
const BUILTINS: [&str; 8] = ["cd", "source", ".", "export", "set", "ulimit", "module", "alias"];

/// The error for a bare name that is in no folder of PATH.
pub(super) fn not_on_path(program: &str, here: &Path, folders: &[PathBuf]) -> StartError {
    if program.is_empty() {
        return StartError::NotFound { what: "with an empty name".into(), remedy: "give the command a program".into() };
    }
    // A file there that may not be executed is most likely what was meant.
    let blocked = folders.iter().map(|folder| folder.join(program)).find(|path| path.is_file());
    if let Some(error) = blocked.and_then(|path| check(&path, program).err()) {
        return error;
    }
    let what = format!("`{program}` in the folders of PATH");
    let remedy = in_shell(program)
        .or_else(|| beside(program, here))
        .or_else(|| several_words(program, here, folders))
        .or_else(|| similar(program, here, folders))
        .unwrap_or_else(|| "install it, or write its path".into());
    StartError::NotFound { what, remedy }
}

/// The error for a path at which there is nothing.
pub(super) fn no_such_path(program: &str, path: &Path, here: &Path, folders: &[PathBuf]) -> StartError {
    let what = format!("`{}`", path.display());
    let tilde = program.starts_with('~').then(|| "write the path in full: only a shell knows `~`".into());
    let remedy = tilde
        .or_else(|| several_words(program, here, folders))
        .or_else(|| similar_path(program, path))
        .unwrap_or_else(|| "build it, or correct the path, which is relative to the folder of the sweep file".into());
    StartError::NotFound { what, remedy }
}

fn in_shell(program: &str) -> Option<String> {
    let assignment = program.split_once('=').is_some_and(|(name, _)| !name.is_empty());
    if assignment {
        return Some("set variables by `env` under `[job]`, or set `shell = true` there".into());
    }
    BUILTINS.contains(&program).then(|| "it is a shell command: set `shell = true` under `[job]`".into())
}

/// For when the folder of the sweep file has a file of that name.
fn beside(program: &str, here: &Path) -> Option<String> {
    let path = here.join(program);
    if !path.is_file() {
        return None;
    }
    Some(match check(&path, program) {
        Ok(()) => format!("the folder of the sweep file has one: write `./{program}`"),
        Err(StartError::NotRunnable { why, remedy, problem: ProgramProblem::NamesNoInterpreter, .. }) => {
            format!("the folder of the sweep file has a file of that name, but {why}: {remedy}")
        }
        Err(StartError::NotRunnable { why, remedy, .. }) => {
            format!(
                "the folder of the sweep file has a file of that name, but {why}: {remedy}, and write `./{program}`"
            )
        }
        Err(_) => return None,
    })
}

/// For `["python3 ising.py"]`: one word that should have been two.
fn several_words(program: &str, here: &Path, folders: &[PathBuf]) -> Option<String> {
    let (first, _) = program.split_once(char::is_whitespace)?;
    let exists = match first.contains('/') {
        true => here.join(first).is_file(),
        false => folders.iter().any(|folder| folder.join(first).is_file()),
    };
    exists.then(|| format!("split it into several words: `{first}` and its arguments, each in quotes of its own"))
}

fn similar(program: &str, here: &Path, folders: &[PathBuf]) -> Option<String> {
    let beside = programs(here).map(|name| (distance(program, &name), format!("./{name}")));
    let on_path = folders.iter().flat_map(|folder| programs(folder)).map(|name| (distance(program, &name), name));
    nearest(program, beside.chain(on_path))
}

fn similar_path(program: &str, path: &Path) -> Option<String> {
    let name = path.file_name()?.to_str()?;
    let folder = program.rsplit_once('/').map_or("", |(folder, _)| folder);
    let candidates = programs(path.parent()?).map(|other| (distance(name, &other), format!("{folder}/{other}")));
    nearest(name, candidates)
}

/// The nearest name, if it is near enough for a typing mistake; of equally near ones the first by alphabet.
fn nearest(meant: &str, candidates: impl Iterator<Item = (usize, String)>) -> Option<String> {
    let limit = (meant.chars().count() / 3).clamp(1, 3);
    let (_, name) = candidates.filter(|(distance, _)| *distance <= limit).min()?;
    Some(format!("did you mean `{name}`?"))
}

fn distance(a: &str, b: &str) -> usize {
    strsim::damerau_levenshtein(&a.to_lowercase(), &b.to_lowercase())
}

fn programs(folder: &Path) -> impl Iterator<Item = String> {
    let entries = folder.read_dir().into_iter().flatten().flatten();
    entries.filter(|entry| is_executable_file(&entry.path())).filter_map(|entry| entry.file_name().into_string().ok())
}
