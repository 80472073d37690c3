//! Owns parsing a points file: comma, semicolon or tab separated (detected in the first line), with quoted cells. Pure.

use csv::{ByteRecord, Reader, ReaderBuilder, Trim};

/// A points file.
pub(super) struct PointsTable {
    pub header: Vec<String>,
    /// At least one row.
    pub rows: Vec<PointsRow>,
}

/// A row, as long as the header.
pub(super) struct PointsRow {
    /// The line where it begins, from 1.
    pub line: usize,
    pub cells: Vec<String>,
}

/// Message and help.
type TableError = (String, String);

/// The number of rows of wrong length that are reported one by one.
const TOLD: usize = 3;

/// Parses the text of `file`.
pub(super) fn parse(file: &str, text: &str) -> Result<PointsTable, Vec<TableError>> {
    let one = |message: String, help: &str| Err(vec![(message, help.to_owned())]);
    let delimiter = delimiter(text);
    let mut reader = reader(text, delimiter);
    let mut rows: Vec<PointsRow> = Vec::new();
    let mut record = ByteRecord::new();
    let (mut line, mut counted) = (1, 0);
    // The reader's positions are those of separators, which are ASCII characters of the text.
    #[allow(clippy::indexing_slicing, reason = "see above; positions never go back")]
    let between = |start: usize, end: usize| &text[start..end];
    // Reading from memory cannot fail, and the reader accepts rows of any length.
    while let Ok(true) = reader.read_byte_record(&mut record) {
        let start = record.position().map_or(0, |at| at.byte()) as usize;
        let raw = between(start, reader.position().byte() as usize);
        // A record may include the blank lines before it.
        let begin = start + raw.len() - raw.trim_start_matches(['\r', '\n']).len();
        line += between(counted, begin).matches('\n').count();
        counted = begin;
        if !raw.trim().is_empty() {
            rows.push(PointsRow { line, cells: cells(&record, raw) });
        }
    }
    let last = between(counted, text.len());
    if let Some(row) = rows.last().filter(|_| is_open(last, delimiter)) {
        return one(
            format!("{file}:{}: a quote that opens in this row is never closed", row.line),
            "all lines below are read as part of this cell: close the quote; for a literal quote write it twice and put \
             the whole cell in quotes",
        );
    }
    if rows.is_empty() {
        return one(
            format!("{file} is empty"),
            "the first line gives the names of the parameters; each further line is a point",
        );
    }
    let header = rows.remove(0).cells;
    let header: Vec<String> = header.iter().map(|name| name.trim().to_owned()).collect();
    if rows.is_empty() {
        return one(format!("{file} has a header line but no rows"), "each line after the first is a point");
    }
    let ragged: Vec<&PointsRow> = rows.iter().filter(|row| row.cells.len() != header.len()).collect();
    if ragged.is_empty() {
        return Ok(PointsTable { header, rows });
    }
    Err(told(file, &header, &ragged, delimiter))
}

fn reader(text: &str, delimiter: u8) -> Reader<&[u8]> {
    ReaderBuilder::new()
        .delimiter(delimiter)
        .has_headers(false)
        .flexible(true)
        .trim(Trim::None)
        .from_reader(text.as_bytes())
}

/// Whether the last record is open: a further line would become part of it.
fn is_open(record: &str, delimiter: u8) -> bool {
    let longer = format!("{record}\nx");
    reader(&longer, delimiter).byte_records().count() == reader(record, delimiter).byte_records().count()
}

fn told(file: &str, header: &[String], ragged: &[&PointsRow], delimiter: u8) -> Vec<TableError> {
    let more = ragged.len().saturating_sub(TOLD);
    let mut mistakes: Vec<TableError> = Vec::new();
    for row in ragged.iter().take(TOLD) {
        let message = format!("{file}:{}: {}, but the header has {}", row.line, count(row.cells.len()), header.len());
        let (separator, many) = match delimiter {
            b';' => ("a semicolon", "semicolons"),
            b'\t' => ("a tab", "tabs"),
            _ => ("a comma", "commas"),
        };
        let help = if row.cells.len() < header.len() {
            format!("cells are separated by {many}; for a missing value leave the cell empty, but write the separator")
        } else {
            format!("cells are separated by {many}; put a cell that contains {separator} in \"quotes\"")
        };
        mistakes.push((message, help));
    }
    if let (Some((message, _)), true) = (mistakes.last_mut(), more > 0) {
        let rows = if more == 1 { "row" } else { "rows" };
        message.push_str(&format!(", and {more} more {rows} like these"));
    }
    mistakes
}

fn count(cells: usize) -> String {
    if cells == 1 { "1 cell".into() } else { format!("{cells} cells") }
}

/// The cells of a record. Spaces around a cell are removed unless they are in quotes.
fn cells(record: &ByteRecord, raw: &str) -> Vec<String> {
    record
        .iter()
        .map(|cell| {
            let cell = String::from_utf8_lossy(cell);
            let trimmed = cell.trim();
            let is_quoted = || raw.contains(&format!("\"{}\"", cell.replace('"', "\"\"")));
            if trimmed.len() == cell.len() || is_quoted() { cell.into_owned() } else { trimmed.to_owned() }
        })
        .collect()
}

/// The most frequent delimiter in the first line, outside quotes.
fn delimiter(text: &str) -> u8 {
    let first = text.trim_start_matches(['\r', '\n']).lines().next().unwrap_or_default();
    let mut quoted = false;
    let mut counts = [(b',', 0), (b';', 0), (b'\t', 0)];
    for byte in first.bytes() {
        quoted ^= byte == b'"';
        counts.iter_mut().filter(|(delimiter, _)| !quoted && *delimiter == byte).for_each(|(_, n)| *n += 1);
    }
    // If two are equally frequent, the first one.
    counts.into_iter().rev().max_by_key(|(_, n)| *n).map_or(b',', |(delimiter, _)| delimiter)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &str) -> Vec<Vec<String>> {
        let table = parse("a.csv", text).unwrap_or_else(|mistakes| panic!("{mistakes:?}"));
        [vec![table.header], table.rows.into_iter().map(|row| row.cells).collect()].concat()
    }

    #[test]
    fn the_separator_is_detected() {
        for text in ["a,b\n1,2\n", "a;b\r\n1;2", "a\tb\n1\t2\n\n", "\na, b\n1 ,2\n"] {
            assert_eq!(rows(text), [["a", "b"], ["1", "2"]], "{text:?}");
        }
        assert_eq!(rows("a\n1\n2\n"), [["a"], ["1"], ["2"]]);
        assert_eq!(rows("x;y\n1,5;2,5\n"), [["x", "y"], ["1,5", "2,5"]]);
    }

    #[test]
    fn an_unclosed_quote_is_an_error_and_hides_no_rows() {
        for (text, line) in [("a,b\n1,x\n2,\"y\n3,z\n", 3), ("a,b\n1,\"x\"\"\n", 2), ("\"a,b\n1,2", 1)] {
            let mistakes = parse("a.csv", text).err().unwrap();
            assert_eq!(
                mistakes[0].0,
                format!("a.csv:{line}: a quote that opens in this row is never closed"),
                "{text:?}"
            );
        }
        for text in ["a,b\n1,\"x\"", "a,b\n1,\"x\"\n\n", "a,b\n1,x\"y\n", "a,b\n1,\"x\ny\"\n  \n"] {
            assert_eq!(rows(text).len(), 2, "{text:?}");
        }
    }

    #[test]
    fn quoted_cells_are_read_unchanged() {
        let text = "\"a,a\",b\n\"x, \"\"y\"\"\", 1 \n\" z \",\"two\nlines\"\n";
        assert_eq!(rows(text), [["a,a", "b"], ["x, \"y\"", "1"], [" z ", "two\nlines"]]);
        let table = parse("a.csv", "a,b\n\"1\n\n2\",x\n\n3,y\n").ok().unwrap();
        assert_eq!(table.rows.iter().map(|row| row.line).collect::<Vec<_>>(), [2, 6]);
    }
}
