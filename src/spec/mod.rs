//! Owns reading a sweep file: TOML text becomes a [`crate::model::Spec`], or a list of diagnostics.
//!
//! - [`read()`] reads a text; [`open()`] reads a file on disk.
//! - [`diagnostic`]: an error or warning with its place in the file, and how it is shown. `syntax`: errors of TOML itself.
//! - `reader`: taking keys out of a TOML table; `keys`: which keys exist, and which are planned.
//! - `names`: which names a parameter can have; `space`: all parameters together, and how many points they make.
//! - `part`: the tables that define parameters; `block`: those at the top and in each `[[block]]`, combined;
//!   `expressions`: `where` and `[derived]`; `sampling`: how random parameters are drawn.
//! - `samples`: the templates tried out at points where a parameter has no value. `late`: errors found only when the
//!   points are gone through.
//! - `grid`, `range`, `random`: the values of parameters. `files`: values from files; `points`: grid points from a file;
//!   `table`, `column`: rows and typed columns of text.
//! - `job`: `[job]`. `results`: `[results]`. `templates`: `[templates]`. `inputs`: `[files]`.
//! - `command`: the command, and all templates checked against the parameters; `place`: from a character of a decoded
//!   string to its byte in the file.

mod blocks;
mod column;
mod command;
mod condition_errors;
pub mod diagnostic;
mod expressions;
mod files;
mod grid;
mod inputs;
mod job;
mod keys;
mod names;
mod open;
mod parameters;
mod points;
mod random;
mod range;
mod read;
mod results;
mod samples;
mod sampling;
mod space;
mod string_offsets;
mod syntax;
mod table;
mod table_reader;
mod templates;

pub use column::ColumnType;
pub use condition_errors::mistaken_conditions;
pub use diagnostic::{Diagnostic, Diagnostics, Severity};
pub use files::SAVE_AS_UTF8;
pub use open::{OpenError, OpenedFile, open};
pub use read::{Import, ImportedColumn, SourceFile, SweepFile, read, read_with};

#[cfg(test)]
mod tests;
