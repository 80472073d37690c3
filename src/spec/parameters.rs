//! Owns reading the tables that define parameters (`[grid]`, `[[zip]]`, `[random]`, `[derived]`, `[points]`) and
//! `where`, at the top of the file or in a `[[block]]`.

use std::ops::Range as Span;

use toml::de::DeValue;

use super::expressions::{self, WrittenCondition};
use super::files::Importer;
use super::table_reader::{Entry, TableReader};
use super::{Diagnostic, grid, names, points, random};
use crate::space::{Axis, Derived, Random};

/// The name of a parameter, and the place where it is defined.
#[derive(Clone)]
pub(super) struct ParameterName {
    pub name: String,
    pub span: Span<usize>,
    /// Whether the name is valid.
    pub good: bool,
}

/// What one parameter, or several that vary together, are defined as.
#[derive(Clone)]
pub(super) enum Definition {
    Axis(Axis),
    Random(Random),
    /// With the place of the expression.
    Derived(Derived, Span<usize>),
    /// An error was already reported.
    Mistaken,
}

/// Parameters that are defined together.
#[derive(Clone)]
pub(super) struct ParameterGroup {
    pub names: Vec<ParameterName>,
    pub definition: Definition,
    /// The rows of a points file with repeated rows, as positions on the axis. None: no row is repeated.
    pub shared_rows: Option<Vec<u64>>,
}

/// The content of one set of these tables.
#[derive(Default)]
pub(super) struct ParameterTables {
    pub items: Vec<ParameterGroup>,
    pub conditions: Vec<WrittenCondition>,
}

/// Reads the tables of `table`: the top of the file or, if `in_block`, a block.
pub(super) fn read(table: TableReader, importer: Importer, in_block: bool) -> ParameterTables {
    let mut reader = ParametersReader { table, importer, in_block, points: None, part: ParameterTables::default() };
    reader.points();
    reader.grid();
    reader.zips();
    reader.random();
    reader.derived();
    let mut part = reader.part;
    part.items.sort_by_key(|item| item.names.iter().map(|name| name.span.start).min());
    part.conditions = expressions::conditions(table);
    part
}

struct ParametersReader<'a> {
    table: TableReader<'a>,
    importer: Importer<'a>,
    in_block: bool,
    /// The place of the parameters that come from a points file.
    points: Option<Span<usize>>,
    part: ParameterTables,
}

impl ParametersReader<'_> {
    fn push(&self, found: Diagnostic) {
        self.table.sink.push(found);
    }

    fn points(&mut self) {
        let Some(table) = self.table.table("points") else { return };
        let Some(span) = self.table.entry("points").map(|entry| entry.key_span) else { return };
        let (found, axis, shared_rows) = points::read(table, &span, self.importer);
        self.points = found.first().map(|declared| declared.span.clone());
        let mut names: Vec<ParameterName> = Vec::new();
        for declared in found {
            self.declare(declared, &mut names);
        }
        if !names.is_empty() {
            let definition = axis.map_or(Definition::Mistaken, Definition::Axis);
            self.part.items.push(ParameterGroup { names, definition, shared_rows });
        }
    }

    fn grid(&mut self) {
        let Some(grid) = self.table.table("grid") else { return };
        for entry in grid.entries() {
            let axis = grid::axis(&entry, self.importer, self.table.sink);
            self.item(&[entry], axis.map(Definition::Axis));
        }
    }

    fn zips(&mut self) {
        let Some(zip) = self.table.entry("zip") else { return };
        let groups = match zip.value {
            DeValue::Array(groups) => groups,
            _ => {
                let form =
                    if self.in_block { "zip = [{ a = [1, 2], b = [3, 4] }]" } else { "[[zip]], in double brackets" };
                let help = format!("write {form}; there can be several groups of parameters that vary together");
                let message = "`zip` must be written [[zip]], not [zip]";
                self.push(Diagnostic::error(message, zip.key_span).help(help));
                if let DeValue::Table(table) = zip.value {
                    self.zip(TableReader { table, sink: self.table.sink }, &zip.span);
                }
                return;
            }
        };
        for group in groups.iter() {
            match group.get_ref() {
                DeValue::Table(table) => self.zip(TableReader { table, sink: self.table.sink }, &group.span()),
                _ => {
                    let found = Diagnostic::error("a group of `zip` must be a table", group.span());
                    self.push(found.help("write [[zip]] on a line of its own and its parameters below"));
                }
            }
        }
    }

    fn zip(&mut self, group: TableReader, span: &Span<usize>) {
        let entries: Vec<Entry> = group.entries().collect();
        if entries.is_empty() {
            let found = Diagnostic::error("this [[zip]] is empty", span.clone());
            self.push(found.help("write the parameters that vary together below it, or remove it"));
            return;
        }
        let axis = grid::zip_axis(&entries, self.importer, self.table.sink);
        self.item(&entries, axis.map(Definition::Axis));
    }

    fn random(&mut self) {
        let Some(table) = self.table.table("random") else { return };
        for entry in table.entries() {
            let random = random::read(&entry, self.table.sink);
            self.item(&[entry], random.map(Definition::Random));
        }
    }

    fn derived(&mut self) {
        let Some(table) = self.table.table("derived") else { return };
        for entry in table.entries() {
            let derived = expressions::derived(&entry, table);
            self.item(&[entry], derived.map(|(derived, span)| Definition::Derived(derived, span)));
        }
    }

    fn item(&mut self, entries: &[Entry], definition: Option<Definition>) {
        let mut names = Vec::with_capacity(entries.len());
        for entry in entries {
            let mistake = names::mistake(entry);
            let good = mistake.is_none();
            // Templates probably use the valid name that resembles this one, so it must not be reported as unknown.
            let name = if good { entry.key.to_owned() } else { names::identifier_like(entry.key) };
            mistake.into_iter().for_each(|mistake| self.push(mistake));
            self.declare(ParameterName { name, span: entry.key_span.clone(), good }, &mut names);
        }
        if !names.is_empty() {
            let definition = definition.unwrap_or(Definition::Mistaken);
            self.part.items.push(ParameterGroup { names, definition, shared_rows: None });
        }
    }

    /// Adds a name, unless it is already defined.
    fn declare(&self, declared: ParameterName, names: &mut Vec<ParameterName>) {
        let all = self.part.items.iter().flat_map(|item| &item.names).chain(&*names);
        match all.into_iter().find(|other| declared.good && other.good && other.name == declared.name) {
            Some(other) => {
                let (first, second) =
                    if other.span.start <= declared.span.start { (other, &declared) } else { (&declared, other) };
                let message = format!("the parameter `{}` is defined twice", declared.name);
                let found =
                    Diagnostic::error(message, second.span.clone()).also(first.span.clone(), "also defined here");
                let from_file = [first, second].iter().any(|declared| self.points.as_ref() == Some(&declared.span));
                let help = match from_file {
                    true => {
                        "remove one of the two; under [points], `columns` selects columns and `rename` renames them"
                    }
                    false => "remove one of the two",
                };
                self.push(found.help(help));
            }
            None => names.push(declared),
        }
    }
}
