//! Owns scanning an expression's text outside quotes for what minijinja does not report.

use std::ops::Range;

use minijinja::ErrorKind;
use minijinja::value::Value as Dynamic;

/// A name in an expression that is a filter or a test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CalledName {
    /// `x | name`.
    Filter,
    /// `x is name`.
    Test,
}

impl CalledName {
    pub(super) fn word(self) -> &'static str {
        match self {
            CalledName::Filter => "filter",
            CalledName::Test => "test",
        }
    }

    /// Whether it may give a value for an undefined name.
    pub(super) fn handles_missing(self, name: &str) -> bool {
        match self {
            CalledName::Filter => matches!(name, "default" | "d"),
            CalledName::Test => true,
        }
    }

    /// Whether minijinja has it. minijinja does not list them, but reports an unknown one.
    pub(super) fn exists(self, name: &str) -> bool {
        let (text, unknown) = match self {
            CalledName::Filter => (format!("0|{name}"), ErrorKind::UnknownFilter),
            CalledName::Test => (format!("0 is {name}"), ErrorKind::UnknownTest),
        };
        let result = super::engine().compile_expression_owned(text).and_then(|probe| probe.eval(Dynamic::UNDEFINED));
        result.err().is_none_or(|error| error.kind() != unknown)
    }
}

/// The result of a scan.
#[derive(Debug, Default)]
pub(super) struct ScanResult<'a> {
    /// The first `**`.
    pub(super) power: Option<Range<usize>>,
    /// Filters and tests, with their names.
    pub(super) used: Vec<(CalledName, &'a str, Range<usize>)>,
}

/// Scans a text. Quoted parts are skipped; a backslash in them escapes the next character.
pub(super) fn scan(text: &str) -> ScanResult<'_> {
    let mut found = ScanResult::default();
    let mut before = Before::Other;
    for (token, at) in tokens(text) {
        before = match (token, before) {
            (Token::Word("is"), _) => Before::Is,
            (Token::Word("not"), Before::Is) => Before::Is,
            (Token::Word(name), Before::Is) => {
                found.used.push((CalledName::Test, name, at));
                Before::Other
            }
            (Token::Word(name), Before::Bar) => {
                found.used.push((CalledName::Filter, name, at));
                Before::Other
            }
            (Token::Sign('|'), _) => Before::Bar,
            (Token::Sign('*'), Before::Star(end)) if end == at.start => {
                found.power.get_or_insert(end - 1..at.end);
                Before::Other
            }
            (Token::Sign('*'), _) => Before::Star(at.end),
            _ => Before::Other,
        };
    }
    found
}

/// The place of the first use of a name: outside quotes, and not after a dot.
pub(super) fn first_use(text: &str, name: &str) -> Option<Range<usize>> {
    let mut after_dot = false;
    tokens(text).find_map(|(token, at)| {
        let is_use = !after_dot && matches!(token, Token::Word(word) if word == name);
        after_dot = matches!(token, Token::Sign('.'));
        is_use.then_some(at)
    })
}

/// A suggestion for an expression that cannot be parsed; empty if there is none.
pub(super) fn help(text: &str) -> &'static str {
    let mut last = None;
    for (token, at) in tokens(text) {
        let next_to = |sign: char| matches!(last, Some((Token::Sign(other), end)) if other == sign && end == at.start);
        let before_equals = text.get(at.end..).is_some_and(|rest| rest.starts_with('='));
        match token {
            Token::Sign('&') if next_to('&') => return "write `and` for `&&`",
            Token::Sign('|') if next_to('|') => return "write `or` for `||`",
            Token::Sign('=') if !['=', '!', '<', '>'].into_iter().any(next_to) && !before_equals => {
                return "write `==` to compare";
            }
            Token::Sign('!') if !before_equals => {
                return "write `not` for `!`";
            }
            Token::Sign('^') => return "write pow(x, y) for a power",
            _ => {}
        }
        last = Some((token, at.end));
    }
    ""
}

#[derive(Clone, Copy)]
enum Before {
    Other,
    Is,
    Bar,
    Star(usize),
}

#[derive(Clone, Copy)]
enum Token<'a> {
    Word(&'a str),
    Quoted,
    Sign(char),
}

fn tokens(text: &str) -> impl Iterator<Item = (Token<'_>, Range<usize>)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let rest = text.get(at..)?;
        let start = at + rest.find(|c: char| !c.is_whitespace())?;
        let rest = text.get(start..)?;
        let first = rest.chars().next()?;
        let (token, len) = match first {
            '"' | '\'' => (Token::Quoted, quoted(rest, first)),
            c if is_word(c) => {
                let len = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
                (Token::Word(rest.get(..len)?), len)
            }
            sign => (Token::Sign(sign), sign.len_utf8()),
        };
        at = start + len;
        Some((token, start..at))
    })
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The length of a quoted text, with both quotes.
fn quoted(rest: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        if !escaped && c == quote {
            return at + 1;
        }
        escaped = !escaped && c == '\\';
    }
    rest.len()
}
