//! Owns the error of a store: its kind, what happened, and what to do about it.

use std::fmt;

use super::{NewSweep, StagedSweep};
use crate::job::SweepId;
use crate::stored::{DocumentError, InputError, RecordError};

/// The result of a request to a store.
pub type Result<T> = std::result::Result<T, StoreError>;

/// Why a store did not do what a request asked for. Displayed as `MESSAGE; REMEDY`. Code decides by `kind`, never by the
/// texts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreError {
    /// The kind of error, by which callers decide.
    pub kind: StoreErrorKind,
    /// What happened, to what: part of a sentence, without a full stop and without any password.
    pub message: String,
    /// What to do or to type next, in the same form. None: there is nothing to do.
    pub remedy: Option<String>,
}

/// The kinds of [`StoreError`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreErrorKind {
    /// The given address is not the address of a store.
    BadAddress,
    /// There is no store at the given place.
    NoStore,
    /// The store cannot be reached now. The same request may be sent again, and workers do.
    Unreachable,
    /// The store has no memory or disk space left. Requests that read or free space still work; the same request may
    /// succeed when there is space again.
    Full,
    /// This user may not do that, or may not use this store at all.
    InsufficientPermissions,
    /// The store does not do that, now or ever. If the same request is sent again at once, it gets the same reply.
    Refused,
    /// There is no such sweep.
    NoSuchSweep(SweepId),
    /// A request of this worker with a higher number was applied before: two processes use one worker id.
    StaleRequest {
        /// The worker's id.
        worker: String,
        /// The number of the request.
        seq: u64,
    },
    /// The store has a newer form than this version of sweep knows.
    Newer,
    /// The store contains data that cannot be read.
    Damaged,
}

impl StoreError {
    /// An error without a remedy.
    pub fn new(kind: StoreErrorKind, message: impl Into<String>) -> StoreError {
        StoreError { kind, message: message.into(), remedy: None }
    }

    /// The same error with a remedy.
    #[must_use]
    pub fn remedy(self, remedy: impl Into<String>) -> StoreError {
        StoreError { remedy: Some(remedy.into()), ..self }
    }

    /// An error of the kind [`StoreErrorKind::Refused`].
    pub fn refused(message: impl Into<String>) -> StoreError {
        StoreError::new(StoreErrorKind::Refused, message)
    }

    /// An error of the kind [`StoreErrorKind::Unreachable`].
    pub fn unreachable(message: impl Into<String>) -> StoreError {
        StoreError::new(StoreErrorKind::Unreachable, message)
    }

    /// An error of the kind [`StoreErrorKind::Damaged`].
    pub fn damaged(message: impl Into<String>) -> StoreError {
        StoreError::new(StoreErrorKind::Damaged, message)
    }

    /// There is no such sweep.
    pub fn no_such_sweep(id: &SweepId) -> StoreError {
        StoreError::new(StoreErrorKind::NoSuchSweep(id.clone()), format!("there is no sweep `{id}` in the store"))
            .remedy("`sweep list` lists the sweeps")
    }

    /// A request came after a later one of the same worker.
    pub(super) fn stale_request(worker: &str, seq: u64) -> StoreError {
        let kind = StoreErrorKind::StaleRequest { worker: worker.to_owned(), seq };
        StoreError::new(kind, format!("request {seq} of worker {worker} arrived after a later one"))
    }

    /// Whether the store cannot be reached now.
    pub fn is_unreachable(&self) -> bool {
        self.kind == StoreErrorKind::Unreachable
    }

    /// Whether the sweep that the request named does not exist.
    pub fn is_no_such_sweep(&self) -> bool {
        matches!(self.kind, StoreErrorKind::NoSuchSweep(_))
    }

    /// Whether the store refused the request before it changed anything, and may accept the same request later: when
    /// somebody has freed space, granted a permission, or made a replica the primary again.
    pub fn is_refusal(&self) -> bool {
        matches!(self.kind, StoreErrorKind::Full | StoreErrorKind::InsufficientPermissions | StoreErrorKind::Refused)
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        self.remedy.iter().try_for_each(|remedy| write!(f, "; {remedy}"))
    }
}

impl std::error::Error for StoreError {}

impl From<RecordError> for StoreError {
    fn from(error: RecordError) -> StoreError {
        let kind = match error {
            RecordError::Newer(_) => StoreErrorKind::Newer,
            RecordError::Damaged(_) => StoreErrorKind::Damaged,
        };
        StoreError { kind, message: error.message(), remedy: error.remedy().map(str::to_owned) }
    }
}

impl From<InputError> for StoreError {
    fn from(error: InputError) -> StoreError {
        let kind = match error {
            InputError::Newer(_) => StoreErrorKind::Newer,
            InputError::Damaged(_) => StoreErrorKind::Damaged,
        };
        StoreError { kind, message: error.message(), remedy: error.remedy().map(str::to_owned) }
    }
}

impl From<DocumentError> for StoreError {
    fn from(error: DocumentError) -> StoreError {
        let kind = if error.is_newer() { StoreErrorKind::Newer } else { StoreErrorKind::Damaged };
        StoreError { kind, message: error.message(), remedy: error.remedy().map(str::to_owned) }
    }
}

/// No part was added to a staged sweep for too long, so it was dropped.
pub(super) fn staging_timed_out(staged: &StagedSweep) -> StoreError {
    StoreError::refused(format!("creating the sweep `{}` timed out", staged.sweep.name)).remedy("run the command again")
}

/// The parts of a staged sweep do not have all its points.
pub(super) fn incomplete(staged: &StagedSweep, points: u64) -> StoreError {
    let NewSweep { name, total, .. } = &staged.sweep;
    StoreError::refused(format!("the sweep `{name}` has {total} points, but {points} were staged"))
}
