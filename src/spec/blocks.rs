//! Owns `[[block]]`: combining the tables at the top of the file, which every block inherits, with those of each block.

use std::collections::HashMap;
use std::ops::Range as Span;

use toml::de::DeValue;

use super::Diagnostic;
use super::expressions::WrittenCondition;
use super::files::Importer;
use super::keys::BLOCK;
use super::parameters::{self, Definition, ParameterGroup, ParameterName, ParameterTables};
use super::table_reader::{Sink, TableReader};
use crate::space::{Axis, Block, SharedRows, Values};
use crate::suggest::{list, nearest};

/// A block combined with what it inherits.
pub(super) struct ResolvedBlock {
    pub items: Vec<ParameterGroup>,
    pub conditions: Vec<WrittenCondition>,
    /// The place of the block. None: the file has no blocks.
    pub span: Option<Span<usize>>,
}

impl ResolvedBlock {
    /// The block without the definitions that have errors.
    pub fn block(&self) -> Block {
        let mut block = Block {
            conditions: self.conditions.iter().map(|condition| condition.text.clone()).collect(),
            ..Block::default()
        };
        for item in &self.items {
            match item.definition.clone() {
                Definition::Axis(axis) => {
                    let parameter = axis.params.first().map(|param| param.name.clone());
                    let shared = parameter.zip(item.shared_rows.clone());
                    block.shared_rows.extend(shared.map(|(parameter, positions)| SharedRows { parameter, positions }));
                    block.axes.push(axis);
                }
                Definition::Random(random) => block.random.push(random),
                Definition::Derived(derived, _) => block.derived.push(derived),
                Definition::Mistaken => {}
            }
        }
        block
    }
}

/// A block as written.
struct BlockTables {
    part: ParameterTables,
    without: Vec<(String, Span<usize>)>,
    span: Span<usize>,
}

/// Reads the top of the file and all blocks. Returns the resolved blocks, and each parameter name once, in the order of
/// the file.
pub(super) fn read(top: TableReader, importer: Importer) -> (Vec<ResolvedBlock>, Vec<ParameterName>) {
    let base = parameters::read(top, importer, false);
    let own: Vec<BlockTables> = tables(top).into_iter().map(|(table, span)| own(table, span, importer)).collect();
    let declared = all_names(&base, &own);
    let mut assembled: Vec<ResolvedBlock> = match own.is_empty() {
        true => vec![ResolvedBlock { items: base.items, conditions: base.conditions, span: None }],
        false => own.into_iter().map(|own| assemble(&base, own, top.sink)).collect(),
    };
    let places: HashMap<&str, usize> = (0..).zip(&declared).map(|(i, declared)| (declared.name.as_str(), i)).collect();
    for block in &mut assembled {
        block.items.sort_by_key(|item| item.names.iter().filter_map(|name| places.get(name.name.as_str())).min());
    }
    if !top.sink.has_errors() {
        warn_of_same(&assembled, top.sink);
    }
    (assembled, declared)
}

/// The tables `[[block]]`, each with its place.
fn tables(top: TableReader<'_>) -> Vec<(TableReader<'_>, Span<usize>)> {
    let Some(entry) = top.entry("block") else { return Vec::new() };
    let reader = |table| TableReader { table, sink: top.sink };
    match entry.value {
        DeValue::Array(tables) => {
            if tables.is_empty() {
                let found = Diagnostic::error("the list of blocks is empty, so there would be no points", entry.span);
                top.sink.push(found.help("remove it, or write [[block]] on a line of its own and its keys below"));
            }
            let mut read = Vec::new();
            for table in tables.iter() {
                match table.get_ref() {
                    DeValue::Table(inner) => read.push((reader(inner), table.span())),
                    _ => {
                        let found = Diagnostic::error("a block must be a table", table.span());
                        top.sink.push(found.help("write [[block]] on a line of its own and its keys below"));
                    }
                }
            }
            read
        }
        other => {
            let found = Diagnostic::error("`block` must be written [[block]], not [block]", entry.key_span);
            top.sink.push(found.help(
                "write [[block]], in double brackets, before each block; the sweep has the points of all blocks",
            ));
            other.as_table().map(|table| (reader(table), entry.span)).into_iter().collect()
        }
    }
}

fn own(table: TableReader, span: Span<usize>, importer: Importer) -> BlockTables {
    table.finish(&BLOCK);
    if table.entries().next().is_none() {
        let found = Diagnostic::warning(
            "this block is empty: it has the same points as the tables at the top of the file",
            span.clone(),
        );
        table.sink.push(found.help("remove it, or write below it what differs"));
    }
    let part = parameters::read(table, importer, true);
    let without = table.texts("without").unwrap_or_default();
    BlockTables { part, without: without.into_iter().map(|(name, span)| (name.to_owned(), span)).collect(), span }
}

/// Each name at its first place, in the order of the file.
fn all_names(base: &ParameterTables, own: &[BlockTables]) -> Vec<ParameterName> {
    let parts = [base].into_iter().chain(own.iter().map(|own| &own.part));
    let mut all: Vec<&ParameterName> = parts.flat_map(|part| &part.items).flat_map(|item| &item.names).collect();
    all.sort_by_key(|declared| declared.span.start);
    let mut seen = std::collections::HashSet::new();
    all.into_iter().filter(|declared| seen.insert(declared.name.as_str())).cloned().collect()
}

/// The tables at the top, without what the block redefines or drops, plus what the block defines.
fn assemble(base: &ParameterTables, own: BlockTables, sink: &Sink) -> ResolvedBlock {
    let given: Vec<(&str, &Span<usize>)> =
        own.part.items.iter().flat_map(|item| &item.names).map(|name| (name.name.as_str(), &name.span)).collect();
    for (name, span) in &own.without {
        check_dropped(name, span, base, &given, sink);
    }
    let dropped: Vec<(&str, &Span<usize>)> =
        given.into_iter().chain(own.without.iter().map(|(name, span)| (name.as_str(), span))).collect();
    let inherited = base.items.iter().filter_map(|item| keep(item, &dropped, sink));
    let mut items: Vec<ParameterGroup> = inherited.collect();
    items.extend(own.part.items);
    let conditions = base.conditions.iter().cloned().chain(own.part.conditions).collect();
    ResolvedBlock { items, conditions, span: Some(own.span) }
}

/// What is left of parameters that are defined together at the top.
fn keep(item: &ParameterGroup, dropped: &[(&str, &Span<usize>)], sink: &Sink) -> Option<ParameterGroup> {
    let gone = |name: &str| dropped.iter().find(|(other, _)| *other == name).map(|(_, span)| *span);
    let Some(span) = item.names.iter().find_map(|name| gone(&name.name)) else { return Some(item.clone()) };
    let names: Vec<ParameterName> = item.names.iter().filter(|name| gone(&name.name).is_none()).cloned().collect();
    if names.is_empty() {
        return None;
    }
    let definition = match &item.definition {
        Definition::Axis(axis) => {
            let left = axis.params.iter().filter(|param| gone(&param.name).is_none()).cloned().collect();
            let left = Axis { params: left };
            if has_equal_rows(&left) {
                let rest = list(names.iter().map(|name| &name.name));
                let message =
                    format!("without this parameter, {rest} would have the same values more than once in this block");
                let help = "they vary together at the top of the file: define all of them again here, or drop the \
                            others too with `without`";
                sink.push(Diagnostic::error(message, span.clone()).help(help));
                return Some(ParameterGroup { names, definition: Definition::Mistaken, shared_rows: None });
            }
            Definition::Axis(left)
        }
        other => other.clone(),
    };
    Some(ParameterGroup { names, definition, shared_rows: item.shared_rows.clone() })
}

/// Whether two rows of an axis of lists print the same. Values of a range never do.
fn has_equal_rows(axis: &Axis) -> bool {
    let lists: Option<Vec<_>> = axis
        .params
        .iter()
        .map(|param| match &param.values {
            Values::List(values) => Some(values),
            Values::Range(_) => None,
        })
        .collect();
    let Some(lists) = lists else { return false };
    let mut seen = std::collections::HashSet::new();
    (0..lists.first().map_or(0, |list| list.len()))
        .any(|i| !seen.insert(lists.iter().map(|list| list.get(i).map(ToString::to_string)).collect::<Vec<_>>()))
}

fn check_dropped(name: &str, span: &Span<usize>, base: &ParameterTables, given: &[(&str, &Span<usize>)], sink: &Sink) {
    let in_base = || base.items.iter().flat_map(|item| &item.names).map(|declared| declared.name.as_str());
    if let Some((_, other)) = given.iter().find(|(other, _)| *other == name) {
        let message = format!("this block both drops and defines `{name}`");
        let found = Diagnostic::error(message, span.clone()).also((*other).clone(), "given here");
        sink.push(found.help("a parameter that a block defines replaces the one at the top; remove it from `without`"));
    } else if !in_base().any(|other| other == name) {
        let near = nearest(name, in_base()).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
        let message = format!("this block drops `{name}`, which the tables at the top of the file do not define{near}");
        let help = match in_base().next() {
            Some(_) => format!("the tables at the top of the file define {}", list(in_base())),
            None => "the tables at the top of the file define no parameters".to_owned(),
        };
        sink.push(Diagnostic::error(message, span.clone()).help(help));
    }
}

fn warn_of_same(assembled: &[ResolvedBlock], sink: &Sink) {
    let blocks: Vec<Block> = assembled.iter().map(ResolvedBlock::block).collect();
    for (i, block) in blocks.iter().enumerate() {
        let same = blocks.iter().take(i).position(|other| other == block).and_then(|first| assembled.get(first));
        if let (Some(ResolvedBlock { span: Some(first), .. }), Some(ResolvedBlock { span: Some(span), .. })) =
            (same, assembled.get(i))
        {
            let found = Diagnostic::warning("this block is the same as another one", span.clone());
            sink.push(
                found
                    .also(first.clone(), "the first one")
                    .help("remove one of the two; a point that several blocks have is run once"),
            );
        }
    }
}
