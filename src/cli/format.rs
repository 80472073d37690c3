//! Owns the values of `--format`.

use crate::table::write::TableFormat;

/// The format of a table, as the command line accepts it.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub enum FormatArg {
    /// Comma-separated values with a header line
    Csv,
    /// JSON Lines: one object per row
    Jsonl,
}

impl From<FormatArg> for TableFormat {
    fn from(format: FormatArg) -> Self {
        match format {
            FormatArg::Csv => TableFormat::Csv,
            FormatArg::Jsonl => TableFormat::Jsonl,
        }
    }
}
