//! Owns the forms of one column of a chunk: differences, decimals, and dictionaries of repeated values.

use std::collections::HashMap;
use std::hash::Hash;

use serde::{Deserialize, Serialize};

/// Whole numbers as differences: each minus the one before, the first minus 0. Differences wrap around, so every value
/// reads back.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Differences(Vec<i64>);

impl Differences {
    pub(super) fn of(values: impl Iterator<Item = u64>) -> Differences {
        let mut last = 0_u64;
        let mut differences = Vec::with_capacity(values.size_hint().0);
        for value in values {
            differences.push(value.wrapping_sub(last).cast_signed());
            last = value;
        }
        Differences(differences)
    }

    pub(super) fn values(&self) -> Vec<u64> {
        let mut last = 0_u64;
        let sum = |difference: &i64| {
            last = last.wrapping_add(difference.cast_unsigned());
            last
        };
        self.0.iter().map(sum).collect()
    }
}

/// Doubles.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Doubles {
    /// Whole numbers to be divided by a power of ten: doubles that were written with a few decimals.
    Decimal { places: u8, numbers: Vec<i64> },
    /// The most significant bytes of all doubles, then the second bytes of all, and so on. Neighbouring bytes are then
    /// similar and deflate well.
    Bytes(Vec<u8>),
}

/// The most decimals that are tried. Up to this, the whole number and the power of ten are both exact as doubles. The
/// division rounds correctly, and so does the parsing of a decimal, so the two agree.
const MAX_PLACES: u8 = 12;

/// Below this, every whole number is exact as a double: 2^53.
const EXACT: f64 = 9_007_199_254_740_992.0;

impl Doubles {
    pub(super) fn of(values: Vec<f64>) -> Doubles {
        let mut places = 0;
        for value in &values {
            // A value with more decimals than those before it: they can be written with as many.
            match (places..=MAX_PLACES).find(|places| scaled(*value, *places).is_some()) {
                Some(needed) => places = needed,
                None => return Doubles::bytes(&values),
            }
        }
        let numbers: Option<Vec<i64>> = values.iter().map(|value| scaled(*value, places)).collect();
        numbers.map_or_else(|| Doubles::bytes(&values), |numbers| Doubles::Decimal { places, numbers })
    }

    fn bytes(values: &[f64]) -> Doubles {
        let plane = |n: usize| values.iter().filter_map(move |value| value.to_be_bytes().get(n).copied());
        Doubles::Bytes((0..8).flat_map(plane).collect())
    }

    /// The doubles; none: the bytes are damaged.
    pub(super) fn values(self) -> Option<Vec<f64>> {
        match self {
            Doubles::Decimal { places, numbers } => {
                let power = power_of_ten(places)?;
                Some(numbers.into_iter().map(|number| number as f64 / power).collect())
            }
            Doubles::Bytes(bytes) if bytes.len().is_multiple_of(8) => {
                let length = bytes.len() / 8;
                let value = |n: usize| {
                    let mut value = [0; 8];
                    for (at, byte) in value.iter_mut().enumerate() {
                        *byte = *bytes.get(at * length + n)?;
                    }
                    Some(f64::from_be_bytes(value))
                };
                (0..length).map(value).collect()
            }
            Doubles::Bytes(_) => None,
        }
    }
}

fn power_of_ten(places: u8) -> Option<f64> {
    // Exact up to 10^22.
    (places <= MAX_PLACES).then(|| 10_f64.powi(i32::from(places)))
}

/// The value as a whole number over 10^`places`, if it is exactly that.
fn scaled(value: f64, places: u8) -> Option<i64> {
    let power = power_of_ten(places)?;
    let number = (value * power).round();
    let is_exact = number.abs() < EXACT && (number as i64 as f64 / power).to_bits() == value.to_bits();
    is_exact.then_some(number as i64)
}

/// Values that repeat: each different value once, in order of first appearance, and for each place the position of its
/// value in that list.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Dictionary<T> {
    words: Vec<T>,
    /// Empty if there is only one word.
    places: Vec<u32>,
}

impl<T: Clone + Eq + Hash> Dictionary<T> {
    pub(super) fn of(values: impl Iterator<Item = T>) -> Dictionary<T> {
        let (mut words, mut known, mut places) = (Vec::new(), HashMap::new(), Vec::new());
        for value in values {
            let next = words.len() as u32;
            let place = *known.entry(value).or_insert_with_key(|word: &T| {
                words.push(word.clone());
                next
            });
            places.push(place);
        }
        if words.len() == 1 {
            places.clear();
        }
        Dictionary { words, places }
    }
}

impl<T: Clone> Dictionary<T> {
    /// The value of each of `length` places; none: the bytes are damaged.
    pub(super) fn values(self, length: usize) -> Option<Vec<T>> {
        match self.words.as_slice() {
            [word] if self.places.is_empty() => Some(vec![word.clone(); length]),
            words => self.places.iter().map(|place| words.get(*place as usize).cloned()).collect(),
        }
    }
}
