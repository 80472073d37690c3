//! Owns the results of one source: values by name, limited in number and size.

use std::collections::HashMap;

use crate::value::Value;

/// The largest number of results of one source.
pub(super) const MOST_NAMES: usize = 10_000;

/// The limit for the text in the results of one source, names included, in bytes.
pub(super) const MOST_TEXT: usize = 256 << 10;

/// Results by name, in the order of their first appearance.
#[derive(Debug, Default)]
pub(super) struct NamedValues {
    list: Vec<(String, Value)>,
    places: HashMap<String, usize>,
    /// Bytes of names and text values.
    text: usize,
}

impl NamedValues {
    pub(super) fn of(name: &str, value: Value) -> NamedValues {
        NamedValues { list: vec![(name.to_owned(), value)], places: HashMap::from([(name.to_owned(), 0)]), text: 0 }
    }

    /// Sets the value of a name, replacing an earlier one.
    ///
    /// # Errors
    /// If there are too many results, or too much text.
    pub(super) fn set(&mut self, name: &str, value: Value) -> Result<(), String> {
        self.text += length(&value);
        match self.places.get(name).and_then(|place| self.list.get_mut(*place)) {
            Some((_, present)) => {
                self.text -= length(present);
                *present = value;
            }
            None => {
                self.text += name.len();
                self.places.insert(name.to_owned(), self.list.len());
                self.list.push((name.to_owned(), value));
            }
        }
        if self.list.len() > MOST_NAMES {
            return Err(format!("the output has more than {MOST_NAMES} results; {CHOOSE}"));
        }
        if self.text > MOST_TEXT {
            return Err(format!("the output has more than {} KiB of text in its results; {CHOOSE}", MOST_TEXT >> 10));
        }
        Ok(())
    }

    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        self.list.get(*self.places.get(name)?).map(|(_, value)| value)
    }

    /// Keeps only the names for which `keep` is true. O(number of results).
    pub(super) fn retain(&mut self, keep: impl Fn(&str) -> bool) {
        self.list.retain(|(name, _)| keep(name));
        self.text = self.list.iter().map(|(name, value)| name.len() + length(value)).sum();
        self.places = self.list.iter().enumerate().map(|(place, (name, _))| (name.clone(), place)).collect();
    }

    pub(super) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The names that have a value.
    pub(super) fn with_value(&self) -> Vec<&str> {
        let with_value = self.list.iter().filter(|(_, value)| *value != Value::Missing);
        with_value.map(|(name, _)| name.as_str()).collect()
    }

    pub(super) fn into_list(self) -> Vec<(String, Value)> {
        self.list
    }
}

const CHOOSE: &str = "select the ones you need with `columns` under `[results]`, with `format = \"json\"` or \"regex\"";

fn length(value: &Value) -> usize {
    if let Value::Text(text) = value { text.len() } else { 0 }
}
