//! Owns the installation of the filter in a job's process, between its start and its exec, and the way of the listener
//! to the worker.

use std::ffi::{c_int, c_long, c_ulong, c_void};
use std::io;
use std::mem::{MaybeUninit, size_of, zeroed};
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};

use libc::{sock_filter, sock_fprog};
use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};

use super::filter;

/// What the process of a job needs to install the filter. Made by the worker, used in the child.
#[derive(Debug)]
pub(in crate::process) struct FilterInstallation {
    program: Vec<sock_filter>,
    /// The child's end of the socket.
    socket: OwnedFd,
}

/// The worker's end: receives the listener of the child's filter.
#[derive(Debug)]
pub(super) struct ListenerReceiver(OwnedFd);

/// The space that a message with one descriptor takes beside its bytes, generously, aligned as the system wants it.
#[repr(align(8))]
struct ControlSpace([u8; 64]);

/// Both ends.
///
/// # Errors
/// If there are no descriptors left.
pub(super) fn pair() -> io::Result<(FilterInstallation, ListenerReceiver)> {
    let (ours, theirs) = socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?;
    Ok((FilterInstallation { program: filter::program(), socket: theirs }, ListenerReceiver(ours)))
}

impl FilterInstallation {
    /// Installs the filter for the calling process, and sends its listener, or the number of the error, to the worker.
    /// Without it the process goes on unobserved.
    ///
    /// # Safety
    /// For a child that shares its parent's memory, before its exec: nothing here allocates, locks or panics. The
    /// socket must be open in the child under the number that it has in the parent.
    pub(in crate::process) unsafe fn install(&self) {
        let program = sock_fprog { len: self.program.len() as u16, filter: self.program.as_ptr().cast_mut() };
        // SAFETY: the program lives as long as `self` and is only read. The calls change nothing but the calling process.
        let listener = unsafe {
            match libc::syscall(libc::SYS_prctl, libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) {
                0 => match set_filter(&program, libc::SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV) {
                    // A kernel before 5.19. There a signal interrupts a call that waits, and the call is started again.
                    -1 if *libc::__errno_location() == libc::EINVAL => set_filter(&program, 0),
                    listener => listener,
                },
                failed => failed,
            }
        };
        // SAFETY: the place of the calling thread's error number.
        let error = if listener < 0 { unsafe { *libc::__errno_location() } } else { 0 };
        // SAFETY: a child before its exec, see above.
        unsafe { self.send(error, listener as c_int) };
    }

    /// # Safety
    /// As of [`install`](FilterInstallation::install).
    unsafe fn send(&self, error: c_int, listener: c_int) {
        let mut error = error;
        let mut bytes = libc::iovec { iov_base: (&raw mut error).cast(), iov_len: size_of::<c_int>() };
        let mut control = ControlSpace([0; 64]);
        // SAFETY: all zeros is a message without name, bytes and control data. The pointers that are set are to live
        // values of the lengths given; `CMSG_FIRSTHDR` is not null, for the space holds a header and a descriptor.
        unsafe {
            let mut message: libc::msghdr = zeroed();
            message.msg_iov = &raw mut bytes;
            message.msg_iovlen = 1;
            if error == 0 {
                message.msg_control = control.0.as_mut_ptr().cast::<c_void>();
                message.msg_controllen = libc::CMSG_SPACE(size_of::<c_int>() as u32) as _;
                let header = libc::CMSG_FIRSTHDR(&raw const message);
                (*header).cmsg_level = libc::SOL_SOCKET;
                (*header).cmsg_type = libc::SCM_RIGHTS;
                (*header).cmsg_len = libc::CMSG_LEN(size_of::<c_int>() as u32) as _;
                libc::CMSG_DATA(header).cast::<c_int>().write_unaligned(listener);
            }
            // If it fails, the listener closes at the exec, which then fails: the job counts as not started, and runs
            // again unobserved.
            libc::syscall(libc::SYS_sendmsg, self.socket.as_raw_fd(), &raw const message, libc::MSG_NOSIGNAL);
            if error == 0 {
                // Nobody else may hold the listener: if the worker is killed before the exec was answered, it must close, so
                // that the exec fails and this process ends.
                libc::syscall(libc::SYS_close, listener);
            }
        }
    }
}

/// Returns the listener, or -1.
///
/// # Safety
/// `program` points to a live filter program.
unsafe fn set_filter(program: &sock_fprog, also: c_ulong) -> c_long {
    // SPEC_ALLOW: a filter does not slow the process down by mitigations that are for untrusted code.
    let flags = libc::SECCOMP_FILTER_FLAG_NEW_LISTENER | libc::SECCOMP_FILTER_FLAG_SPEC_ALLOW | also;
    // SAFETY: see above; the kernel copies the program.
    unsafe { libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, flags, &raw const *program) }
}

impl ListenerReceiver {
    /// Waits until the child has sent its listener.
    ///
    /// # Errors
    /// Why it has none: what the system said to the child, or that the child ended before.
    pub(super) fn receive(&self) -> io::Result<OwnedFd> {
        let mut error: c_int = 0;
        let mut bytes = libc::iovec { iov_base: (&raw mut error).cast(), iov_len: size_of::<c_int>() };
        let mut control = ControlSpace([0; 64]);
        let mut message = MaybeUninit::<libc::msghdr>::zeroed();
        // SAFETY: all zeros is a valid message; the pointers that are set are to live values of the lengths given.
        let mut message = unsafe {
            (*message.as_mut_ptr()).msg_iov = &raw mut bytes;
            (*message.as_mut_ptr()).msg_iovlen = 1;
            (*message.as_mut_ptr()).msg_control = control.0.as_mut_ptr().cast::<c_void>();
            (*message.as_mut_ptr()).msg_controllen = control.0.len() as _;
            message.assume_init()
        };
        let received = loop {
            // SAFETY: see above.
            let received =
                unsafe { libc::recvmsg(self.0.as_fd().as_raw_fd(), &raw mut message, libc::MSG_CMSG_CLOEXEC) };
            match io::Error::last_os_error() {
                error if received < 0 && error.kind() == io::ErrorKind::Interrupted => {}
                error if received < 0 => return Err(error),
                _ => break received,
            }
        };
        if received == 0 {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the process ended before its program started"));
        }
        if error != 0 {
            return Err(io::Error::from_raw_os_error(error));
        }
        // SAFETY: the kernel has filled in the message; a header that is not null lies in `control`. The descriptor was
        // just made for us, and nothing else knows it.
        unsafe {
            let header = libc::CMSG_FIRSTHDR(&raw const message);
            if header.is_null() || (*header).cmsg_type != libc::SCM_RIGHTS {
                return Err(io::Error::other("no descriptor came"));
            }
            Ok(OwnedFd::from_raw_fd(libc::CMSG_DATA(header).cast::<c_int>().read_unaligned()))
        }
    }
}

/// Whether this system can report calls to another process at all: Linux 5.9 or later, with seccomp. Asked once.
pub(super) fn is_supported() -> bool {
    static SUPPORTED: std::sync::OnceLock<bool> = std::sync::OnceLock::new();
    *SUPPORTED.get_or_init(|| {
        let action = libc::SECCOMP_RET_USER_NOTIF;
        // SAFETY: the pointer is to a live number, which the kernel only reads.
        let has_action =
            unsafe { libc::syscall(libc::SYS_seccomp, libc::SECCOMP_GET_ACTION_AVAIL, 0, &raw const action) == 0 };
        // Since 5.9 a listener tells when the last process of its filter has ended.
        has_action && kernel_version().is_some_and(|version| version >= (5, 9))
    })
}

/// The version of the running kernel: 6.1.0-13-amd64 is (6, 1).
fn kernel_version() -> Option<(u32, u32)> {
    let uname = rustix::system::uname();
    let mut parts = uname.release().to_str().ok()?.split(|c: char| !c.is_ascii_digit());
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}
