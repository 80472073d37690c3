//! Owns the question what this process does with a signal.

use std::ffi::c_int;
use std::mem::MaybeUninit;
use std::ptr::null;

/// The action for a signal: `SIG_IGN`, `SIG_DFL` or the address of a handler. None for numbers that are not signals or
/// that the C library reserves for itself.
pub(super) fn signal_action(signal: c_int) -> Option<libc::sighandler_t> {
    let mut action = MaybeUninit::<libc::sigaction>::uninit();
    // SAFETY: with a null new action the call changes nothing. Where it succeeds it has written the whole action.
    unsafe {
        let asked = libc::sigaction(signal, null(), action.as_mut_ptr());
        (asked == 0).then(|| action.assume_init().sa_sigaction)
    }
}

/// Whether this process ignores the signal now. `nohup` starts programs with SIGHUP ignored; a shell script starts
/// programs in the background (`sweep worker &`) with SIGINT ignored.
pub fn is_ignored(signal: c_int) -> bool {
    signal_action(signal) == Some(libc::SIG_IGN)
}
