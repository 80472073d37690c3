//! Owns reading the distributions over given values: choices with their weights, and permutations.

use toml::de::DeValue;

use super::super::table_reader::Entry;
use super::super::{Diagnostic, grid};
use super::{DistReader, number};
use crate::space::Dist;

/// The longest permutation: a longer one would not fit into a command line.
const LONGEST_PERMUTATION: u64 = 100_000;

impl DistReader<'_, '_> {
    pub(super) fn choice(&self) -> Option<Dist> {
        let entry = self.entry("values")?;
        let DeValue::Array(array) = entry.value else {
            return self.reader.wrong(&entry, "a list", "write values = [1, 2, 3]".into());
        };
        let named = Entry { key: self.parameter.key, ..entry };
        let values = grid::list(&named, array, "to draw one more often, use `weights`", self.reader.sink);
        let weights = match self.reader.entry("weights") {
            Some(entry) => Some(self.weights(&entry, array.len())?),
            None => None,
        };
        Some(Dist::Choice { values: values?, weights })
    }

    fn weights(&self, entry: &Entry, expected: usize) -> Option<Vec<f64>> {
        let DeValue::Array(array) = entry.value else {
            return self.reader.wrong(entry, "a list of numbers", "write weights = [3, 1]".into());
        };
        let wrong = |message: String, help: &str| {
            self.push(Diagnostic::error(message, entry.span.clone()).help(help));
            None
        };
        if array.len() != expected {
            let message = format!("`{}` has {expected} values but {} weights", self.parameter.key, array.len());
            return wrong(message, "write one weight for each value, in the same order");
        }
        let mut weights = Vec::with_capacity(expected);
        for weight in array.iter() {
            let entry = Entry {
                key: "weights",
                key_span: entry.key_span.clone(),
                value: weight.get_ref(),
                span: weight.span(),
            };
            let (number, span) = number(&entry, "a weight", self.reader.sink)?;
            if number < 0.0 {
                self.push(
                    Diagnostic::error("a weight cannot be negative", span)
                        .help("write 0 for a value that is never drawn"),
                );
                return None;
            }
            weights.push(number);
        }
        let sum: f64 = weights.iter().sum();
        if sum == 0.0 || !sum.is_finite() {
            let what = if sum == 0.0 { "zero" } else { "too large" };
            return wrong(
                format!("the weights add up to {what}"),
                "they need not add up to 1, but one must be above 0 and their sum finite",
            );
        }
        Some(weights)
    }

    pub(super) fn permutation(&self) -> Option<Dist> {
        self.entry("of")?;
        let of = self.reader.whole("of", 1..=LONGEST_PERMUTATION)?;
        Some(Dist::Permutation { of: u32::try_from(of).ok()? })
    }
}
