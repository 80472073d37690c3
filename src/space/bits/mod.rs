//! Owns bit sets: which of many things are kept. Counting and finding take O(log n), and the text form is compact.

use std::collections::HashMap;

/// The number of words counted together.
const GROUP: usize = 8;

/// The maximum number of bits: half a gigabyte of memory.
pub(super) const MOST_BITS: u64 = 1 << 32;

/// Shorter copies would take more space than the words.
const SHORTEST_COPY: usize = 2;

/// A bit set. Its text form is the length, a colon, and the packed words in Z85 digits: runs of zeros and of ones,
/// copies of earlier words, and literal words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bits {
    len: u64,
    /// 64 bits each, lowest first. Bits past the end are zero.
    words: Vec<u64>,
    /// The number of ones before each group of words, and of all ones at the end.
    before: Vec<u64>,
    ones: u64,
}

/// Builds a bit set bit by bit.
#[derive(Debug, Default)]
pub(super) struct BitsBuilder {
    len: u64,
    words: Vec<u64>,
}

impl BitsBuilder {
    pub(super) fn push(&mut self, bit: bool) {
        let place = self.len % 64;
        if place == 0 {
            self.words.push(0);
        }
        if let Some(last) = self.words.last_mut() {
            *last |= u64::from(bit) << place;
        }
        self.len += 1;
    }

    /// The bit at a position. None: it is not there yet.
    pub(super) fn get(&self, at: u64) -> Option<bool> {
        bit(&self.words, at).filter(|_| at < self.len)
    }

    pub(super) fn finish(self) -> Bits {
        Bits::new(self.len, self.words)
    }
}

fn bit(words: &[u64], at: u64) -> Option<bool> {
    words.get((at / 64) as usize).map(|word| word >> (at % 64) & 1 == 1)
}

impl Bits {
    fn new(len: u64, words: Vec<u64>) -> Bits {
        let mut ones = 0;
        let mut before = vec![0];
        for group in words.chunks(GROUP) {
            ones += group.iter().map(|word| u64::from(word.count_ones())).sum::<u64>();
            before.push(ones);
        }
        Bits { len, words, before, ones }
    }

    /// The number of bits.
    #[allow(clippy::len_without_is_empty)] // nobody asks
    pub fn len(&self) -> u64 {
        self.len
    }

    /// The number of ones.
    pub fn ones(&self) -> u64 {
        self.ones
    }

    /// The bit at a position. False past the end.
    pub fn get(&self, at: u64) -> bool {
        bit(&self.words, at).unwrap_or(false)
    }

    /// The number of ones before a position.
    pub fn rank(&self, at: u64) -> u64 {
        let word = (at / 64) as usize;
        let group = word / GROUP;
        let Some(before) = self.before.get(group).filter(|_| at < self.len) else { return self.ones() };
        let whole = self.words.iter().take(word).skip(group * GROUP).map(|word| u64::from(word.count_ones()));
        let partial = self.words.get(word).map_or(0, |word| (word & ((1 << (at % 64)) - 1)).count_ones());
        before + whole.sum::<u64>() + u64::from(partial)
    }

    /// The position of a one, counted from 0. None if there are fewer ones.
    pub fn select(&self, one: u64) -> Option<u64> {
        let group = self.before.partition_point(|before| *before <= one).checked_sub(1)?;
        let mut left = one - self.before.get(group)?;
        for (at, word) in self.words.iter().enumerate().skip(group * GROUP).take(GROUP) {
            let ones = u64::from(word.count_ones());
            if left < ones {
                return Some(at as u64 * 64 + u64::from(nth_one(*word, left)));
            }
            left -= ones;
        }
        None
    }
}

/// The position of the nth one of a word, counted from 0. The word has that many.
fn nth_one(mut word: u64, one: u64) -> u32 {
    for _ in 0..one {
        word &= word - 1;
    }
    word.trailing_zeros()
}

impl From<Bits> for String {
    fn from(bits: Bits) -> String {
        format!("{}:{}", bits.len, z85(&pack(&bits.words)))
    }
}

impl TryFrom<String> for Bits {
    type Error = String;

    fn try_from(text: String) -> Result<Bits, String> {
        let read = || {
            let (len, packed) = text.split_once(':')?;
            let len: u64 = len.parse().ok().filter(|len| *len <= MOST_BITS)?;
            let words = unpack(&from_z85(packed)?, len.div_ceil(64) as usize)?;
            let past_end = match len % 64 {
                0 => 0,
                used => words.last()? >> used,
            };
            (past_end == 0).then(|| Bits::new(len, words))
        };
        read().ok_or_else(|| "the stored selection of points is damaged".to_owned())
    }
}

/// The kind of a step of the packed form, in the two lowest bits of a number. The bits above are the number of words it
/// gives.
const ZEROS: u64 = 0;
const ONES: u64 = 1;
const PLAIN: u64 = 2;
const COPY: u64 = 3;

fn pack(words: &[u64]) -> Vec<u8> {
    let mut packed = Vec::new();
    let mut plain_from = 0;
    let mut at = 0;
    let mut last_seen = HashMap::new();
    while let Some(word) = words.get(at) {
        let same = words.iter().skip(at).take_while(|other| *other == word).count();
        let step = match *word {
            0 => Some((ZEROS, same, 0)),
            u64::MAX => Some((ONES, same, 0)),
            _ => last_seen.get(word).and_then(|from: &usize| {
                let ahead = words.iter().skip(*from).zip(words.iter().skip(at));
                let alike = ahead.take_while(|(a, b)| a == b).count();
                (alike >= SHORTEST_COPY).then_some((COPY, alike, at - from))
            }),
        };
        last_seen.insert(*word, at);
        let Some((kind, count, distance)) = step else {
            at += 1;
            continue;
        };
        push_plain(&mut packed, words.get(plain_from..at).unwrap_or_default());
        push_number(&mut packed, (count as u64) << 2 | kind);
        if kind == COPY {
            push_number(&mut packed, distance as u64);
        }
        at += count;
        plain_from = at;
    }
    push_plain(&mut packed, words.get(plain_from..).unwrap_or_default());
    packed
}

fn push_plain(packed: &mut Vec<u8>, words: &[u64]) {
    if !words.is_empty() {
        push_number(packed, (words.len() as u64) << 2 | PLAIN);
        packed.extend(words.iter().flat_map(|word| word.to_le_bytes()));
    }
}

/// Seven bits per byte, lowest first. The highest bit says that more bytes follow.
fn push_number(packed: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        packed.push(number as u8 | 0x80);
        number >>= 7;
    }
    packed.push(number as u8);
}

fn unpack(packed: &[u8], len: usize) -> Option<Vec<u64>> {
    let mut words: Vec<u64> = Vec::new();
    let mut rest = packed.iter().copied();
    while words.len() < len {
        let step = number(&mut rest)?;
        let (kind, count) = (step & 3, usize::try_from(step >> 2).ok()?);
        if count == 0 || count > len - words.len() {
            return None;
        }
        match kind {
            ZEROS => words.resize(words.len() + count, 0),
            ONES => words.resize(words.len() + count, u64::MAX),
            PLAIN => {
                for _ in 0..count {
                    let mut word = [0; 8];
                    for byte in &mut word {
                        *byte = rest.next()?;
                    }
                    words.push(u64::from_le_bytes(word));
                }
            }
            _ => {
                let distance = usize::try_from(number(&mut rest)?).ok()?;
                for _ in 0..count {
                    let from = words.len().checked_sub(distance).filter(|_| distance > 0)?;
                    words.push(*words.get(from)?);
                }
            }
        }
    }
    // The padding of the last digits is zero.
    rest.all(|byte| byte == 0).then_some(words)
}

fn number(bytes: &mut impl Iterator<Item = u8>) -> Option<u64> {
    let mut number = 0;
    for shift in (0..63).step_by(7) {
        let byte = bytes.next()?;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

/// The digits of Z85 (ZeroMQ RFC 32): four bytes become five digits, and no digit needs escaping in JSON. Written here
/// because the `z85` crate refuses lengths that are not a multiple of four, and the stored texts must stay readable.
const DIGITS: &[u8; 85] = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#";

#[allow(clippy::indexing_slicing, reason = "a remainder of 85 is less than the number of digits")]
fn z85(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() / 4 * 5 + 5);
    for chunk in bytes.chunks(4) {
        let mut four = [0; 4];
        for (to, from) in four.iter_mut().zip(chunk) {
            *to = *from;
        }
        let number = u32::from_be_bytes(four);
        for power in [85 * 85 * 85 * 85, 85 * 85 * 85, 85 * 85, 85, 1] {
            text.push(DIGITS[(number / power % 85) as usize] as char);
        }
    }
    text
}

fn from_z85(text: &str) -> Option<Vec<u8>> {
    let mut values = [None; 256];
    for (digit, value) in DIGITS.iter().zip(0_u64..) {
        *values.get_mut(usize::from(*digit))? = Some(value);
    }
    let mut bytes = Vec::with_capacity(text.len() / 5 * 4);
    for five in text.as_bytes().chunks(5) {
        let mut number = 0;
        for digit in five {
            number = number * 85 + values.get(usize::from(*digit)).copied().flatten()?;
        }
        let number = u32::try_from(number).ok().filter(|_| five.len() == 5)?;
        bytes.extend(number.to_be_bytes());
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn bits(of: impl IntoIterator<Item = bool>) -> Bits {
        let mut builder = BitsBuilder::default();
        of.into_iter().for_each(|bit| builder.push(bit));
        builder.finish()
    }

    fn text(bits: &Bits) -> String {
        String::from(bits.clone())
    }

    #[test]
    fn z85_agrees_with_the_standard() {
        let bytes = [0x86, 0x4f, 0xd2, 0x6f, 0xb5, 0x59, 0xf7, 0x5b];
        assert_eq!(z85(&bytes), "HelloWorld");
        assert_eq!(from_z85("HelloWorld").unwrap(), bytes);
    }

    #[test]
    fn regular_bits_have_a_short_text() {
        let million = || 0..1_000_000_u64;
        assert!(text(&bits(million().map(|i| i < 300_000))).len() < 60);
        assert!(text(&bits(million().map(|i| i % 7 == 3))).len() < 200);
        assert!(text(&bits(million().map(|i| i % 63 < 21 && i % 1000 < 500))).len() < 15_000);
        let random = bits(million().map(|i| blake3::hash(&i.to_le_bytes()).as_bytes()[0] & 1 == 1));
        assert!(text(&random).len() < 157_000, "{}", text(&random).len());
    }

    #[test]
    fn damaged_text_is_an_error() {
        for damaged in ["", "3", "3:", "x:00000", "64:0", "99999999999999:00000", "3:##########", "1:%nSc0"] {
            assert!(Bits::try_from(damaged.to_owned()).is_err(), "{damaged}");
        }
        let good = text(&bits([true, false, true]));
        assert!(Bits::try_from(good.replace("3:", "300:")).is_err());
        assert!(Bits::try_from(good.replace("3:", "2:")).is_err());
    }

    fn rows() -> impl Strategy<Value = Vec<bool>> {
        let run = prop_oneof![
            (any::<bool>(), 1..300_usize).prop_map(|(bit, len)| vec![bit; len]),
            prop::collection::vec(any::<bool>(), 0..300),
            (prop::collection::vec(any::<bool>(), 1..30), 1..40_usize).prop_map(|(part, times)| part.repeat(times)),
        ];
        prop::collection::vec(run, 0..6).prop_map(|runs| runs.concat())
    }

    proptest! {
        #[test]
        fn counting_and_finding_are_correct(row in rows()) {
            let bits = bits(row.iter().copied());
            prop_assert_eq!(bits.len(), row.len() as u64);
            let mut ones = 0;
            for (at, bit) in (0..).zip(&row) {
                prop_assert_eq!((bits.get(at), bits.rank(at)), (*bit, ones));
                if *bit {
                    prop_assert_eq!(bits.select(ones), Some(at));
                    ones += 1;
                }
            }
            prop_assert_eq!((bits.ones(), bits.rank(u64::MAX), bits.select(ones)), (ones, ones, None));
            prop_assert_eq!((bits.get(bits.len()), bits.get(u64::MAX)), (false, false));
            prop_assert_eq!(Bits::try_from(text(&bits)), Ok(bits));
        }

        #[test]
        fn no_text_panics(len in 0..200_u64, packed in prop::collection::vec(any::<u8>(), 0..40)) {
            if let Ok(bits) = Bits::try_from(format!("{len}:{}", z85(&packed))) {
                prop_assert_eq!(bits.len(), len);
                prop_assert!(bits.ones() <= len);
            }
        }
    }
}
