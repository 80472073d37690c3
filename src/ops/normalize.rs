//! Owns normalizing lines that jobs print: replaces numbers and paths, which differ from job to job. Pure.

use crate::visible::{informative_line, visible_in_line};

/// The maximum length of a normalized line, in characters.
const LONGEST: usize = 200;

/// The line of a text that says most, normalized: `#` for numbers (also hexadecimal ones), `PATH` for paths, one
/// space between words; control characters are made visible. None: all lines are blank.
pub fn last_line(text: &str) -> Option<String> {
    let line = informative_line(text)?;
    let words: Vec<String> = line.split_whitespace().map(word).collect();
    let mut line = visible_in_line(&words.join(" "));
    if let Some((end, _)) = line.char_indices().nth(LONGEST) {
        line.truncate(end);
        line.push('…');
    }
    Some(line)
}

/// A word with its numbers and its path replaced. A path may follow an opening quote or bracket, and ends before the
/// closing one.
fn word(word: &str) -> String {
    let opens = |c: char| "'\"`([{<=,".contains(c);
    let after_opening = word.char_indices().filter(|(_, c)| opens(*c)).map(|(at, c)| at + c.len_utf8());
    let start =
        after_opening.take_while(|at| word.get(*at..).is_some_and(|rest| rest.contains('/'))).last().unwrap_or(0);
    let (before, rest) = word.split_at(start);
    let end = rest.trim_end_matches(|c: char| "'\"`)]}>,.;:!?".contains(c)).len();
    let (inner, after) = rest.split_at(end);
    if inner.contains('/') && inner.chars().any(char::is_alphanumeric) && !inner.contains("://") {
        // A line number after a colon is part of the path.
        return format!("{}PATH{}", replace_numbers(before), replace_numbers(after));
    }
    replace_numbers(word)
}

/// Replaces each number of a text by `#`: digits with their sign, fraction and exponent.
fn replace_numbers(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let in_word = out.chars().next_back().is_some_and(|c| c.is_alphabetic() || c == '_');
        match number(rest, in_word) {
            0 => {
                out.push(first);
                rest = rest.get(first.len_utf8()..).unwrap_or_default();
            }
            length => {
                out.push('#');
                rest = rest.get(length..).unwrap_or_default();
            }
        }
    }
    out
}

/// The length in bytes of the number at the start of a text; 0: none. Within a word only digits count, so that `node17` and
/// `node18` give the same line.
fn number(text: &str, in_word: bool) -> usize {
    let run = |text: &str, is: fn(&u8) -> bool| text.bytes().take_while(is).count();
    let digits = run(text, u8::is_ascii_digit);
    if in_word {
        return digits;
    }
    if let Some(hex) = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        let length = run(hex, u8::is_ascii_hexdigit);
        if length > 0 {
            return 2 + length;
        }
    }
    // A hash or an address without 0x: eight or more hexadecimal digits with at least one letter and one decimal digit.
    let hex = run(text, u8::is_ascii_hexdigit);
    if hex >= 8 && digits < hex && text.bytes().take(hex).any(|byte| byte.is_ascii_digit()) {
        return hex;
    }
    let sign = usize::from(text.starts_with(['-', '+']));
    let body = text.get(sign..).unwrap_or_default();
    let whole = run(body, u8::is_ascii_digit);
    if whole == 0 {
        return 0;
    }
    let mut length = sign + whole;
    let tail = |from: usize| text.get(from..).unwrap_or_default();
    if tail(length).starts_with('.') {
        let fraction = run(tail(length + 1), u8::is_ascii_digit);
        length += if fraction > 0 { 1 + fraction } else { 0 };
    }
    if tail(length).starts_with(['e', 'E']) {
        let sign = usize::from(tail(length + 1).starts_with(['-', '+']));
        let exponent = run(tail(length + 1 + sign), u8::is_ascii_digit);
        length += if exponent > 0 { 1 + sign + exponent } else { 0 };
    }
    length
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_and_paths_are_replaced() {
        let cases = [
            ("ValueError: x = -1.5e-3 is not in [0, 10]", "ValueError: x = # is not in [#, #]"),
            ("Traceback\n  File \"/tmp/a b/job.py\", line 17\nKeyError: 'k17'\n\n", "KeyError: 'k#'"),
            ("cannot open 'runs/3/in.lmp': No such file", "cannot open 'PATH': No such file"),
            ("a.out: /usr/lib/x.so.3: bad (core dumped)", "a.out: PATH: bad (core dumped)"),
            ("segfault at 0x7ffdeadbeef ip 00007f3c2a10 in node17", "segfault at # ip # in node#"),
            ("--file=/data/run_3/x.txt,", "--file=PATH,"),
            ("commit 9f3a77bc12 failed, facade stays", "commit # failed, facade stays"),
            ("see https://example.org/a", "see https://example.org/a"),
            ("red \u{1b}[31mbell\u{7}", "red \\u{1b}[#mbell\\u{7}"),
            ("50% / 2", "#% / #"),
            ("ümläut 3", "ümläut #"),
        ];
        for (text, line) in cases {
            assert_eq!(last_line(text).as_deref(), Some(line), "{text}");
        }
        assert_eq!(last_line(" \n\t\n"), None);
        let long = "word ".repeat(100);
        assert_eq!(last_line(&long).unwrap().chars().count(), LONGEST + 1);
    }

    proptest! {
        #[test]
        fn any_text_gives_a_line_without_control_characters(text in "\\PC*|[\\x00-\\xff]{0,60}") {
            if let Some(line) = last_line(&text) {
                let shown = line.replace("\\u{", "");
                prop_assert!(!line.chars().any(char::is_control));
                prop_assert!(!shown.is_empty());
            }
        }
    }
}
