//! Owns rows as CSV: RFC 4180 quoting, UTF-8, lines that end in a line feed.

use std::io::{self, Write};

use crate::value::Value;

/// Writes a table, row by row.
pub struct CsvTable<W: Write> {
    writer: csv::Writer<W>,
}

impl<W: Write> CsvTable<W> {
    /// Begins with the line of names.
    ///
    /// # Errors
    /// As the stream's.
    pub fn new(stream: W, names: &[String]) -> io::Result<Self> {
        let mut writer = csv::Writer::from_writer(stream);
        writer.write_record(names)?;
        Ok(CsvTable { writer })
    }

    /// Adds a row.
    ///
    /// # Errors
    /// As the stream's, or if the row has not as many cells as there are names.
    pub fn row(&mut self, cells: &[Value]) -> io::Result<()> {
        for cell in cells {
            match cell {
                Value::Text(text) | Value::Written(_, text) => self.writer.write_field(text)?,
                Value::Missing => self.writer.write_field("")?,
                other => self.writer.write_field(other.to_string())?,
            }
        }
        Ok(self.writer.write_record(None::<&[u8]>)?)
    }

    /// Writes out what is buffered.
    ///
    /// # Errors
    /// As the stream's.
    pub fn finish(mut self) -> io::Result<()> {
        self.writer.flush()
    }
}
