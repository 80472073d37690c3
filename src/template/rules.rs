//! Owns by which rules the templates of a new sweep are rendered.

use super::segments::Segments;
use super::split::split;
use super::tags::{Role, Tag, TagKind, idents, plain_name, tags};
use crate::expr::Rules;
use crate::model::{Command, Spec};
use crate::space::{Dist, Values};
use crate::value::Value;

/// Filters that the first release does not have.
const NEW_FILTERS: [&str; 2] = ["tojson", "quote"];

/// Sets the rules of a sweep file that was just read: those of the first release where they render the same, so that its
/// workers can run the sweep and its results can be reused.
pub fn settle_rules(spec: &mut Spec) {
    let is_new = texts(spec).any(needs_second);
    spec.rules = if is_new { Rules::Second } else { Rules::First };
    spec.keeps_empty_words = match &spec.command {
        Command::Text(text) if !spec.job.shell => has_empty_word(text, spec),
        _ => false,
    };
}

fn texts(spec: &Spec) -> impl Iterator<Item = &str> {
    let command: Vec<&str> = match &spec.command {
        Command::Text(text) => vec![text],
        Command::Words(words) => words.iter().map(String::as_str).collect(),
    };
    let job = spec.job.env.iter().map(|(_, value)| value).chain(&spec.job.stdin).chain(&spec.job.dir);
    let decks = spec.templates.iter().map(|deck| &deck.text);
    command.into_iter().chain(job.chain(decks).map(String::as_str))
}

/// Whether a template is rendered in another way by the second rules, or uses a new filter. A mistaken one does not.
fn needs_second(text: &str) -> bool {
    let Ok(segments) = Segments::of(text) else { return false };
    let is_new = |tag: &Tag| {
        let mut filters = idents(text, tag).into_iter().filter(|ident| ident.role == Role::Filter);
        filters.any(|ident| text.get(ident.range).is_some_and(|name| NEW_FILTERS.contains(&name)))
    };
    segments.rewritten(text).is_some() || tags(text).is_ok_and(|tags| tags.iter().any(is_new))
}

/// Whether an unquoted word of the command is only values that may all be empty texts.
fn has_empty_word(command: &str, spec: &Spec) -> bool {
    let Ok(words) = split(command) else { return false };
    words.iter().filter(|word| !word.quoted).any(|word| {
        let tags: Vec<&Tag> = word.segments.tags().filter(|tag| tag.kind != TagKind::Comment).collect();
        let is_empty = |name: &str| may_be_empty(name, spec);
        tags.len() == word.segments.0.len()
            && !tags.is_empty()
            && tags.into_iter().all(|tag| plain_name(command, tag).is_some_and(is_empty))
    })
}

/// Whether a parameter may have an empty text as its value.
fn may_be_empty(name: &str, spec: &Spec) -> bool {
    let is_empty = |value: &Value| matches!(value, Value::Text(text) if text.is_empty());
    spec.space.blocks.iter().any(|block| {
        let listed = block.axes.iter().flat_map(|axis| &axis.params).any(|param| {
            param.name == name && matches!(&param.values, Values::List(values) if values.iter().any(is_empty))
        });
        let chosen = block.random.iter().any(|random| {
            let Dist::Choice { values, .. } = &random.dist else { return false };
            random.name == name && values.iter().any(is_empty)
        });
        let mut derived = block.derived.iter().filter(|derived| derived.name == name);
        listed || chosen || derived.any(|derived| derived.expression.contains(['\'', '"']))
    })
}
