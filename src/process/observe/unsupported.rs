//! Owns what stands for the observation on a system that cannot do it.

use std::convert::Infallible;
use std::sync::Arc;

use super::{Observation, ObservationError};
use crate::project::ProjectRules;

/// There is none.
#[derive(Debug)]
pub(in crate::process) struct FilterInstallation(Infallible);

/// There is none.
pub(super) struct Shared(Infallible);

impl FilterInstallation {
    /// # Safety
    /// It is never called.
    #[allow(dead_code)] // by the start that only Linux has
    pub(in crate::process) unsafe fn install(&self) {
        match self.0 {}
    }
}

impl Shared {
    pub(super) fn finish(&self) -> Result<Observation, ObservationError> {
        match self.0 {}
    }
}

pub(super) fn start(_: Arc<ProjectRules>) -> Result<(Arc<Shared>, FilterInstallation), ObservationError> {
    Err(ObservationError::NotSupported)
}
