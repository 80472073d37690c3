//! Owns the start of a process on Linux: `clone` with `CLONE_VM` and `CLONE_VFORK`, which is what `posix_spawn` does
//! inside, without what it does beside it: for each process glibc maps and unmaps a stack, which interrupts the other
//! cores, and asks 60 times or more what is to be done with a signal. That was some seven hundredths of all that
//! `/bin/true` costs, from its start to its end.
//!
//! The child shares our memory until its exec, and its parent, the calling thread, waits for that. So it runs on a stack
//! of its own, with all signals blocked until no handler of ours is left, and makes nothing but system calls.

use std::cell::RefCell;
use std::ffi::{c_int, c_void};
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::ptr::{null, null_mut};
use std::sync::OnceLock;

use super::{Image, Started};

/// The stack of a child until its exec: some ten times what it needs.
const STACK: usize = 32 * 1024;

/// One for each thread that starts processes: it waits until its child is done with it.
type Stack = [MaybeUninit<u128>; STACK / size_of::<u128>()];

thread_local! {
    static CHILDS_STACK: RefCell<Box<Stack>> = RefCell::new(Box::new([MaybeUninit::uninit(); _]));
}

/// Starts it.
///
/// # Errors
/// What the system says, to us or to the child before its exec.
pub(super) fn start(image: &Image<'_>) -> io::Result<Started> {
    let mut order = Order { image, defaults: ours(), error: 0 };
    let mut pidfd: c_int = -1;
    let cloned = CHILDS_STACK.with_borrow_mut(|stack| {
        let blocked = Blocked::all();
        let mut cloned = clone(stack, libc::CLONE_PIDFD, &mut order, &mut pidfd);
        if cloned.as_ref().is_err_and(|error| error.raw_os_error() == Some(libc::EINVAL)) {
            // A sandbox that knows of no pidfds.
            cloned = clone(stack, 0, &mut order, &mut pidfd);
        }
        drop(blocked);
        cloned
    });
    let pid = cloned?;
    // Kernels before 5.2 pass over CLONE_PIDFD, and leave the number alone.
    // SAFETY: the kernel has just opened it for us, and nobody else knows of it.
    let pidfd = (pidfd >= 0).then(|| unsafe { OwnedFd::from_raw_fd(pidfd) });
    // SAFETY: the child, which wrote it, has ended or does not share our memory any more; the compiler does not know of
    // it, hence `volatile`.
    match unsafe { (&raw const order.error).read_volatile() } {
        0 => Ok(Started { pid, pidfd }),
        error => {
            // SAFETY: the child has given up and is reaped, once, by us; nobody else knows of it.
            unsafe { libc::waitpid(pid, null_mut(), 0) };
            Err(io::Error::from_raw_os_error(error))
        }
    }
}

/// Makes a child that carries out an order, and waits until it has become another program or has ended.
fn clone(stack: &mut Stack, also: c_int, order: &mut Order<'_>, pidfd: &mut c_int) -> io::Result<i32> {
    let top: *mut c_void = stack.as_mut_ptr_range().end.cast();
    let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::SIGCHLD | also;
    // SAFETY: `child` gets a live `Order`, and a stack, aligned to 16 bytes, that nobody else uses: it is this thread's, and
    // borrowed. By CLONE_VFORK this thread goes on only when the child has become another program or has ended, and
    // touches neither anymore. Where the pidfd is written lives as long. See `child` for the rest.
    let pid = unsafe { libc::clone(child, top, flags, (&raw mut *order).cast(), &raw mut *pidfd) };
    if pid < 0 { Err(io::Error::last_os_error()) } else { Ok(pid) }
}

/// What a child is to do, and how it says that it could not.
struct Order<'a> {
    image: &'a Image<'a>,
    /// Signals to set to their defaults.
    defaults: &'static [c_int],
    /// The number of an error; 0: it has become the program.
    error: c_int,
}

/// What the child does. It shares our memory, and the thread that started it waits: so nothing here allocates, locks,
/// panics or returns to code that does; all calls are plain system calls.
extern "C" fn child(order: *mut c_void) -> c_int {
    let order: *mut Order<'_> = order.cast();
    // SAFETY: it is what `start` has given to `clone`, which waits for us.
    let (image, defaults) = unsafe { ((*order).image, (*order).defaults) };
    // SAFETY: see `become_program`; the order lives, and nobody else looks at it meanwhile.
    unsafe { (&raw mut (*order).error).write_volatile(become_program(image, defaults)) };
    127
}

/// Returns only if it fails, with the error's number.
///
/// # Safety
/// For a child that shares its parent's memory, and whose signals are blocked.
unsafe fn become_program(image: &Image<'_>, defaults: &[c_int]) -> c_int {
    // SAFETY: all that is pointed to lives, see `Image`; all zeros is a valid `sigaction`, the default. The descriptors
    // and signal actions that are changed are the child's own: it was given copies.
    unsafe {
        let has_group = libc::setpgid(0, 0) == 0;
        let default: libc::sigaction = std::mem::zeroed();
        if is_any_pending() {
            // Meant for the group that we have just left: Ctrl-C in a terminal is for the worker, which lets jobs finish.
            // A signal that is set to be ignored, be it for a moment, is forgotten.
            let ignored = libc::sigaction { sa_sigaction: libc::SIG_IGN, ..default };
            for signal in defaults {
                libc::sigaction(*signal, &ignored, null_mut());
            }
        }
        for signal in defaults {
            libc::sigaction(*signal, &default, null_mut());
        }
        let mut none = MaybeUninit::uninit();
        libc::sigemptyset(none.as_mut_ptr());
        let is_done = has_group
            && libc::dup2(image.stdin.as_raw_fd(), 0) == 0
            && libc::dup2(image.stdout.as_raw_fd(), 1) == 1
            && libc::dup2(image.stderr.as_raw_fd(), 2) == 2
            && libc::chdir(image.dir.as_ptr()) == 0
            && libc::sigprocmask(libc::SIG_SETMASK, none.as_ptr(), null_mut()) == 0;
        if is_done {
            libc::execve(image.program.as_ptr(), image.argv.as_ptr().cast(), image.envp.as_ptr().cast());
        }
        *libc::__errno_location()
    }
}

/// Whether a signal waits for this process. For a child: a system call, and nothing that it must not do.
fn is_any_pending() -> bool {
    let mut pending = MaybeUninit::uninit();
    // SAFETY: the call writes the set, and where it succeeds it is one; numbers beyond the last signal are refused.
    unsafe {
        libc::sigpending(pending.as_mut_ptr()) == 0
            && (1..=LAST_SIGNAL).any(|signal| libc::sigismember(pending.as_ptr(), signal) == 1)
    }
}

/// Linux has no more of them on any machine that sweep is for.
const LAST_SIGNAL: c_int = 64;

/// Signals that a child must not find as they are with us: those that we have a handler for, which is ours alone; SIGPIPE,
/// which Rust programs ignore; and those that a terminal sends to a whole group, which may be under way. What whoever
/// started us wants ignored stays so.
///
/// Asked once, when the first job is started: handlers are set at the start of the program.
fn ours() -> &'static [c_int] {
    const OF_TERMINALS: [c_int; 4] = [libc::SIGINT, libc::SIGQUIT, libc::SIGTSTP, libc::SIGHUP];
    static OURS: OnceLock<Vec<c_int>> = OnceLock::new();
    let is_ours = |signal: &c_int| match action(*signal) {
        None => false,
        Some(libc::SIG_IGN) => *signal == libc::SIGPIPE,
        Some(libc::SIG_DFL) => OF_TERMINALS.contains(signal),
        Some(_) => true,
    };
    OURS.get_or_init(|| (1..=LAST_SIGNAL).filter(is_ours).collect())
}

/// What is to be done with a signal; none for the numbers that the library keeps for itself, which it blocks or needs not.
fn action(signal: c_int) -> Option<libc::sighandler_t> {
    let mut action = MaybeUninit::<libc::sigaction>::uninit();
    // SAFETY: the call changes nothing, and where it succeeds it has written the action.
    unsafe {
        let asked = libc::sigaction(signal, null(), action.as_mut_ptr());
        (asked == 0).then(|| action.assume_init().sa_sigaction)
    }
}

/// All signals, kept from this thread until it is dropped.
struct Blocked(libc::sigset_t);

impl Blocked {
    fn all() -> Blocked {
        let (mut all, mut before) = (MaybeUninit::uninit(), MaybeUninit::uninit());
        // SAFETY: both calls write what they are given; they cannot fail with these arguments.
        unsafe {
            libc::sigfillset(all.as_mut_ptr());
            libc::pthread_sigmask(libc::SIG_SETMASK, all.as_ptr(), before.as_mut_ptr());
            Blocked(before.assume_init())
        }
    }
}

impl Drop for Blocked {
    fn drop(&mut self) {
        // SAFETY: it is the mask that there was.
        unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &self.0, null_mut()) };
    }
}
