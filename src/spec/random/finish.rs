//! Owns `clip` and `round` of a random parameter.

use toml::de::DeValue;

use super::super::Diagnostic;
use super::super::table_reader::{Entry, integer};
use super::{DistReader, number};

impl DistReader<'_, '_> {
    /// None: wrong. Inside, none: not there.
    pub(super) fn clip(&self) -> Option<Option<(f64, f64)>> {
        let Some(entry) = self.reader.entry("clip") else { return Some(None) };
        const FORM: &str =
            "write clip = [0.5, 1.5]: values below the first are given it, values above the second that one";
        let Some(array) = entry.value.as_array() else {
            return self.reader.wrong(&entry, "a list of two numbers", FORM.into());
        };
        let Some([low, high]) = array.get(..).and_then(two) else {
            let message = format!("`clip` has two bounds, and here are {}", array.len());
            self.push(Diagnostic::error(message, entry.span.clone()).help(FORM));
            return None;
        };
        let bound = |value: &toml::Spanned<DeValue>| {
            let entry =
                Entry { key: "clip", key_span: entry.key_span.clone(), value: value.get_ref(), span: value.span() };
            number(&entry, "a bound of `clip`", self.reader.sink)
        };
        let ((low, _), (high, _)) = (bound(low)?, bound(high)?);
        if low < high {
            return Some(Some((low, high)));
        }
        let (message, help) = if low == high {
            (format!("the bounds of `clip` are both {low}"), "a constant belongs under [grid]")
        } else {
            (
                format!("the bounds of `clip` are in the wrong order: {low} is greater than {high}"),
                "the lower one comes first",
            )
        };
        self.push(Diagnostic::error(message, entry.span.clone()).help(help));
        None
    }

    /// None: wrong. Inside, none: not there.
    pub(super) fn round(&self) -> Option<Option<String>> {
        let Some(entry) = self.reader.entry("round") else { return Some(None) };
        let (number, span) = number(&entry, "round", self.reader.sink)?;
        if number <= 0.0 {
            let found = Diagnostic::error("`round` must be greater than 0", span);
            self.push(
                found.help("values are rounded to the nearest multiple of it: round = 0.05, or 1 for whole numbers"),
            );
            return None;
        }
        let text = match entry.value {
            DeValue::Integer(written) => integer(written).map(|whole| whole.to_string()),
            DeValue::Float(written) => Some(written.as_str().replace(['+', '_'], "")),
            _ => None,
        };
        text.map(Some)
    }
}

fn two<T>(list: &[T]) -> Option<[&T; 2]> {
    match list {
        [one, other] => Some([one, other]),
        _ => None,
    }
}
