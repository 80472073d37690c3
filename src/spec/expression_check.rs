//! Owns checking the expressions of `where` and `[derived]` against the parameters of each block.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::ops::Range as Span;

use super::Diagnostic;
use super::blocks::ResolvedBlock;
use super::parameters::{Definition, ParameterName};
use super::string_offsets::inside;
use super::table_reader::TableReader;
use crate::expr::{self, Expression, Rules};
use crate::space::{Range, Values};
use crate::suggest::{list, nearest};
use crate::template::BUILT_IN;
use crate::value::Value;

/// Checks the expressions of all blocks.
pub(super) fn check(blocks: &[ResolvedBlock], declared: &[ParameterName], top: TableReader, file: &str) {
    let names: Vec<&str> = declared.iter().map(|declared| declared.name.as_str()).collect();
    let mut checker = ExpressionChecker { names, top, file, compiled: HashMap::new(), told: HashSet::new() };
    for block in blocks {
        checker.block(block);
    }
}

/// A derived parameter, the place of its name, and the names that it uses.
type Need = (String, Option<Span<usize>>, Vec<String>);

/// What an expression is for.
#[derive(Clone, Copy, PartialEq)]
enum ExpressionUse {
    Where,
    Derived,
}

/// The text of an expression and its place.
#[derive(Clone, Copy)]
struct ExpressionText<'a> {
    text: &'a str,
    span: &'a Span<usize>,
    used: ExpressionUse,
}

struct ExpressionChecker<'a> {
    /// The parameters of all blocks.
    names: Vec<&'a str>,
    top: TableReader<'a>,
    file: &'a str,
    /// Compiled expressions by place, because blocks share inherited ones. None: an error was already reported.
    compiled: HashMap<usize, Option<Expression>>,
    /// Errors already reported: cycles of derived parameters, and expressions that use a parameter that a block lacks.
    told: HashSet<BTreeSet<String>>,
}

impl ExpressionChecker<'_> {
    fn block(&mut self, block: &ResolvedBlock) {
        let mut needs: Vec<Need> = Vec::new();
        for item in &block.items {
            if let Definition::Derived(derived, span) = &item.definition {
                let written = ExpressionText { text: &derived.expression, span, used: ExpressionUse::Derived };
                let names = self.expression(written, block);
                let at = item.names.first().map(|name| name.span.clone());
                needs.push((derived.name.clone(), at, names));
            }
        }
        for condition in &block.conditions {
            let written = ExpressionText { text: &condition.text, span: &condition.span, used: ExpressionUse::Where };
            self.expression(written, block);
        }
        self.cycles(&needs);
    }

    /// Checks an expression in a block. Returns the names that it uses.
    fn expression(&mut self, written: ExpressionText, block: &ResolvedBlock) -> Vec<String> {
        if !self.compiled.contains_key(&written.span.start) {
            let compiled = self.compile(written);
            self.compiled.insert(written.span.start, compiled);
        }
        let Some(Some(expression)) = self.compiled.get(&written.span.start) else { return Vec::new() };
        let names: Vec<String> = expression.names().iter().cloned().collect();
        let lacking = if expression.may_handle_missing() { None } else { self.lacking(written, expression, block) };
        if let Some(lacking) = lacking {
            let key = BTreeSet::from([lacking.0, written.span.start.to_string()]);
            if self.told.insert(key) {
                self.top.sink.push(lacking.1);
            }
        } else if written.used == ExpressionUse::Where
            && self.told.insert(BTreeSet::from([written.span.start.to_string()]))
            && let Some(mistake) = self.no_condition(written, expression, block)
        {
            self.top.sink.push(mistake);
        }
        names
    }

    fn place(&self, written: ExpressionText, at: Option<Span<usize>>) -> Span<usize> {
        at.map_or(written.span.clone(), |at| inside(self.file, written.span, written.text, &at))
    }

    fn compile(&self, written: ExpressionText) -> Option<Expression> {
        let expression = match Expression::compile(written.text, Rules::Second) {
            Ok(expression) => expression,
            Err(error) => {
                let found = Diagnostic::error(error.message, self.place(written, error.at));
                self.top.sink.push(match error.help {
                    Some(help) => found.help(help),
                    None => found,
                });
                return None;
            }
        };
        let unknown: Vec<&String> = expression.names().iter().filter(|name| !self.is_known(name, written)).collect();
        for name in &unknown {
            let at = self.place(written, expr::first_use(written.text, name));
            let found = if BUILT_IN.contains(&name.as_str()) {
                refused(name, at, written.used)
            } else {
                self.unknown(name, at)
            };
            self.top.sink.push(found);
        }
        if written.used == ExpressionUse::Where && expression.names().is_empty() {
            let found = Diagnostic::error("this condition is the same for every point", written.span.clone());
            self.top.sink.push(found.help("compare a parameter with something, as in \"x > 1\""));
            return None;
        }
        unknown.is_empty().then_some(expression)
    }

    fn is_known(&self, name: &str, written: ExpressionText) -> bool {
        self.names.contains(&name) || (name == "draw" && written.used == ExpressionUse::Where)
    }

    fn unknown(&self, name: &str, at: Span<usize>) -> Diagnostic {
        let near = nearest(name, self.names.iter().copied().chain(expr::NAMES));
        let near = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
        let found = Diagnostic::error(format!("there is no parameter `{name}`{near}"), at);
        if self.names.is_empty() {
            return found.help("define parameters under [grid], [[zip]], [random], [derived] or [points]");
        }
        found.help(format!("the parameters are {}; put text in single quotes, 'like this'", list(&self.names)))
    }

    /// The error for an expression that uses a parameter which this block does not have.
    fn lacking(
        &self,
        written: ExpressionText,
        expression: &Expression,
        block: &ResolvedBlock,
    ) -> Option<(String, Diagnostic)> {
        let has =
            |name: &String| name == "draw" || block.items.iter().flat_map(|item| &item.names).any(|n| n.name == *name);
        let lacking = expression.names().iter().find(|name| !has(name))?;
        let at = self.place(written, expr::first_use(written.text, lacking));
        let found = Diagnostic::error(format!("a block does not have the parameter `{lacking}`"), at);
        let found = match &block.span {
            Some(span) => found.also(span.clone(), "this block"),
            None => found,
        };
        let help = match written.used {
            ExpressionUse::Where => {
                format!(
                    "write \"{lacking} is not defined or …\", or move the condition into the blocks that have the parameter"
                )
            }
            ExpressionUse::Derived => format!(
                "write \"… if {lacking} is defined else 0\", or drop the derived parameter there too: without = [\"…\"]"
            ),
        };
        Some((lacking.clone(), found.help(help)))
    }

    /// The error for a condition whose value is not true or false, tested with the first value of every parameter.
    fn no_condition(
        &self,
        written: ExpressionText,
        expression: &Expression,
        block: &ResolvedBlock,
    ) -> Option<Diagnostic> {
        let known = expression.names().iter().all(|name| name == "draw" || first(block, name).is_some());
        let value = |name: &str| if name == "draw" { Some(Value::Int(0)) } else { first(block, name) };
        match expression.value(&value) {
            Ok(result) if known && !matches!(result, Value::Bool(_)) => {
                let message = format!("a condition must give true or false, but this gives {result}");
                Some(
                    Diagnostic::error(message, written.span.clone()).help("compare it with something, as in \"x > 1\""),
                )
            }
            _ => None,
        }
    }

    /// Reports derived parameters that depend on themselves.
    fn cycles(&mut self, needs: &[Need]) {
        for (start, at, _) in needs {
            let Some(cycle) = cycle(start, needs) else { continue };
            if !self.told.insert(cycle.iter().cloned().collect()) {
                continue;
            }
            let path: Vec<String> = cycle.iter().skip(1).chain([start]).map(|name| format!("`{name}`")).collect();
            let message = match path.as_slice() {
                [_] => format!("`{start}` depends on itself"),
                path => format!("`{start}` depends on itself: it uses {}", path.join(", which uses ")),
            };
            let found = Diagnostic::error(message, at.clone());
            self.top.sink.push(found.help("define it from other parameters"));
        }
    }
}

/// The cycle from a derived parameter back to itself, without its end. None: it does not depend on itself.
fn cycle(start: &str, needs: &[Need]) -> Option<Vec<String>> {
    let mut came_from: HashMap<&str, &str> = HashMap::new();
    let mut open = vec![start];
    while let Some(name) = open.pop() {
        let Some((name, _, used)) = needs.iter().find(|(other, ..)| other == name) else { continue };
        for next in used {
            if next == start {
                let mut way = vec![name.clone()];
                while let Some(before) =
                    came_from.get(way.last()?.as_str()).filter(|_| way.last().is_some_and(|n| n != start))
                {
                    way.push((*before).to_owned());
                }
                way.reverse();
                return Some(way);
            }
            if !came_from.contains_key(next.as_str()) {
                came_from.insert(next, name);
                open.push(next);
            }
        }
    }
    None
}

/// The first value that a parameter has on an axis of a block.
fn first(block: &ResolvedBlock, name: &str) -> Option<Value> {
    let axes = block.items.iter().filter_map(|item| match &item.definition {
        Definition::Axis(axis) => Some(axis),
        _ => None,
    });
    match &axes.flat_map(|axis| &axis.params).find(|param| param.name == name)?.values {
        Values::List(values) => values.first().cloned(),
        Values::Range(range) => Some(first_of_range(range)),
    }
}

/// The first value of a range, or an approximation.
pub(super) fn first_of_range(range: &Range) -> Value {
    match range.from.parse() {
        Ok(whole) => Value::Int(whole),
        Err(_) => Value::Float(range.from.parse().unwrap_or(1.0)),
    }
}

/// The error for a name that is available in templates but not in expressions.
fn refused(name: &str, at: Span<usize>, used: ExpressionUse) -> Diagnostic {
    let place = match used {
        ExpressionUse::Where => "a condition",
        ExpressionUse::Derived => "[derived]",
    };
    let (why, help) = match (name, used) {
        ("repeat" | "seed" | "seed32", _) => (
            "all repeats of a point have the same parameters",
            "use parameters; `repeats` sets how often each point is run",
        ),
        ("job", _) => ("the index depends on which points are kept", "use parameters"),
        ("draw", _) => ("a draw sets the values of the parameters under [random]", "use those parameters"),
        _ => ("it is not known before the job runs", "use parameters; templates can use it"),
    };
    Diagnostic::error(format!("{place} cannot use `{name}`: {why}"), at).help(help)
}
