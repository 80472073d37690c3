//! Owns reading the expressions of `where` and `[derived]`.

use std::collections::BTreeSet;
use std::ops::Range as Span;

use toml::de::DeValue;

use super::Diagnostic;
use super::table_reader::{Entry, TableReader, kind};
use crate::expr::{Expression, Rules};
use crate::space::{Derived, SpaceSpec};

/// A condition and its place.
#[derive(Clone)]
pub(super) struct WrittenCondition {
    pub text: String,
    pub span: Span<usize>,
}

/// Reads `where`: one expression or several.
pub(super) fn conditions(table: TableReader) -> Vec<WrittenCondition> {
    let Some(entry) = table.entry("where") else { return Vec::new() };
    let condition = |text: &str, span: Span<usize>| WrittenCondition { text: text.to_owned(), span };
    match entry.value {
        DeValue::String(text) => vec![condition(text, entry.span)],
        DeValue::Array(_) => {
            let texts = table.texts("where").unwrap_or_default();
            texts.into_iter().map(|(text, span)| condition(text, span)).collect()
        }
        _ => {
            let help = "write where = \"x > 1\", or where = [\"x > 1\", \"y < 2\"] for several that must all be true";
            table.wrong::<()>(&entry, "an expression in quotes, or a list of them", help.into());
            Vec::new()
        }
    }
}

/// Reads a parameter of `[derived]`.
pub(super) fn derived(entry: &Entry, table: TableReader) -> Option<(Derived, Span<usize>)> {
    let DeValue::String(text) = entry.value else {
        let message = format!("`{}` must be an expression in quotes, not {}", entry.key, kind(entry.value));
        let help = "write, for example, sites = \"size * size\"; put plain values under [grid]";
        table.sink.push(Diagnostic::error(message, entry.span.clone()).help(help));
        return None;
    };
    Some((Derived { name: entry.key.to_owned(), expression: text.clone().into_owned() }, entry.span.clone()))
}

/// The names used by the expressions of a space.
pub(super) fn names_used(space: &SpaceSpec) -> BTreeSet<String> {
    let derived = space.blocks.iter().flat_map(|block| &block.derived).map(|derived| &derived.expression);
    let texts: BTreeSet<&String> = derived.chain(space.blocks.iter().flat_map(|block| &block.conditions)).collect();
    let compiled = texts.into_iter().filter_map(|text| Expression::compile(text, Rules::Second).ok());
    compiled.flat_map(|expression| expression.names().clone()).collect()
}
