//! Owns the format `regex`: a pattern for each column, searched line by line; the last match counts.

use regex::Regex;
use regex_syntax::hir::{Hir, HirKind};

use super::SyntaxError;
use super::lines::{LONGEST, LineParser, OutputLine};
use super::named_values::NamedValues;
use super::output_text::list;
use super::reduce::Accumulator;
use super::scalar::scalar;
use crate::model::Reducer;

/// A pattern of one column.
#[derive(Clone, Debug)]
pub struct Pattern {
    regex: Regex,
    /// The group whose text is the value. 0: the whole match.
    group: usize,
}

impl Pattern {
    /// Compiles a pattern. The value is the text of its only group, named or not; without a group, the whole match;
    /// with several groups, the one that has a name.
    ///
    /// # Errors
    /// If it cannot be parsed, can never match or matches everywhere, or does not say which group is the value.
    pub fn new(text: &str) -> Result<Pattern, SyntaxError> {
        let whole = 0..text.len();
        let wrong =
            |message: &str, help: &str| SyntaxError { message: message.into(), help: help.into(), at: whole.clone() };
        let hir = regex_syntax::parse(text).map_err(|error| syntax(&error, text))?;
        if hir.properties().minimum_len() == Some(0) {
            let help = "use `+` instead of `*` for a part that must not be empty: 'E = (\\S+)'";
            return Err(wrong("this pattern matches empty text, and so every line", help));
        }
        if needs_line_break(&hir) {
            let help = "write one pattern for each value; `^` and `$` match the ends of a line";
            return Err(wrong("this pattern contains a line break, but each line is searched on its own", help));
        }
        let regex = Regex::new(text)
            .map_err(|_| wrong("this pattern is too large", "use `+` instead of a large count such as `{1000}`"))?;
        let named: Vec<usize> =
            regex.capture_names().enumerate().filter(|(_, name)| name.is_some()).map(|(group, _)| group).collect();
        let group = match (regex.captures_len() - 1, named.as_slice()) {
            (0, _) => 0,
            (1, _) => 1,
            (_, [one]) => *one,
            (groups, _) => {
                let help = "write `(?:…)` for the groups that are not the value, or name the one that is: \
                            `(?<value>…)`";
                return Err(wrong(&format!("this pattern has {groups} groups, but only one can be the value"), help));
            }
        };
        Ok(Pattern { regex, group })
    }

    /// The value of the last match in a line. Empty: its group did not take part in the match.
    fn last<'t>(&self, line: &'t str) -> Option<&'t str> {
        let found = self.regex.find_iter(line).last()?;
        if self.group == 0 {
            return Some(found.as_str());
        }
        let captures = self.regex.captures_at(line, found.start())?;
        Some(captures.get(self.group).map_or("", |group| group.as_str()))
    }

    /// Gives the value of each match in a line.
    fn each(&self, line: &str, mut take: impl FnMut(&str)) {
        if self.group == 0 {
            self.regex.find_iter(line).for_each(|found| take(found.as_str()));
        } else {
            let all = self.regex.captures_iter(line);
            all.for_each(|captures| take(captures.get(self.group).map_or("", |group| group.as_str())));
        }
    }
}

/// The message for a pattern that cannot be parsed.
fn syntax(error: &regex_syntax::Error, text: &str) -> SyntaxError {
    use regex_syntax::ast::ErrorKind::{UnsupportedBackreference, UnsupportedLookAround};
    let (what, span, is_unsupported) = match error {
        regex_syntax::Error::Parse(error) => {
            let is_unsupported = matches!(error.kind(), UnsupportedBackreference | UnsupportedLookAround);
            (error.kind().to_string(), Some(error.span()), is_unsupported)
        }
        regex_syntax::Error::Translate(error) => (error.kind().to_string(), Some(error.span()), false),
        _ => ("it cannot be parsed".into(), None, false),
    };
    let at = span.map_or(0..text.len(), |span| span.start.offset..span.end.offset);
    let help = if is_unsupported {
        "match the text around the value instead, and put the \
         value into a group: 'E = (\\S+)'"
    } else {
        "put a backslash before a special character that you mean literally: `\\(`; write the pattern \
         in single quotes: 'E = (\\S+)'"
    };
    SyntaxError { message: format!("invalid pattern: {what}"), help: help.into(), at }
}

/// Whether every match contains a line break.
fn needs_line_break(hir: &Hir) -> bool {
    match hir.kind() {
        HirKind::Literal(literal) => literal.0.iter().any(|byte| matches!(byte, b'\n' | b'\r')),
        HirKind::Concat(parts) => parts.iter().any(needs_line_break),
        HirKind::Alternation(parts) => parts.iter().all(needs_line_break),
        HirKind::Capture(capture) => needs_line_break(&capture.sub),
        HirKind::Repetition(repetition) => repetition.min > 0 && needs_line_break(&repetition.sub),
        _ => false,
    }
}

/// A column: the name of a result, its pattern, and how several matches become one value.
#[derive(Debug)]
pub(super) struct PatternColumn {
    pub(super) name: String,
    pub(super) pattern: Pattern,
    pub(super) reducer: Option<Reducer>,
}

/// The matches of each column, as lines come in.
pub(super) struct Matches<'a> {
    pub(super) columns: &'a [PatternColumn],
    states: Vec<MatchState>,
}

/// What is known of a column's matches.
#[derive(Default)]
struct MatchState {
    /// The line in which it was found last. Its value is extracted only at the end: doing so at every line takes several
    /// times as long as finding out that there is a match.
    line: Option<String>,
    /// All values; none: only the last one counts.
    reduced: Option<Accumulator>,
    /// Whether a line that is too long to be searched may have changed the value.
    doubtful: bool,
}

impl<'a> Matches<'a> {
    pub(super) fn new(columns: &'a [PatternColumn]) -> Matches<'a> {
        let state = |column: &PatternColumn| MatchState {
            reduced: column.reducer.filter(|reducer| *reducer != Reducer::Last).map(Accumulator::new),
            ..MatchState::default()
        };
        Matches { columns, states: columns.iter().map(state).collect() }
    }

    /// The values of the columns that were found, in the order of the columns.
    pub(super) fn finish(self) -> Result<NamedValues, String> {
        let both = || self.columns.iter().zip(&self.states);
        let doubtful: Vec<&str> =
            both().filter(|(_, state)| state.doubtful).map(|(column, _)| column.name.as_str()).collect();
        if !doubtful.is_empty() {
            return Err(format!(
                "a line is longer than {} KiB, too long to be searched, and no line after it has {}; let the program \
                 print shorter lines, or print the result at the end",
                LONGEST >> 10,
                list(doubtful.into_iter())
            ));
        }
        let mut named = NamedValues::default();
        for (PatternColumn { name, pattern, .. }, state) in self.columns.iter().zip(self.states) {
            let value = match state.reduced {
                Some(accumulator) => accumulator.finish(name)?,
                None => state.line.as_deref().and_then(|line| pattern.last(line)).map(scalar),
            };
            if let Some(value) = value {
                named.set(name, value)?;
            }
        }
        Ok(named)
    }
}

impl LineParser for Matches<'_> {
    fn line(&mut self, line: OutputLine) {
        let (text, is_whole) = match line {
            OutputLine::Whole(text) => (text, true),
            OutputLine::TooLong(text) => (text, false),
        };
        for (PatternColumn { pattern, .. }, state) in self.columns.iter().zip(&mut self.states) {
            match &mut state.reduced {
                Some(accumulator) if accumulator.is_settled() => {}
                _ if !is_whole => state.doubtful = true,
                Some(accumulator) => pattern.each(text, |value| accumulator.push(scalar(value))),
                None if pattern.regex.is_match(text) => {
                    let line = state.line.get_or_insert_default();
                    line.clear();
                    line.push_str(text);
                    state.doubtful = false;
                }
                None => {}
            }
        }
    }
}
