//! Owns the start of a process: `posix_spawn`, with pipes, and an environment that is laid out once and patched for each
//! job.
//!
//! `posix_spawn` is a `vfork` and does not care how large we are: 2000 a second, where `fork` from a process of 100 MB
//! manages 100. The standard library's `Command` takes it too, but copies, sorts and encodes the whole inherited
//! environment for each process, and opens `/dev/null` for each: that was more than half of a short job's cost to us.

use std::ffi::{CString, OsStr, c_char, c_int};
use std::fs::File;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;
use std::sync::OnceLock;

use rustix::process::Pid;

use super::{Launch, MARK};

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

/// Starts a process in a group of its own. It is the caller's to reap.
///
/// # Errors
/// What the system says; [`io::ErrorKind::InvalidInput`] for a text that holds a NUL byte.
pub(super) fn spawn(launch: &Launch) -> io::Result<(Pid, Pipes)> {
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
    let mut actions = Actions::new()?;
    match &stdin {
        Some((reader, _)) => actions.duplicate(reader.as_fd(), 0)?,
        None => actions.duplicate(nothing()?, 0)?,
    }
    actions.duplicate(stdout.1.as_fd(), 1)?;
    actions.duplicate(stderr.1.as_fd(), 2)?;
    actions.change_directory(&dir)?;
    let attributes = Attributes::of_a_job()?;
    let mut pid = 0;
    // SAFETY: the program, and the texts that `argv` and `envp` point to, live until the call returns, end with NUL, and
    // the lists end with null; actions and attributes are initialized. Between the start of the child, which shares our
    // memory, and its exec nothing of ours runs.
    let error = unsafe {
        libc::posix_spawn(&mut pid, program.as_ptr(), &actions.0, &attributes.0, argv.as_ptr(), envp.as_ptr())
    };
    check(error)?;
    let pid = Pid::from_raw(pid).ok_or_else(|| io::Error::other("a process without an id"))?;
    let stdin = stdin.map(|(_, writer)| writer.into());
    Ok((pid, Pipes { stdin, stdout: stdout.0.into(), stderr: stderr.0.into() }))
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

/// What the child does with its descriptors and directory before it becomes the program.
struct Actions(libc::posix_spawn_file_actions_t);

impl Actions {
    fn new() -> io::Result<Actions> {
        let mut actions = MaybeUninit::uninit();
        // SAFETY: the call initializes what it is given.
        check(unsafe { libc::posix_spawn_file_actions_init(actions.as_mut_ptr()) })?;
        // SAFETY: it has.
        Ok(Actions(unsafe { actions.assume_init() }))
    }

    /// Gives the child a descriptor of ours under a number. Descriptors of ours have numbers from 3 on: the standard
    /// library opens the first three at the start of a program where they are not.
    fn duplicate(&mut self, ours: BorrowedFd<'_>, number: c_int) -> io::Result<()> {
        // SAFETY: the actions are initialized; the descriptor is open, and stays so until the child is started.
        check(unsafe { libc::posix_spawn_file_actions_adddup2(&mut self.0, ours.as_raw_fd(), number) })
    }

    fn change_directory(&mut self, dir: &CString) -> io::Result<()> {
        // SAFETY: the actions are initialized; the call copies the text, which ends with NUL.
        check(unsafe { posix_spawn_file_actions_addchdir_np(&mut self.0, dir.as_ptr()) })
    }
}

impl Drop for Actions {
    fn drop(&mut self) {
        // SAFETY: they are initialized, and not used after this.
        unsafe { libc::posix_spawn_file_actions_destroy(&mut self.0) };
    }
}

#[cfg(target_os = "linux")]
unsafe extern "C" {
    // In glibc since 2.29 and musl since 1.1.24; the crate has it for other systems only.
    fn posix_spawn_file_actions_addchdir_np(
        actions: *mut libc::posix_spawn_file_actions_t,
        path: *const c_char,
    ) -> c_int;
}

#[cfg(not(target_os = "linux"))]
use libc::posix_spawn_file_actions_addchdir_np;

/// A group of its own, no signal blocked, and SIGPIPE, which Rust programs ignore, with its default again.
struct Attributes(libc::posix_spawnattr_t);

impl Attributes {
    fn of_a_job() -> io::Result<Attributes> {
        let mut attributes = MaybeUninit::uninit();
        // SAFETY: the call initializes what it is given.
        check(unsafe { libc::posix_spawnattr_init(attributes.as_mut_ptr()) })?;
        // SAFETY: it has.
        let mut attributes = Attributes(unsafe { attributes.assume_init() });
        let flags = libc::POSIX_SPAWN_SETPGROUP | libc::POSIX_SPAWN_SETSIGDEF | libc::POSIX_SPAWN_SETSIGMASK;
        let mut signals = MaybeUninit::uninit();
        // SAFETY: `sigemptyset` initializes the set, and then it is one; the attributes are initialized.
        unsafe {
            libc::sigemptyset(signals.as_mut_ptr());
            let mut signals: libc::sigset_t = signals.assume_init();
            check(libc::posix_spawnattr_setsigmask(&mut attributes.0, &signals))?;
            libc::sigaddset(&mut signals, libc::SIGPIPE);
            check(libc::posix_spawnattr_setsigdefault(&mut attributes.0, &signals))?;
            check(libc::posix_spawnattr_setpgroup(&mut attributes.0, 0))?;
            // The flags are small numbers, in a type that differs between systems.
            check(libc::posix_spawnattr_setflags(&mut attributes.0, flags as _))?;
        }
        Ok(attributes)
    }
}

impl Drop for Attributes {
    fn drop(&mut self) {
        // SAFETY: they are initialized, and not used after this.
        unsafe { libc::posix_spawnattr_destroy(&mut self.0) };
    }
}

/// These calls return an error's number.
fn check(error: c_int) -> io::Result<()> {
    if error == 0 { Ok(()) } else { Err(io::Error::from_raw_os_error(error)) }
}
