//! Owns the submission of a sweep: its document into the store, once.

use crate::error::{Error, Result};
use crate::job::SweepId;
use crate::ops::select;
use crate::space::Space;
use crate::spec::Document;
use crate::store::{NewSweep, Store};

/// Puts a sweep into the store; all its points are then ready. Takes the same time for 10 points and 10^9.
///
/// # Errors
/// If the space cannot be computed, or the store does not take it.
pub fn submit(store: &dyn Store, document: &Document) -> Result<SweepId> {
    let spec = &document.spec;
    let space = Space::new(spec.space.clone()).map_err(|error| Error::usage(error.to_string()))?;
    let request = getrandom::u64().map_err(|error| Error::usage(format!("no random number to be had: {error}")))?;
    let request = format!("{request:016x}");
    let document = Document { submission: request.clone(), ..document.clone() };
    let new = NewSweep {
        request,
        name: spec.name.clone(),
        queue: spec.job.queue.clone(),
        total: space.len(),
        user: select::user(),
        document: document.encode().map_err(|error| Error::usage(error.to_string()))?,
    };
    Ok(store.submit(&new)?)
}
