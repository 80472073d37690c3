//! Owns reading the text of a sweep file into a [`Spec`], or into the list of everything that is wrong with it. Pure.

use std::cell::RefCell;
use std::path::PathBuf;

use super::column::ColumnType;
use super::files::Importer;
use super::job::{NAME_RULE, name_like};
use super::keys::TOP;
use super::table_reader::{Sink, TableReader};
use super::{Diagnostic, Diagnostics, command, inputs, job, results, space, syntax, templates};
use crate::expr::Rules;
use crate::files::{Disk, Files};
use crate::job::is_sweep_name;
use crate::model::{Command, Spec};
use crate::template;

/// The file that the text of a sweep file comes from.
#[derive(Clone, Debug)]
pub struct SourceFile {
    /// The path as messages show it.
    pub file: String,
    /// The file name without its extension: the default of the sweep's name.
    pub stem: String,
    /// The folder of the file, absolute.
    pub here: PathBuf,
}

/// A sweep file without errors.
#[derive(Clone, Debug, PartialEq)]
pub struct SweepFile {
    /// What it says.
    pub spec: Spec,
    /// Warnings; often empty.
    pub warnings: Diagnostics,
    /// What was read from other files, in no particular order.
    pub imports: Vec<Import>,
}

/// Parameter values that a sweep file takes from another file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Import {
    /// Paths, from `{ glob = "…" }`.
    Glob {
        /// The parameter whose values they are.
        parameter: String,
        /// The pattern, as written.
        pattern: String,
        /// The number of matches, at least 1.
        matches: u64,
    },
    /// Values, from `{ lines = "…" }`.
    Lines {
        /// The parameter whose values they are.
        parameter: String,
        /// The file, as written.
        file: String,
        /// The number of values, at least 1.
        values: u64,
        /// Their type.
        kind: ColumnType,
    },
    /// Grid points, from `[points]`.
    Points {
        /// The file, as written.
        file: String,
        /// The number of rows, at least 1.
        rows: u64,
        /// The number of different rows.
        points: u64,
        /// The columns that are used.
        columns: Vec<ImportedColumn>,
    },
}

/// A column of a points file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportedColumn {
    /// The name of the parameter.
    pub name: String,
    /// The type of its non-empty cells.
    pub kind: ColumnType,
}

/// Reads a sweep file, and the files on disk that it names.
///
/// # Errors
/// All errors and warnings, in the order of the file.
pub fn read(text: &str, source: &SourceFile) -> Result<SweepFile, Diagnostics> {
    read_with(text, source, &Disk { here: source.here.clone() })
}

/// Reads a sweep file. Pure, except that `files` gives the content of other files.
///
/// # Errors
/// All errors and warnings, in the order of the file.
pub fn read_with(text: &str, source: &SourceFile, files: &dyn Files) -> Result<SweepFile, Diagnostics> {
    let imports = RefCell::new(Vec::new());
    let importer = Importer { files, imports: &imports };
    let sink = Sink::default();
    let parsed = syntax::parse(text);
    parsed.mistakes.into_iter().for_each(|mistake| sink.push(mistake));
    let complete = !sink.has_errors();
    let top = TableReader { table: &parsed.table, sink: &sink };
    let spec = if parsed.usable { read_table(top, source, importer, complete.then_some(text)) } else { None };
    let found = Diagnostics::new(&source.file, text, sink.into_list());
    match spec {
        Some(spec) if !found.has_errors() => Ok(SweepFile { spec, warnings: found, imports: imports.into_inner() }),
        _ => Err(found),
    }
}

/// Reads the tables. `text` is the whole file. None: a part of the file could not be parsed. That part may define
/// parameters, so the templates are not checked against the parameters.
fn read_table(top: TableReader, source: &SourceFile, importer: Importer, text: Option<&str>) -> Option<Spec> {
    top.finish(&TOP);
    let (space, declared) = space::read(top, importer, text);
    let name = name(top, source);
    let command = command::read(top);
    let has_command = command.is_some();
    let mut spec = Spec {
        name: name.unwrap_or_default(),
        // A placeholder, so that the other templates are still checked. An error was already reported.
        command: command.unwrap_or_else(|| Command::Words(vec!["true".into(), "{{ flags }}".into()])),
        results: results::read(top, &space.order, text),
        rules: Rules::First,
        keeps_empty_words: false,
        space,
        job: job::settings(top),
        templates: templates::read(top, importer),
        files: inputs::read(top, importer),
    };
    templates::settle(&mut spec, top, source);
    template::settle_rules(&mut spec);
    if let Some(text) = text {
        command::check(&spec, &declared, top, text);
    }
    has_command.then_some(spec)
}

fn name(top: TableReader, source: &SourceFile) -> Option<String> {
    if top.entry("name").is_none() {
        if is_sweep_name(&source.stem) {
            return Some(source.stem.clone());
        }
        let message = format!("the file name `{}` cannot be the name of a sweep", source.stem);
        let found = Diagnostic { span: None, ..Diagnostic::error(message, 0..0) };
        top.sink.push(
            found.help(format!("write `name = \"{}\"` at the top of the file; {NAME_RULE}", name_like(&source.stem))),
        );
        return None;
    }
    let (name, span) = top.text("name")?;
    if is_sweep_name(name) {
        return Some(name.to_owned());
    }
    let found = Diagnostic::error(format!("`{}` cannot be the name of a sweep", name.escape_debug()), span);
    top.sink.push(found.help(format!("{NAME_RULE}: name = \"{}\"", name_like(name))));
    None
}
