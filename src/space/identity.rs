//! Owns what is hashed: the identity of a grid point, and the keys of its random values and seeds. `docs/space.md` is
//! the reference. Nothing here may ever change within one version of the space.
//!
//! The hash is BLAKE3, truncated. Each message begins with an eight-byte tag that says what it is for. Texts are
//! preceded by their length, so that different inputs never give the same bytes. Tags are short so that a message
//! usually fits in one 64-byte block.

use super::spec::Sampling;

const GRID_POINT: &[u8; 8] = b"sweep1g\0";
const RANDOM_VALUE: &[u8; 8] = b"sweep1r\0";
const LATIN_HYPERCUBE: &[u8; 8] = b"sweep1l\0";
const SOBOL: &[u8; 8] = b"sweep1o\0";
const HALTON: &[u8; 8] = b"sweep1h\0";
const SEED: &[u8; 8] = b"sweep1s\0";

/// The identity of a grid point. Its random values and seeds are derived from it.
pub(super) type GridId = [u8; 16];

/// A text preceded by its length in bytes, as 64 bits, little-endian.
pub(super) fn push_text(bytes: &mut Vec<u8>, text: &str) {
    bytes.extend_from_slice(&(text.len() as u64).to_le_bytes());
    bytes.extend_from_slice(text.as_bytes());
}

/// The message whose hash is the identity of a grid point. Parameters must be added sorted by name.
pub(super) struct GridMessage(Vec<u8>);

impl GridMessage {
    pub(super) fn new() -> GridMessage {
        let mut bytes = Vec::with_capacity(256);
        bytes.extend_from_slice(GRID_POINT);
        GridMessage(bytes)
    }

    /// Adds a parameter as an `AxisValue` encodes it: its name and its printed value as written by
    /// [`push_text`], or nothing if it is missing.
    pub(super) fn push(&mut self, cell: &[u8]) {
        self.0.extend_from_slice(cell);
    }

    pub(super) fn id(&self) -> GridId {
        first_bytes(&self.0)
    }
}

/// The key of a random parameter at a grid point. Each sampling has its own. Without a grid point it is the same at all
/// of them.
pub(super) fn value_key(
    sampling: Sampling,
    root_seed: u64,
    name: &str,
    grid: Option<&GridId>,
    randomization: u64,
) -> u64 {
    let tag = match sampling {
        Sampling::Independent => RANDOM_VALUE,
        Sampling::LatinHypercube => LATIN_HYPERCUBE,
        Sampling::Sobol => SOBOL,
        Sampling::Halton => HALTON,
    };
    let mut message = Vec::with_capacity(128);
    message.extend_from_slice(tag);
    message.extend_from_slice(&root_seed.to_le_bytes());
    push_text(&mut message, name);
    push_place(&mut message, grid, randomization);
    u64::from_le_bytes(first_bytes(&message))
}

/// The generator's key for the seeds of a grid point. Without a grid point it is the same at all of them.
pub(super) fn seed_key(root_seed: u64, grid: Option<&GridId>, randomization: u64) -> u64 {
    let mut message = Vec::with_capacity(40);
    message.extend_from_slice(SEED);
    message.extend_from_slice(&root_seed.to_le_bytes());
    push_place(&mut message, grid, randomization);
    u64::from_le_bytes(first_bytes(&message))
}

/// The grid point, if there is one, and the randomization, unless it is the first: 0, 8, 16 or 24 bytes, which their
/// number tells apart.
fn push_place(message: &mut Vec<u8>, grid: Option<&GridId>, randomization: u64) {
    message.extend_from_slice(grid.map_or(&[], |id| id));
    if randomization > 0 {
        message.extend_from_slice(&randomization.to_le_bytes());
    }
}

fn first_bytes<const N: usize>(message: &[u8]) -> [u8; N] {
    let hash = blake3::hash(message);
    let mut first = [0; N];
    for (to, from) in first.iter_mut().zip(hash.as_bytes()) {
        *to = *from;
    }
    first
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_blake3() {
        // The published test vector for the empty input.
        assert_eq!(first_bytes::<8>(b""), [0xaf, 0x13, 0x49, 0xb9, 0xf5, 0xf9, 0xa1, 0xa6]);
    }

    #[test]
    fn a_grid_point_is_identified_by_names_and_printed_values() {
        let mut message = GridMessage::new();
        for (name, value) in [("size", "16"), ("temp", "1.5")] {
            let mut cell = Vec::new();
            push_text(&mut cell, name);
            push_text(&mut cell, value);
            message.push(&cell);
        }
        let by_hand = b"sweep1g\0\
            \x04\0\0\0\0\0\0\0size\x02\0\0\0\0\0\0\x0016\
            \x04\0\0\0\0\0\0\0temp\x03\0\0\0\0\0\0\x001.5";
        assert_eq!(message.0, by_hand);
        assert_eq!(message.id(), blake3::hash(by_hand).as_bytes()[..16]);
    }

    #[test]
    fn keys_are_hashed_from_these_bytes() {
        let id: GridId = *b"0123456789abcdef";
        let key = |bytes: &[u8]| u64::from_le_bytes(blake3::hash(bytes).as_bytes()[..8].try_into().unwrap());
        let value = b"sweep1r\0\x2a\0\0\0\0\0\0\0\x05\0\0\0\0\0\0\0noise0123456789abcdef";
        assert_eq!(value_key(Sampling::Independent, 42, "noise", Some(&id), 0), key(value));
        assert_eq!(value_key(Sampling::Independent, 42, "noise", None, 0), key(&value[..29]));
        let seed = b"sweep1s\0\x2a\0\0\0\0\0\0\x000123456789abcdef";
        assert_eq!(seed_key(42, Some(&id), 0), key(seed));
        assert_eq!(seed_key(42, None, 0), key(&seed[..16]));
        // Every randomization except the first is added at the end.
        let again = |bytes: &[u8]| [bytes, b"\x03\0\0\0\0\0\0\0"].concat();
        assert_eq!(value_key(Sampling::Independent, 42, "noise", Some(&id), 3), key(&again(value)));
        assert_eq!(value_key(Sampling::Independent, 42, "noise", None, 3), key(&again(&value[..29])));
        assert_eq!(seed_key(42, Some(&id), 3), key(&again(seed)));
        assert_eq!(seed_key(42, None, 3), key(&again(&seed[..16])));
        // Each sampling has its own tag.
        let tagged = |tag: &[u8]| key(&[b"sweep1", tag, &value[7..]].concat());
        for (sampling, tag) in [(Sampling::LatinHypercube, b"l"), (Sampling::Sobol, b"o"), (Sampling::Halton, b"h")] {
            assert_eq!(value_key(sampling, 42, "noise", Some(&id), 0), tagged(tag));
        }
    }
}
