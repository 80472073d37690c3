//! Owns bytes made small: deflated where that helps. In pure Rust, so that it builds wherever Rust does.

use std::borrow::Cow;

/// What follows as it is.
const PLAIN: u8 = 0;
/// What follows is deflated.
const DEFLATED: u8 = 1;

/// Fewer bytes are not worth the try.
const WORTHWHILE: usize = 128;

/// Fast: what can be said shortly by columns is so already.
const LEVEL: u8 = 1;

/// More bytes than any chunk has; a stream of zeros that claims to be one would fill the memory.
const MOST: usize = 256 << 20;

/// Adds the bytes to `to`, packed.
pub(super) fn pack(bytes: &[u8], mut to: Vec<u8>) -> Vec<u8> {
    if bytes.len() >= WORTHWHILE {
        let deflated = miniz_oxide::deflate::compress_to_vec(bytes, LEVEL);
        if deflated.len() < bytes.len() {
            to.push(DEFLATED);
            to.extend_from_slice(&deflated);
            return to;
        }
    }
    to.push(PLAIN);
    to.extend_from_slice(bytes);
    to
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
