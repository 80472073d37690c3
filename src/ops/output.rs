//! Owns reading the stored output of attempts.

use crate::error::Result;
use crate::job::SweepId;
use crate::record::{Output, Record};
use crate::store::Store;
use crate::stored;

/// The number of outputs that one request reads: about 16 MiB at the largest `logs-limit`.
pub const AT_ONCE: usize = 32;

/// The stored output of attempts (index of the point, number of the attempt), in the given order; none: nothing is stored.
/// Sends one request for every [`AT_ONCE`] of them.
///
/// # Errors
/// If the store cannot be read.
pub fn of_attempts(store: &dyn Store, sweep: &SweepId, attempts: &[(u64, u32)]) -> Result<Vec<Option<Output>>> {
    let mut outputs = Vec::with_capacity(attempts.len());
    for some in attempts.chunks(AT_ONCE) {
        for bytes in store.outputs(sweep, some)? {
            outputs.push(bytes.map(|bytes| stored::decode_output(&bytes)).transpose()?);
        }
    }
    Ok(outputs)
}

/// The stored output of records, in the given order; none: nothing is stored. The output of a reused point is stored with
/// the sweep in which the point ran; none if that sweep was removed.
///
/// # Errors
/// As [`of_attempts`].
pub fn of_records(store: &dyn Store, sweep: &SweepId, records: &[Record]) -> Result<Vec<Option<Output>>> {
    let mut outputs = Vec::with_capacity(records.len());
    let home = |record: &Record| record.origin.as_ref().map(|origin| origin.sweep.clone());
    for group in records.chunk_by(|a, b| home(a) == home(b)) {
        let index = |record: &Record| record.origin.as_ref().map_or(record.index, |origin| origin.index);
        let attempts: Vec<_> = group.iter().map(|record| (index(record), record.tries.attempts)).collect();
        let origin = group.first().and_then(home);
        match of_attempts(store, origin.as_ref().unwrap_or(sweep), &attempts) {
            Err(crate::error::Error::Store(error)) if error.is_no_such_sweep() && origin.is_some() => {
                outputs.extend(group.iter().map(|_| None));
            }
            found => outputs.extend(found?),
        }
    }
    Ok(outputs)
}

/// The stored output of one record.
///
/// # Errors
/// As [`of_attempts`].
pub fn of_record(store: &dyn Store, sweep: &SweepId, record: &Record) -> Result<Option<Output>> {
    Ok(of_records(store, sweep, std::slice::from_ref(record))?.pop().flatten())
}
