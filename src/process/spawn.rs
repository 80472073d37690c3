//! Owns the start of a process: its pipes, its words, its environment, and which way of starting is used.
//!
//! A child shares our memory until its exec ([`vfork`] on Linux, [`posix`] elsewhere and where the first way fails). So its
//! start takes the same time however large this process is: thousands a second, where `fork` from a process of 100 MB
//! manages 100. The standard library's `Command` does the same, but copies, sorts and encodes the whole inherited
//! environment for each process, and opens `/dev/null` for each; that was more than half of the overhead of a short job.

use std::ffi::{CStr, CString, OsStr, c_char};
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::OnceLock;

use rustix::process::Pid;

use super::Launch;
use super::observe::FilterInstallation;

mod environment;
mod posix;
mod strings;
#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests;
#[cfg(target_os = "linux")]
mod vfork;

use strings::{CStringList, pointers};

/// A process's program, words, environment and descriptors, as the system takes them. Descriptors of ours have numbers
/// from 3 on: the standard library opens the first three at the start of a program that lacks them.
struct SpawnRequest<'a> {
    /// The program's absolute path.
    program: &'a CStr,
    /// Its words: pointers to strings that live as long as this, with null at the end.
    argv: &'a [*mut c_char],
    /// Its variables, likewise.
    envp: &'a [*mut c_char],
    dir: &'a CStr,
    stdin: BorrowedFd<'a>,
    stdout: BorrowedFd<'a>,
    stderr: BorrowedFd<'a>,
    /// The terminal of this process, which the new one gives up. None: there is none.
    terminal: Option<BorrowedFd<'a>>,
    /// The filter that the process installs before its exec, to be observed. Only [`vfork`] can do that.
    filter: Option<&'a FilterInstallation>,
}

/// A process that runs its program, in a group of its own, with no signal blocked and none of our handlers.
struct SpawnedPid {
    pid: i32,
    /// Readable when it has ended. None: the system has none, or gave none with the process.
    pidfd: Option<OwnedFd>,
}

/// A way of starting a process.
type StartFn = fn(&SpawnRequest<'_>) -> io::Result<SpawnedPid>;

/// The pipes to a process.
#[derive(Debug)]
pub(super) struct Pipes {
    /// To its standard input. None: it has nothing to read.
    pub(super) stdin: Option<OwnedFd>,
    /// From its standard output.
    pub(super) stdout: OwnedFd,
    /// From its standard error.
    pub(super) stderr: OwnedFd,
}

/// A process that was started.
pub(super) struct Spawned {
    pub(super) pid: Pid,
    /// Readable when it has ended. None: it could not be had together with the process.
    pub(super) pidfd: Option<OwnedFd>,
    pub(super) pipes: Pipes,
}

/// Starts a process in a group of its own. The caller must reap it.
///
/// # Errors
/// What the system says; [`io::ErrorKind::InvalidInput`] for a string with a NUL byte.
pub(super) fn spawn(launch: &Launch) -> io::Result<Spawned> {
    spawn_by(start, launch)
}

#[cfg(target_os = "linux")]
fn start(request: &SpawnRequest<'_>) -> io::Result<SpawnedPid> {
    vfork::start(request, posix::start)
}

#[cfg(not(target_os = "linux"))]
fn start(request: &SpawnRequest<'_>) -> io::Result<SpawnedPid> {
    posix::start(request)
}

fn spawn_by(start: StartFn, launch: &Launch) -> io::Result<Spawned> {
    let program = c_string(launch.program.as_os_str())?;
    let dir = c_string(launch.dir.as_os_str())?;
    let words = words(launch)?;
    let mut own = CStringList::default();
    let inherited = environment::inherited();
    let kept = environment::add_own(launch, inherited, &mut own)?;
    let argv = pointers(words.all());
    let kept = kept.iter().zip(inherited).filter(|(is_kept, _)| **is_kept);
    let envp = pointers(kept.map(|(_, variable)| variable.entry.as_ptr()).chain(own.all()));

    let (stdout, stderr) = (io::pipe()?, io::pipe()?);
    let stdin = if launch.stdin.is_empty() { None } else { Some(io::pipe()?) };
    let no_stdin = dev_null()?;
    let filter = launch.observer.as_ref().and_then(|observer| observer.installation());
    let started = start(&SpawnRequest {
        program: &program,
        argv: &argv,
        envp: &envp,
        dir: &dir,
        stdin: stdin.as_ref().map_or(no_stdin, |(reader, _)| reader.as_fd()),
        stdout: stdout.1.as_fd(),
        stderr: stderr.1.as_fd(),
        terminal: terminal(),
        filter: filter.as_deref(),
    })?;
    let pid = Pid::from_raw(started.pid).ok_or_else(|| io::Error::other("a process without an id"))?;
    let stdin = stdin.map(|(_, writer)| writer.into());
    let pipes = Pipes { stdin, stdout: stdout.0.into(), stderr: stderr.0.into() };
    Ok(Spawned { pid, pidfd: started.pidfd, pipes })
}

/// The words of the command. A program gets its name as the user wrote it, unless that is a relative path, which means
/// something only in the folder of the sweep file. Programs look for their own files by that name: `.venv/bin/python`
/// started in another directory would not find its packages. It gets its absolute path instead.
fn words(launch: &Launch) -> io::Result<CStringList> {
    let mut words = CStringList::default();
    for (n, word) in launch.argv.iter().enumerate() {
        let is_relative_program = n == 0 && word.contains('/') && !Path::new(word).is_absolute();
        let word = if is_relative_program { launch.program.as_os_str().as_bytes() } else { word.as_bytes() };
        words.add(&[word])?;
    }
    Ok(words)
}

fn c_string(text: &OsStr) -> io::Result<CString> {
    Ok(CString::new(text.as_bytes())?)
}

/// The terminal that controls this process, opened once.
fn terminal() -> Option<BorrowedFd<'static>> {
    static TERMINAL: OnceLock<Option<File>> = OnceLock::new();
    TERMINAL.get_or_init(|| File::open("/dev/tty").ok()).as_ref().map(AsFd::as_fd)
}

/// `/dev/null`, opened once.
fn dev_null() -> io::Result<BorrowedFd<'static>> {
    static DEV_NULL: OnceLock<File> = OnceLock::new();
    let file = match DEV_NULL.get() {
        Some(file) => file,
        None => {
            let file = File::open("/dev/null")?;
            DEV_NULL.get_or_init(|| file)
        }
    };
    Ok(file.as_fd())
}
