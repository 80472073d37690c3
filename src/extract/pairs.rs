//! Owns the format `keyvalue`: the results of the lines that have pairs.

use super::colours::without_escapes;
use super::lines::{LONGEST, LineParser, OutputLine};
use super::named_values::NamedValues;
use super::output_text::quote;
use super::pair_line::{is_plain_name, pairs};

/// The most different names with spaces or brackets. Output that has more is a log (`step 1 of run a: 0.3`), and such
/// names are no results.
pub(super) const MOST_WIDE_NAMES: usize = 1000;

/// The lines that give names values.
#[derive(Default)]
pub(super) struct Pairs {
    named: NamedValues,
    /// The number of different names with spaces or brackets; none: there were too many, and they do not count.
    wide_names: WideNames,
    /// Why there can be no result any more, if so.
    refused: Option<String>,
    /// Whether a line that may begin a JSON object came after the last pair.
    object_began: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum WideNames {
    Counted(usize),
    TooMany,
}

impl Default for WideNames {
    fn default() -> Self {
        WideNames::Counted(0)
    }
}

impl LineParser for Pairs {
    fn line(&mut self, line: OutputLine) {
        if self.refused.is_some() {
            return;
        }
        let (OutputLine::Whole(text) | OutputLine::TooLong(text)) = &line;
        let text = without_escapes(text);
        let found = pairs(text.trim());
        if found.is_empty() {
            self.object_began |= begins_object(&text);
            return;
        }
        self.object_began = false;
        self.refused = match (line, found.first()) {
            (OutputLine::TooLong(_), Some((name, _))) => Some(format!(
                "the value of {} is too large: its line is longer than {} KiB",
                quote(name),
                LONGEST >> 10
            )),
            _ => found.into_iter().find_map(|(name, value)| self.take(&name, value).err()),
        };
    }
}

impl Pairs {
    fn take(&mut self, name: &str, value: crate::value::Value) -> Result<(), String> {
        if !is_plain_name(name) {
            let WideNames::Counted(count) = self.wide_names else { return Ok(()) };
            let count = count + usize::from(self.named.get(name).is_none());
            self.wide_names = WideNames::Counted(count);
            if count > MOST_WIDE_NAMES {
                self.wide_names = WideNames::TooMany;
                self.named.retain(is_plain_name);
                return Ok(());
            }
        }
        self.named.set(name, value)
    }

    /// Whether a line that may begin a JSON object came after the last pair.
    pub(super) fn object_began(&self) -> bool {
        self.object_began
    }

    /// All names with their last values.
    pub(super) fn finish(self) -> Result<NamedValues, String> {
        match self.refused {
            Some(why) => Err(why),
            None => Ok(self.named),
        }
    }
}

/// Whether a line may be the first one of a JSON object.
fn begins_object(line: &str) -> bool {
    let inside = line.trim_start().strip_prefix('{').map(str::trim_start);
    inside.is_some_and(|inside| inside.is_empty() || inside.starts_with(['"', '\'', '}']))
}
