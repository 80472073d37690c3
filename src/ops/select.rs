//! Owns which sweep is meant: the one named, or the newest that this user submitted.

use crate::error::{Error, Result};
use crate::job::SweepId;
use crate::store::{Store, SweepRow};

/// The name under which this user submits.
pub fn user() -> String {
    whoami::username().unwrap_or_else(|_| "unknown".into())
}

/// The sweep named, or the newest of this user's.
///
/// # Errors
/// If there is no such sweep, or none at all.
pub fn sweep(store: &dyn Store, named: Option<&SweepId>) -> Result<SweepRow> {
    if let Some(id) = named {
        return Ok(store.sweep(id)?);
    }
    let me = user();
    let newest = store.sweeps()?.into_iter().find(|row| row.user == me);
    newest.ok_or_else(|| {
        Error::usage(format!("{me} has no sweep in the store {}", store.describe()))
            .remedy("`sweep submit FILE` submits one; `sweep list` lists the sweeps of all users")
    })
}
