//! Owns a job's own process, which leads its process group: starts it, sees its exit, reaps it.
//!
//! This order keeps a signal from reaching a stranger: the exit is noticed without reaping, then what is left of the group
//! is killed, and only then is the process reaped. Until then its id, which is also the group's, is given to nobody else.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Once;
use std::time::Duration;

use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};

use super::process_tree::ProcessTree;
use super::spawn::{Pipes, Spawned, spawn};
use super::{Exit, Launch};

/// A started process. Dropped without [`reap`](ChildProcess::reap), it is killed with its tree and reaped.
#[derive(Debug)]
pub(super) struct ChildProcess {
    pid: Pid,
    pidfd: Option<OwnedFd>,
    tree: ProcessTree,
    reaped: bool,
}

/// How a process ended and what it used.
#[derive(Debug)]
pub(super) struct ExitStatus {
    pub(super) exit: Exit,
    /// User and system time.
    pub(super) cpu: Duration,
    pub(super) max_rss_bytes: u64,
}

impl ChildProcess {
    /// Starts the process in a group of its own, and returns it with its pipes.
    ///
    /// # Errors
    /// What the system says.
    pub(super) fn start(launch: &Launch) -> io::Result<(ChildProcess, Pipes)> {
        keep_exit_statuses();
        let Spawned { pid, pidfd, pipes } = spawn(launch)?;
        let tree = ProcessTree::new(pid, launch.mark.clone());
        let pidfd = pidfd.or_else(|| open_pidfd(pid));
        Ok((ChildProcess { pid, pidfd, tree, reaped: false }, pipes))
    }

    /// Becomes readable when the process has exited. None: ask [`has_exited`](ChildProcess::has_exited) now and then.
    pub(super) fn pidfd(&self) -> Option<BorrowedFd<'_>> {
        self.pidfd.as_ref().map(AsFd::as_fd)
    }

    /// Whether the process has exited. It remains to be reaped.
    pub(super) fn has_exited(&self) -> bool {
        let look = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        match waitid(WaitId::Pid(self.pid), look) {
            Ok(status) => status.is_some(),
            // No such child: somebody else reaped it. `reap` reports that; to wait on would be to wait for ever.
            Err(error) => error == rustix::io::Errno::CHILD,
        }
    }

    /// Whether the process is stopped (state T), and nobody has continued it.
    pub(super) fn is_stopped(&self) -> bool {
        let look = WaitIdOptions::STOPPED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        waitid(WaitId::Pid(self.pid), look).is_ok_and(|status| status.is_some())
    }

    /// The process and all that belong to its run.
    pub(super) fn tree(&self) -> &ProcessTree {
        &self.tree
    }

    /// Reaps the process; waits until it has exited.
    ///
    /// # Errors
    /// If somebody else has reaped it.
    pub(super) fn reap(mut self) -> io::Result<ExitStatus> {
        self.reaped = true;
        wait4(self.pid)
    }
}

#[cfg(test)]
impl ChildProcess {
    /// Makes it a process of a system that has no pidfd.
    pub(super) fn forget_pidfd(&mut self) {
        self.pidfd = None;
    }
}

impl Drop for ChildProcess {
    fn drop(&mut self) {
        if !self.reaped {
            self.tree.kill();
            let _ = wait4(self.pid);
        }
    }
}

#[cfg(target_os = "linux")]
fn open_pidfd(pid: Pid) -> Option<OwnedFd> {
    // Fails on kernels before 5.3, in some sandboxes and without free descriptors: then the exit is polled for.
    rustix::process::pidfd_open(pid, rustix::process::PidfdFlags::empty()).ok()
}

#[cfg(not(target_os = "linux"))]
fn open_pidfd(_: Pid) -> Option<OwnedFd> {
    None
}

/// Waits for the process and takes it out of the system's table, together with what it used.
fn wait4(pid: Pid) -> io::Result<ExitStatus> {
    let pid = pid.as_raw_nonzero().get();
    let mut status = 0;
    // SAFETY: all zeros is a valid `rusage`: it holds nothing but numbers.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    loop {
        // SAFETY: both pointers are to live, exclusively borrowed values of the types that wait4 writes; no other memory
        // is touched. `pid` is a child that only its `ChildProcess` reaps, once.
        if unsafe { libc::wait4(pid, &mut status, 0, &mut usage) } == pid {
            break;
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
    let exit = if libc::WIFSIGNALED(status) {
        Exit::Signal(libc::WTERMSIG(status))
    } else {
        Exit::Code(libc::WEXITSTATUS(status))
    };
    let cpu = duration(usage.ru_utime) + duration(usage.ru_stime);
    // Counted in KiB on Linux and in bytes on macOS.
    let unit = if cfg!(target_vendor = "apple") { 1 } else { 1024 };
    let max_rss_bytes = u64::try_from(usage.ru_maxrss).unwrap_or(0).saturating_mul(unit);
    Ok(ExitStatus { exit, cpu, max_rss_bytes })
}

fn duration(time: libc::timeval) -> Duration {
    let micros = u32::try_from(time.tv_usec).unwrap_or(0);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), micros.saturating_mul(1000))
}

/// A program that was started by one that ignores SIGCHLD ignores it as well, and then the system throws exit statuses
/// away. The signal gets its default action back, for us and so for the jobs, once.
fn keep_exit_statuses() {
    static DONE: Once = Once::new();
    DONE.call_once(|| {
        if super::signal_action::is_ignored(libc::SIGCHLD) {
            // SAFETY: all zeros is a valid `sigaction`: the default action, no flags, an empty mask. The pointers are to
            // a live value and null. The default action runs no code of ours.
            unsafe {
                let default: libc::sigaction = std::mem::zeroed();
                libc::sigaction(libc::SIGCHLD, &default, std::ptr::null_mut());
            }
        }
    });
}
