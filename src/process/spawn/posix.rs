//! Owns the start of a process by `posix_spawn`, where there is no Linux.

use std::ffi::{CStr, c_char, c_int};
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, BorrowedFd};

use super::{Image, Started};

/// Starts it.
///
/// # Errors
/// What the system says.
pub(super) fn start(image: &Image<'_>) -> io::Result<Started> {
    let mut actions = Actions::new()?;
    for (ours, number) in [image.stdin, image.stdout, image.stderr].into_iter().zip(0..) {
        actions.duplicate(ours, number)?;
    }
    actions.change_directory(image.dir)?;
    let attributes = Attributes::of_a_job()?;
    let (program, argv, envp) = (image.program.as_ptr(), image.argv.as_ptr(), image.envp.as_ptr());
    let mut pid = 0;
    // SAFETY: the program, and the texts that `argv` and `envp` point to, live until the call returns, end with NUL, and
    // the lists end with null, see `Image`; actions and attributes are initialized. Between the start of the child, which
    // shares our memory, and its exec nothing of ours runs.
    let error = unsafe { libc::posix_spawn(&mut pid, program, &actions.0, &attributes.0, argv, envp) };
    check(error)?;
    Ok(Started { pid, pidfd: None })
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

    /// Gives the child a descriptor of ours under a number.
    fn duplicate(&mut self, ours: BorrowedFd<'_>, number: c_int) -> io::Result<()> {
        // SAFETY: the actions are initialized; the descriptor is open, and stays so until the child is started.
        check(unsafe { libc::posix_spawn_file_actions_adddup2(&mut self.0, ours.as_raw_fd(), number) })
    }

    fn change_directory(&mut self, dir: &CStr) -> io::Result<()> {
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

unsafe extern "C" {
    // The crate has it for some systems only; on Linux the tests call it.
    fn posix_spawn_file_actions_addchdir_np(
        actions: *mut libc::posix_spawn_file_actions_t,
        path: *const c_char,
    ) -> c_int;
}

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
