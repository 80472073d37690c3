//! Owns the parameters of a sweep taken together: each name once, in the order of the file, and how many points they make.

use std::ops::Range as Span;

use toml::de::DeValue;

use super::reader::{Entry, Reader, Sink};
use super::{Diagnostic, grid, names, random};
use crate::job::MAX_POINTS;
use crate::space::{Axis, Block, Random, Space, SpaceError, SpaceSpec};

/// A parameter's name, where it is given.
pub(super) struct Declared {
    pub name: String,
    pub span: Span<usize>,
    /// Whether the name will do.
    pub good: bool,
}

/// The parameters found so far; those with mistakes too, so that one mistake is not told as many.
struct Parameters<'a> {
    sink: &'a Sink,
    declared: Vec<Declared>,
    /// With the place of each, for the order of the file.
    axes: Vec<(usize, Option<Axis>)>,
    random: Vec<(usize, Option<Random>)>,
}

/// Reads everything that says which points there are. What is wrong is reported, and then the space is not to be used,
/// but its `order` is.
pub(super) fn read(top: Reader) -> (SpaceSpec, Vec<Declared>) {
    let mut found = Parameters { sink: top.sink, declared: Vec::new(), axes: Vec::new(), random: Vec::new() };
    found.grid(top);
    found.zips(top);
    found.random(top);
    let has_random = !found.random.is_empty();
    found.declared.sort_by_key(|declared| declared.span.start);
    found.axes.sort_by_key(|(at, _)| *at);
    found.random.sort_by_key(|(at, _)| *at);
    let (axes, random) =
        (found.axes.iter().flat_map(|(_, a)| a.clone()), found.random.iter().flat_map(|(_, r)| r.clone()));
    let spec = SpaceSpec {
        root_seed: root_seed(top),
        draws: draws(top, has_random),
        repeats: top.whole("repeats", 1..=i64::MAX as u64).unwrap_or(1),
        blocks: vec![Block { axes: axes.collect(), random: random.collect(), ..Block::default() }],
        order: found.declared.iter().map(|declared| declared.name.clone()).collect(),
        ..SpaceSpec::default()
    };
    if !top.sink.has_errors() {
        check_space(&spec, &found.declared, top);
    }
    (spec, found.declared)
}

fn root_seed(top: Reader) -> u64 {
    top.whole("root-seed", 0..=u64::MAX).unwrap_or(0)
}

fn draws(top: Reader, has_random: bool) -> u64 {
    let Some(draws) = top.whole("draws", 1..=i64::MAX as u64) else { return 1 };
    if let Some(entry) = top.entry("draws").filter(|_| draws > 1 && !has_random) {
        let found = Diagnostic::error("`draws` needs random parameters, and there are none", entry.span);
        top.sink.push(found.help(
            "for more runs of each point with other seeds use `repeats`; random parameters stand under [random]",
        ));
    }
    draws
}

impl Parameters<'_> {
    fn grid(&mut self, top: Reader) {
        let Some(grid) = top.table("grid") else { return };
        for entry in grid.entries() {
            self.declare(&entry);
            let axis = grid::axis(&entry, self.sink);
            self.axes.push((entry.key_span.start, axis));
        }
    }

    fn zips(&mut self, top: Reader) {
        let Some(zip) = top.entry("zip") else { return };
        let groups = match zip.value {
            DeValue::Array(groups) => groups,
            _ => {
                let help =
                    "write [[zip]], in double brackets: there can be several groups of parameters that move together";
                let message = "`zip` is a list of groups: [[zip]], not [zip]";
                self.sink.push(Diagnostic::error(message, zip.key_span).help(help));
                if let DeValue::Table(table) = zip.value {
                    let group = Reader { table, sink: self.sink };
                    self.zip(group, &zip.span);
                }
                return;
            }
        };
        for group in groups.iter() {
            match group.get_ref() {
                DeValue::Table(table) => self.zip(Reader { table, sink: self.sink }, &group.span()),
                _ => {
                    let found = Diagnostic::error("a group of `zip` is a table", group.span());
                    self.sink.push(found.help("write [[zip]] on a line of its own, and its parameters below"));
                }
            }
        }
    }

    fn zip(&mut self, group: Reader, span: &Span<usize>) {
        let entries: Vec<Entry> = group.entries().collect();
        let Some(at) = entries.iter().map(|entry| entry.key_span.start).min() else {
            let found = Diagnostic::error("an empty [[zip]]", span.clone());
            self.sink.push(found.help("put the parameters that move together below it, or take it out"));
            return;
        };
        for entry in &entries {
            self.declare(entry);
        }
        let axis = grid::zip_axis(&entries, self.sink);
        self.axes.push((at, axis));
    }

    fn random(&mut self, top: Reader) {
        let Some(table) = top.table("random") else { return };
        for entry in table.entries() {
            self.declare(&entry);
            let random = random::read(&entry, self.sink);
            self.random.push((entry.key_span.start, random));
        }
    }

    fn declare(&mut self, entry: &Entry) {
        let mistake = names::mistake(entry);
        let good = mistake.is_none();
        // With a bad name the templates use some other one; the one that looks like it is not to be called unknown.
        let name = if good { entry.key.to_owned() } else { names::identifier_like(entry.key) };
        if let Some(mistake) = mistake {
            self.sink.push(mistake);
        } else if let Some(first) = self.declared.iter().find(|declared| declared.name == name) {
            let message = format!("the parameter `{name}` is there twice");
            let found = Diagnostic::error(message, entry.key_span.clone()).also(first.span.clone(), "here too");
            self.sink.push(found.help("keep one of the two"));
            return;
        }
        self.declared.push(Declared { name, span: entry.key_span.clone(), good });
    }
}

/// Asks the space itself whether it can be built: what only it can tell (too many points, values too close together) is
/// told here, at the place that it names.
fn check_space(spec: &SpaceSpec, declared: &[Declared], top: Reader) {
    let Err(error) = Space::check(spec) else { return };
    let place = |name: &str| {
        let first = name.split('+').next().unwrap_or_default();
        declared.iter().find(|declared| declared.name == first).map(|declared| declared.span.clone())
    };
    let whole =
        || ["grid", "zip", "repeats", "draws"].iter().find_map(|key| top.entry(key)).map(|entry| entry.key_span);
    let found = match &error {
        SpaceError::TooManyPoints { factors, product } => {
            let message = format!("this sweep has {product} points, and {MAX_POINTS} (2^53) is the most");
            let found = Diagnostic::error(message, whole().unwrap_or(0..0)).label(factors.clone());
            found.help("fewer values, repeats or draws")
        }
        SpaceError::Values { name, why } | SpaceError::Distribution { name, why } => {
            Diagnostic::error(format!("`{name}`: {why}"), place(name).or_else(whole).unwrap_or(0..0))
        }
        _ => Diagnostic::error(error.to_string(), whole().unwrap_or(0..0)),
    };
    top.sink.push(found);
}
