//! Owns removing terminal escape sequences (colours, titles) from what a job printed.

use std::borrow::Cow;

const ESCAPE: char = '\u{1b}';

/// The text without escape sequences of ECMA-48. No sequence goes beyond its line.
pub(super) fn without_escapes(text: &str) -> Cow<'_, str> {
    if !text.contains(ESCAPE) {
        return Cow::Borrowed(text);
    }
    let mut plain = String::with_capacity(text.len());
    let mut parts = text.split(ESCAPE);
    plain.push_str(parts.next().unwrap_or_default());
    parts.for_each(|part| plain.push_str(after_sequence(part)));
    Cow::Owned(plain)
}

/// What follows the sequence whose escape character stands before this text.
fn after_sequence(text: &str) -> &str {
    let mut rest = text.chars();
    match rest.next() {
        // Colours and cursor movements: parameters, then one final character.
        Some('[') => {
            let body = rest.as_str();
            let end = body.find(|c: char| !matches!(c, '\u{20}'..='\u{3f}')).unwrap_or(body.len());
            let (_, after) = body.split_at(end);
            after.strip_prefix(|c: char| matches!(c, '\u{40}'..='\u{7e}')).unwrap_or(after)
        }
        // Titles and links, which end with BEL or with another escape sequence.
        Some(']') => {
            let body = rest.as_str();
            let end = body.find(['\u{7}', '\n', '\r']).unwrap_or(body.len());
            let (_, after) = body.split_at(end);
            after.strip_prefix('\u{7}').unwrap_or(after)
        }
        // A choice of character set.
        Some('(' | ')') => rest.as_str().strip_prefix(|c: char| c.is_ascii_alphanumeric()).unwrap_or(rest.as_str()),
        Some('\u{30}'..='\u{7e}') => rest.as_str(),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::without_escapes;

    #[test]
    fn colours_and_titles_are_removed() {
        let cases = [
            ("plain", "plain"),
            ("\u{1b}[1;32menergy\u{1b}[0m = \u{1b}[33m5\u{1b}[m", "energy = 5"),
            ("\u{1b}]0;title\u{7}a = 1", "a = 1"),
            ("\u{1b}]8;;http://x\u{1b}\\link\u{1b}]8;;\u{1b}\\", "link"),
            ("a\u{1b}(Bb", "ab"),
            ("\u{1b}[2K\u{1b}[1Gx: 3", "x: 3"),
            ("é\u{1b}", "é"),
            ("\u{1b}[\n1", "\n1"),
            ("\u{1b}]open\n1", "\n1"),
            ("\u{1b}é", "é"),
        ];
        for (text, plain) in cases {
            assert_eq!(without_escapes(text), plain, "{text:?}");
        }
    }
}
