//! Owns the start of a process: its pipes, its words, and an environment that is laid out once and patched for each job.
//!
//! A child shares our memory until its exec ([`vfork`] on Linux, [`posix`] elsewhere), and does not care how large we are:
//! thousands a second, where `fork` from a process of 100 MB manages 100. The standard library's `Command` does so too,
//! but copies, sorts and encodes the whole inherited environment for each process, and opens `/dev/null` for each: that
//! was more than half of a short job's cost to us.

use std::ffi::{CStr, CString, OsStr, c_char};
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;
use std::sync::OnceLock;

use rustix::process::Pid;

use super::{Launch, MARK};

// The tests hold both to the same.
#[cfg(any(not(target_os = "linux"), test))]
mod posix;
#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests;
#[cfg(target_os = "linux")]
mod vfork;

#[cfg(not(target_os = "linux"))]
use posix::start;
#[cfg(target_os = "linux")]
use vfork::start;

/// A process's program, words, environment and descriptors, as the system takes them. Descriptors of ours have numbers
/// from 3 on: the standard library opens the first three at the start of a program where they are not.
struct Image<'a> {
    /// Its absolute path.
    program: &'a CStr,
    /// Its words; the texts live as long, and null is at the end.
    argv: &'a [*mut c_char],
    /// Its variables, likewise.
    envp: &'a [*mut c_char],
    dir: &'a CStr,
    stdin: BorrowedFd<'a>,
    stdout: BorrowedFd<'a>,
    stderr: BorrowedFd<'a>,
}

/// A process that has begun to run its program, in a group of its own, with no signal blocked and none of our handlers.
struct Started {
    pid: i32,
    /// Readable when it has ended; none: the system has none to give, or gave none with the process.
    pidfd: Option<OwnedFd>,
}

/// The pipes to a process.
#[derive(Debug)]
pub(super) struct Pipes {
    /// Where its standard input comes from; none: it has nothing to read.
    pub(super) stdin: Option<OwnedFd>,
    /// Where its standard output comes out.
    pub(super) stdout: OwnedFd,
    /// Where its standard error comes out.
    pub(super) stderr: OwnedFd,
}

/// A process that was started.
pub(super) struct Spawned {
    pub(super) pid: Pid,
    /// Readable when it has ended; none: there was none to be had with the process.
    pub(super) pidfd: Option<OwnedFd>,
    pub(super) pipes: Pipes,
}

/// Starts a process in a group of its own. It is the caller's to reap.
///
/// # Errors
/// What the system says; [`io::ErrorKind::InvalidInput`] for a text that holds a NUL byte.
pub(super) fn spawn(launch: &Launch) -> io::Result<Spawned> {
    spawn_by(start, launch)
}

fn spawn_by(start: fn(&Image<'_>) -> io::Result<Started>, launch: &Launch) -> io::Result<Spawned> {
    let program = text(launch.program.as_os_str())?;
    let dir = text(launch.dir.as_os_str())?;
    let mut argv = Texts::default();
    for (n, word) in launch.argv.iter().enumerate() {
        let absolute = n == 0 && is_relative_path(word);
        argv.add(&[if absolute { launch.program.as_os_str().as_bytes() } else { word.as_bytes() }])?;
    }
    let mut own = Texts::default();
    let inherited = inherited();
    let kept = variables(launch, inherited, &mut own)?;
    let argv = pointers(argv.all());
    let kept = kept.iter().zip(inherited).filter(|(is_kept, _)| **is_kept);
    let envp = pointers(kept.map(|(_, variable)| variable.entry.as_ptr()).chain(own.all()));

    let (stdout, stderr) = (io::pipe()?, io::pipe()?);
    let stdin = if launch.stdin.is_empty() { None } else { Some(io::pipe()?) };
    let no_stdin = nothing()?;
    let started = start(&Image {
        program: &program,
        argv: &argv,
        envp: &envp,
        dir: &dir,
        stdin: stdin.as_ref().map_or(no_stdin, |(reader, _)| reader.as_fd()),
        stdout: stdout.1.as_fd(),
        stderr: stderr.1.as_fd(),
    })?;
    let pid = Pid::from_raw(started.pid).ok_or_else(|| io::Error::other("a process without an id"))?;
    let stdin = stdin.map(|(_, writer)| writer.into());
    let pipes = Pipes { stdin, stdout: stdout.0.into(), stderr: stderr.0.into() };
    Ok(Spawned { pid, pidfd: started.pidfd, pipes })
}

/// A program is told its name as the user wrote it; but a relative path means something only in the folder of the sweep
/// file, and programs look for their own files by that name: `.venv/bin/python` started in another directory under that
/// name does not find its packages. It is told its absolute path instead.
fn is_relative_path(arg0: &str) -> bool {
    arg0.contains('/') && !Path::new(arg0).is_absolute()
}

fn text(text: &OsStr) -> io::Result<CString> {
    Ok(CString::new(text.as_bytes())?)
}

/// Texts that end with NUL, in one piece.
#[derive(Default)]
struct Texts {
    bytes: Vec<u8>,
    begins: Vec<usize>,
}

impl Texts {
    /// Adds a text of some parts.
    fn add(&mut self, parts: &[&[u8]]) -> io::Result<()> {
        self.begins.push(self.bytes.len());
        for part in parts {
            if part.contains(&0) {
                return Err(io::Error::new(io::ErrorKind::InvalidInput, "nul byte found in provided data"));
            }
            self.bytes.extend_from_slice(part);
        }
        self.bytes.push(0);
        Ok(())
    }

    /// Where they begin; good until another one is added.
    fn all(&self) -> impl Iterator<Item = *const c_char> {
        self.begins.iter().filter_map(|begin| self.bytes.get(*begin..)).map(|text| text.as_ptr().cast())
    }
}

/// A list of texts, as the system takes it.
fn pointers(texts: impl Iterator<Item = *const c_char>) -> Vec<*mut c_char> {
    // The system's signature says `mut`, and its standard that nothing is changed.
    texts.map(<*const c_char>::cast_mut).chain([std::ptr::null_mut()]).collect()
}

/// A variable of our own environment.
struct Variable {
    name: Vec<u8>,
    /// `NAME=VALUE`.
    entry: CString,
}

/// Our own environment as it was when the first job was started, by name.
fn inherited() -> &'static [Variable] {
    static INHERITED: OnceLock<Vec<Variable>> = OnceLock::new();
    INHERITED.get_or_init(|| {
        let variable = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            let name = name.into_vec();
            let entry = [&name, &b"="[..], value.as_bytes()].concat();
            Some(Variable { name, entry: CString::new(entry).ok()? })
        };
        let mut all: Vec<Variable> = std::env::vars_os().filter_map(variable).collect();
        all.sort_by(|a, b| a.name.cmp(&b.name));
        all.dedup_by(|a, b| a.name == b.name);
        all
    })
}

/// Adds the job's own variables to `own`, of those with the same name the last one; says which of the inherited stay.
fn variables(launch: &Launch, inherited: &[Variable], own: &mut Texts) -> io::Result<Vec<bool>> {
    let mut kept = vec![true; inherited.len()];
    let given = launch.env.iter().map(|(name, value)| (name.as_str(), value.as_str())).chain([(MARK, &*launch.mark)]);
    let mut names: Vec<&str> = Vec::with_capacity(launch.env.len() + 1);
    for (name, value) in given.rev() {
        if names.contains(&name) {
            continue;
        }
        names.push(name);
        own.add(&[name.as_bytes(), b"=", value.as_bytes()])?;
        let place = inherited.binary_search_by(|variable| variable.name.as_slice().cmp(name.as_bytes()));
        if let Some(kept) = place.ok().and_then(|place| kept.get_mut(place)) {
            *kept = false;
        }
    }
    Ok(kept)
}

/// `/dev/null`, opened once.
fn nothing() -> io::Result<BorrowedFd<'static>> {
    static NOTHING: OnceLock<File> = OnceLock::new();
    let file = match NOTHING.get() {
        Some(file) => file,
        None => {
            let file = File::open("/dev/null")?;
            NOTHING.get_or_init(|| file)
        }
    };
    Ok(file.as_fd())
}
