//! Owns the path to a value in a JSON object: `stats.energy.mean`, `values[0]`, `runs[-1]["final energy"]`.

use super::SyntaxError;
use super::json::Object;

/// A path to a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path {
    first: String,
    rest: Vec<PathStep>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum PathStep {
    Key(String),
    /// From 0. A negative index counts from the end.
    Place(i64),
}

impl Path {
    /// Parses a path: keys separated by `.`, list indices in brackets (`[0]` the first, `[-1]` the last), and keys that
    /// contain dots or brackets in brackets and quotes (`["a.b"]`).
    ///
    /// # Errors
    /// If it is not a path.
    pub fn parse(text: &str) -> Result<Path, SyntaxError> {
        let mut steps = Vec::new();
        let mut rest = text;
        loop {
            let at = text.len() - rest.len();
            let (step, after) = match rest.strip_prefix('[') {
                // A dot before a bracket is not allowed.
                Some(inside) if at == 0 || !text.get(..at).is_some_and(|before| before.ends_with('.')) => {
                    in_brackets(inside).ok_or_else(|| in_brackets_wrong(text, at))?
                }
                _ => key(rest).ok_or_else(|| no_key(text, at))?,
            };
            steps.push(step);
            match after.strip_prefix('.') {
                _ if after.is_empty() => break,
                Some(next) => rest = next,
                None if after.starts_with('[') => rest = after,
                None => {
                    let at = text.len() - after.len();
                    return Err(mistake("expected `.` or `[` here", at..at + 1, text));
                }
            }
        }
        let mut steps = steps.into_iter();
        match steps.next() {
            Some(PathStep::Key(first)) => Ok(Path { first, rest: steps.collect() }),
            _ => Err(mistake("a path must start with a key of the object", 0..text.len(), text)),
        }
    }

    /// The value at the path, if there is one.
    pub(super) fn find<'v>(&self, object: &'v Object) -> Option<&'v serde_json::Value> {
        self.rest.iter().try_fold(object.get(&self.first)?, |value, step| match step {
            PathStep::Key(key) => value.as_object()?.get(key),
            PathStep::Place(place) => {
                let list = value.as_array()?;
                let from_start = if *place < 0 { place.checked_add(i64::try_from(list.len()).ok()?)? } else { *place };
                list.get(usize::try_from(from_start).ok()?)
            }
        })
    }
}

/// A key without dots and brackets, and the rest of the text.
fn key(text: &str) -> Option<(PathStep, &str)> {
    let (key, after) = text.split_at(text.find(['.', '[', ']']).unwrap_or(text.len()));
    let key = key.trim();
    (!key.is_empty() && key != "$").then(|| (PathStep::Key(key.to_owned()), after))
}

/// The text from an opening bracket to the closing one, and the rest.
fn in_brackets(text: &str) -> Option<(PathStep, &str)> {
    for quote in ['"', '\''] {
        if let Some(quoted) = text.strip_prefix(quote) {
            let (key, after) = quoted.split_once(quote)?;
            return Some((PathStep::Key(key.to_owned()), after.strip_prefix(']')?)).filter(|_| !key.is_empty());
        }
    }
    let (place, after) = text.split_once(']')?;
    Some((PathStep::Place(place.trim().parse().ok()?), after))
}

fn in_brackets_wrong(text: &str, at: usize) -> SyntaxError {
    let inside = text.get(at..).unwrap_or_default();
    let end = inside.find(']').map_or(text.len(), |end| at + end + 1);
    mistake("brackets must contain an index or a key in quotes", at..end, text)
}

fn no_key(text: &str, at: usize) -> SyntaxError {
    if text.starts_with('$') {
        return mistake("a path must start with a key of the object, without `$`", 0..1, text);
    }
    mistake("a key is missing here", at..(at + 1).min(text.len()), text)
}

fn mistake(message: &str, at: std::ops::Range<usize>, text: &str) -> SyntaxError {
    let at = at.start..(at.start..=at.end).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(at.start);
    let help = "a path looks like \"stats.energy.mean\", \"values[0]\" (the first; [-1] is the last), \
                'parts[\"a.b\"].mass'";
    SyntaxError { message: message.into(), help: help.into(), at }
}
