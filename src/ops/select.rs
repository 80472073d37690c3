//! Owns the choice of the sweep: the named one, or the user's newest.

use crate::error::{Error, Result};
use crate::job::SweepId;
use crate::store::{Store, SweepRow};

/// The user's name, as stored with submissions.
pub fn user() -> String {
    whoami::username().unwrap_or_else(|_| "unknown".into())
}

/// The named sweep, or the newest of this user.
///
/// # Errors
/// If there is no such sweep, or the user has none.
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
