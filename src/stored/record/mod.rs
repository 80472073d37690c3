//! Owns records and output as bytes, the same in both stores.
//!
//! A chunk holds records of one block. Its first byte is the format. The rest is packed (`pack`) columns (`columns`),
//! written with [postcard](https://postcard.jamesmunns.com/wire-format).
//!
//! | format | written by | |
//! | --- | --- | --- |
//! | 3 | sweep 0.1 | causes are closed; results have the names of their columns (`result.NAME`) |
//! | 4 | this version | causes are open, see `cause`; results have the names that the job gave them; versions of files, after the columns |
//!
//! A new cause of failure needs no new format. Anything else that changes does: keep the old types for reading, add a
//! number, and a row to this table.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use self::cause::{ClosedCause, OpenCause};
use self::columns::Columns;
use self::numbers::Dictionary;
use crate::record::{Kept, Output, Record};

mod cause;
mod columns;
mod numbers;
mod outcome;
mod outcomes;
mod pack;
#[cfg(test)]
mod tests;

/// The format of chunks with closed causes.
const CLOSED_CAUSES: u8 = 3;
/// The format of chunks that this version writes.
const CHUNK_FORMAT: u8 = 4;
/// The format of output, since sweep 0.1.
const OUTPUT_FORMAT: u8 = 3;

/// Bytes in the store that cannot be read as a record or as output.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{}", self.message())]
pub enum RecordError {
    /// A newer version of sweep wrote it, in this format.
    Newer(u8),
    /// The bytes are damaged; in words.
    Damaged(String),
}

impl RecordError {
    /// What happened.
    pub fn message(&self) -> String {
        match self {
            RecordError::Newer(format) => {
                format!("a newer version of sweep wrote a record of this sweep: it has format {format}")
            }
            RecordError::Damaged(why) => format!("a record in the store is damaged: {why}"),
        }
    }

    /// What to do.
    pub fn remedy(&self) -> Option<&'static str> {
        match self {
            RecordError::Newer(_) => Some(super::UPDATE),
            RecordError::Damaged(_) => None,
        }
    }
}

/// What an attempt printed: the tail and the total length of stdout, then of stderr.
#[derive(Serialize, Deserialize)]
struct StoredOutput<T> {
    stdout: (T, u64),
    stderr: (T, u64),
}

/// Packs records into a chunk. The caller makes sure that all of them belong to one block. In a chunk of 64, a record
/// with a handful of numbers takes some 30 bytes; in a smaller chunk more.
pub fn encode_chunk(records: &[Record]) -> Vec<u8> {
    let versions = Dictionary::of(records.iter().map(|record| record.version));
    pack::pack(&encode(&(Columns::of(records), versions), Vec::new()), vec![CHUNK_FORMAT])
}

/// Unpacks a chunk of any format since sweep 0.1. It never panics, whatever the bytes.
///
/// # Errors
/// If the bytes are of a newer format or damaged.
pub fn decode_chunk(bytes: &[u8]) -> Result<Vec<Record>, RecordError> {
    match split(bytes)? {
        (CLOSED_CAUSES, body) => {
            let body = pack::unpack(body).map_err(RecordError::Damaged)?;
            decode::<Columns<ClosedCause>>(&body)?.records().ok_or_else(columns_differ)
        }
        (CHUNK_FORMAT, body) => records_with_versions(body),
        (other, _) => Err(unknown_format(other, CHUNK_FORMAT)),
    }
}

/// Merges chunks of one block, given in the order in which they were accepted, into one in today's format. The records
/// of an index stay in that order.
///
/// # Errors
/// As [`decode_chunk`].
pub fn merge_chunks(chunks: &[Vec<u8>]) -> Result<Vec<u8>, RecordError> {
    let all: Vec<Vec<Record>> = chunks.iter().map(|chunk| decode_chunk(chunk)).collect::<Result<_, _>>()?;
    let mut all = all.concat();
    all.sort_by_key(|record| record.index);
    Ok(encode_chunk(&all))
}

/// Packs what an attempt printed.
pub fn encode_output(output: &Output) -> Vec<u8> {
    let Output { stdout, stderr } = output;
    let stored =
        StoredOutput { stdout: (stdout.tail.as_slice(), stdout.total), stderr: (stderr.tail.as_slice(), stderr.total) };
    encode(&stored, vec![OUTPUT_FORMAT])
}

/// Unpacks what an attempt printed.
///
/// # Errors
/// As [`decode_chunk`].
pub fn decode_output(bytes: &[u8]) -> Result<Output, RecordError> {
    match split(bytes)? {
        (OUTPUT_FORMAT, body) => {
            let stored: StoredOutput<Vec<u8>> = decode(body)?;
            let kept = |(tail, total)| Kept { tail, total };
            Ok(Output { stdout: kept(stored.stdout), stderr: kept(stored.stderr) })
        }
        (other, _) => Err(unknown_format(other, OUTPUT_FORMAT)),
    }
}

/// The records of a chunk of format 4: its columns, and the column of versions.
fn records_with_versions(body: &[u8]) -> Result<Vec<Record>, RecordError> {
    let body = pack::unpack(body).map_err(RecordError::Damaged)?;
    let (columns, versions): (Columns<OpenCause>, Dictionary<u32>) = decode(&body)?;
    let records = columns.records().ok_or_else(columns_differ)?;
    let versions = versions.values(records.len()).ok_or_else(columns_differ)?;
    Ok(records.into_iter().zip(versions).map(|(record, version)| Record { version, ..record }).collect())
}

fn columns_differ() -> RecordError {
    RecordError::Damaged("its columns do not belong together".into())
}

fn encode<T: Serialize + ?Sized>(value: &T, to: Vec<u8>) -> Vec<u8> {
    // postcard into a growing vector fails only for sequences of unknown length, which these types do not have.
    #[allow(clippy::expect_used)]
    postcard::to_extend(value, to).expect("records always encode")
}

fn decode<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, RecordError> {
    postcard::from_bytes(bytes).map_err(|error| RecordError::Damaged(error.to_string()))
}

/// The format, and what follows it.
fn split(bytes: &[u8]) -> Result<(u8, &[u8]), RecordError> {
    match bytes.split_first() {
        Some((&format, body)) => Ok((format, body)),
        None => Err(RecordError::Damaged("it is empty".into())),
    }
}

fn unknown_format(found: u8, newest: u8) -> RecordError {
    if found > newest {
        RecordError::Newer(found)
    } else {
        RecordError::Damaged(format!("no released version of sweep wrote format {found}"))
    }
}
