//! Owns permutations: an order of 0 … of−1 as text, `3,0,17,…`.

use std::fmt::Write;

use super::super::philox::Words;
use crate::value::Value;

/// The maximum length. A million numbers are already seven megabytes of text.
const LONGEST: u32 = 1_000_000;

#[derive(Debug)]
pub(in crate::space) struct Permutation {
    of: u32,
}

impl Permutation {
    pub(super) fn new(of: u32) -> Result<Permutation, String> {
        match of {
            0 => Err("`of` must be at least 1, not 0".into()),
            1..=LONGEST => Ok(Permutation { of }),
            _ => Err(format!("`of` must be at most {LONGEST}, not {of}")),
        }
    }

    /// Shuffles 0 … of−1 after Fisher and Yates, from the back: for i from of−1 down to 1, elements i and j are
    /// swapped, j unbiased in 0 … i.
    pub(in crate::space) fn value(&self, words: &mut Words) -> Value {
        let mut order: Vec<u32> = (0..self.of).collect();
        for i in (1..order.len()).rev() {
            order.swap(i, unbiased_below(words, i as u64 + 1) as usize);
        }
        let mut text = String::with_capacity(order.len() * 4);
        for (i, element) in order.iter().enumerate() {
            let comma = if i > 0 { "," } else { "" };
            // Writing to a string cannot fail.
            let _ = write!(text, "{comma}{element}");
        }
        Value::Text(text)
    }
}

/// A number in 0 … bound−1, all exactly equally likely: D. Lemire, "Fast random integer generation in an interval",
/// 2019. A word whose low half of word·bound is below 2^64 mod bound is skipped.
fn unbiased_below(words: &mut Words, bound: u64) -> u64 {
    let rejected_below = bound.wrapping_neg() % bound;
    loop {
        let product = u128::from(words.next()) * u128::from(bound);
        if product as u64 >= rejected_below {
            return (product >> 64) as u64;
        }
    }
}
