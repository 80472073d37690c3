//! Owns writing a table as bytes: CSV (RFC 4180 quoting, UTF-8, lines end in LF), or JSON Lines (one object per row).

use std::io::{self, Write};
use std::path::Path;

use super::cell::{Printer, TableCell};

/// The file format of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TableFormat {
    /// Comma-separated values; the first line has the column names.
    Csv,
    /// JSON Lines: one object per row; numbers, booleans and texts keep their types.
    Jsonl,
}

impl TableFormat {
    /// The name of the format, as `--format` accepts it.
    pub fn name(self) -> &'static str {
        match self {
            TableFormat::Csv => "csv",
            TableFormat::Jsonl => "jsonl",
        }
    }

    /// The format for a file name: JSON Lines for `.jsonl` and `.ndjson`, otherwise CSV.
    ///
    /// # Errors
    /// The extension, if it names a format that sweep does not write.
    pub fn of_path(path: &Path) -> Result<TableFormat, String> {
        let extension = path.extension().map(|extension| extension.to_string_lossy().to_lowercase());
        match extension.as_deref() {
            Some("jsonl" | "ndjson") => Ok(TableFormat::Jsonl),
            Some(other @ ("json" | "parquet" | "feather" | "arrow" | "xlsx" | "ods")) => Err(other.to_owned()),
            _ => Ok(TableFormat::Csv),
        }
    }
}

/// Writes a table row by row.
pub enum TableWriter<W: Write> {
    /// Writes CSV.
    Csv(Box<csv::Writer<W>>, Printer),
    /// Writes JSON Lines. The second field has the text before each cell: `{"name":` or `,"name":`.
    Jsonl(W, Vec<Vec<u8>>),
}

impl<W: Write> TableWriter<W> {
    /// Starts a table with these columns; writes the header of a CSV table.
    ///
    /// # Errors
    /// Those of the stream.
    pub fn new<S: AsRef<str>>(format: TableFormat, stream: W, names: &[S]) -> io::Result<Self> {
        match format {
            TableFormat::Csv => {
                let mut writer = csv::Writer::from_writer(stream);
                writer.write_record(names.iter().map(|name| name.as_ref().as_bytes())).map_err(io_error)?;
                Ok(TableWriter::Csv(Box::new(writer), Printer::default()))
            }
            TableFormat::Jsonl => {
                let key = |(at, name): (usize, &S)| {
                    let mut key = vec![if at == 0 { b'{' } else { b',' }];
                    serde_json::to_writer(&mut key, name.as_ref())?;
                    key.push(b':');
                    Ok(key)
                };
                Ok(TableWriter::Jsonl(stream, names.iter().enumerate().map(key).collect::<io::Result<_>>()?))
            }
        }
    }

    /// Writes a row: one cell for each column.
    ///
    /// # Errors
    /// Those of the stream. For CSV also if the number of cells differs from the number of columns.
    pub fn row<'a>(&mut self, cells: impl IntoIterator<Item = TableCell<'a>>) -> io::Result<()> {
        match self {
            TableWriter::Csv(writer, printer) => {
                for cell in cells {
                    writer.write_field(printer.print(&cell)).map_err(io_error)?;
                }
                writer.write_record(None::<&[u8]>).map_err(io_error)
            }
            TableWriter::Jsonl(stream, keys) => {
                for (key, cell) in keys.iter().zip(cells) {
                    stream.write_all(key)?;
                    cell.write_json(stream)?;
                }
                stream.write_all(if keys.is_empty() { b"{}\n" } else { b"}\n" })
            }
        }
    }

    /// Flushes the buffer.
    ///
    /// # Errors
    /// Those of the stream.
    pub fn finish(self) -> io::Result<()> {
        match self {
            TableWriter::Csv(mut writer, _) => writer.flush(),
            TableWriter::Jsonl(mut stream, _) => stream.flush(),
        }
    }
}

/// The error of the stream as it is: the conversion of the `csv` crate hides its kind, which tells a closed pipe apart.
fn io_error(error: csv::Error) -> io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        other => io::Error::other(format!("{other:?}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::Value;
    use proptest::prelude::*;

    fn written(format: TableFormat, names: &[&str], rows: &[Vec<Value>]) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut table = TableWriter::new(format, &mut bytes, names).unwrap();
        rows.iter().for_each(|row| table.row(row.iter().map(TableCell::Value)).unwrap());
        table.finish().unwrap();
        bytes
    }

    fn value() -> impl Strategy<Value = Value> {
        prop_oneof![
            Just(Value::Missing),
            any::<bool>().prop_map(Value::Bool),
            any::<i64>().prop_map(Value::Int),
            any::<u64>().prop_map(|bits| Value::Float(f64::from_bits(bits))),
            "\\PC{0,6}|[\",\r\n ]{0,4}".prop_map(Value::Text),
        ]
    }

    proptest! {
        #[test]
        fn a_written_table_reads_back_unchanged(rows in proptest::collection::vec((value(), value()), 0..9)) {
            let rows: Vec<Vec<Value>> = rows.into_iter().map(|(a, b)| vec![a, b]).collect();
            let csv = written(TableFormat::Csv, &["a", "b \"c\", d"], &rows);
            let read = csv::ReaderBuilder::new().has_headers(false).from_reader(&csv[..]).into_records();
            let read: Vec<Vec<String>> = read.map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect();
            prop_assert_eq!(&read[0], &["a", "b \"c\", d"]);
            let printed: Vec<Vec<String>> =
                rows.iter().map(|row| row.iter().map(Value::to_string).collect()).collect();
            prop_assert_eq!(&read[1..], &printed[..]);

            let jsonl = String::from_utf8(written(TableFormat::Jsonl, &["a", "b \"c\", d"], &rows)).unwrap();
            prop_assert_eq!(jsonl.lines().count(), rows.len());
            for (line, row) in jsonl.lines().zip(&rows) {
                let read: serde_json::Value = serde_json::from_str(line).unwrap();
                prop_assert_eq!(&read["a"], &row[0].to_json());
                prop_assert_eq!(&read["b \"c\", d"], &row[1].to_json());
            }
        }
    }

    #[test]
    fn the_extension_of_a_file_decides_its_format() {
        let format = |name: &str| TableFormat::of_path(Path::new(name));
        assert_eq!([format("a.jsonl"), format("a.NDJSON")], [Ok(TableFormat::Jsonl), Ok(TableFormat::Jsonl)]);
        assert_eq!(
            [format("a.csv"), format("a"), format("a.tsv")],
            [Ok(TableFormat::Csv), Ok(TableFormat::Csv), Ok(TableFormat::Csv)]
        );
        assert_eq!(format("a.parquet"), Err("parquet".to_owned()));
    }
}
