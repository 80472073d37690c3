//! Owns a job's standard output as text and lines, and the knowledge of what of it is missing.

use std::borrow::Cow;

use crate::record::Kept;

/// What ends a line.
const LINE_ENDS: [char; 2] = ['\n', '\r'];

/// Standard output as text.
pub(super) struct Stdout<'a> {
    text: Cow<'a, str>,
    /// How many bytes were kept, if there were more.
    cut_to: Option<usize>,
}

impl Stdout<'_> {
    pub(super) fn new(kept: &Kept) -> Stdout<'_> {
        let text = match String::from_utf8_lossy(&kept.tail) {
            Cow::Borrowed(text) => Cow::Borrowed(text.strip_prefix('\u{feff}').unwrap_or(text)),
            Cow::Owned(text) => Cow::Owned(text.strip_prefix('\u{feff}').map(Into::into).unwrap_or(text)),
        };
        Stdout { text, cut_to: kept.is_cut().then_some(kept.tail.len()) }
    }

    /// The whole output; none: its beginning is missing.
    pub(super) fn whole(&self) -> Option<&str> {
        self.cut_to.is_none().then_some(&*self.text)
    }

    /// The lines that are whole, trimmed, without empty ones. Where the output was cut, the first of what is left may be
    /// a piece of one and is left out.
    pub(super) fn lines(&self) -> impl DoubleEndedIterator<Item = &str> {
        let whole = match self.cut_to {
            None => &*self.text,
            Some(_) => self.text.split_once(LINE_ENDS).map_or("", |(_, rest)| rest),
        };
        whole.split(LINE_ENDS).map(str::trim).filter(|line| !line.is_empty())
    }

    /// The last line, if it is whole.
    pub(super) fn last_line(&self) -> Option<&str> {
        self.lines().next_back()
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

    /// What the output looks like, for a message.
    pub(super) fn describe(&self) -> String {
        match (self.end(), self.last_line()) {
            ("", _) => NOTHING.into(),
            (_, None) => self.cut("less than its last line").unwrap_or_default(),
            (_, Some(line)) => {
                let cut = self.cut("and what came before is lost").map(|why| format!("; {why}"));
                format!("its last line is {}{}", quote(line), cut.unwrap_or_default())
            }
        }
    }

    /// The sentence that says that the last line is not what it should be, or why not.
    pub(super) fn last_line_is_not(&self, what: &str) -> String {
        match (self.end(), self.last_line()) {
            ("", _) => NOTHING.into(),
            (_, None) => self.cut("less than its last line").unwrap_or_default(),
            (_, Some(line)) => format!("the last line, {}, is not {what}", quote(line)),
        }
    }
}

const NOTHING: &str = "the output is empty";

/// Text of the job's in a message: not too long, and without anything that a terminal would obey.
pub(super) fn quote(text: &str) -> String {
    const MOST: usize = 60;
    let mut quoted: String = text.chars().take(MOST).flat_map(harmless).collect();
    if text.chars().nth(MOST).is_some() {
        quoted.push('…');
    }
    format!("`{quoted}`")
}

fn harmless(c: char) -> impl Iterator<Item = char> {
    let escaped = c.is_control().then(|| c.escape_default());
    let plain = escaped.is_none().then_some(c);
    escaped.into_iter().flatten().chain(plain)
}
