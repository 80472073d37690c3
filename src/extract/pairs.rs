//! Owns the format `keyvalue`: lines `name = value` and `name: value`.

use super::lines::{LONGEST, LineParser, OutputLine};
use super::named_values::NamedValues;
use super::output_text::quote;
use super::scalar::scalar;
use crate::value::Value;

/// The lines that give a name a value.
#[derive(Default)]
pub(super) struct Pairs {
    named: NamedValues,
    /// Why there can be no result any more, if so.
    refused: Option<String>,
}

impl LineParser for Pairs {
    fn line(&mut self, line: OutputLine) {
        if self.refused.is_some() {
            return;
        }
        self.refused = match line {
            OutputLine::Whole(text) => pair(text.trim()).and_then(|(name, value)| self.named.set(name, value).err()),
            OutputLine::TooLong(text) => pair(text.trim()).map(|(name, _)| {
                format!("the value of {} is too large: its line is longer than {} KiB", quote(name), LONGEST >> 10)
            }),
        };
    }
}

impl Pairs {
    /// All names with their last values.
    pub(super) fn finish(self) -> Result<NamedValues, String> {
        match self.refused {
            Some(why) => Err(why),
            None => Ok(self.named),
        }
    }
}

fn pair(line: &str) -> Option<(&str, Value)> {
    let end = line.find(|c: char| !(c.is_ascii_alphanumeric() || "_.-".contains(c)))?;
    let (name, rest) = line.split_at(end);
    if !name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
        return None;
    }
    let rest = rest.trim_start();
    if let Some(text) = rest.strip_prefix('=') {
        return (!text.starts_with(['=', '>'])).then(|| (name, scalar(text)));
    }
    let text = rest.strip_prefix(':')?;
    let value = scalar(text);
    let is_apart = text.starts_with(char::is_whitespace) || !matches!(value, Value::Text(_));
    is_apart.then_some((name, value))
}
