//! Owns the fast start of a process on Linux: `clone` with `CLONE_VM` and `CLONE_VFORK`. `posix_spawn` does the same
//! inside, and more: for each process glibc maps and unmaps a stack, which interrupts the other cores, and asks 60 times
//! or more for the action of a signal. That was some 7 % of the cost of `/bin/true` from start to end.
//!
//! The child shares our memory until its exec, and its parent, the calling thread, waits for that. So the child runs on a
//! stack of its own, with all signals blocked until no handler of ours is left, and makes nothing but system calls.

use std::ffi::{c_int, c_void};
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::ptr::null_mut;
use std::sync::OnceLock;

use super::{SpawnRequest, SpawnedPid, StartFn};
use crate::process::capacity::original_file_limit;
use crate::process::signal_action::signal_action;

mod stack;

/// Starts a process; by `fallback` where this way is not possible at all: no stack, or a sandbox that refuses the call. An
/// error of the child, which could not become the program, is an error.
///
/// # Errors
/// What the system says, to us or to the child before its exec.
pub(super) fn start(request: &SpawnRequest<'_>, fallback: StartFn) -> io::Result<SpawnedPid> {
    let mut task = ChildTask { request, defaults: reset_signals(), error: 0 };
    let mut pidfd: c_int = -1;
    let cloned = stack::with(|top| {
        let blocked = BlockedSignals::all();
        let mut cloned = clone(top, libc::CLONE_PIDFD, &mut task, &mut pidfd);
        if cloned.as_ref().is_err_and(|error| error.raw_os_error() == Some(libc::EINVAL)) {
            // A sandbox that does not know pidfds.
            cloned = clone(top, 0, &mut task, &mut pidfd);
        }
        drop(blocked);
        cloned
    });
    let Ok(pid) = cloned.and_then(|cloned| cloned) else { return fallback(request) };
    // Kernels before 5.2 ignore CLONE_PIDFD and leave the number as it was.
    // SAFETY: the kernel has just opened the descriptor for us, and nothing else knows it.
    let pidfd = (pidfd >= 0).then(|| unsafe { OwnedFd::from_raw_fd(pidfd) });
    // SAFETY: the child, which wrote it, has ended or does not share our memory any more. The compiler does not know of
    // the child, hence `volatile`.
    match unsafe { (&raw const task.error).read_volatile() } {
        0 => Ok(SpawnedPid { pid, pidfd }),
        error => {
            // SAFETY: a null status pointer is allowed. The child has failed and is reaped once, by us; nothing else
            // knows of it.
            unsafe { libc::waitpid(pid, null_mut(), 0) };
            Err(io::Error::from_raw_os_error(error))
        }
    }
}

/// Makes a child that carries out a task, and waits until it has become another program or has ended.
fn clone(top: *mut c_void, also: c_int, task: &mut ChildTask<'_>, pidfd: &mut c_int) -> io::Result<i32> {
    let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::SIGCHLD | also;
    // SAFETY: `child` gets a live `ChildTask`, and the top of a stack, aligned to 16 bytes, that belongs to this thread and
    // that nothing else uses. By CLONE_VFORK this thread goes on only when the child has become another program or has
    // ended, and touches neither any more. The place for the pidfd lives as long. See `child` for the rest.
    let pid = unsafe { libc::clone(child, top, flags, (&raw mut *task).cast(), &raw mut *pidfd) };
    if pid < 0 { Err(io::Error::last_os_error()) } else { Ok(pid) }
}

/// What a child is to do, and how it reports that it could not.
struct ChildTask<'a> {
    request: &'a SpawnRequest<'a>,
    /// Signals that get their default actions.
    defaults: &'static [c_int],
    /// The number of an error; 0: it has become the program.
    error: c_int,
}

/// What the child does. It shares our memory, and the thread that started it waits: so nothing here allocates, locks,
/// panics or returns to code that does.
extern "C" fn child(task: *mut c_void) -> c_int {
    let task: *mut ChildTask<'_> = task.cast();
    // SAFETY: `start` gave this pointer to `clone`, and waits for us.
    let (request, defaults) = unsafe { ((*task).request, (*task).defaults) };
    // SAFETY: this is such a child, see `become_program`.
    let error = unsafe { become_program(request, defaults) };
    // SAFETY: the task lives, and nothing else accesses it meanwhile.
    unsafe { (&raw mut (*task).error).write_volatile(error) };
    127
}

/// Returns only if it fails, with the error's number.
///
/// What a preloaded library may have replaced (`execve` and others: wrappers that trace programs do so) is called by its
/// number. Such code expects a stack of megabytes and a process of its own; here it would run on a small stack and in our
/// memory. `posix_spawn` calls it in no other way. The signal functions remain the C library's, for the layout of their
/// arguments differs between processors.
///
/// # Safety
/// For a child that shares its parent's memory, and whose signals are blocked.
unsafe fn become_program(request: &SpawnRequest<'_>, defaults: &[c_int]) -> c_int {
    // SAFETY: all that is pointed to lives, see `SpawnRequest`; the numbers and arguments are those of the calls' manuals.
    // The group, descriptors, directory and limit that are changed are the child's own: it was given copies.
    unsafe {
        let has_group = libc::syscall(libc::SYS_setpgid, 0, 0) == 0;
        // A job that opens /dev/tty fails then, where it would be stopped. A session of its own would do the same, but the
        // kernel makes a scheduling group for each session, which costs a twentieth of a process.
        if let Some(terminal) = request.terminal {
            // It fails if the terminal is gone, and then the child has none.
            libc::syscall(libc::SYS_ioctl, terminal.as_raw_fd(), libc::TIOCNOTTY);
        }
        reset(defaults);
        if let Some(limit) = original_file_limit() {
            let limit = [limit.current, limit.maximum].map(|limit| limit.unwrap_or(libc::RLIM64_INFINITY));
            // It cannot fail: the soft limit is only lowered.
            libc::syscall(libc::SYS_prlimit64, 0, libc::RLIMIT_NOFILE, limit.as_ptr(), null_mut::<c_void>());
        }
        let replace =
            |fd: c_int, number: c_int| libc::syscall(libc::SYS_dup3, fd, number, 0) == libc::c_long::from(number);
        let is_done = has_group
            && replace(request.stdin.as_raw_fd(), 0)
            && replace(request.stdout.as_raw_fd(), 1)
            && replace(request.stderr.as_raw_fd(), 2)
            && libc::syscall(libc::SYS_chdir, request.dir.as_ptr()) == 0;
        if let Some(filter) = request.filter.filter(|_| is_done) {
            filter.install();
        }
        if is_done && unblock_signals() {
            let (argv, envp) = (request.argv.as_ptr(), request.envp.as_ptr());
            libc::syscall(libc::SYS_execve, request.program.as_ptr(), argv, envp);
        }
        *libc::__errno_location()
    }
}

/// Gives signals their default actions. For a child: system calls, and nothing that it must not do.
fn reset(defaults: &[c_int]) {
    // SAFETY: all zeros is a valid `sigaction`, the default; all pointers are to live values or null. The actions that are
    // changed are the child's own.
    unsafe {
        let default: libc::sigaction = std::mem::zeroed();
        if is_any_pending() {
            // Meant for the group that we have just left: Ctrl-C in a terminal is for the worker, which lets jobs finish.
            // A pending signal that is ignored for a moment is discarded.
            let ignored = libc::sigaction { sa_sigaction: libc::SIG_IGN, ..default };
            for signal in defaults {
                libc::sigaction(*signal, &ignored, null_mut());
            }
        }
        for signal in defaults {
            libc::sigaction(*signal, &default, null_mut());
        }
    }
}

/// Lets all signals through. For a child: system calls, and nothing that it must not do.
fn unblock_signals() -> bool {
    let mut none = MaybeUninit::uninit();
    // SAFETY: the first call writes the set that the second one reads; a null old set is allowed.
    unsafe {
        libc::sigemptyset(none.as_mut_ptr());
        libc::sigprocmask(libc::SIG_SETMASK, none.as_ptr(), null_mut()) == 0
    }
}

/// Whether a signal is pending for this process. For a child: a system call, and nothing that it must not do.
fn is_any_pending() -> bool {
    let mut pending = MaybeUninit::uninit();
    // SAFETY: where the first call succeeds it has written the set; the second refuses numbers beyond the last signal.
    unsafe {
        libc::sigpending(pending.as_mut_ptr()) == 0
            && (1..=LAST_SIGNAL).any(|signal| libc::sigismember(pending.as_ptr(), signal) == 1)
    }
}

/// Linux has no more signals on any processor that sweep is for.
const LAST_SIGNAL: c_int = 64;

/// Signals whose actions a child must not inherit: those for which we have handlers; SIGPIPE, which Rust programs ignore;
/// and those that a terminal sends to a whole group, which may be pending. What was ignored when this program was started
/// stays ignored.
///
/// Asked once, when the first job is started: handlers are installed at the start of the program.
fn reset_signals() -> &'static [c_int] {
    const OF_TERMINALS: [c_int; 4] = [libc::SIGINT, libc::SIGQUIT, libc::SIGTSTP, libc::SIGHUP];
    static SIGNALS: OnceLock<Vec<c_int>> = OnceLock::new();
    let must_reset = |signal: &c_int| match signal_action(*signal) {
        None => false,
        Some(libc::SIG_IGN) => *signal == libc::SIGPIPE,
        Some(libc::SIG_DFL) => OF_TERMINALS.contains(signal),
        Some(_) => true,
    };
    SIGNALS.get_or_init(|| (1..=LAST_SIGNAL).filter(must_reset).collect())
}

/// All signals blocked for this thread, until this is dropped.
struct BlockedSignals(libc::sigset_t);

impl BlockedSignals {
    fn all() -> BlockedSignals {
        let (mut all, mut before) = (MaybeUninit::uninit(), MaybeUninit::uninit());
        // SAFETY: both calls write what they are given, and cannot fail with these arguments.
        unsafe {
            libc::sigfillset(all.as_mut_ptr());
            libc::pthread_sigmask(libc::SIG_SETMASK, all.as_ptr(), before.as_mut_ptr());
            BlockedSignals(before.assume_init())
        }
    }
}

impl Drop for BlockedSignals {
    fn drop(&mut self) {
        // SAFETY: the set is the mask that `all` has saved; a null old set is allowed.
        unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &self.0, null_mut()) };
    }
}
