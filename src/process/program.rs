//! Owns the look at a program file: can it be run, and if not, what would make it run?

use std::fs::{self, File};
use std::io::{ErrorKind, Read};
use std::path::Path;

use rustix::fs::{Access, access};

use super::StartError;

/// Whether the file could be run as a program, as far as its mode tells.
pub(super) fn is_executable_file(path: &Path) -> bool {
    path.is_file() && access(path, Access::EXEC_OK).is_ok()
}

/// Whether a job can run in the directory.
pub(super) fn check_directory(dir: &Path) -> Result<(), StartError> {
    let why = match fs::metadata(dir) {
        Ok(metadata) if !metadata.is_dir() => "is a file; give another name under `[job] dir`",
        Ok(_) if access(dir, Access::EXEC_OK).is_err() => "may not be entered by you; type `chmod u+x` with its name",
        Ok(_) => return Ok(()),
        Err(error) if error.kind() == ErrorKind::NotFound => "is not there (any more); make it again",
        Err(_) => "cannot be reached; see whether its parent folders may be entered by you",
    };
    Err(StartError::Directory { dir: dir.to_owned(), why: why.into() })
}

/// Says what keeps the file from being run, if anything does. `word` is the program as the user wrote it.
pub(super) fn check(path: &Path, word: &str) -> Result<(), StartError> {
    let refuse = |why: String, remedy: String| Err(StartError::NotRunnable { program: path.to_owned(), why, remedy });
    match fs::metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound && path.is_symlink() => {
            return refuse("it is a link to a file that is not there".into(), "make the link anew".into());
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let what = format!("`{}`", path.display());
            return Err(StartError::NotFound { what, remedy: "put it back, or correct its path".into() });
        }
        Err(error) => return refuse(error.to_string(), "see whether its folder may be entered by you".into()),
        Ok(metadata) if metadata.is_dir() => {
            return refuse("it is a directory".into(), "name a program in it".into());
        }
        Ok(_) => {}
    }
    let head = head(path);
    let by = interpreter_by_extension(path);
    let runs_itself = head.as_deref().is_none_or(|head| !is_plain_text(head));
    if access(path, Access::EXEC_OK).is_err() {
        return refuse(
            "it is not executable".into(),
            match by {
                Some(by) if !runs_itself => format!("write `{by} {word}`"),
                _ => format!("type `chmod +x {}`", shell_word(path)),
            },
        );
    }
    if !runs_itself {
        let why = "it is a text without a `#!` line that says what runs it";
        return refuse(
            why.into(),
            match by {
                Some(by) => format!("write `{by} {word}`"),
                None => format!("write the interpreter before it (`sh {word}`), or `#!/bin/sh` as its first line"),
            },
        );
    }
    match head.as_deref().and_then(interpreter) {
        Some(interpreter) if !Path::new(&interpreter).is_file() => {
            let (why, remedy) = missing_interpreter(&interpreter, path);
            refuse(why, remedy)
        }
        _ => Ok(()),
    }
}

fn missing_interpreter(interpreter: &str, path: &Path) -> (String, String) {
    match interpreter.strip_suffix('\r') {
        Some(_) => (
            "it has the line ends of Windows, so that the interpreter in its first line is not found".into(),
            format!("type `perl -pi -e 's/\\r$//' {}`", shell_word(path)),
        ),
        None => (
            format!("its first line names the interpreter `{interpreter}`, which is not there"),
            "install that, or correct the line".into(),
        ),
    }
}

fn shell_word(path: &Path) -> String {
    let path = path.to_string_lossy();
    shlex::try_quote(&path).map_or_else(|_| path.to_string(), Into::into)
}

/// The first bytes of the file; none: it cannot be read, which does not keep it from being run.
fn head(path: &Path) -> Option<Vec<u8>> {
    let mut head = Vec::new();
    File::open(path).ok()?.take(256).read_to_end(&mut head).ok()?;
    Some(head)
}

/// Whether it is text that nothing says how to run. An empty file is.
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
    // A carriage return is white space to us, and a part of the name to the system.
    let name = line.trim_start_matches([' ', '\t']).split([' ', '\t']).next()?;
    (!name.is_empty()).then(|| name.to_owned())
}

/// What usually runs a file with this extension.
pub(super) fn interpreter_by_extension(path: &Path) -> Option<&'static str> {
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
