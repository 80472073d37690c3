//! Owns bytes made small: deflated where that helps. In pure Rust, so that it builds wherever Rust does.

use std::borrow::Cow;
use std::cell::RefCell;

use miniz_oxide::deflate::core::{
    CompressorOxide, TDEFLFlush, TDEFLStatus, compress, create_comp_flags_from_zip_params,
};

/// What follows as it is.
const PLAIN: u8 = 0;
/// What follows is deflated.
const DEFLATED: u8 = 1;

/// Fewer bytes are not worth the try.
const WORTHWHILE: usize = 128;

/// Fast: what can be said shortly by columns is so already.
const LEVEL: i32 = 1;

/// More bytes than any chunk has; a stream of zeros that claims to be one would fill the memory.
const MOST: usize = 256 << 20;

/// Adds the bytes to `to`, packed.
pub(super) fn pack(bytes: &[u8], mut to: Vec<u8>) -> Vec<u8> {
    match deflate(bytes) {
        Some(deflated) => {
            to.push(DEFLATED);
            to.extend_from_slice(&deflated);
        }
        None => {
            to.push(PLAIN);
            to.extend_from_slice(bytes);
        }
    }
    to
}

thread_local! {
    /// A deflater has tables of some 300 kB; who packs a chunk soon packs another.
    static DEFLATER: RefCell<CompressorOxide> =
        RefCell::new(CompressorOxide::new(create_comp_flags_from_zip_params(LEVEL, 0, 0)));
}

/// The bytes deflated; none: they are too few, or it would not make them fewer.
fn deflate(bytes: &[u8]) -> Option<Vec<u8>> {
    if bytes.len() < WORTHWHILE {
        return None;
    }
    DEFLATER.with_borrow_mut(|deflater| {
        deflater.reset();
        let mut to = vec![0; bytes.len()];
        let (status, _, length) = compress(deflater, bytes, &mut to, TDEFLFlush::Finish);
        to.truncate(length);
        // Otherwise there was no room for all of it.
        (status == TDEFLStatus::Done).then_some(to)
    })
}

/// The bytes that were packed.
///
/// # Errors
/// If these are not packed bytes; in words.
pub(super) fn unpack(bytes: &[u8]) -> Result<Cow<'_, [u8]>, String> {
    match bytes.split_first() {
        Some((&PLAIN, rest)) => Ok(Cow::Borrowed(rest)),
        Some((&DEFLATED, rest)) => miniz_oxide::inflate::decompress_to_vec_with_limit(rest, MOST)
            .map(Cow::Owned)
            .map_err(|error| format!("what was deflated cannot be inflated ({:?})", error.status)),
        Some((other, _)) => Err(format!("it is packed in the way {other}")),
        None => Err("it ends too early".into()),
    }
}
