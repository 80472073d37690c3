//! Owns a text split into literal runs and template tags, and the mapping from a position in the template to the
//! position in the text as written.

use std::ops::Range;

use super::tags::{Tag, TagKind, Unclosed, tags};
use crate::expr::rewrite;

/// A run of literal text, or a tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Segment {
    /// Text without quotes and backslashes, and the position of each of its characters in the text as written.
    Literal(String, Vec<usize>),
    /// A tag, as written.
    Tag(Tag),
}

/// Segments in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Segments(pub Vec<Segment>);

impl Segments {
    /// Splits a text that has no quoting of its own.
    pub fn of(text: &str) -> Result<Segments, Unclosed> {
        let mut segments = Segments::default();
        let mut at = 0;
        for tag in tags(text)? {
            segments.push_text(text, at..tag.range.start);
            at = tag.range.end;
            segments.0.push(Segment::Tag(tag));
        }
        segments.push_text(text, at..text.len());
        Ok(segments)
    }

    #[allow(clippy::indexing_slicing, reason = "tags begin and end at ASCII characters of the text, in order")]
    fn push_text(&mut self, text: &str, range: Range<usize>) {
        for (offset, c) in text[range.clone()].char_indices() {
            self.push_char(c, range.start + offset);
        }
    }

    /// Adds a literal character from byte `at` of the text as written.
    pub fn push_char(&mut self, c: char, at: usize) {
        if let Some(Segment::Literal(text, places)) = self.0.last_mut() {
            text.push(c);
            places.push(at);
        } else {
            self.0.push(Segment::Literal(c.into(), vec![at]));
        }
    }

    /// The only segment, if it is a tag.
    pub fn lone_tag(&self) -> Option<&Tag> {
        match self.0.as_slice() {
            [Segment::Tag(tag)] => Some(tag),
            _ => None,
        }
    }

    /// All tags.
    pub fn tags(&self) -> impl Iterator<Item = &Tag> {
        self.0.iter().filter_map(|segment| match segment {
            Segment::Tag(tag) => Some(tag),
            Segment::Literal(..) => None,
        })
    }

    /// The template for minijinja. Literal text that would start a tag, such as a quoted brace, is escaped. `written` is
    /// the text that was split.
    #[allow(clippy::indexing_slicing, reason = "tags begin and end at ASCII characters of the text as written")]
    pub fn template(&self, written: &str) -> (String, SourceMap) {
        let mut template = String::new();
        let mut places = SourceMap::default();
        for (i, segment) in self.0.iter().enumerate() {
            match segment {
                Segment::Tag(tag) => {
                    places.0.push((template.len(), tag.range.start));
                    template.push_str(&written[tag.range.clone()]);
                }
                Segment::Literal(text, at) => {
                    let tag_follows = matches!(self.0.get(i + 1), Some(Segment::Tag(_)));
                    push_literal(&mut template, &mut places, (text, at), tag_follows);
                }
            }
        }
        (template, places)
    }

    /// The template for minijinja with its expressions rewritten by the second rules. None: no tag is changed by them.
    pub fn rewritten(&self, written: &str) -> Option<String> {
        let mut template = String::new();
        let mut changed = false;
        for (i, segment) in self.0.iter().enumerate() {
            match segment {
                Segment::Tag(tag) => {
                    let text = written.get(tag.range.clone())?;
                    let rewritten = rewritten_tag(tag.kind, text);
                    changed |= rewritten.as_ref().is_some_and(|rewritten| rewritten != text);
                    template.push_str(rewritten.as_deref().unwrap_or(text));
                }
                Segment::Literal(text, at) => {
                    let tag_follows = matches!(self.0.get(i + 1), Some(Segment::Tag(_)));
                    push_literal(&mut template, &mut SourceMap::default(), (text, at), tag_follows);
                }
            }
        }
        changed.then_some(template)
    }

    #[cfg(test)]
    pub fn as_written(&self, written: &str) -> String {
        self.0
            .iter()
            .map(|piece| match piece {
                Segment::Literal(text, _) => text.as_str(),
                Segment::Tag(tag) => &written[tag.range.clone()],
            })
            .collect()
    }
}

/// A tag with its expression rewritten by the second rules. None: it has none.
fn rewritten_tag(kind: TagKind, text: &str) -> Option<String> {
    let sign = |c: Option<char>| usize::from(matches!(c, Some('-' | '+')));
    let start = 2 + sign(text.chars().nth(2));
    let end = text.len().checked_sub(2)?;
    let end = end - sign(text.get(..end)?.chars().last()).min(end.saturating_sub(start));
    let inner = text.get(start..end)?;
    let from = match kind {
        TagKind::Value => 0,
        TagKind::Block => {
            let word = inner.len() - inner.trim_start().len();
            let length = inner.trim_start().find(|c: char| !c.is_ascii_alphabetic())?;
            let has_expression = ["if", "elif", "set", "for"].contains(&inner.get(word..word + length)?);
            has_expression.then_some(word + length)?
        }
        TagKind::Comment | TagKind::Raw => return None,
    };
    let rewritten = rewrite(inner.get(from..)?)?;
    Some([text.get(..start + from)?, &rewritten, text.get(end..)?].concat())
}

fn push_literal(template: &mut String, places: &mut SourceMap, (text, at): (&str, &[usize]), tag_follows: bool) {
    let mut characters = text.chars().zip(at).peekable();
    while let Some((c, place)) = characters.next() {
        places.0.push((template.len(), *place));
        let opens = match characters.peek() {
            Some((next, _)) => matches!(next, '{' | '%' | '#'),
            None => tag_follows,
        };
        if c == '{' && opens { template.push_str("{{ '{' }}") } else { template.push(c) }
    }
}

/// Positions in the template, in order, with the corresponding positions in the text as written.
#[derive(Clone, Debug, Default)]
pub(super) struct SourceMap(Vec<(usize, usize)>);

impl SourceMap {
    /// The range in the text as written, for a range in the template.
    pub fn written(&self, range: Range<usize>) -> Range<usize> {
        let start = self.of(range.start);
        start..self.of(range.end.saturating_sub(1)).max(start) + usize::from(range.end > range.start)
    }

    fn of(&self, at: usize) -> usize {
        let after = self.0.partition_point(|(template, _)| *template <= at);
        match after.checked_sub(1).and_then(|i| self.0.get(i)) {
            Some((template, written)) => written + (at - template),
            None => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quoted_brace_stays_text() {
        let text = "x";
        let mut segments = Segments::default();
        for (i, c) in "a{{b{%{".chars().enumerate() {
            segments.push_char(c, i);
        }
        let (template, _) = segments.template(text);
        assert_eq!(minijinja::Environment::new().render_str(&template, ()).unwrap(), "a{{b{%{");
    }

    #[test]
    fn positions_are_mapped_to_the_written_text() {
        let written = "ab{{ xy }}c";
        let segments = Segments::of(written).unwrap();
        let (template, places) = segments.template(written);
        assert_eq!(template, written);
        let at = template.find("xy").unwrap();
        assert_eq!(places.written(at..at + 2), 5..7);
        assert_eq!(segments.as_written(written), written);
    }
}
