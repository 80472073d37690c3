//! Owns finding the JSON objects in an output that has other lines too. Pure.

use std::collections::VecDeque;
use std::ops::Range;

/// The deepest nesting that is followed. Deeper JSON is not read.
const DEEPEST: usize = 160;

/// Where texts are that may be JSON objects: each begins and ends a line, its brackets are balanced, and it is not inside of
/// another one.
#[derive(Debug, Default)]
pub(super) struct ObjectScan {
    /// In order. In bytes.
    pub(super) objects: Vec<Range<usize>>,
    /// Whether a line after the last object begins one that does not end.
    pub(super) is_unfinished: bool,
    /// Whether a closing brace without its opening one comes after the last object.
    pub(super) has_stray_end: bool,
}

/// A bracket that was opened.
struct Opening {
    at: usize,
    is_brace: bool,
    /// Whether nothing but white space stands before it on its line.
    begins_line: bool,
}

/// Scans a text once, in O(length).
pub(super) fn scan(text: &str) -> ObjectScan {
    let mut found = ObjectScan::default();
    let mut open: VecDeque<Opening> = VecDeque::new();
    let (mut blank, mut in_string, mut escaped) = (true, false, false);
    for (at, byte) in text.bytes().enumerate() {
        let begins_line = blank;
        blank &= byte.is_ascii_whitespace();
        match byte {
            // JSON has no line breaks in strings.
            b'\n' | b'\r' => (blank, in_string, escaped) = (true, false, false),
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            _ if in_string => {}
            b'{' | b'[' => {
                if open.len() >= DEEPEST {
                    open.pop_front();
                }
                open.push_back(Opening { at, is_brace: byte == b'{', begins_line });
            }
            b']' if open.back().is_some_and(|last| !last.is_brace) => drop(open.pop_back()),
            b'}' => match open.iter().rposition(|opening| opening.is_brace) {
                None => found.has_stray_end = true,
                Some(place) => {
                    let opening = open.drain(place..).next();
                    if let Some(begin) = opening.filter(|opening| opening.begins_line).map(|opening| opening.at)
                        && ends_line(text, at + 1)
                    {
                        found.add(begin..at + 1);
                    }
                }
            },
            _ => {}
        }
    }
    let after = found.objects.last().map_or(0, |object| object.end);
    found.is_unfinished = open.iter().any(|opening| {
        opening.is_brace
            && opening.begins_line
            && opening.at >= after
            && is_meant(text.get(opening.at..).unwrap_or_default())
    });
    found
}

impl ObjectScan {
    fn add(&mut self, object: Range<usize>) {
        while self.objects.pop_if(|inner| inner.start > object.start).is_some() {}
        self.objects.push(object);
        self.has_stray_end = false;
    }
}

/// Whether a text that begins with a brace goes on like an object of JSON or of Python.
pub(super) fn is_meant(text: &str) -> bool {
    text.strip_prefix('{').is_some_and(|inside| inside.trim_start().starts_with(['"', '\'']))
}

fn ends_line(text: &str, at: usize) -> bool {
    let rest = text.get(at..).unwrap_or_default();
    let line = rest.split(['\n', '\r']).next().unwrap_or_default();
    line.trim().is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_are_found_among_other_lines() {
        let found = |text: &str| -> Vec<String> {
            scan(text).objects.into_iter().map(|object| text[object].to_owned()).collect()
        };
        assert_eq!(
            found("log [0, 1)\n{\"a\": 1}\nit's \"\n {\n \"b\": {\n}\n} \nend"),
            ["{\"a\": 1}", "{\n \"b\": {\n}\n}"]
        );
        assert_eq!(found("{\"a\": \"}\"}\r{\"b\": \"\\\"}\"}"), ["{\"a\": \"}\"}", "{\"b\": \"\\\"}\"}"]);
        for none in ["x {}", "{} x", "[{}]", "{", "}", "", "{\"a\": \"\n}\"}"] {
            assert!(!found(none).iter().any(|object| object == none), "{none}");
        }
        assert!(scan("{}\n}").has_stray_end && !scan("}\n{}").has_stray_end);
        assert!(scan("{}\n{ 'a").is_unfinished && !scan("{}\n{ a").is_unfinished);
        let deep = "[".repeat(1 << 20);
        assert!(scan(&deep).objects.is_empty());
    }
}
