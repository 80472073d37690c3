//! Owns reading a sweep file: TOML text becomes a [`crate::model::Spec`], or a list of diagnostics.
//!
//! - [`read()`] (`read`) reads a text; [`open()`] (`open`) reads a file on disk.
//! - `diagnostic`: an error or warning with its place in the file, and how it is shown. `syntax`: errors of TOML itself.
//! - `table_reader`: typed values from a TOML table. `keys`: which keys exist, and which are planned.
//!   `string_offsets`: from a character of a decoded string to its byte in the file.
//! - `space`: all parameters together. `parameters`: the tables that define parameters; `names`: the names that a
//!   parameter can have; `blocks`: the tables at the top combined with those of each `[[block]]`; `sampling`: how random
//!   parameters are drawn.
//! - `grid`, `range`, `random`: the values of parameters. `files`: values from files; `points`: grid points from a file;
//!   `table`, `column`: rows and typed columns of such a file.
//! - `expressions`: `where` and `[derived]`. `expression_check`: whether each block has the parameters that they use;
//!   `condition_errors`: errors of conditions that appear only when they are evaluated.
//! - `shared_dir`: jobs that would share a directory, found when the points are known.
//! - `job`: `[job]`. `results`: `[results]`. `templates`: `[templates]`. `inputs`: `[files]`.
//! - `command`: the command, and all templates checked against the parameters. `samples`: the templates tried out at points
//!   where a parameter has no value.

mod blocks;
mod column;
mod command;
mod condition_errors;
pub mod diagnostic;
mod expression_check;
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
mod result_columns;
mod results;
mod samples;
mod sampling;
mod shared_dir;
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
pub use shared_dir::{SharedDir, shared_directory};

#[cfg(test)]
pub(crate) mod tests;
