//! Owns mapping a byte of a decoded TOML string to the byte of the file where it is written.

use std::ops::Range;

/// The range of the file that corresponds to the bytes `at` of a decoded TOML string, which is written at `span`. The
/// whole string if the mapping fails.
pub(super) fn inside(file: &str, span: &Range<usize>, text: &str, at: &Range<usize>) -> Range<usize> {
    let Some(raw) = file.get(span.clone()) else { return span.clone() };
    match positions(raw, text) {
        Some(positions) => {
            let position = |byte: usize| positions.get(byte).copied().unwrap_or(raw.len());
            let start = position(at.start);
            let end = if at.end > at.start { after(raw, position(at.end - 1)) } else { start };
            span.start + start..span.start + end
        }
        None => span.clone(),
    }
}

/// The end of the character or escape sequence that begins at `at`.
fn after(raw: &str, at: usize) -> usize {
    at + raw.get(at..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8)
}

/// For each byte of `text`, and for its end, the position in `raw`, the string as written with its quotes.
fn positions(raw: &str, text: &str) -> Option<Vec<usize>> {
    let (quotes, escapes) = match raw {
        _ if raw.starts_with("\"\"\"") => (3, true),
        _ if raw.starts_with("'''") => (3, false),
        _ if raw.starts_with('"') => (1, true),
        _ if raw.starts_with('\'') => (1, false),
        _ => return None,
    };
    let body = raw.get(quotes..raw.len().checked_sub(quotes)?)?;
    let skipped = if quotes == 3 { body.len() - without_first_newline(body).len() } else { 0 };
    let mut positions = Vec::with_capacity(text.len() + 1);
    let mut at = quotes + skipped;
    let mut decoded = text.chars();
    while let Some(c) = raw.get(at..raw.len() - quotes)?.chars().next() {
        let length = match c {
            '\\' if escapes => escape_length(raw.get(at..)?),
            '\r' if raw.get(at + 1..)?.starts_with('\n') && !text_has_cr(&decoded) => Some((2, true)),
            _ => Some((c.len_utf8(), true)),
        };
        let (length, gives_char) = length?;
        if gives_char {
            let bytes = decoded.next()?.len_utf8();
            positions.extend(std::iter::repeat_n(at, bytes));
        }
        at += length;
    }
    positions.push(at);
    decoded.next().is_none().then_some(positions)
}

fn text_has_cr(rest: &std::str::Chars) -> bool {
    rest.as_str().starts_with('\r')
}

/// The length of an escape sequence, and whether it stands for a character. A line continuation does not.
fn escape_length(raw: &str) -> Option<(usize, bool)> {
    let kind = raw.chars().nth(1)?;
    match kind {
        'x' => Some((4, true)),
        'u' => Some((6, true)),
        'U' => Some((10, true)),
        c if c.is_whitespace() => {
            let rest = raw.get(1..)?;
            Some((raw.len() - rest.trim_start_matches([' ', '\t', '\r', '\n']).len(), false))
        }
        c => Some((1 + c.len_utf8(), true)),
    }
}

/// The text without a line break at its start, which TOML drops.
fn without_first_newline(body: &str) -> &str {
    body.strip_prefix("\r\n").or_else(|| body.strip_prefix('\n')).unwrap_or(body)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use toml::de::DeTable;

    /// The part of the file that corresponds to `needle` in the decoded text of `a`.
    fn shown(file: &str, needle: &str) -> String {
        let table = DeTable::parse(file).unwrap();
        let (_, value) = table.get_ref().iter().next().unwrap();
        let text = value.get_ref().as_str().unwrap();
        let at = text.find(needle).unwrap();
        file[inside(file, &value.span(), text, &(at..at + needle.len()))].to_owned()
    }

    #[test]
    fn a_position_in_a_string_is_mapped_to_the_file() {
        assert_eq!(shown(r#"a = "p {{ x }}""#, "{{ x }}"), "{{ x }}");
        assert_eq!(shown(r#"a = 'p {{ x }}'"#, "x"), "x");
        assert_eq!(shown(r#"a = "\"\t\u00e9 \\ x""#, "x"), "x");
        assert_eq!(shown("a = \"\"\"\np \\\n   q \"\" {{ x }}\"\"\"", "{{ x }}"), "{{ x }}");
        assert_eq!(shown("a = \"\"\"\r\np\r\nq x\"\"\"", "x"), "x");
        assert_eq!(shown("a = '''\np\n é x'''", "x"), "x");
    }

    proptest! {
        #[test]
        fn every_position_of_a_string_is_mapped_into_it(body in r#"([a-zé{} \t]|\\n|\\"|\\u00e9|\\U0001F600|\\x41|\\e){0,20}"#, lines: bool) {
            let quotes = if lines { "\"\"\"" } else { "\"" };
            let file = format!("a = {quotes}{body}{quotes}");
            let table = DeTable::parse(&file).unwrap();
            let (_, value) = table.get_ref().iter().next().unwrap();
            let text = value.get_ref().as_str().unwrap();
            let positions = positions(&file[value.span()], text).expect("it is understood");
            prop_assert_eq!(positions.len(), text.len() + 1);
            for (at, c) in text.char_indices().filter(|(_, c)| !"\n\"\u{e9}\u{1F600}A\u{1b}".contains(*c)) {
                let range = inside(&file, &value.span(), text, &(at..at + c.len_utf8()));
                prop_assert_eq!(&file[range], c.to_string());
            }
        }
    }
}
