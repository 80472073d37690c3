//! Owns the files that a sweep file names to take values from: how they are reached, and values by `glob` and `lines`.

use std::collections::HashMap;
use std::ops::Range as Span;
use std::path::{Path, PathBuf};
use std::{fs, io};

use glob::{MatchOptions, Pattern};

use super::column::{Column, ColumnType};
use super::reader::{Entry, Reader, Sink};
use super::{Diagnostic, Found};
use crate::value::Value;

/// The files beside a sweep file, by their paths as it names them: relative to its folder, or absolute.
pub trait Files {
    /// What a file holds.
    ///
    /// # Errors
    /// If it cannot be read.
    fn read(&self, path: &str) -> io::Result<Vec<u8>>;

    /// The paths that a pattern finds, in the form of the pattern, in no particular order.
    ///
    /// # Errors
    /// If the pattern is none, or a path is not Unicode; the text says so.
    fn find(&self, pattern: &str) -> Result<Vec<String>, String>;

    /// The BLAKE3 hash of what a file holds; none: there is no such file.
    ///
    /// # Errors
    /// If it cannot be read.
    fn hash(&self, path: &str) -> io::Result<Option<blake3::Hash>> {
        match self.read(path) {
            Ok(bytes) => Ok(Some(blake3::hash(&bytes))),
            Err(why) if why.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(why) => Err(why),
        }
    }
}

/// The files on the disk.
#[derive(Clone, Debug)]
pub struct Disk {
    /// The folder of the sweep file, absolute.
    pub here: PathBuf,
}

impl Files for Disk {
    fn read(&self, path: &str) -> io::Result<Vec<u8>> {
        fs::read(self.here.join(path))
    }

    fn find(&self, pattern: &str) -> Result<Vec<String>, String> {
        // Checked by itself, so that a mistake is told of the pattern and not of the folder before it.
        Pattern::new(pattern).map_err(|error| error.msg.to_owned())?;
        // `./a/*` is as good as `a/*`, and the paths are to begin as the pattern does.
        let bare = pattern.trim_start_matches("./");
        let dots = pattern.get(..pattern.len() - bare.len()).unwrap_or_default();
        let folder = self.here.to_str().ok_or("the folder of the sweep file has a name that is not Unicode")?;
        let whole = match Path::new(bare).is_absolute() {
            true => bare.to_owned(),
            false => format!("{}/{bare}", Pattern::escape(folder)),
        };
        // As a shell has it: no hidden files but by name, and `*` stays in its folder.
        let options =
            MatchOptions { case_sensitive: true, require_literal_separator: true, require_literal_leading_dot: true };
        let mut found = Vec::new();
        for path in glob::glob_with(&whole, options).map_err(|error| error.msg.to_owned())? {
            let path = path.map_err(|error| error.to_string())?;
            let relative = path.strip_prefix(&self.here).unwrap_or(&path);
            let text = relative.to_str().ok_or_else(|| format!("{} has a name that is not Unicode", path.display()))?;
            found.push(format!("{dots}{text}"));
        }
        Ok(found)
    }

    /// A part at a time: a file may be larger than the memory.
    fn hash(&self, path: &str) -> io::Result<Option<blake3::Hash>> {
        let path = self.here.join(path);
        // What has no such name, a name that is too long for one, or is a folder, is no file.
        if !path.is_file() {
            return Ok(None);
        }
        let mut hasher = blake3::Hasher::new();
        hasher.update_reader(fs::File::open(path)?)?;
        Ok(Some(hasher.finalize()))
    }
}

/// What is read, and where it is told.
#[derive(Clone, Copy)]
pub(super) struct Sources<'a> {
    pub files: &'a dyn Files,
    pub found: &'a std::cell::RefCell<Vec<Found>>,
}

/// What to do with a file that is not UTF-8.
pub(super) const SAVE_AS_UTF8: &str = "save it as UTF-8";

/// The bytes of a file as text, or what is wrong with them.
pub(super) fn utf8(file: &str, bytes: Vec<u8>) -> Result<String, String> {
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return Err(format!("{file} is written in UTF-16"));
    }
    String::from_utf8(bytes).map_err(|why| {
        let good = why.as_bytes().get(..why.utf8_error().valid_up_to()).unwrap_or_default();
        let line = 1 + good.iter().filter(|byte| **byte == b'\n').count();
        format!("{file}:{line}: this is not UTF-8")
    })
}

impl Sources<'_> {
    fn tell(self, found: Found) {
        self.found.borrow_mut().push(found);
    }

    /// The text of a file that the sweep file names at `span`, without a byte-order mark.
    pub fn text(self, path: &str, span: &Span<usize>, sink: &Sink) -> Option<String> {
        let error = |message: String, help: &str| {
            sink.push(Diagnostic::error(message, span.clone()).help(help));
            None
        };
        let bytes = match self.files.read(path) {
            Ok(bytes) => bytes,
            Err(why) if why.kind() == io::ErrorKind::NotFound => {
                return error(format!("there is no file {path}"), "paths are relative to the folder of the sweep file");
            }
            Err(why) => {
                return error(
                    format!("cannot read {path}: {why}"),
                    "paths are relative to the folder of the sweep file",
                );
            }
        };
        match utf8(path, bytes) {
            Ok(text) => Some(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text)),
            Err(why) => error(why, SAVE_AS_UTF8),
        }
    }

    /// The values of `{ glob = "…" }`.
    pub fn glob(self, parameter: &Entry, reader: Reader) -> Option<Vec<Value>> {
        let (pattern, span) = reader.text("glob")?;
        let wrong = |message: String, help: &str| {
            reader.sink.push(Diagnostic::error(message, span.clone()).help(help));
            None
        };
        let mut paths = match self.files.find(pattern) {
            Ok(paths) => paths,
            Err(why) => return wrong(format!("the pattern `{pattern}` cannot be used: {why}"), PATTERNS),
        };
        if paths.is_empty() {
            let help = "patterns are relative to the folder of the sweep file: `*` stands for any part of a name, \
                        `**` for any folders";
            return wrong(format!("no file is named like `{pattern}`"), help);
        }
        paths.sort_unstable();
        paths.dedup();
        let (parameter, matches) = (parameter.key.to_owned(), paths.len() as u64);
        self.tell(Found::Glob { parameter, pattern: pattern.to_owned(), matches });
        Some(paths.into_iter().map(Value::Text).collect())
    }

    /// The values of `{ lines = "…" }`. Values that are there twice are refused where they have an axis to themselves.
    pub fn lines(self, parameter: &Entry, reader: Reader, alone: bool) -> Option<Vec<Value>> {
        let (file, span) = reader.text("lines")?;
        let text = self.text(file, &span, reader.sink)?;
        let column = match column(file, &text, alone) {
            Ok(column) => column,
            Err((message, help)) => {
                reader.sink.push(Diagnostic::error(message, span).help(help));
                return None;
            }
        };
        let (parameter, values) = (parameter.key.to_owned(), column.values.len() as u64);
        self.tell(Found::Lines { parameter, file: file.to_owned(), values, kind: column.kind });
        Some(column.values)
    }

    pub fn tell_points(self, found: Found) {
        self.tell(found);
    }
}

const PATTERNS: &str =
    "`*` stands for any part of a name, `?` for one character, `[a-c]` for one of some, `**` for any folders";

/// The values of a file of lines.
fn column(file: &str, text: &str, alone: bool) -> Result<Column, (String, String)> {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    if lines.iter().all(|line| line.is_empty()) {
        return Err((format!("{file} has no values in it"), "write one value a line".into()));
    }
    let mut first: HashMap<&str, usize> = HashMap::with_capacity(lines.len());
    for (line, value) in (1..).zip(&lines) {
        if value.is_empty() {
            return Err((format!("{file}:{line}: an empty line"), "write one value a line, and nothing else".into()));
        }
        if value.contains('\0') {
            let message = format!("{file}:{line}: a NUL character cannot be given to a program");
            return Err((message, "take it out".into()));
        }
        if let Some(first) = first.insert(value, line).filter(|_| alone) {
            let message = format!("{file}:{line}: `{value}` is there already, in line {first}");
            return Err((message, "each value once; for more runs of each point there is `repeats`".into()));
        }
    }
    let cells: Vec<(usize, &str)> = (1..).zip(lines).collect();
    let kind = ColumnType::of(cells.iter().map(|(_, cell)| *cell));
    Column::read(file, "a value", &cells, kind).map_err(|mistake| (mistake.message, mistake.help))
}
