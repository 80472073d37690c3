//! Owns writing data to standard output.
//!
//! If the reader has closed the pipe (`sweep jobs | head`), the error ends the command silently with exit code 0, see
//! `CommandExit::of_error`.

use std::io::{self, Write};
use std::path::Path;

use crate::error::{Error, Result};

/// Writes a text to standard output.
pub fn put(out: &mut dyn Write, text: &str) -> Result<()> {
    out.write_all(text.as_bytes()).map_err(stdout_error)
}

/// For `map_err`: an error in writing to standard output.
pub fn stdout_error(error: io::Error) -> Error {
    Error::file("written", Path::new("standard output"))(error)
}

/// Writes a value as indented JSON.
pub fn put_json(out: &mut dyn Write, value: &impl serde::Serialize) -> Result<()> {
    serde_json::to_writer_pretty(&mut *out, value).map_err(|error| stdout_error(error.into()))?;
    put(out, "\n")
}
