//! Owns where the name of the store comes from, and hiding a password in it: from the process list, from the environment of
//! this process, and from jobs, which run as the same user.
//!
//! A password reaches this process in `SWEEP_STORE` or in the file that `SWEEP_STORE_FILE` names. The first environment of a
//! process stays readable for its user in `/proc/PID/environ`, whatever the process removes later. So this program executes
//! itself again without the variable and reads the password from a pipe. On Linux it also declares itself not dumpable: no
//! process of the same user may then read its memory or environment, unless it is privileged.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use rustix::fs::FileType;

use crate::error::{Error, Result};
use crate::system::private_text;

/// The variable that names the store.
const VARIABLE: &str = "SWEEP_STORE";

/// The variable that names a file with the name of the store.
const FILE_VARIABLE: &str = "SWEEP_STORE_FILE";

/// The variable in which this program tells itself the number of the pipe.
const PIPE_VARIABLE: &str = "SWEEP_STORE_PIPE";

/// The most bytes of the name of a store: a pipe takes as many without a reader.
const MOST: usize = 4096;

/// The name of the store, if it comes from elsewhere than `--store` or a variable that may stay visible. Call it before any
/// thread is started and before the command line is parsed. If the environment contains a password, this executes the
/// program again in the same process.
///
/// # Errors
/// If the command line contains a password, or the file of `SWEEP_STORE_FILE` cannot be used.
pub fn take_store() -> Result<Option<String>> {
    let words: Vec<OsString> = std::env::args_os().skip(1).collect();
    if names_secret(&words) {
        return Err(Error::usage("a password in --store is visible to all users of this machine").remedy(format!(
            "set the environment variable {VARIABLE} instead, or write the address into a file that only you can read \
             (`chmod 600 FILE`) and set {FILE_VARIABLE}=FILE"
        )));
    }
    if let Some(pipe) = std::env::var(PIPE_VARIABLE).ok().and_then(|number| number.parse().ok()) {
        remove(PIPE_VARIABLE);
        remove(VARIABLE);
        return read_pipe(pipe).map(Some);
    }
    // An empty variable means the same as one that is not set.
    for variable in [VARIABLE, FILE_VARIABLE] {
        if std::env::var_os(variable).is_some_and(|value| value.is_empty()) {
            remove(variable);
        }
    }
    let named = std::env::var_os(VARIABLE);
    if let Some(url) = named.filter(|url| has_secret(url)) {
        let error = execute_again(&words, &url);
        return Err(Error::usage(format!("the password in {VARIABLE} cannot be hidden from jobs: {error}")));
    }
    let file = std::env::var_os(FILE_VARIABLE).filter(|_| std::env::var_os(VARIABLE).is_none());
    let Some(file) = file else { return Ok(None) };
    remove(FILE_VARIABLE);
    keep_private();
    read_file(Path::new(&file)).map(Some)
}

/// From now on other processes of this user can read neither the memory nor the environment of this process (Linux). It
/// leaves no core dump either.
pub fn keep_private() {
    #[cfg(target_os = "linux")]
    // It fails on no system that has it.
    let _ = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
}

/// Executes this program again in the same process, without the name of the store in the environment and with a pipe that
/// holds it. Returns only if that fails.
fn execute_again(words: &[OsString], url: &OsStr) -> std::io::Error {
    let run = || {
        let (read, write) = std::io::pipe()?;
        let url = url.as_encoded_bytes();
        if url.len() > MOST {
            return Err(std::io::Error::other("it is too long"));
        }
        (&write).write_all(url)?;
        drop(write);
        rustix::io::fcntl_setfd(&read, rustix::io::FdFlags::empty())?;
        let name = std::env::args_os().next().unwrap_or_else(|| "sweep".into());
        let mut again = Command::new(std::env::current_exe()?);
        again.arg0(name).args(words).env_remove(VARIABLE).env(PIPE_VARIABLE, read.as_raw_fd().to_string());
        Err(again.exec())
    };
    let failed: std::io::Result<()> = run();
    failed.err().unwrap_or_else(|| std::io::Error::other("it returned"))
}

fn read_pipe(pipe: RawFd) -> Result<String> {
    keep_private();
    let failed =
        |why: String| Error::usage(format!("the name of the store cannot be read from {PIPE_VARIABLE}: {why}"));
    // Somebody may have set the variable by hand: only a pipe is read and closed.
    let is_pipe = pipe > 2 && {
        // SAFETY: the number is not -1, the descriptor is only borrowed, and `fstat` reports one that is not open.
        let fd = unsafe { BorrowedFd::borrow_raw(pipe) };
        rustix::fs::fstat(fd).is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::Fifo)
    };
    if !is_pipe {
        return Err(failed("it is no pipe; unset it".into()));
    }
    // SAFETY: the descriptor is open, and this program made it for itself: nothing else in this process knows its number.
    let mut pipe = File::from(unsafe { OwnedFd::from_raw_fd(pipe) });
    let mut url = String::new();
    pipe.read_to_string(&mut url).map_err(|error| failed(error.to_string()))?;
    Ok(url)
}

/// The name of the store in a file: its first line. The file may contain a password, so only its owner may read it.
fn read_file(path: &Path) -> Result<String> {
    let text = private_text(path, MOST as u64).map_err(|error| {
        let remedy = match error.kind() {
            std::io::ErrorKind::PermissionDenied => {
                format!("use a file of your own, and type `chmod 600 {}`", path.display())
            }
            _ => format!("correct {FILE_VARIABLE}, or unset it"),
        };
        Error::file("read", path)(error).remedy(remedy)
    })?;
    match text.lines().next().map(str::trim) {
        Some(name) if !name.is_empty() => Ok(name.to_owned()),
        _ => Err(Error::usage(format!("the file {} of {FILE_VARIABLE} is empty", path.display()))
            .remedy("write the address of the store into it, for example redis://:PASSWORD@HOST:6379")),
    }
}

fn remove(variable: &str) {
    // SAFETY: the process has only one thread: this is called before any command runs.
    unsafe { std::env::remove_var(variable) };
}

/// Whether a command line has a `--store` with a password.
fn names_secret(words: &[OsString]) -> bool {
    let mut words = words.iter().take_while(|word| *word != "--");
    while let Some(word) = words.next() {
        let joined = word.to_str().and_then(|word| word.strip_prefix("--store=")).map(OsStr::new);
        let url = joined.or_else(|| if word == "--store" { words.next().map(OsString::as_os_str) } else { None });
        if url.is_some_and(has_secret) {
            return true;
        }
    }
    false
}

/// Whether the name of a store is a URL with a password.
fn has_secret(store: &OsStr) -> bool {
    let store = store.to_string_lossy();
    let Some((_, rest)) = store.split_once("://") else { return false };
    let user = rest.rsplit_once('@').map(|(user, _)| user);
    user.is_some_and(|user| user.contains(':') && !user.ends_with(':')) || rest.contains("pass=")
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_password_in_the_command_line_is_found() {
        let found = |line: &str| names_secret(&line.split(' ').map(OsString::from).collect::<Vec<_>>());
        for line in [
            "status --store redis://a:b@c --json",
            "--store=rediss://:b@c status",
            "status --store unix:///s?pass=b",
            "status --store redis://a:b@d@c",
        ] {
            assert!(found(line), "{line}");
        }
        for line in [
            "status --store redis://c:1/2",
            "status --store redis://ada@c:1/2",
            "status --store redis://ada:@c:1/2",
            "status --store me@folder",
            "status",
            "x --store",
            "x -- --store=r://a:b@c",
        ] {
            assert!(!found(line), "{line}");
        }
    }

    #[test]
    fn the_file_of_the_store_must_be_private() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store");
        std::fs::write(&path, "redis://:secret@host:6379\n").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        let refused = read_file(&path).unwrap_err().to_string();
        assert!(refused.contains("is not private") && refused.contains("chmod 600"), "{refused}");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        assert_eq!(read_file(&path).unwrap(), "redis://:secret@host:6379");
        std::fs::write(&path, "\n").unwrap();
        assert!(read_file(&path).unwrap_err().to_string().contains("is empty"));
    }
}
