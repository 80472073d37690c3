//! Owns writing to standard output: data for pipes, and an end without fuss when the reader has gone.

use std::io::{self, Write};
use std::path::Path;

use crate::error::{Error, Result};

/// Writes a text to standard output.
pub fn put(out: &mut dyn Write, text: &str) -> Result<()> {
    out.write_all(text.as_bytes()).map_err(stdout_error)
}

/// For `map_err` on what was written to standard output.
pub fn stdout_error(error: io::Error) -> Error {
    Error::file("written", Path::new("standard output"))(error)
}

/// A value as JSON on lines of its own.
pub fn put_json(out: &mut dyn Write, value: &impl serde::Serialize) -> Result<()> {
    serde_json::to_writer_pretty(&mut *out, value).map_err(|error| stdout_error(error.into()))?;
    put(out, "\n")
}
