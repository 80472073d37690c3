//! Owns reading values from other files: `{ glob = "…" }` and `{ lines = "…" }`.

use std::collections::HashMap;
use std::io::ErrorKind;
use std::ops::Range as Span;

use super::column::{self, ColumnType, Misfit, TypedColumn};
use super::table_reader::{Entry, Sink, TableReader};
use super::{Diagnostic, Import};
use crate::files::Files;
use crate::value::Value;

/// Reads other files, and records what was taken from them.
#[derive(Clone, Copy)]
pub(super) struct Importer<'a> {
    pub files: &'a dyn Files,
    pub imports: &'a std::cell::RefCell<Vec<Import>>,
}

/// What to do about a file that is not UTF-8.
pub const SAVE_AS_UTF8: &str = "save it as UTF-8";

/// The bytes of a file as text, or why they are not text.
pub(super) fn utf8(file: &str, bytes: Vec<u8>) -> Result<String, String> {
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return Err(format!("{file} is encoded as UTF-16"));
    }
    String::from_utf8(bytes).map_err(|why| {
        let valid = why.as_bytes().iter().take(why.utf8_error().valid_up_to());
        let line = 1 + valid.filter(|byte| **byte == b'\n').count();
        format!("{file}:{line}: this is not UTF-8")
    })
}

impl Importer<'_> {
    fn tell(self, import: Import) {
        self.imports.borrow_mut().push(import);
    }

    /// The text of a file that the sweep file names at `span`, without a byte-order mark.
    pub fn text(self, path: &str, span: &Span<usize>, sink: &Sink) -> Option<String> {
        let error = |message: String, help: &str| {
            sink.push(Diagnostic::error(message, span.clone()).help(help));
            None
        };
        let bytes = match self.files.read(path) {
            Ok(bytes) => bytes,
            Err(why) if why.kind() == ErrorKind::NotFound => {
                return error(format!("there is no file {path}"), "paths are relative to the sweep file's folder");
            }
            Err(why) => {
                return error(format!("cannot read {path}: {why}"), "paths are relative to the sweep file's folder");
            }
        };
        match utf8(path, bytes) {
            Ok(text) => Some(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text)),
            Err(why) => error(why, SAVE_AS_UTF8),
        }
    }

    /// The values of `{ glob = "…" }`.
    pub fn glob(self, parameter: &Entry, reader: TableReader) -> Option<Vec<Value>> {
        let (pattern, span) = reader.text("glob")?;
        let wrong = |message: String, help: &str| {
            reader.sink.push(Diagnostic::error(message, span.clone()).help(help));
            None
        };
        let mut paths = match self.files.find(pattern) {
            Ok(paths) => paths,
            Err(why) => return wrong(format!("invalid pattern `{pattern}`: {why}"), PATTERNS),
        };
        if paths.is_empty() {
            let help = "patterns are relative to the sweep file's folder; `*` matches any part of a name, \
                        `**` any folders";
            return wrong(format!("no file matches `{pattern}`"), help);
        }
        paths.sort_unstable();
        paths.dedup();
        let (parameter, matches) = (parameter.key.to_owned(), paths.len() as u64);
        self.tell(Import::Glob { parameter, pattern: pattern.to_owned(), matches });
        Some(paths.into_iter().map(Value::Text).collect())
    }

    /// The values of `{ lines = "…" }`. `alone`: the parameter has an axis to itself, so a repeated value is an error.
    pub fn lines(self, parameter: &Entry, reader: TableReader, alone: bool) -> Option<Vec<Value>> {
        let (file, span) = reader.text("lines")?;
        let text = self.text(file, &span, reader.sink)?;
        let kind = column::declared(reader.entry("type"), "the lines", reader.sink);
        let column = match column(file, &text, alone, kind) {
            Ok((column, None)) => column,
            Ok((column, Some(stray))) => {
                reader.sink.push(Diagnostic::warning(stray.message, span).help(stray.help));
                column
            }
            Err((message, help)) => {
                reader.sink.push(Diagnostic::error(message, span).help(help));
                return None;
            }
        };
        let (parameter, values) = (parameter.key.to_owned(), column.values.len() as u64);
        self.tell(Import::Lines { parameter, file: file.to_owned(), values, kind: column.kind });
        Some(column.values)
    }

    pub fn tell_points(self, import: Import) {
        self.tell(import);
    }
}

const PATTERNS: &str =
    "`*` matches any part of a name, `?` one character, `[a-c]` one character of a range, `**` any folders";

/// The values of a file of lines, and a line that makes them text although the others are numbers.
fn column(
    file: &str,
    text: &str,
    alone: bool,
    kind: Option<ColumnType>,
) -> Result<(TypedColumn, Option<Misfit>), (String, String)> {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    if lines.iter().all(|line| line.is_empty()) {
        return Err((format!("{file} has no values"), "write one value per line".into()));
    }
    let mut first: HashMap<&str, usize> = HashMap::with_capacity(lines.len());
    for (line, value) in (1..).zip(&lines) {
        if value.is_empty() {
            return Err((
                format!("{file}:{line}: this line is empty"),
                "write one value per line and nothing else".into(),
            ));
        }
        if value.contains('\0') {
            let message = format!("{file}:{line}: a program argument cannot contain a NUL character");
            return Err((message, "remove it".into()));
        }
        if let Some(first) = first.insert(value, line).filter(|_| alone) {
            let message = format!("{file}:{line}: `{value}` is already on line {first}");
            return Err((message, "write each value once; to run each point more often, use `repeats`".into()));
        }
    }
    let cells: Vec<(usize, &str)> = (1..).zip(lines).collect();
    let declare = format!("{{ lines = \"{file}\", type = \"text\" }}");
    let column = TypedColumn::read(file, "a value", &cells, kind, &declare);
    let stray = column::stray_text(file, "this list", &cells, &declare).filter(|_| kind.is_none());
    column.map(|column| (column, stray)).map_err(|mistake| (mistake.message, mistake.help))
}
