//! Owns the start of a process by `posix_spawn`: on systems other than Linux, and there if the fast way is not possible.

use std::ffi::{CStr, c_char, c_int, c_void};
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::sync::OnceLock;

use super::{SpawnRequest, SpawnedPid};

/// Starts a process.
///
/// # Errors
/// What the system says.
pub(super) fn start(request: &SpawnRequest<'_>) -> io::Result<SpawnedPid> {
    let mut actions = Actions::new()?;
    for (ours, number) in [request.stdin, request.stdout, request.stderr].into_iter().zip(0..) {
        actions.duplicate(ours, number)?;
    }
    actions.change_directory(request.dir)?;
    let attributes = Attributes::of_a_job()?;
    let (program, argv, envp) = (request.program.as_ptr(), request.argv.as_ptr(), request.envp.as_ptr());
    let mut pid = 0;
    // SAFETY: the program, and the strings that `argv` and `envp` point to, live until the call returns and end with NUL;
    // the lists end with null, see `SpawnRequest`; actions and attributes are initialized. Between the start of the child,
    // which shares our memory, and its exec no code of ours runs.
    let error = unsafe { libc::posix_spawn(&mut pid, program, &actions.0, &attributes.0, argv, envp) };
    check(error)?;
    Ok(SpawnedPid { pid, pidfd: None })
}

/// What the child does with its descriptors and its directory before its exec.
struct Actions(libc::posix_spawn_file_actions_t);

impl Actions {
    fn new() -> io::Result<Actions> {
        let mut actions = MaybeUninit::uninit();
        // SAFETY: the call initializes the value that it is given.
        check(unsafe { libc::posix_spawn_file_actions_init(actions.as_mut_ptr()) })?;
        // SAFETY: the call above succeeded, so the value is initialized.
        Ok(Actions(unsafe { actions.assume_init() }))
    }

    /// Gives the child a descriptor of ours under a number.
    fn duplicate(&mut self, ours: BorrowedFd<'_>, number: c_int) -> io::Result<()> {
        // SAFETY: the actions are initialized; the descriptor is open, and stays so until the child is started.
        check(unsafe { libc::posix_spawn_file_actions_adddup2(&mut self.0, ours.as_raw_fd(), number) })
    }

    fn change_directory(&mut self, dir: &CStr) -> io::Result<()> {
        let add = add_chdir().ok_or_else(|| io::Error::from(io::ErrorKind::Unsupported))?;
        // SAFETY: the actions are initialized; the call copies the string, which ends with NUL.
        check(unsafe { add(&mut self.0, dir.as_ptr()) })
    }
}

impl Drop for Actions {
    fn drop(&mut self) {
        // SAFETY: the actions are initialized, and not used after this.
        unsafe { libc::posix_spawn_file_actions_destroy(&mut self.0) };
    }
}

type AddChdir = unsafe extern "C" fn(*mut libc::posix_spawn_file_actions_t, *const c_char) -> c_int;

/// `posix_spawn_file_actions_addchdir_np`. It is looked up when it is needed, because glibc has it since 2.29 only, and a
/// program linked to it would not start with an older one. None: this C library does not have it.
fn add_chdir() -> Option<AddChdir> {
    static ADD_CHDIR: OnceLock<Option<AddChdir>> = OnceLock::new();
    *ADD_CHDIR.get_or_init(|| {
        // SAFETY: the name ends with NUL, and RTLD_DEFAULT is always a valid handle.
        let symbol = unsafe { libc::dlsym(libc::RTLD_DEFAULT, c"posix_spawn_file_actions_addchdir_np".as_ptr()) };
        // SAFETY: a function of this name has this signature, on every system that has it.
        (!symbol.is_null()).then(|| unsafe { std::mem::transmute::<*mut c_void, AddChdir>(symbol) })
    })
}

/// `POSIX_SPAWN_SETSID`, which the `libc` crate does not have for every system.
#[cfg(target_vendor = "apple")]
const SETSID: c_int = 0x0400;
#[cfg(not(target_vendor = "apple"))]
const SETSID: c_int = 0x80;

/// A session of its own, which is a group too and has no terminal; no signal blocked, and the default action for SIGPIPE, which Rust programs ignore.
struct Attributes(libc::posix_spawnattr_t);

impl Attributes {
    fn of_a_job() -> io::Result<Attributes> {
        let mut attributes = MaybeUninit::uninit();
        // SAFETY: the call initializes the value that it is given.
        check(unsafe { libc::posix_spawnattr_init(attributes.as_mut_ptr()) })?;
        // SAFETY: the call above succeeded, so the value is initialized.
        let mut attributes = Attributes(unsafe { attributes.assume_init() });
        let flags = SETSID | libc::POSIX_SPAWN_SETSIGDEF | libc::POSIX_SPAWN_SETSIGMASK;
        let mut signals = MaybeUninit::uninit();
        // SAFETY: `sigemptyset` initializes the set before it is used; the attributes are initialized.
        unsafe {
            libc::sigemptyset(signals.as_mut_ptr());
            let mut signals: libc::sigset_t = signals.assume_init();
            check(libc::posix_spawnattr_setsigmask(&mut attributes.0, &signals))?;
            libc::sigaddset(&mut signals, libc::SIGPIPE);
            check(libc::posix_spawnattr_setsigdefault(&mut attributes.0, &signals))?;
            // The flags are small numbers, of a type that differs between systems.
            check(libc::posix_spawnattr_setflags(&mut attributes.0, flags as _))?;
        }
        Ok(attributes)
    }
}

impl Drop for Attributes {
    fn drop(&mut self) {
        // SAFETY: the attributes are initialized, and not used after this.
        unsafe { libc::posix_spawnattr_destroy(&mut self.0) };
    }
}

/// The result of calls that return an error's number.
fn check(error: c_int) -> io::Result<()> {
    if error == 0 { Ok(()) } else { Err(io::Error::from_raw_os_error(error)) }
}
