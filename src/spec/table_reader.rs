//! Owns taking typed values out of a TOML table. Wrong values are reported, and reading continues.

use std::cell::RefCell;
use std::ops::Range;

use toml::de::{DeInteger, DeTable, DeValue};

use super::keys::{self, Keys, not_yet};
use super::{Diagnostic, Severity};
use crate::suggest::{list, nearest};

/// Collects diagnostics.
#[derive(Default)]
pub(super) struct Sink(RefCell<Vec<Diagnostic>>);

impl Sink {
    pub fn push(&self, found: Diagnostic) {
        self.0.borrow_mut().push(found);
    }

    pub fn has_errors(&self) -> bool {
        self.0.borrow().iter().any(|found| found.severity == Severity::Error)
    }

    /// The number of errors.
    pub fn errors(&self) -> usize {
        self.0.borrow().iter().filter(|found| found.severity == Severity::Error).count()
    }

    pub fn into_list(self) -> Vec<Diagnostic> {
        self.0.into_inner()
    }
}

/// A key with its value, and the place of both.
#[derive(Clone, Debug)]
pub(super) struct Entry<'a> {
    pub key: &'a str,
    pub key_span: Range<usize>,
    pub value: &'a DeValue<'a>,
    pub span: Range<usize>,
}

/// A TOML table, and where to report errors.
#[derive(Clone, Copy)]
pub(super) struct TableReader<'a> {
    pub table: &'a DeTable<'a>,
    pub sink: &'a Sink,
}

impl<'a> TableReader<'a> {
    /// All entries, in the order of the file.
    pub fn entries(self) -> impl Iterator<Item = Entry<'a>> {
        self.table.iter().map(|(key, value)| Entry {
            key: key.get_ref(),
            key_span: key.span(),
            value: value.get_ref(),
            span: value.span(),
        })
    }

    pub fn entry(self, key: &str) -> Option<Entry<'a>> {
        self.table.get_key_value(key).map(|(key, value)| Entry {
            key: key.get_ref(),
            key_span: key.span(),
            value: value.get_ref(),
            span: value.span(),
        })
    }

    /// A text value and its place.
    pub fn text(self, key: &str) -> Option<(&'a str, Range<usize>)> {
        let entry = self.entry(key)?;
        match entry.value {
            DeValue::String(text) => Some((text, entry.span)),
            _ => self.wrong(&entry, "text", text_help(&entry)),
        }
    }

    /// A text value, if the key has one.
    pub fn text_of(self, key: &str) -> Option<&'a str> {
        self.entry(key)?.value.as_str()
    }

    pub fn flag(self, key: &str) -> Option<bool> {
        let entry = self.entry(key)?;
        match entry.value {
            DeValue::Boolean(flag) => Some(*flag),
            _ => {
                self.wrong(&entry, "true or false", format!("write `{key} = true` or `{key} = false`, without quotes"))
            }
        }
    }

    /// A whole number within bounds.
    pub fn whole(self, key: &str, bounds: std::ops::RangeInclusive<u64>) -> Option<u64> {
        let entry = self.entry(key)?;
        let DeValue::Integer(written) = entry.value else {
            return self.wrong(
                &entry,
                "a whole number",
                format!("write, for example, `{key} = {}`", bounds.start().max(&10)),
            );
        };
        let number = integer(written).and_then(|number| u64::try_from(number).ok());
        if let Some(number) = number.filter(|number| bounds.contains(number)) {
            return Some(number);
        }
        let negative = written.as_str().starts_with('-');
        let message = if negative || number.is_some_and(|number| number < *bounds.start()) {
            format!("`{key}` must be at least {}", bounds.start())
        } else {
            format!("`{key}` must be at most {}", bounds.end())
        };
        self.sink.push(Diagnostic::error(message, entry.span));
        None
    }

    /// A list of text values, each with its place.
    pub fn texts(self, key: &str) -> Option<Vec<(&'a str, Range<usize>)>> {
        let entry = self.entry(key)?;
        let DeValue::Array(array) = entry.value else {
            return self.wrong(&entry, "a list of text values", format!("write {key} = [\"…\"]"));
        };
        let read: Vec<Option<(&str, Range<usize>)>> = array
            .iter()
            .map(|value| match value.get_ref() {
                DeValue::String(text) => Some((&**text, value.span())),
                other => {
                    let message = format!("`{key}` must contain only text, not {}", kind(other));
                    self.sink.push(Diagnostic::error(message, value.span()).help("put it in quotes"));
                    None
                }
            })
            .collect();
        read.into_iter().collect()
    }

    /// The table under a key.
    pub fn table(self, key: &str) -> Option<TableReader<'a>> {
        let entry = self.entry(key)?;
        match entry.value {
            DeValue::Table(table) => Some(TableReader { table, sink: self.sink }),
            DeValue::Array(_) => self.wrong(&entry, "one table", format!("write [{key}], in single brackets, once")),
            _ => self.wrong(&entry, "a table", format!("write [{key}] on a line of its own and its keys below")),
        }
    }

    /// Reports that a value has the wrong type.
    pub fn wrong<T>(self, entry: &Entry, expected: &str, help: String) -> Option<T> {
        let message = format!("`{}` must be {expected}, not {}", entry.key, kind(entry.value));
        self.sink.push(Diagnostic::error(message, entry.span.clone()).help(help));
        None
    }

    /// Whether it has a key that is not allowed.
    pub fn has_foreign(self, keys: &Keys) -> bool {
        self.entries().any(|entry| !keys.known.contains(&entry.key))
    }

    /// Reports keys that are not allowed.
    pub fn finish(self, keys: &Keys) {
        for entry in self.entries().filter(|entry| !keys.known.contains(&entry.key)) {
            let found = if keys.later.contains(&entry.key) {
                let help = "remove it, or use a version of sweep that supports it";
                Diagnostic::error(not_yet(&format!("`{}`", entry.key)), entry.key_span).help(help)
            } else {
                unknown(&entry, keys)
            };
            self.sink.push(found);
        }
    }
}

fn text_help(entry: &Entry) -> String {
    match entry.value {
        DeValue::Integer(_) | DeValue::Float(_) | DeValue::Boolean(_) | DeValue::Datetime(_) => {
            format!("put it in quotes: {} = \"{}\"", entry.key, shown(entry.value))
        }
        _ => format!("write {} = \"…\"", entry.key),
    }
}

fn shown(value: &DeValue) -> String {
    match value {
        DeValue::Integer(number) => number.to_string(),
        DeValue::Float(number) => number.to_string(),
        DeValue::Boolean(flag) => flag.to_string(),
        DeValue::Datetime(time) => time.to_string(),
        _ => "…".into(),
    }
}

/// The key that an unknown one was probably meant to be.
pub(super) fn meant<'a>(key: &str, keys: &Keys<'a>) -> Option<&'a str> {
    let is_key = |meant: &str| keys.known.contains(&meant) || keys.later.contains(&meant) || meant == "[…]";
    let mut aliases = keys.aliases.iter().filter(|(typed, meant)| *typed == key && is_key(meant));
    let alias = aliases.next().map(|(_, meant)| *meant);
    alias.or_else(|| nearest(key, keys.known.iter().copied().chain(keys.later.iter().copied())))
}

fn unknown(entry: &Entry, keys: &Keys) -> Diagnostic {
    let near = meant(entry.key, keys);
    let at_top = keys.place == keys::TOP.place;
    let preposition = if at_top { "at" } else { "of" };
    let known = format!("the keys {preposition} {} are {}", keys.place, list(keys.known));
    let unknown = |hint: &str| Diagnostic::error(format!("unknown key `{}`{hint}", entry.key), entry.key_span.clone());
    let is_alias = keys.aliases.iter().any(|(typed, _)| *typed == entry.key);
    if let Some(home) = keys::home(entry.key).filter(|home| *home != keys.place && !is_alias) {
        let remedy = match home {
            home if home == keys::TOP.place => {
                format!("move it to the top of the file, above the first line with [...]; {known}")
            }
            home => format!("move it under {home}; {known}"),
        };
        let (here, there) = if at_top { ("at", "in") } else { ("in", "at") };
        let there = if home == keys::TOP.place { there } else { "in" };
        return unknown(&format!(" {here} {}: it belongs {there} {home}", keys.place)).help(remedy);
    }
    match near {
        Some(near) => unknown(&format!("; did you mean `{near}`?")).help(known),
        None if at_top && matches!(entry.value, DeValue::Array(_) | DeValue::Table(_)) => {
            unknown("").help(format!("if `{}` is a parameter, it belongs under [grid]; {known}", entry.key))
        }
        None if keys.place == keys::BLOCK.place => {
            unknown("").help(format!("if `{0}` is a parameter, write grid = {{ {0} = … }}; {known}", entry.key))
        }
        None => unknown("").help(known),
    }
}

/// The type of a value, for messages.
pub(super) fn kind(value: &DeValue) -> &'static str {
    match value {
        DeValue::String(_) => "text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a number with a fraction",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date or a time",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

/// The value of an integer, in any base. None if it has more than 127 bits.
pub(super) fn integer(written: &DeInteger) -> Option<i128> {
    i128::from_str_radix(written.as_str(), written.radix()).ok()
}
