//! Owns which failures lie with the machine and not with the job: the same job may well succeed elsewhere, or here later.
//!
//! Pure: a fault is recognized in an error's number, an exit code and what the job printed. What programs print is
//! recognized in the English that almost all of them use.

use std::fmt;
use std::io;

use rustix::io::Errno;

use super::{Ended, EndedBy, Exit, ProgramProblem, StartError};

/// What is wrong with the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MachineFault {
    /// It runs as many processes and threads as it may.
    TooManyProcesses,
    /// It has no memory for another process, or refused memory to the job.
    OutOfMemory,
    /// Too many files are open.
    TooManyOpenFiles,
    /// A disk or a quota is full.
    DiskFull,
    /// A file system cannot be used: read-only, broken, gone.
    FileSystem,
    /// The program is open for writing, so that it cannot be started.
    ProgramBusy,
    /// The program, or one that a shell was to start for it, is not there or cannot be run (exit codes 126 and 127).
    Program,
    /// The program is there, but its interpreter is not.
    Interpreter,
    /// A shared library of the program is missing or too old.
    SharedLibrary,
    /// The job's directory cannot be used.
    Directory,
    /// The kernel killed the job because memory had run out.
    OomKill,
}

impl fmt::Display for MachineFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            MachineFault::TooManyProcesses => "too many processes are running",
            MachineFault::OutOfMemory => "the machine is out of memory",
            MachineFault::TooManyOpenFiles => "too many files are open",
            MachineFault::DiskFull => "a disk or a quota is full",
            MachineFault::FileSystem => "a file system cannot be used",
            MachineFault::ProgramBusy => "the program is being written",
            MachineFault::Program => "a program is missing or cannot be run",
            MachineFault::Interpreter => "the program's interpreter is missing",
            MachineFault::SharedLibrary => "a shared library is missing or too old",
            MachineFault::Directory => "the job's directory cannot be used",
            MachineFault::OomKill => "the kernel killed it because memory had run out",
        })
    }
}

impl MachineFault {
    /// The fault behind a failed system call, where it is one of the machine: for files that a worker writes, too.
    pub fn of_io(error: &io::Error) -> Option<MachineFault> {
        Some(match Errno::from_io_error(error)? {
            Errno::AGAIN => MachineFault::TooManyProcesses,
            Errno::NOMEM => MachineFault::OutOfMemory,
            Errno::MFILE | Errno::NFILE => MachineFault::TooManyOpenFiles,
            Errno::NOSPC | Errno::DQUOT => MachineFault::DiskFull,
            Errno::ROFS | Errno::IO | Errno::STALE | Errno::NODEV | Errno::NXIO => MachineFault::FileSystem,
            Errno::TXTBSY => MachineFault::ProgramBusy,
            _ => return None,
        })
    }

    /// The fault that a failed program complained of, by the last of what it printed on stderr.
    fn of_stderr(stderr: &[u8]) -> Option<MachineFault> {
        // Where programs complain is at the end; a log of megabytes is not searched.
        let tail = stderr.get(stderr.len().saturating_sub(SEARCHED)..).unwrap_or(stderr);
        let text = String::from_utf8_lossy(tail);
        COMPLAINTS.iter().find(|(complaint, _)| text.contains(complaint)).map(|(_, fault)| *fault)
    }
}

/// Bytes of the end of stderr that are searched.
const SEARCHED: usize = 8 * 1024;

/// What programs print, and what it means: the C library's texts, those of its loader (glibc, musl, macOS), of shells.
const COMPLAINTS: [(&str, MachineFault); 13] = [
    ("error while loading shared libraries", MachineFault::SharedLibrary),
    ("Error loading shared library", MachineFault::SharedLibrary),
    ("cannot open shared object file", MachineFault::SharedLibrary),
    ("not found (required by", MachineFault::SharedLibrary),
    ("Library not loaded:", MachineFault::SharedLibrary),
    ("No space left on device", MachineFault::DiskFull),
    ("Disk quota exceeded", MachineFault::DiskFull),
    ("Read-only file system", MachineFault::FileSystem),
    ("Stale file handle", MachineFault::FileSystem),
    ("Cannot allocate memory", MachineFault::OutOfMemory),
    ("Cannot fork", MachineFault::TooManyProcesses),
    ("fork: Resource temporarily unavailable", MachineFault::TooManyProcesses),
    ("Too many open files in system", MachineFault::TooManyOpenFiles),
];

impl StartError {
    /// What is wrong with the machine, if that is why the job could not be started. None: another machine would refuse
    /// the job as well (arguments that are too long, a NUL byte), or it is a fault of sweep.
    pub fn machine_fault(&self) -> Option<MachineFault> {
        match self {
            StartError::NotFound { .. } => Some(MachineFault::Program),
            StartError::NotRunnable { problem: ProgramProblem::InterpreterMissing, .. } => {
                Some(MachineFault::Interpreter)
            }
            StartError::NotRunnable { .. } => Some(MachineFault::Program),
            StartError::Directory { .. } => Some(MachineFault::Directory),
            StartError::System { source, .. } => match Errno::from_io_error(source) {
                // Built for another kind of processor; or on a file system that allows no programs.
                Some(Errno::NOEXEC | Errno::ACCESS | Errno::PERM) => Some(MachineFault::Program),
                _ => MachineFault::of_io(source),
            },
            StartError::ExitUnknown { .. } => None,
        }
    }

    /// Whether the machine is at fault, see [`StartError::machine_fault`].
    pub fn is_of_machine(&self) -> bool {
        self.machine_fault().is_some()
    }
}

impl Ended {
    /// What is wrong with the machine, if the job failed for that. None: it succeeded, we ended it, or it failed by itself.
    pub fn machine_fault(&self) -> Option<MachineFault> {
        match (self.ended_by, self.exit) {
            (Some(EndedBy::Timeout | EndedBy::Memory { .. } | EndedBy::Stopped), _) | (None, Exit::Code(0)) => None,
            _ if self.oom_killed => Some(MachineFault::OomKill),
            (None, exit) => MachineFault::of_stderr(&self.output.stderr.tail).or(match exit {
                Exit::Code(126 | 127) => Some(MachineFault::Program),
                _ => None,
            }),
        }
    }

    /// Whether the machine is at fault, see [`Ended::machine_fault`].
    pub fn is_of_machine(&self) -> bool {
        self.machine_fault().is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Kept, Output};

    fn ended(exit: Exit, stderr: &str) -> Ended {
        let stderr = Kept { tail: stderr.into(), total: stderr.len() as u64 };
        Ended {
            exit,
            ended_by: None,
            output: Output { stderr, ..Output::default() },
            seconds: 1.0,
            cpu_seconds: 0.0,
            max_rss_bytes: 0,
            oom_killed: false,
        }
    }

    #[test]
    fn what_a_failed_job_printed_tells_the_machines_fault() {
        for (exit, stderr, fault) in [
            (0, "No space left on device", None),
            (1, "ValueError: x", None),
            (127, "sh: 1: solver: not found", Some(MachineFault::Program)),
            (126, "sh: 1: solver: Permission denied", Some(MachineFault::Program)),
            (
                127,
                "a.out: error while loading shared libraries: libx.so.1: cannot …",
                Some(MachineFault::SharedLibrary),
            ),
            (1, "OSError: [Errno 28] No space left on device: 'out'", Some(MachineFault::DiskFull)),
            (2, "sh: 0: Cannot fork", Some(MachineFault::TooManyProcesses)),
            (
                1,
                "a.out: /lib/libc.so.6: version `GLIBC_2.34' not found (required by a.out)",
                Some(MachineFault::SharedLibrary),
            ),
        ] {
            assert_eq!(ended(Exit::Code(exit), stderr).machine_fault(), fault, "{exit} {stderr}");
        }
    }

    #[test]
    fn a_kill_is_of_the_machine_only_when_the_kernel_counted_one_and_not_when_we_did_it() {
        let mut killed = ended(Exit::Signal(libc::SIGKILL), "");
        assert!(!killed.is_of_machine());
        killed.oom_killed = true;
        assert_eq!(killed.machine_fault(), Some(MachineFault::OomKill));
        killed.ended_by = Some(EndedBy::Memory { used: 1 });
        assert!(!killed.is_of_machine());
    }

    #[test]
    fn only_the_end_of_a_long_log_is_searched() {
        let early = format!("No space left on device\n{}", "x".repeat(SEARCHED));
        assert_eq!(ended(Exit::Code(1), &early).machine_fault(), None);
    }

    #[test]
    fn errors_of_files_are_told_apart() {
        let of = |errno: Errno| MachineFault::of_io(&errno.into());
        assert_eq!(of(Errno::NOSPC), Some(MachineFault::DiskFull));
        assert_eq!(of(Errno::ROFS), Some(MachineFault::FileSystem));
        assert_eq!(of(Errno::NOENT), None);
        assert_eq!(MachineFault::of_io(&io::Error::other("x")), None);
    }
}
