//! Owns the packing of bytes: deflated if that makes them fewer. In pure Rust, so that it builds wherever Rust does.

use std::borrow::Cow;
use std::cell::RefCell;

use miniz_oxide::deflate::core::{
    CompressorOxide, TDEFLFlush, TDEFLStatus, compress, create_comp_flags_from_zip_params,
};

/// The bytes follow as they are.
const PLAIN: u8 = 0;
/// The bytes follow deflated.
const DEFLATED: u8 = 1;

/// Fewer bytes than this are not deflated.
const MIN_DEFLATED: usize = 128;

/// Fast: the columns are small already.
const LEVEL: i32 = 1;

/// The most bytes that are unpacked, more than any chunk has. It keeps a damaged chunk from filling the memory.
const MAX_UNPACKED: usize = 256 << 20;

/// Appends the packed bytes to `to`.
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
    /// A deflater has tables of some 300 kB, and a thread that packs one chunk packs more.
    static DEFLATER: RefCell<CompressorOxide> =
        RefCell::new(CompressorOxide::new(create_comp_flags_from_zip_params(LEVEL, 0, 0)));
}

/// The deflated bytes; none: there are too few bytes, or deflating makes them no fewer.
fn deflate(bytes: &[u8]) -> Option<Vec<u8>> {
    if bytes.len() < MIN_DEFLATED {
        return None;
    }
    DEFLATER.with_borrow_mut(|deflater| {
        deflater.reset();
        let mut to = vec![0; bytes.len()];
        let (status, _, length) = compress(deflater, bytes, &mut to, TDEFLFlush::Finish);
        to.truncate(length);
        // Any other status: the result did not fit into as many bytes.
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
        Some((&DEFLATED, rest)) => miniz_oxide::inflate::decompress_to_vec_with_limit(rest, MAX_UNPACKED)
            .map(Cow::Owned)
            .map_err(|error| format!("it cannot be inflated ({:?})", error.status)),
        Some((other, _)) => Err(format!("its packing {other} is unknown")),
        None => Err("it ends too early".into()),
    }
}
