//! Owns outcomes as bytes: one record an attempt, packed into chunks by block of indices. Both stores keep the same.
//!
//! A sweep's log is a list of chunks for each block of [`BLOCK`] indices, in the order in which outcomes were accepted.
//! What is known of a point is the fold over its records: the newest attempt counts, older ones are history. Because
//! blocks follow each other by index, a table comes out in order without sorting more than one block. Many small chunks
//! of a block may be replaced by one that says the same.
//!
//! - `chunk`: records column by column; `pack`: bytes made small.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use self::chunk::Columns;
use crate::job::{AttemptCounts, JobAddress, Outcome, Verdict};

mod chunk;
mod pack;

/// Indices in a block. Large enough that a batch of short jobs falls into one or two blocks, small enough that a
/// block's records fit easily in memory.
pub const BLOCK: u64 = 1024;

/// The block that an index belongs to.
pub fn block_of(index: u64) -> u64 {
    index / BLOCK
}

/// One attempt that ran, as it is kept for ever.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The point.
    pub index: u64,
    /// The counts after this attempt; `tries.attempts` is this attempt's number.
    pub tries: AttemptCounts,
    /// How it ended.
    pub outcome: Outcome,
    /// What followed from it.
    pub verdict: Verdict,
    /// The exit code, where the process exited by itself.
    pub exit_code: Option<i32>,
    /// When it ended, milliseconds since the epoch on the worker's clock; for people, nothing depends on it.
    pub ended_ms: u64,
    /// Wall time from spawn to exit, seconds.
    pub seconds: f64,
    /// User and system time of the process and its reaped children, seconds.
    pub cpu_seconds: f64,
    /// The largest resident set of any one of them, bytes.
    pub max_rss_bytes: u64,
    /// The machine it ran on.
    pub host: String,
    /// The worker that ran it.
    pub worker: String,
    /// Where it ran, if it was taken over from another sweep: the job whose attempt it was there, and whose output is
    /// kept there. None: here.
    pub origin: Option<JobAddress>,
}

/// What an attempt printed, as far as it was kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Output {
    /// Standard output.
    pub stdout: Kept,
    /// Standard error.
    pub stderr: Kept,
}

/// The end of a stream of bytes, and how long the whole was.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// The last bytes of it.
    pub tail: Vec<u8>,
    /// Length of the whole, bytes; more than `tail.len()` when the beginning was dropped.
    pub total: u64,
}

impl Kept {
    /// Whether the beginning is missing.
    pub fn is_cut(&self) -> bool {
        self.total > self.tail.len() as u64
    }

    /// Shortens the tail to at most `limit` bytes.
    pub fn limit(&mut self, limit: usize) {
        let excess = self.tail.len().saturating_sub(limit);
        self.tail.drain(..excess);
    }
}

/// Bytes in the store that are not what this version of sweep writes.
#[derive(Debug, Error)]
pub enum DecodeError {
    /// The first byte names a format that this version does not know.
    #[error(
        "a record in the store has format {0}, which this version of sweep does not know; use the version that wrote it"
    )]
    UnknownFormat(u8),
    /// The bytes are damaged.
    #[error("a record in the store is damaged: {0}")]
    Damaged(String),
}

/// The format of chunks and outputs: the first byte, so that a later format can be told apart.
const FORMAT: u8 = 3;

fn encode<T: Serialize + ?Sized>(value: &T, to: Vec<u8>) -> Vec<u8> {
    // postcard into a growing vector fails only for types without a known length, which these are not.
    #[allow(clippy::expect_used)]
    postcard::to_extend(value, to).expect("records always encode")
}

fn decode<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, DecodeError> {
    postcard::from_bytes(bytes).map_err(|error| DecodeError::Damaged(error.to_string()))
}

/// What stands after the byte of the format.
fn body(bytes: &[u8]) -> Result<&[u8], DecodeError> {
    match bytes.split_first() {
        Some((&FORMAT, body)) => Ok(body),
        Some((&other, _)) => Err(DecodeError::UnknownFormat(other)),
        None => Err(DecodeError::Damaged("it is empty".into())),
    }
}

/// Packs records into a chunk. All of them belong to one block; the caller sees to it. Some 30 bytes for a record with a
/// handful of numbers in a chunk of 64, and more the smaller the chunk is.
pub fn encode_chunk(records: &[Record]) -> Vec<u8> {
    pack::pack(&encode(&Columns::of(records), Vec::new()), vec![FORMAT])
}

/// Unpacks a chunk.
///
/// # Errors
/// If the bytes are of another format or damaged; it never panics, whatever the bytes.
pub fn decode_chunk(bytes: &[u8]) -> Result<Vec<Record>, DecodeError> {
    let body = pack::unpack(body(bytes)?).map_err(DecodeError::Damaged)?;
    let columns: Columns = decode(&body)?;
    columns.records().ok_or_else(|| DecodeError::Damaged("its columns do not belong together".into()))
}

/// Makes one chunk of several of a block, which are given in the order in which they were accepted. The records of an
/// index stay in that order.
///
/// # Errors
/// As [`decode_chunk`].
pub fn merge_chunks(chunks: &[Vec<u8>]) -> Result<Vec<u8>, DecodeError> {
    let all: Vec<Vec<Record>> = chunks.iter().map(|chunk| decode_chunk(chunk)).collect::<Result<_, _>>()?;
    let mut all = all.concat();
    all.sort_by_key(|record| record.index);
    Ok(encode_chunk(&all))
}

/// Packs what an attempt printed.
pub fn encode_output(output: &Output) -> Vec<u8> {
    encode(output, vec![FORMAT])
}

/// Unpacks what an attempt printed.
///
/// # Errors
/// As [`decode_chunk`].
pub fn decode_output(bytes: &[u8]) -> Result<Output, DecodeError> {
    decode(body(bytes)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::Cause;
    use crate::value::Value;
    use proptest::collection::vec;
    use proptest::prelude::*;
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;

    fn record() -> impl Strategy<Value = Record> {
        let value = prop_oneof![
            any::<i64>().prop_map(Value::Int),
            any::<f64>().prop_filter("NaN is not itself", |x| !x.is_nan()).prop_map(Value::Float),
            (-1_000_000..1_000_000_i32, 0..9).prop_map(|(n, places)| Value::Float(f64::from(n) / 10_f64.powi(places))),
            any::<bool>().prop_map(Value::Bool),
            ".{0,3}".prop_map(Value::Text),
        ];
        let results = vec(("[ab]", value), 0..3);
        let outcome = prop_oneof![
            results.prop_map(|results| Outcome::Succeeded { results }),
            ".{0,9}".prop_map(|why| Outcome::Failed { cause: Cause::NoResult(why) }),
            any::<bool>().prop_map(|started| Outcome::Lost { started }),
        ];
        let seconds = prop_oneof![0.0..1e9f64, (0..10_000_000_u32).prop_map(|micros| f64::from(micros) / 1e6)];
        (any::<u64>(), outcome, any::<u32>(), seconds, ".{0,1}").prop_map(
            |(index, outcome, attempts, seconds, host)| Record {
                index,
                tries: AttemptCounts { attempts, ..AttemptCounts::default() },
                outcome,
                verdict: Verdict::Again { delay_ms: index },
                exit_code: Some(-1),
                ended_ms: index,
                seconds,
                cpu_seconds: seconds,
                max_rss_bytes: index,
                worker: host.clone(),
                origin: None,
                host,
            },
        )
    }

    #[test]
    fn zeros_keep_their_sign() {
        let mut one = record().new_tree(&mut TestRunner::deterministic()).unwrap().current();
        one.outcome = Outcome::Succeeded { results: vec![("a".into(), Value::Float(-0.0))] };
        let text = |record: &Record| format!("{:?}", record.outcome);
        assert_eq!(text(&decode_chunk(&encode_chunk(std::slice::from_ref(&one))).unwrap()[0]), text(&one));
    }

    proptest! {
        #[test]
        fn what_is_recorded_is_read_again(records in vec(record(), 0..9), tail in vec(any::<u8>(), 0..20), total in any::<u64>()) {
            prop_assert_eq!(decode_chunk(&encode_chunk(&records)).unwrap(), records);
            let output = Output { stdout: Kept { tail, total }, stderr: Kept::default() };
            prop_assert_eq!(decode_output(&encode_output(&output)).unwrap(), output);
        }

        #[test]
        fn chunks_become_one_that_says_the_same(chunks in vec(vec(record(), 0..4), 0..4)) {
            let merged = merge_chunks(&chunks.iter().map(|chunk| encode_chunk(chunk)).collect::<Vec<_>>()).unwrap();
            let mut all = chunks.concat();
            all.sort_by_key(|record| record.index);
            prop_assert_eq!(decode_chunk(&merged).unwrap(), all);
        }

        #[test]
        fn whatever_is_recorded_is_read_or_told(
            bytes in vec(any::<u8>(), 0..80),
            records in vec(record(), 1..3),
            at in any::<prop::sample::Index>(),
            bit in 0..8,
        ) {
            let mut flipped = encode_chunk(&records);
            let at = at.index(flipped.len());
            let cut = flipped[..at].to_vec();
            flipped[at] ^= 1_u8 << bit;
            let ours = [&[FORMAT], bytes.as_slice()].concat();
            for bytes in [bytes, ours, flipped, cut] {
                let _ = decode_chunk(&bytes);
                let _ = decode_output(&bytes);
            }
        }
    }
}
