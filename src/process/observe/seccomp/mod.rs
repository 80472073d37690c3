//! Owns the observation by seccomp user notification.
//!
//! The job's process installs a filter before its exec ([`install`]). The kernel then reports the calls that the filter
//! names ([`filter`]) to a thread of ours ([`listener`]), and the calling thread waits until it is answered. The answer is
//! always to go on: the kernel then carries the call out as if there had been no filter. Before the answer the path is
//! read from the process's memory ([`memory`]), and [`translate`] notes what is there now.

use std::io;
use std::sync::Arc;

use super::ObservationError;
use crate::project::ProjectRules;

mod filter;
mod install;
mod listener;
mod memory;
mod translate;

pub(in crate::process) use install::FilterInstallation;
pub(super) use listener::Shared;

/// Starts a listener for one job.
///
/// # Errors
/// If this system cannot do it.
pub(super) fn start(rules: Arc<ProjectRules>) -> Result<(Arc<Shared>, FilterInstallation), ObservationError> {
    if !install::is_supported() || !listener::has_known_sizes() {
        return Err(ObservationError::NotSupported);
    }
    let refused = |error: io::Error| ObservationError::Refused(error.to_string());
    let (installation, receiver) = install::pair().map_err(refused)?;
    let shared = Arc::new(Shared::new(translate::Translator::new(rules)));
    listener::start(receiver, shared.clone()).map_err(refused)?;
    Ok((shared, installation))
}
