//! Owns the check of a program file: can it be run, and if not, what would make it run?

use std::fs::{self, File};
use std::io::{ErrorKind, Read};
use std::path::Path;

use rustix::fs::{Access, access};

use super::{ProgramProblem, StartError};

/// Bytes of a file that are read: more than Linux reads of a `#!` line.
const HEAD: u64 = 256;

/// Whether the file is executable, by its mode.
pub(super) fn is_executable_file(path: &Path) -> bool {
    path.is_file() && access(path, Access::EXEC_OK).is_ok()
}

/// Checks that a job can run in the directory.
pub(super) fn check_directory(dir: &Path) -> Result<(), StartError> {
    let why = match fs::metadata(dir) {
        Ok(metadata) if !metadata.is_dir() => "is a file; use another name under `[job] dir`",
        Ok(_) if access(dir, Access::EXEC_OK).is_err() => "cannot be entered; type `chmod u+x` with its name",
        Ok(_) => return Ok(()),
        Err(error) if error.kind() == ErrorKind::NotFound => "does not exist (any more); create it again",
        Err(_) => "cannot be reached; check the permissions of its parent folders",
    };
    Err(StartError::Directory { dir: dir.to_owned(), why: why.into() })
}

/// Checks that the file can be run. `word` is the program as the user wrote it.
///
/// # Errors
/// What prevents it, and the remedy.
pub(super) fn check(path: &Path, word: &str) -> Result<(), StartError> {
    check_exists(path)?;
    let head = head(path);
    let by = interpreter_by_extension(path);
    let is_plain_text = head.as_deref().is_some_and(is_plain_text);
    if access(path, Access::EXEC_OK).is_err() {
        let why = "it is not executable".into();
        return Err(match by {
            Some(by) if is_plain_text => {
                not_runnable(path, ProgramProblem::NamesNoInterpreter, why, format!("write `{by} {word}`"))
            }
            _ => not_runnable(path, ProgramProblem::Mode, why, format!("type `chmod +x {}`", shell_word(path))),
        });
    }
    if is_plain_text {
        let why = "it is a text without a `#!` line that names its interpreter".into();
        let remedy = match by {
            Some(by) => format!("write `{by} {word}`"),
            None => format!("write the interpreter before it (`sh {word}`), or `#!/bin/sh` as its first line"),
        };
        return Err(not_runnable(path, ProgramProblem::NamesNoInterpreter, why, remedy));
    }
    match head.as_deref().and_then(interpreter) {
        Some(interpreter) if !Path::new(&interpreter).is_file() => Err(missing_interpreter(&interpreter, path)),
        _ => Ok(()),
    }
}

fn check_exists(path: &Path) -> Result<(), StartError> {
    let refuse = |why: String, remedy: &str| Err(not_runnable(path, ProgramProblem::Unusable, why, remedy.into()));
    match fs::metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound && path.is_symlink() => {
            refuse("it is a link to a file that does not exist".into(), "make the link again")
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let what = format!("`{}`", path.display());
            Err(StartError::NotFound { what, remedy: "put it back, or correct its path".into() })
        }
        Err(error) => refuse(error.to_string(), "check the permissions of its folder"),
        Ok(metadata) if metadata.is_dir() => refuse("it is a directory".into(), "name a program in it"),
        Ok(_) => Ok(()),
    }
}

fn not_runnable(path: &Path, problem: ProgramProblem, why: String, remedy: String) -> StartError {
    StartError::NotRunnable { program: path.to_owned(), why, remedy, problem }
}

fn missing_interpreter(interpreter: &str, path: &Path) -> StartError {
    let (why, remedy) = match interpreter.strip_suffix('\r') {
        Some(_) => (
            "it has Windows line ends, so that the interpreter in its first line is not found".into(),
            format!("type `perl -pi -e 's/\\r$//' {}`", shell_word(path)),
        ),
        None => (
            format!("its first line names the interpreter `{interpreter}`, which does not exist"),
            "install that, or correct the line".into(),
        ),
    };
    not_runnable(path, ProgramProblem::InterpreterMissing, why, remedy)
}

fn shell_word(path: &Path) -> String {
    let path = path.to_string_lossy();
    shlex::try_quote(&path).map_or_else(|_| path.to_string(), Into::into)
}

/// The first bytes of the file. None: it cannot be read, which does not prevent running it.
fn head(path: &Path) -> Option<Vec<u8>> {
    let mut head = Vec::new();
    File::open(path).ok()?.take(HEAD).read_to_end(&mut head).ok()?;
    Some(head)
}

/// Whether it is text that names no interpreter. An empty file is.
fn is_plain_text(head: &[u8]) -> bool {
    let is_text = match std::str::from_utf8(head) {
        Ok(text) => !text.contains('\0'),
        // Only the last character is cut.
        Err(error) => error.error_len().is_none() && !head.contains(&0),
    };
    is_text && !head.starts_with(b"#!")
}

/// The interpreter that a `#!` line names.
fn interpreter(head: &[u8]) -> Option<String> {
    let line = head.strip_prefix(b"#!")?.split(|byte| *byte == b'\n').next()?;
    let line = String::from_utf8_lossy(line);
    // A carriage return is white space to Rust, and a part of the name to the system.
    let name = line.trim_start_matches([' ', '\t']).split([' ', '\t']).next()?;
    (!name.is_empty()).then(|| name.to_owned())
}

/// The usual interpreter of a file with this extension.
fn interpreter_by_extension(path: &Path) -> Option<&'static str> {
    let by = match path.extension()?.to_str()? {
        "py" => "python3",
        "sh" => "sh",
        "bash" => "bash",
        "R" | "r" => "Rscript",
        "jl" => "julia",
        "m" => "octave",
        "pl" => "perl",
        "rb" => "ruby",
        "awk" => "awk -f",
        "lua" => "lua",
        "js" => "node",
        _ => return None,
    };
    Some(by)
}
