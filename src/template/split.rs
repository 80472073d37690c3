//! Owns splitting a command into words as a POSIX shell does, with template tags kept whole.

use std::ops::Range;

use super::segments::{Segment, Segments};
use super::tags::{Tag, Unclosed, tag_at};

/// A word of a command, not yet rendered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CommandWord {
    pub segments: Segments,
    /// Whether a part of it was in quotes. Such a word is kept even if it renders to an empty text.
    pub quoted: bool,
    /// Its place in the command, in bytes.
    pub range: Range<usize>,
}

/// Why a command cannot be split. Each has the byte where the problem begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum SplitError {
    /// This quote has no closing quote.
    Quote(char, usize),
    /// A backslash at the end.
    Backslash(usize),
    /// This tag is not closed.
    Tag(usize),
}

impl From<Unclosed> for SplitError {
    fn from(unclosed: Unclosed) -> Self {
        SplitError::Tag(unclosed.0)
    }
}

/// Splits a command into words: spaces separate; quotes and backslashes group; `#` at the start of a word begins a
/// comment. Nothing is expanded: `$`, `*`, `>` and `|` are text. Linear in the length of the text.
pub(super) fn split(text: &str) -> Result<Vec<CommandWord>, SplitError> {
    let mut splitter = Splitter { text, at: 0, words: Vec::new(), word: None };
    while let Some(c) = splitter.peek() {
        splitter.step(c)?;
    }
    splitter.end_word();
    Ok(splitter.words)
}

/// Unquoted words of a command that a shell would treat as operators: pipes, redirections, `&&` and so on.
pub fn unquoted_operators(text: &str) -> Vec<Range<usize>> {
    const OPERATORS: [&str; 15] =
        ["|", "||", "|&", "&&", "&", ";", "<", "<<", ">", ">>", "&>", "1>", "2>", "2>>", "2>&1"];
    #[allow(clippy::indexing_slicing, reason = "the words of a text lie in it, between character boundaries")]
    let is_operator = |word: &&CommandWord| {
        let written = &text[word.range.clone()];
        !word.quoted && (OPERATORS.contains(&written) || (written.starts_with('>') && !written.starts_with(">=")))
    };
    // A text that cannot be split has an error of its own.
    let Ok(words) = split(text) else { return Vec::new() };
    words.iter().filter(is_operator).map(|word| word.range.clone()).collect()
}

struct Splitter<'a> {
    text: &'a str,
    at: usize,
    words: Vec<CommandWord>,
    word: Option<CommandWord>,
}

impl Splitter<'_> {
    fn peek(&self) -> Option<char> {
        self.text.get(self.at..)?.chars().next()
    }

    fn tag(&self) -> Result<Option<Tag>, SplitError> {
        Ok(tag_at(self.text, self.at).transpose()?)
    }

    /// One step outside quotes.
    fn step(&mut self, c: char) -> Result<(), SplitError> {
        if let Some(tag) = self.tag()? {
            self.push_tag(tag);
            return Ok(());
        }
        match c {
            ' ' | '\t' | '\n' | '\r' => {
                self.end_word();
                self.at += 1;
            }
            '#' if self.word.is_none() => {
                let end_of_line = self.text.bytes().skip(self.at).position(|byte| byte == b'\n');
                self.at = end_of_line.map_or(self.text.len(), |length| self.at + length);
            }
            '\'' | '"' => self.quoted(c)?,
            '\\' => self.backslash()?,
            _ => self.push_char(c),
        }
        Ok(())
    }

    fn backslash(&mut self) -> Result<(), SplitError> {
        let start = self.at;
        self.at += 1;
        match self.peek() {
            None => return Err(SplitError::Backslash(start)),
            // A line continuation.
            Some('\n') => self.at += 1,
            Some('\r') if self.text.get(self.at..).is_some_and(|rest| rest.starts_with("\r\n")) => self.at += 2,
            Some(c) => self.push_char(c),
        }
        Ok(())
    }

    fn quoted(&mut self, quote: char) -> Result<(), SplitError> {
        let start = self.at;
        self.current().quoted = true;
        self.at += 1;
        loop {
            let Some(c) = self.peek() else { return Err(SplitError::Quote(quote, start)) };
            if let Some(tag) = self.tag()? {
                self.push_tag(tag);
            } else if c == quote {
                self.at += 1;
                return Ok(());
            } else if c == '\\' && quote == '"' {
                self.backslash_in_double_quotes(start)?;
            } else {
                self.push_char(c);
            }
        }
    }

    /// In double quotes a backslash escapes only these; otherwise it is text.
    fn backslash_in_double_quotes(&mut self, quote: usize) -> Result<(), SplitError> {
        let next = self.text.get(self.at + 1..).and_then(|rest| rest.chars().next());
        match next {
            None => return Err(SplitError::Quote('"', quote)),
            Some('\n') => self.at += 2,
            Some(c @ ('$' | '`' | '"' | '\\')) => {
                self.at += 1;
                self.push_char(c);
            }
            Some(_) => self.push_char('\\'),
        }
        Ok(())
    }

    fn current(&mut self) -> &mut CommandWord {
        let at = self.at;
        self.word.get_or_insert_with(|| CommandWord { segments: Segments::default(), quoted: false, range: at..at })
    }

    fn push_char(&mut self, c: char) {
        let at = self.at;
        self.current().segments.push_char(c, at);
        self.at += c.len_utf8();
    }

    fn push_tag(&mut self, tag: Tag) {
        let end = tag.range.end;
        self.current().segments.0.push(Segment::Tag(tag));
        self.at = end;
    }

    fn end_word(&mut self) {
        if let Some(mut word) = self.word.take() {
            word.range.end = self.at;
            self.words.push(word);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn words(text: &str) -> Vec<String> {
        split(text).unwrap().iter().map(|word| word.segments.as_written(text)).collect()
    }

    #[test]
    fn words_are_split_as_in_a_shell_and_tags_stay_whole() {
        let cases: &[(&str, &[&str])] = &[
            ("a b  c\td\ne\r\nf", &["a", "b", "c", "d", "e", "f"]),
            ("  ", &[]),
            ("", &[]),
            (r#"a "b c" 'd e' f\ g"#, &["a", "b c", "d e", "f g"]),
            (r#"'' "" x"#, &["", "", "x"]),
            (r#"--x="1 2"3'4 5'"#, &["--x=1 234 5"]),
            (r#""a\"b\\c\$d\e""#, &[r#"a"b\c$d\e"#]),
            (r"'a\b'", &[r"a\b"]),
            ("a # comment\nb c#d", &["a", "b", "c#d"]),
            ("a \\\n b\\\nc", &["a", "bc"]),
            ("run {{ x }} --y={{ y | default('a b') }}", &["run", "{{ x }}", "--y={{ y | default('a b') }}"]),
            (r#"{{ "a }} b" }} c"#, &[r#"{{ "a }} b" }}"#, "c"]),
            (r#""{{ "q" }} z" '{{ 'q' }} z'"#, &[r#"{{ "q" }} z"#, "{{ 'q' }} z"]),
            ("{% if a is defined %}--a={{ a }}{% endif %} b", &["{% if a is defined %}--a={{ a }}{% endif %}", "b"]),
            ("a{# it's a comment #}b", &["a{# it's a comment #}b"]),
            ("{% raw %} {{ ' {% endraw %} b", &["{% raw %} {{ ' {% endraw %}", "b"]),
            ("$HOME *.x > out | tee `a` $(b)", &["$HOME", "*.x", ">", "out", "|", "tee", "`a`", "$(b)"]),
            ("ä 'ö ü' 日本", &["ä", "ö ü", "日本"]),
        ];
        for (text, expected) in cases {
            assert_eq!(words(text), *expected, "{text}");
        }
    }

    #[test]
    fn unclosed_quotes_and_tags_are_errors_with_their_place() {
        assert_eq!(split("a 'b"), Err(SplitError::Quote('\'', 2)));
        assert_eq!(split("a b\"c"), Err(SplitError::Quote('"', 3)));
        assert_eq!(split("a \"b\\"), Err(SplitError::Quote('"', 2)));
        assert_eq!(split("ab\\"), Err(SplitError::Backslash(2)));
        assert_eq!(split("ab {{ x }"), Err(SplitError::Tag(3)));
        assert_eq!(split("'{{ x'"), Err(SplitError::Tag(1)));
    }

    #[test]
    fn a_word_knows_its_place_and_its_quotes() {
        let found = split("ab 'c d' e''").unwrap();
        let seen: Vec<_> = found.iter().map(|word| (word.range.clone(), word.quoted)).collect();
        assert_eq!(seen, [(0..2, false), (3..8, true), (9..12, true)]);
    }

    proptest! {
        #[test]
        fn any_text_is_split_or_an_error(text in r#"([a-z '"\\#\n]|\{\{|\}\}|\{%|%\}|\{#|raw|\PC){0,40}"#) {
            let _ = split(&text);
        }

        // For a backslash and a newline on their own, shlex makes an empty word and a shell makes none: excluded here.
        #[test]
        fn without_braces_it_splits_as_shlex_does(text in r#"([a-z0-9 \t\n'"\\#$*]|\PC){0,40}"#) {
            prop_assume!(!text.contains(['{', '\r']) && !text.contains("\\\n"));
            let ours = split(&text).ok().map(|_| words(&text));
            prop_assert_eq!(ours, shlex::split(&text));
        }
    }
}
