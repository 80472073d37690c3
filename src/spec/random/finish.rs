//! Owns reading `clip` and `round` of a random parameter.

use toml::de::DeValue;

use super::super::Diagnostic;
use super::super::table_reader::{Entry, integer};
use super::{DistReader, number};

impl DistReader<'_, '_> {
    /// Outer none: an error was reported. Inner none: the key is absent.
    pub(super) fn clip(&self) -> Option<Option<(f64, f64)>> {
        let Some(entry) = self.reader.entry("clip") else { return Some(None) };
        const FORM: &str = "write clip = [0.5, 1.5]: lower values become 0.5 and higher values become 1.5";
        let Some(array) = entry.value.as_array() else {
            return self.reader.wrong(&entry, "a list of two numbers", FORM.into());
        };
        let Some([low, high]) = array.get(..).and_then(two) else {
            let message = format!("`clip` needs two bounds, and this list has {}", array.len());
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
            (format!("the bounds of `clip` are both {low}"), "put a constant under [grid]")
        } else {
            (
                format!("the bounds of `clip` are in the wrong order: {low} is greater than {high}"),
                "write the lower bound first",
            )
        };
        self.push(Diagnostic::error(message, entry.span.clone()).help(help));
        None
    }

    /// Outer none: an error was reported. Inner none: the key is absent.
    pub(super) fn round(&self) -> Option<Option<String>> {
        let Some(entry) = self.reader.entry("round") else { return Some(None) };
        let (number, span) = number(&entry, "round", self.reader.sink)?;
        if number <= 0.0 {
            let found = Diagnostic::error("`round` must be greater than 0", span);
            self.push(
                found.help("values are rounded to the nearest multiple of `round`: write 0.05, for example, or 1 for whole numbers"),
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
