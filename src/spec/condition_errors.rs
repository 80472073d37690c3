//! Owns the places of errors that are found only when the points are evaluated.

use std::ops::Range;

use super::expressions::{WrittenCondition, conditions};
use super::table_reader::{Sink, TableReader};
use super::{Diagnostic, Diagnostics, syntax};
use crate::space::SpaceError;

/// The diagnostics for conditions that cannot be evaluated or that leave no point. `file` is the name of the sweep file
/// in messages and `text` its content. None for other errors.
pub fn mistaken_conditions(file: &str, text: &str, error: &SpaceError) -> Option<Diagnostics> {
    let parsed = syntax::parse(text);
    let sink = Sink::default();
    let top = TableReader { table: &parsed.table, sink: &sink };
    let mut all = conditions(top);
    let blocks = top.entry("block").and_then(|entry| entry.value.as_array());
    let tables = blocks.into_iter().flat_map(|blocks| blocks.iter()).filter_map(|block| block.get_ref().as_table());
    tables.for_each(|table| all.extend(conditions(TableReader { table, sink: &sink })));
    let found = match error {
        SpaceError::NothingKept => nothing_kept(&all)?,
        SpaceError::Condition { text, place, why } => {
            let span = all.iter().find(|condition| condition.text == *text)?.span.clone();
            let place = if place.is_empty() { String::new() } else { format!(" at {place}") };
            let found = Diagnostic::error(format!("this condition cannot be evaluated{place}: {why}"), span);
            found.help(
                "a condition is evaluated at every point; use `and` or `… if x is defined else …` to skip a part of it",
            )
        }
        _ => return None,
    };
    Some(Diagnostics::new(file, text, vec![found]))
}

fn nothing_kept(all: &[WrittenCondition]) -> Option<Diagnostic> {
    let place = |condition: &WrittenCondition| -> Range<usize> { condition.span.clone() };
    let (first, others) = all.split_first()?;
    let (message, help) = match others {
        [] => (
            "no point is left: this condition is false everywhere",
            "relax it; to see the points, run `sweep check` without it",
        ),
        _ => (
            "no point is left: these conditions are never true together",
            "relax one; to see the points, run `sweep check` without them",
        ),
    };
    let found = Diagnostic::error(message, place(first));
    let found = others.iter().fold(found, |found, other| found.also(place(other), "and this one"));
    Some(found.help(help))
}
