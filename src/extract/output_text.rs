//! Owns the end of an output as text, the knowledge of what is missing before it, and how it is described in messages.

use std::borrow::Cow;

use crate::record::Kept;
use crate::visible::visible_in_line;

/// What ends a line.
const LINE_ENDS: [char; 2] = ['\n', '\r'];

/// The end of an output, or all of it, as text.
pub(super) struct OutputText<'a> {
    text: Cow<'a, str>,
    /// How many bytes were kept, if there were more.
    cut_to: Option<usize>,
    /// Whether nobody has read what was not kept.
    lost: bool,
}

impl OutputText<'_> {
    /// The kept end of an output of which the first `handed_on` bytes were read line by line.
    pub(super) fn new(kept: &Kept, handed_on: u64) -> OutputText<'_> {
        let text = match String::from_utf8_lossy(&kept.tail) {
            Cow::Borrowed(text) => Cow::Borrowed(text.strip_prefix(BOM).unwrap_or(text)),
            Cow::Owned(text) => Cow::Owned(text.strip_prefix(BOM).map(Into::into).unwrap_or(text)),
        };
        let lost = kept.total > kept.tail.len() as u64 + handed_on;
        OutputText { text, cut_to: kept.is_cut().then_some(kept.tail.len()), lost }
    }

    /// The whole output; none: its beginning is missing.
    pub(super) fn whole(&self) -> Option<&str> {
        self.cut_to.is_none().then_some(&*self.text)
    }

    /// The last line, trimmed, that is not empty, if it is whole: where the output was cut, the first of what is left may
    /// be a piece of one.
    pub(super) fn last_line(&self) -> Option<&str> {
        let whole = match self.cut_to {
            None => &*self.text,
            Some(_) => self.text.split_once(LINE_ENDS).map_or("", |(_, rest)| rest),
        };
        whole.rsplit(LINE_ENDS).map(str::trim).find(|line| !line.is_empty())
    }

    /// What there is at the very end, whole line or not.
    pub(super) fn end(&self) -> &str {
        self.text.rsplit(LINE_ENDS).map(str::trim).find(|line| !line.is_empty()).unwrap_or_default()
    }

    /// The sentence that says that the output was cut and what follows from it; none: it was not.
    pub(super) fn cut(&self, consequence: &str) -> Option<String> {
        let kept = self.cut_to?;
        Some(format!("the output was cut: only its last {kept} bytes were kept, {consequence}"))
    }

    /// The same where nobody has read what was not kept.
    pub(super) fn lost(&self, consequence: &str) -> Option<String> {
        if self.lost { self.cut(consequence) } else { None }
    }

    /// The sentence that says that the last line is lost, and may have been a number; none: it is known, or is none.
    pub(super) fn lost_last_line(&self) -> Option<String> {
        if self.last_line().is_some() || self.end().len() > LONGEST_NUMBER {
            return None;
        }
        self.cut("less than its last line")
    }

    /// What the output looks like, for a message.
    pub(super) fn describe(&self) -> String {
        match (self.end(), self.last_line()) {
            ("", _) => self.nothing(),
            (_, None) => self.lost("less than its last line").unwrap_or_else(|| "its last line is very long".into()),
            (_, Some(line)) => {
                let lost = self.lost("and what came before is lost").map(|why| format!("; {why}"));
                format!("its last line is {}{}", quote(line), lost.unwrap_or_default())
            }
        }
    }

    /// The sentence that says that the last line is not what it should be, or why not.
    pub(super) fn last_line_is_not(&self, what: &str) -> String {
        match (self.end(), self.last_line()) {
            ("", _) => self.nothing(),
            (_, None) => self.cut("less than its last line").unwrap_or_default(),
            (_, Some(line)) => format!("the last line, {}, is not {what}", quote(line)),
        }
    }

    fn nothing(&self) -> String {
        self.cut("and they are blank").unwrap_or_else(|| "the output is empty".into())
    }
}

/// A byte-order mark.
pub(super) const BOM: char = '\u{feff}';

/// A line that is longer is no number: the largest double has 309 digits before its point.
const LONGEST_NUMBER: usize = 1000;

/// OutputText of the job's in a message: not too long, and without anything that a terminal would obey.
pub(super) fn quote(text: &str) -> String {
    const MOST: usize = 60;
    let mut quoted = visible_in_line(&text.chars().take(MOST).collect::<String>());
    if text.chars().nth(MOST).is_some() {
        quoted.push('…');
    }
    format!("`{quoted}`")
}

/// Names for a message, not too many of them.
pub(super) fn list<'a>(names: impl ExactSizeIterator<Item = &'a str>) -> String {
    const MOST: usize = 12;
    let more = names.len().saturating_sub(MOST);
    let shown = names.take(MOST).map(quote).collect::<Vec<_>>().join(", ");
    if more > 0 { format!("{shown} and {more} more") } else { shown }
}
