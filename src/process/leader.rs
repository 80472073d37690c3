//! Owns a job's own process, the leader of its process group: starts it, reaps it. Its [`Tree`] is signalled as a whole.
//!
//! The order that keeps a signal from hitting a stranger: the exit is noticed without reaping, what is left of the group
//! is killed, and only then is the leader reaped. Until then its process id, which is also the group's, cannot be given
//! to another.

use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::sync::Once;
use std::time::Duration;

use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};

use super::spawn::{Pipes, Spawned, spawn};
use super::tree::Tree;
use super::{Exit, Launch, StartError};

/// A started process. Dropped without [`reap`](Leader::reap), it is killed with its group and reaped.
#[derive(Debug)]
pub(super) struct Leader {
    pid: Pid,
    pidfd: Option<OwnedFd>,
    tree: Tree,
    reaped: bool,
}

/// How it ended and what it used.
#[derive(Debug)]
pub(super) struct Reaped {
    pub(super) exit: Exit,
    /// User and system time.
    pub(super) cpu: Duration,
    pub(super) max_rss_bytes: u64,
}

impl Leader {
    /// Starts the process in a group of its own and returns it with its pipes.
    pub(super) fn start(launch: &Launch) -> Result<(Leader, Pipes), StartError> {
        keep_exit_statuses();
        let Spawned { pid, pidfd, pipes } = spawn(launch).map_err(|error| StartError::of_spawn(error, launch))?;
        let tree = Tree::new(pid, launch.mark.clone());
        let pidfd = pidfd.or_else(|| open_pidfd(pid));
        Ok((Leader { pid, pidfd, tree, reaped: false }, pipes))
    }

    /// Becomes readable when the process has exited; none: ask [`has_exited`](Leader::has_exited) now and then.
    pub(super) fn pidfd(&self) -> Option<BorrowedFd<'_>> {
        use std::os::fd::AsFd;
        self.pidfd.as_ref().map(AsFd::as_fd)
    }

    /// Whether the process has exited. It stays to be reaped.
    pub(super) fn has_exited(&self) -> bool {
        let look = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        match waitid(WaitId::Pid(self.pid), look) {
            Ok(status) => status.is_some(),
            // No such child: somebody else reaped it. `reap` says so; waiting on would be for ever.
            Err(error) => error == rustix::io::Errno::CHILD,
        }
    }

    /// The process and all that belong to its run.
    pub(super) fn tree(&self) -> &Tree {
        &self.tree
    }

    /// Reaps the process, after waiting until it has exited.
    ///
    /// # Errors
    /// If somebody else has reaped it.
    pub(super) fn reap(mut self) -> io::Result<Reaped> {
        self.reaped = true;
        wait4(self.pid)
    }
}

#[cfg(test)]
impl Leader {
    /// Makes it one of a system that has no pidfd.
    pub(super) fn forget_pidfd(&mut self) {
        self.pidfd = None;
    }
}

impl Drop for Leader {
    fn drop(&mut self) {
        if !self.reaped {
            self.tree.kill();
            let _ = wait4(self.pid);
        }
    }
}

#[cfg(target_os = "linux")]
fn open_pidfd(pid: Pid) -> Option<OwnedFd> {
    // Fails on kernels before 5.3, in some sandboxes and without file descriptors: then the exit is looked for.
    rustix::process::pidfd_open(pid, rustix::process::PidfdFlags::empty()).ok()
}

#[cfg(not(target_os = "linux"))]
fn open_pidfd(_: Pid) -> Option<OwnedFd> {
    None
}

/// Waits for the process and takes it out of the system's table, together with what it used.
fn wait4(pid: Pid) -> io::Result<Reaped> {
    let pid = pid.as_raw_nonzero().get();
    let mut status = 0;
    // SAFETY: all zeros is a valid `rusage`: it holds nothing but numbers.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    loop {
        // SAFETY: both pointers are to live, exclusively borrowed values of the types that wait4 writes; no other memory
        // is touched. `pid` is a child that only its `Leader` reaps, once.
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
    Ok(Reaped { exit, cpu, max_rss_bytes })
}

fn duration(time: libc::timeval) -> Duration {
    let micros = u32::try_from(time.tv_usec).unwrap_or(0);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), micros.saturating_mul(1000))
}

/// Who was started by a program that ignores SIGCHLD ignores it as well, and then the system throws away how a child
/// ended. It is set back to its default, for us and with us for the jobs, once.
fn keep_exit_statuses() {
    static DONE: Once = Once::new();
    DONE.call_once(|| {
        // SAFETY: all zeros is a valid `sigaction`: the default action, no flags, an empty mask. Both pointers are to
        // live values or null. The default action runs no code of ours, so there is nothing that could be reentered,
        // and a handler that somebody has set is left alone.
        unsafe {
            let mut present: libc::sigaction = std::mem::zeroed();
            let asked = libc::sigaction(libc::SIGCHLD, std::ptr::null(), &mut present);
            if asked == 0 && present.sa_sigaction == libc::SIG_IGN {
                let default: libc::sigaction = std::mem::zeroed();
                libc::sigaction(libc::SIGCHLD, &default, std::ptr::null_mut());
            }
        }
    });
}
