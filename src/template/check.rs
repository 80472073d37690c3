//! Owns checks that minijinja makes only while rendering, or reports unclearly: blocks that are opened in one word and
//! closed in another, unknown filters and tests.

use std::ops::Range;

use minijinja::ErrorKind;

use super::compiled_text::Engine;
use super::tags::{Ident, Role, Tag, TagKind, idents};
use crate::suggest::{list, nearest};

/// The place of a block tag whose other half is not in the same word.
pub(super) fn half_block(written: &str, tags: &[&Tag]) -> Option<Range<usize>> {
    let mut open: Vec<&Tag> = Vec::new();
    for tag in tags.iter().filter(|tag| tag.kind == TagKind::Block) {
        let words = idents(written, tag);
        let statement = words.first().and_then(|word| written.get(word.range.clone())).unwrap_or("");
        match statement {
            "if" | "for" | "with" | "macro" | "filter" | "call" | "autoescape" => open.push(tag),
            "set" if !written.get(tag.range.clone())?.contains('=') => open.push(tag),
            "elif" | "else" if open.is_empty() => return Some(tag.range.clone()),
            _ if statement.starts_with("end") && open.pop().is_none() => return Some(tag.range.clone()),
            _ => {}
        }
    }
    open.first().map(|tag| tag.range.clone())
}

/// An unknown filter or test.
pub(super) struct UnknownName {
    pub at: Range<usize>,
    /// `filter` or `test`.
    pub what: &'static str,
    pub name: String,
}

impl UnknownName {
    /// What may have been meant.
    pub fn help(&self) -> String {
        let some: &[&str] = if self.what == "filter" { &FILTERS } else { &TESTS };
        let meant = nearest(&self.name, some.iter().copied()).map(|near| format!("did you mean `{near}`? "));
        format!(
            "{}the {}s are those of minijinja, for example {}",
            meant.unwrap_or_default(),
            self.what,
            list(some.iter().take(8))
        )
    }
}

/// Filters that are useful in a sweep, for suggestions.
const FILTERS: [&str; 24] = [
    "tojson",
    "quote",
    "round",
    "int",
    "float",
    "upper",
    "lower",
    "default",
    "replace",
    "safe",
    "abs",
    "join",
    "length",
    "first",
    "last",
    "trim",
    "string",
    "format",
    "min",
    "max",
    "title",
    "capitalize",
    "split",
    "sum",
];

/// Tests that are useful in a sweep, for suggestions.
const TESTS: [&str; 16] = [
    "defined",
    "undefined",
    "number",
    "integer",
    "float",
    "string",
    "odd",
    "even",
    "divisibleby",
    "startingwith",
    "endingwith",
    "none",
    "true",
    "false",
    "in",
    "boolean",
];

/// The filters and tests in these tags that the engine does not have.
pub(super) fn unknown_filters(written: &str, tags: &[&Tag], engine: &Engine) -> Vec<UnknownName> {
    let mut found = Vec::new();
    for tag in tags {
        for ident in idents(written, tag) {
            found.extend(unknown(written, ident, engine));
        }
    }
    found
}

fn unknown(written: &str, ident: Ident, engine: &Engine) -> Option<UnknownName> {
    let name = written.get(ident.range.clone())?;
    let (what, expression, kind) = match ident.role {
        Role::Filter => ("filter", format!("''|{name}"), ErrorKind::UnknownFilter),
        Role::Test => ("test", format!("'' is {name}"), ErrorKind::UnknownTest),
        _ => return None,
    };
    // minijinja cannot list its filters. But only an unknown name gives this kind of error, whatever else may fail with
    // an empty text.
    let error = engine.env.compile_expression(&expression).and_then(|compiled| compiled.eval(())).err()?;
    (error.kind() == kind).then(|| UnknownName { at: ident.range, what, name: name.to_owned() })
}

/// The place where a name is first used.
pub(super) fn first_use(written: &str, tags: &[&Tag], name: &str) -> Option<Range<usize>> {
    let is_use = |ident: &Ident| ident.role == Role::Name && written.get(ident.range.clone()) == Some(name);
    tags.iter().find_map(|tag| idents(written, tag).into_iter().find(is_use)).map(|ident| ident.range)
}
