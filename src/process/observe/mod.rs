//! Owns the observation of a job: which files its processes open, execute, look for, list and write, by seccomp user
//! notification.
//!
//! It needs no privileges; the processes cannot gain any either (`no_new_privs`), so programs with the setuid bit do not
//! work as usual. It costs a switch to our thread and back for each reported call and nothing for the others. It is not
//! possible where a filter with a listener is there already (some containers), on other processors than x86-64 and
//! AArch64, before Linux 5.9, and elsewhere. Calls through io_uring are not seen, nor are those of 32-bit programs.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use thiserror::Error;

use crate::project::{AccessLog, FileStamp, ProjectRules};

#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
mod seccomp;
#[cfg(not(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64"))))]
mod unsupported;

#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
use seccomp as system;
#[cfg(not(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64"))))]
use unsupported as system;

pub(super) use system::FilterInstallation;

/// Why a job was not observed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ObservationError {
    /// The kernel, or the processor, has no way to do it.
    #[error("this system cannot report the calls of a job; it needs Linux 5.9 or later")]
    NotSupported,
    /// The system refused it for this job.
    #[error("the system refused it: {0}")]
    Refused(String),
    /// No process was started in the way that can be observed.
    #[error("the job's process was not started")]
    NotStarted,
    /// A job failed while it was observed, and succeeded when it was not.
    #[error("{0} failed while it was observed, and succeeded when it was not")]
    MakesFail(String),
    /// A file system does not answer.
    #[error("a file system of the project did not answer")]
    TooSlow,
    /// An error in sweep.
    #[error("internal error in sweep")]
    Internal,
}

impl ObservationError {
    /// Whether it will be so for other jobs too.
    pub fn is_lasting(&self) -> bool {
        matches!(self, ObservationError::NotSupported | ObservationError::Refused(_) | ObservationError::MakesFail(_))
    }
}

/// What was seen of a job.
#[derive(Clone, Debug)]
pub struct Observation {
    /// What it did with the files of the project.
    pub log: AccessLog,
    /// What the observation has cost the job, about: the time that its calls have waited.
    pub cost: Duration,
    /// How many calls were reported.
    pub calls: u64,
}

/// Observes one job. Dropped or finished, it leaves a thread behind that lives as long as the job's processes.
pub struct Observer {
    shared: Arc<system::Shared>,
    /// For the child. Taken when it was started.
    installation: Mutex<Option<Arc<FilterInstallation>>>,
}

impl Observer {
    /// Prepares to observe one job of a project.
    ///
    /// # Errors
    /// If this system cannot do it.
    pub fn new(rules: Arc<ProjectRules>) -> Result<Observer, ObservationError> {
        let (shared, installation) = system::start(rules)?;
        Ok(Observer { shared, installation: Mutex::new(Some(Arc::new(installation))) })
    }

    /// What the job's process installs. The child's end of the socket closes when the result is dropped. None: a process
    /// was started already.
    pub(super) fn installation(&self) -> Option<Arc<FilterInstallation>> {
        self.installation.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// What was seen, when the job has ended. Never waits for the job's processes.
    ///
    /// # Errors
    /// If it was not observed.
    pub fn finish(&self) -> Result<Observation, ObservationError> {
        drop(self.installation());
        self.shared.finish()
    }
}

impl std::fmt::Debug for Observer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Observer")
    }
}

/// The stamp of a regular file, through symbolic links. None: there is none.
pub fn file_stamp(path: &Path) -> Option<FileStamp> {
    std::fs::metadata(path).ok().filter(Metadata::is_file).map(|metadata| stamp(&metadata))
}

fn stamp(metadata: &Metadata) -> FileStamp {
    let nanoseconds = |seconds: i64, nanos: i64| i128::from(seconds) * 1_000_000_000 + i128::from(nanos);
    FileStamp {
        file: (metadata.dev(), metadata.ino()),
        size: metadata.len(),
        modified: nanoseconds(metadata.mtime(), metadata.mtime_nsec()),
        changed: nanoseconds(metadata.ctime(), metadata.ctime_nsec()),
    }
}
