//! Owns the kept end of an output as text, with what is missing before it, and its description in messages.

use std::borrow::Cow;

use super::colours::without_escapes;
use crate::record::Kept;
use crate::visible::visible_in_line;

/// Line endings.
const LINE_ENDS: [char; 2] = ['\n', '\r'];

/// The end of an output, or all of it, as text.
pub(super) struct OutputText<'a> {
    text: Cow<'a, str>,
    /// The number of bytes kept, if the output was longer.
    cut_to: Option<usize>,
    /// Whether the part that was not kept was not read either.
    lost: bool,
}

impl OutputText<'_> {
    /// The kept end of an output whose first `handed_on` bytes were read line by line.
    pub(super) fn new(kept: &Kept, handed_on: u64) -> OutputText<'_> {
        let plain = |text: &str| without_escapes(text.strip_prefix(BOM).unwrap_or(text)).into_owned();
        let text = match String::from_utf8_lossy(&kept.tail) {
            Cow::Borrowed(text) => without_escapes(text.strip_prefix(BOM).unwrap_or(text)),
            Cow::Owned(text) => Cow::Owned(plain(&text)),
        };
        let lost = kept.total > kept.tail.len() as u64 + handed_on;
        OutputText { text, cut_to: kept.is_cut().then_some(kept.tail.len()), lost }
    }

    /// The whole output. None: its beginning is missing.
    pub(super) fn whole(&self) -> Option<&str> {
        self.cut_to.is_none().then_some(&*self.text)
    }

    /// The last non-empty line, trimmed, if it is complete. If the output was cut, the first line of the rest may be
    /// incomplete.
    pub(super) fn last_line(&self) -> Option<&str> {
        last_line(self.complete_lines())
    }

    /// The text without a first line that may be incomplete because the output was cut.
    pub(super) fn complete_lines(&self) -> &str {
        match self.cut_to {
            None => &self.text,
            Some(_) => self.text.split_once(LINE_ENDS).map_or("", |(_, rest)| rest),
        }
    }

    /// The text at the very end, complete line or not.
    pub(super) fn end(&self) -> &str {
        last_line(&self.text).unwrap_or_default()
    }

    /// Whether the beginning of the output is missing.
    pub(super) fn is_cut(&self) -> bool {
        self.cut_to.is_some()
    }

    /// The message that the output was cut, with the consequence. None: it was not cut.
    pub(super) fn cut(&self, consequence: &str) -> Option<String> {
        let kept = self.cut_to?;
        Some(format!("the output was cut: only its last {kept} bytes were kept, {consequence}"))
    }

    /// The same if the part that was not kept was not read either.
    pub(super) fn lost(&self, consequence: &str) -> Option<String> {
        if self.lost { self.cut(consequence) } else { None }
    }

    /// The message that the last line is lost and may have been a number. None: it is known, or is not a number.
    pub(super) fn lost_last_line(&self) -> Option<String> {
        if self.last_line().is_some() || self.end().len() > LONGEST_NUMBER {
            return None;
        }
        self.cut("which is less than its last line")
    }

    /// A description of the output, for messages.
    pub(super) fn describe(&self) -> String {
        match (self.end(), self.last_line()) {
            ("", _) => self.nothing(),
            (_, None) => {
                self.lost("which is less than its last line").unwrap_or_else(|| "its last line is very long".into())
            }
            (_, Some(line)) => {
                let lost = self.lost("and the output before them is lost").map(|why| format!("; {why}"));
                format!("its last line is {}{}", quote(line), lost.unwrap_or_default())
            }
        }
    }

    /// The message that the last line is not what it should be, or why not.
    pub(super) fn last_line_is_not(&self, what: &str) -> String {
        match (self.end(), self.last_line()) {
            ("", _) => self.nothing(),
            (_, None) => {
                self.cut("which is less than its last line").unwrap_or_else(|| format!("the last line is not {what}"))
            }
            (_, Some(line)) => format!("the last line, {}, is not {what}", quote(line)),
        }
    }

    fn nothing(&self) -> String {
        self.cut("and they are blank").unwrap_or_else(|| "the output is empty".into())
    }
}

/// The last line that is not blank, trimmed.
pub(super) fn last_line(text: &str) -> Option<&str> {
    text.rsplit(LINE_ENDS).map(str::trim).find(|line| !line.is_empty())
}

/// A byte-order mark.
pub(super) const BOM: char = '\u{feff}';

/// A longer line is not a number: the largest double has 309 digits before its point.
const LONGEST_NUMBER: usize = 1000;

/// Text printed by a job, for a message: shortened, with control characters made visible.
pub(super) fn quote(text: &str) -> String {
    const MOST: usize = 60;
    let mut quoted = visible_in_line(&text.chars().take(MOST).collect::<String>());
    if text.chars().nth(MOST).is_some() {
        quoted.push('…');
    }
    format!("`{quoted}`")
}

/// Names for a message, limited in number.
pub(super) fn list<'a>(names: impl ExactSizeIterator<Item = &'a str>) -> String {
    const MOST: usize = 12;
    let more = names.len().saturating_sub(MOST);
    let shown = names.take(MOST).map(quote).collect::<Vec<_>>().join(", ");
    if more > 0 { format!("{shown} and {more} more") } else { shown }
}
