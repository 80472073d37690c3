//! Owns reading `[points]`: the rows of a file become grid points.

use std::collections::{HashMap, HashSet};
use std::ops::Range as Span;

use toml::de::DeValue;

use super::column::{self, ColumnType, TypedColumn};
use super::files::Importer;
use super::keys::POINTS;
use super::names::{self, Unfit};
use super::parameters::ParameterName;
use super::table::{self, PointsTable, Separator, TableForm};
use super::table_reader::{Entry, TableReader, kind};
use super::{Diagnostic, Import, ImportedColumn};
use crate::space::{Axis, AxisParam, Values};
use crate::suggest::{list, nearest};

/// The names of the parameters; the axis of the rows, unless there is an error; and for each row of the file its position on
/// the axis, if rows are repeated.
type ReadPoints = (Vec<ParameterName>, Option<Axis>, Option<Vec<u64>>);

/// Reads `[points]`.
pub(super) fn read(points: TableReader, key: &Span<usize>, importer: Importer) -> ReadPoints {
    points.finish(&POINTS);
    if points.entry("file").is_none() {
        if !points.has_foreign(&POINTS) {
            let found = Diagnostic::error("[points] has no `file`", key.clone());
            points.sink.push(
                found.help("add file = \"points.csv\": a header line with the names, then one grid point per line"),
            );
        }
        return (Vec::new(), None, None);
    }
    let Some((file, span)) = points.text("file") else { return (Vec::new(), None, None) };
    let Some(text) = importer.text(file, &span, points.sink) else { return (Vec::new(), None, None) };
    let mentioned: Vec<&str> = mentioned(points);
    let names = match points.flag("header") {
        Some(false) => match names_without_header(points, key) {
            Some(names) => Some(names),
            None => return (Vec::new(), None, None),
        },
        _ => None,
    };
    let form = TableForm { separator: separator(points), names: names.as_deref(), mentioned: &mentioned };
    let table = match table::parse(file, &text, form) {
        Ok(table) => table,
        Err(mistakes) => {
            mistakes.into_iter().for_each(|(message, help)| {
                points.sink.push(Diagnostic::error(message, span.clone()).help(help));
            });
            return (Vec::new(), None, None);
        }
    };
    PointsReader { points, file, span, table: &table }.read(importer)
}

/// The names of columns in the keys of `[points]`.
fn mentioned<'a>(points: TableReader<'a>) -> Vec<&'a str> {
    let columns = points.entry("columns").and_then(|entry| entry.value.as_array());
    let columns = columns.into_iter().flat_map(|columns| columns.iter()).filter_map(|name| name.get_ref().as_str());
    let tables = ["types", "rename"].into_iter().filter_map(|key| points.entry(key)?.value.as_table());
    columns.chain(tables.flat_map(|table| table.keys().map(|key| &**key.get_ref()))).collect()
}

/// The names of the columns of a file without a header: all of `columns`.
fn names_without_header<'a>(points: TableReader<'a>, key: &Span<usize>) -> Option<Vec<&'a str>> {
    if points.entry("columns").is_none() {
        let span = points.entry("header").map_or_else(|| key.clone(), |entry| entry.span);
        let found = Diagnostic::error("`header = false` needs the names of the columns", span);
        points.sink.push(found.help("name all columns of the file, in order: columns = [\"x\", \"y\"]"));
    }
    Some(points.texts("columns")?.into_iter().map(|(name, _)| name).collect())
}

/// `separator`: a character or its name.
fn separator(points: TableReader) -> Option<Separator> {
    let (written, span) = points.text("separator")?;
    let separator = match written {
        "," | "comma" => Separator::Byte(b','),
        ";" | "semicolon" => Separator::Byte(b';'),
        "\t" | "tab" => Separator::Byte(b'\t'),
        " " | "space" => Separator::WhiteSpace,
        _ => {
            let found = Diagnostic::error(format!("`{}` cannot separate cells", written.escape_debug()), span);
            points.sink.push(found.help("write \",\", \";\", \"tab\" or \"space\" (any number of spaces)"));
            return None;
        }
    };
    Some(separator)
}

/// A name as a key of TOML.
fn toml_key(name: &str) -> String {
    let is_bare = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'));
    if is_bare { name.to_owned() } else { format!("\"{}\"", name.escape_default()) }
}

struct PointsReader<'a> {
    points: TableReader<'a>,
    file: &'a str,
    span: Span<usize>,
    table: &'a PointsTable,
}

/// A column that is used.
struct Used<'a> {
    header: &'a str,
    position: usize,
    name: String,
    kind: Option<ColumnType>,
}

impl<'a> PointsReader<'a> {
    fn push(&self, message: String, span: &Span<usize>, help: impl Into<String>) {
        self.points.sink.push(Diagnostic::error(message, span.clone()).help(help));
    }

    fn wrong(&self, message: String, help: impl Into<String>) {
        self.push(message, &self.span, help);
    }

    fn read(&self, importer: Importer) -> ReadPoints {
        let before = self.points.sink.errors();
        let used = self.used();
        let names = self.declared(&used);
        let columns: Vec<Option<TypedColumn>> = used.iter().map(|used| self.column(used)).collect();
        let Some(columns) = columns.into_iter().collect::<Option<Vec<TypedColumn>>>() else {
            return (names, None, None);
        };
        if self.points.sink.errors() > before || used.is_empty() {
            return (names, None, None);
        }
        let positions = self.positions(&columns);
        let repeated = positions.iter().zip(0..).any(|(position, row)| *position != row);
        if repeated && !self.shares_duplicates() {
            return (names, None, None);
        }
        // The first row of each point.
        let mut next = 0;
        let is_first = |position: &u64| {
            let is_first = *position == next;
            next += u64::from(is_first);
            is_first
        };
        let first: Vec<bool> = positions.iter().map(is_first).collect();
        let described = used.iter().zip(&columns);
        importer.tell_points(Import::Points {
            file: self.file.to_owned(),
            rows: self.table.rows.len() as u64,
            points: first.iter().filter(|is_first| **is_first).count() as u64,
            columns: described
                .map(|(used, column)| ImportedColumn { name: used.name.clone(), kind: column.kind })
                .collect(),
        });
        let params = used.into_iter().zip(columns);
        let params = params.map(|(used, column)| {
            let values =
                column.values.into_iter().zip(&first).filter(|(_, is_first)| **is_first).map(|(value, _)| value);
            AxisParam { name: used.name, values: Values::List(values.collect()) }
        });
        (names, Some(Axis { params: params.collect() }), repeated.then_some(positions))
    }

    /// The columns that are used, in order: those listed in `columns`, or all.
    fn used(&self) -> Vec<Used<'a>> {
        let rename = self.rename();
        let types = self.types();
        let used = |header: &'a str, position: usize| {
            let name = rename.iter().find(|(old, _)| *old == header).map_or(header, |(_, new)| new).to_owned();
            Used { header, position, name, kind: types.get(header).copied() }
        };
        let Some(columns) = self.columns() else {
            let all = self.table.header.iter().enumerate();
            return all.map(|(position, header)| used(header, position)).collect();
        };
        columns.into_iter().map(|(header, position)| used(header, position)).collect()
    }

    /// The position of a column that the sweep file names.
    fn position(&self, name: &str, span: &Span<usize>) -> Option<(&'a str, usize)> {
        let mut found = self.table.header.iter().enumerate().filter(|(_, header)| *header == name);
        if let Some((position, header)) = found.next() {
            return Some((header, position));
        }
        let headers = || self.table.header.iter().map(String::as_str);
        let near = nearest(name, headers()).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
        let help = format!("its columns are {}", list(headers()));
        self.push(format!("{} has no column `{name}`{near}", self.file), span, help);
        None
    }

    fn columns(&self) -> Option<Vec<(&'a str, usize)>> {
        let entry = self.points.entry("columns")?;
        let columns = self.points.texts("columns")?;
        if columns.is_empty() {
            self.push(
                "`columns` is empty, so there would be no parameters".into(),
                &entry.span,
                "remove it to use all columns",
            );
        }
        let mut seen = HashSet::new();
        for (name, span) in columns.iter().filter(|(name, _)| !seen.insert(*name)) {
            self.push(format!("the column `{name}` is listed twice"), span, "remove one of the two");
        }
        Some(columns.iter().filter_map(|(name, span)| self.position(name, span)).collect())
    }

    /// The entries of a table in `[points]` whose keys are columns.
    fn by_column(&self, key: &str) -> Vec<Entry<'a>> {
        let Some(entry) = self.points.entry(key) else { return Vec::new() };
        let DeValue::Table(table) = entry.value else {
            let example = if key == "types" { "types = { id = \"text\" }" } else { "rename = { old = \"new\" }" };
            let message = format!("`{key}` must be a table, not {}", kind(entry.value));
            self.push(message, &entry.span, format!("write {example}"));
            return Vec::new();
        };
        let reader = TableReader { table, sink: self.points.sink };
        reader.entries().filter(|entry| self.position(entry.key, &entry.key_span).is_some()).collect()
    }

    fn types(&self) -> HashMap<&'a str, ColumnType> {
        let mut types = HashMap::new();
        for entry in self.by_column("types") {
            let (key, what) = (entry.key, format!("the column `{}`", entry.key));
            if let Some(kind) = column::declared(Some(entry), &what, self.points.sink) {
                types.insert(key, kind);
            }
        }
        types
    }

    fn rename(&self) -> Vec<(&'a str, &'a str)> {
        let mut renamed = Vec::new();
        for entry in self.by_column("rename") {
            match entry.value {
                DeValue::String(new) => match names::unfit(new) {
                    None => renamed.push((entry.key, &**new)),
                    Some(why) => {
                        let like = names::identifier_like(new);
                        let other = if like == **new { format!("{like}_value") } else { like };
                        self.push(why.message(new), &entry.span, format!("choose another name, such as \"{other}\""));
                        // Already reported.
                        renamed.push((entry.key, &**new));
                    }
                },
                _ => {
                    let message = format!("the new name of `{}` must be text, not {}", entry.key, kind(entry.value));
                    self.push(message, &entry.span, "put it in quotes");
                }
            }
        }
        renamed
    }

    /// The names of the columns that are used. Reports names that are not valid.
    fn declared(&self, used: &[Used<'a>]) -> Vec<ParameterName> {
        let mut seen: HashMap<&str, &Used> = HashMap::new();
        let mut declared = Vec::new();
        for column in used {
            if let Some(first) = seen.insert(&column.name, column).filter(|_| !column.name.is_empty()) {
                if first.position == column.position {
                    continue;
                }
                let (here, there) = (column.position + 1, first.position + 1);
                let message = format!("{}:1: columns {there} and {here} are both called `{}`", self.file, column.name);
                let help =
                    "give each column in the file its own name, or select the columns to use with `columns = [...]`";
                self.wrong(message, help);
                continue;
            }
            let good = self.is_good(column);
            let name = if good { column.name.clone() } else { names::identifier_like(&column.name) };
            declared.push(ParameterName { name, span: self.span.clone(), good });
        }
        declared
    }

    fn is_good(&self, column: &Used) -> bool {
        let (file, position, name) = (self.file, column.position + 1, column.name.as_str());
        let others =
            || self.table.header.iter().filter(|header| !header.is_empty()).map(|header| format!("\"{header}\""));
        if name.is_empty() {
            let columns = others().take(10).collect::<Vec<_>>().join(", ");
            let help = format!("name it in the file, or use only the others: columns = [{columns}]");
            self.wrong(format!("{file}:1: column {position} has no name"), help);
            return false;
        }
        let Some(why) = names::unfit(name) else { return true };
        if name == column.header {
            let like = match why {
                Unfit::Form => names::identifier_like(name),
                _ => format!("{name}_value"),
            };
            let message = format!("{file}:1: {}", why.message(name));
            self.wrong(message, format!("choose another name under [points]: rename = {{ \"{name}\" = \"{like}\" }}"));
        }
        false
    }

    fn column(&self, used: &Used) -> Option<TypedColumn> {
        let rows = self.table.rows.iter();
        let cells: Vec<(usize, &str)> =
            rows.map(|row| (row.line, row.cells.get(used.position).map_or("", String::as_str))).collect();
        if let Some((line, _)) = cells.iter().find(|(_, cell)| cell.contains('\0')) {
            let message = format!("{}:{line}: a program argument cannot contain a NUL character", self.file);
            self.wrong(message, "remove it");
            return None;
        }
        let name = format!("`{}`", used.header);
        let declare = format!("types = {{ {} = \"text\" }}", toml_key(used.header));
        if let Some(stray) = column::stray_text(self.file, &name, &cells, &declare).filter(|_| used.kind.is_none()) {
            self.points.sink.push(Diagnostic::warning(stray.message, self.span.clone()).help(stray.help));
        }
        match TypedColumn::read(self.file, &name, &cells, used.kind, &declare) {
            Ok(column) if used.kind == Some(ColumnType::Text) => Some(column.with_empty_texts()),
            Ok(column) => Some(column),
            Err(mistake) => {
                self.wrong(mistake.message, mistake.help);
                None
            }
        }
    }

    /// For each row, its position among the rows that are different: rows that print the same have the same position.
    fn positions(&self, columns: &[TypedColumn]) -> Vec<u64> {
        let mut seen: HashMap<Vec<String>, u64> = HashMap::with_capacity(self.table.rows.len());
        let printed = |row: usize| -> Vec<String> {
            columns.iter().filter_map(|column| column.values.get(row)).map(ToString::to_string).collect()
        };
        let position = |row: usize| {
            let next = seen.len() as u64;
            *seen.entry(printed(row)).or_insert(next)
        };
        let positions: Vec<u64> = (0..self.table.rows.len()).map(position).collect();
        if self.points.entry("duplicates").is_none() {
            self.report_repeated(&positions);
        }
        positions
    }

    /// Whether `duplicates` says that equal rows are one point. Reports another value.
    fn shares_duplicates(&self) -> bool {
        let Some((written, span)) = self.points.text("duplicates") else { return false };
        if written != "share" {
            let help = "write duplicates = \"share\": equal rows run once, and each has a row of the table";
            self.push(format!("`duplicates` cannot be `{}`", written.escape_debug()), &span, help);
        }
        written == "share"
    }

    /// Reports the first row that prints the same as an earlier one.
    fn report_repeated(&self, positions: &[u64]) {
        let mut first: HashMap<u64, usize> = HashMap::with_capacity(positions.len());
        for (row, position) in self.table.rows.iter().zip(positions) {
            let Some(first) = first.insert(*position, row.line) else { continue };
            let message = format!("{}: lines {first} and {} are the same point", self.file, row.line);
            let share = "to run equal rows once, with a row of the table for each, add duplicates = \"share\"";
            let help = match self.points.entry("columns").filter(|_| self.points.flag("header") != Some(false)) {
                Some(_) => {
                    format!("if they differ, it is in a column that `columns` leaves out; add that column, or: {share}")
                }
                None => format!("{share}; to run each point more often, use `repeats`"),
            };
            self.wrong(message, help);
            return;
        }
    }
}
