//! Owns parsing a points file: cells separated by commas, semicolons, tabs or white space (detected in the first line),
//! with quoted cells. Pure.

use std::borrow::Cow;

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

/// How a points file is written, as far as the sweep file says it.
#[derive(Clone, Copy, Default)]
pub(super) struct TableForm<'a> {
    /// What separates cells. None: it is detected.
    pub separator: Option<Separator>,
    /// The names of the columns of a file without a header.
    pub names: Option<&'a [&'a str]>,
    /// The names that the sweep file gives for columns of the file: a header that has them is read as it stands.
    pub mentioned: &'a [&'a str],
}

/// What separates cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Separator {
    /// This character.
    Byte(u8),
    /// Any number of spaces and tabs.
    WhiteSpace,
}

impl Separator {
    /// Its name in messages, and its plural.
    fn words(self) -> (&'static str, &'static str) {
        match self {
            Separator::Byte(b';') => ("a semicolon", "semicolons"),
            Separator::Byte(b'\t') => ("a tab", "tabs"),
            Separator::Byte(_) => ("a comma", "commas"),
            Separator::WhiteSpace => ("a space", "spaces"),
        }
    }
}

/// Parses the text of `file`.
pub(super) fn parse(file: &str, text: &str, form: TableForm) -> Result<PointsTable, Vec<TableError>> {
    let one = |message: String, help: &str| Err(vec![(message, help.to_owned())]);
    let (text, excel) = without_sep_line(text);
    let separator = form.separator.or(excel);
    let text = without_comments(text, separator, form);
    let separator = separator.unwrap_or_else(|| separator_of(&text, form));
    let mut rows = match separator {
        Separator::Byte(delimiter) => separated(file, &text, delimiter)?,
        Separator::WhiteSpace => spaced(&text),
    };
    if rows.is_empty() {
        return one(
            format!("{file} is empty"),
            "the first line gives the names of the parameters; each further line is a point",
        );
    }
    let (header, of_header) = match form.names {
        Some(names) => (names.iter().map(|name| (*name).to_owned()).collect(), "`columns` names"),
        None => {
            let header = rows.remove(0).cells.iter().map(|name| name.trim().to_owned()).collect::<Vec<String>>();
            if header.iter().all(|name| name.parse::<f64>().is_ok()) {
                let names: Vec<String> = (1..=header.len()).map(|number| format!("\"x{number}\"")).collect();
                let help = format!("if it has no header, add header = false and columns = [{}]", names.join(", "));
                return one(
                    format!("{file}:1: the first line has only numbers, but it should name the columns"),
                    &help,
                );
            }
            (header, "the header has")
        }
    };
    if rows.is_empty() {
        return one(format!("{file} has a header line but no rows"), "each line after the first is a point");
    }
    let ragged: Vec<&PointsRow> = rows.iter().filter(|row| row.cells.len() != header.len()).collect();
    if ragged.is_empty() {
        return Ok(PointsTable { header, rows });
    }
    if form.names.is_none() && rows.iter().all(|row| row.cells.len() == header.len() + 1) {
        let message = format!("{file}: every row has one cell more than the header, {}", header.len());
        let help = "if the first cells are names of rows, as R's write.table writes them, give them a name in the header; \
                    write.table(…, row.names = FALSE) leaves them out";
        return one(message, help);
    }
    Err(told(file, &header, of_header, &ragged, separator))
}

/// The rows of a file whose cells are separated by a character.
fn separated(file: &str, text: &str, delimiter: u8) -> Result<Vec<PointsRow>, Vec<TableError>> {
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
    match rows.last().filter(|_| is_open(last, delimiter)) {
        None => Ok(rows),
        Some(row) => Err(vec![(
            format!("{file}:{}: a quote that opens in this row is never closed", row.line),
            "all lines below are read as part of this cell: close the quote; for a literal quote write it twice and put \
             the whole cell in quotes"
                .to_owned(),
        )]),
    }
}

/// The rows of a file whose cells are separated by white space.
fn spaced(text: &str) -> Vec<PointsRow> {
    let rows = (1..).zip(text.lines()).map(|(line, text)| PointsRow { line, cells: spaced_cells(text) });
    rows.filter(|row| !row.cells.is_empty()).collect()
}

/// The cells of a line that are separated by white space; a cell may be in `"quotes"`.
fn spaced_cells(line: &str) -> Vec<String> {
    let mut cells = Vec::new();
    let mut rest = line.trim_start();
    while !rest.is_empty() {
        let quoted = rest.strip_prefix('"').and_then(|inner| inner.split_once('"'));
        let (cell, after) = match quoted.filter(|(_, after)| after.is_empty() || after.starts_with(char::is_whitespace))
        {
            Some(quoted) => quoted,
            None => rest.split_once(char::is_whitespace).unwrap_or((rest, "")),
        };
        cells.push(cell.to_owned());
        rest = after.trim_start();
    }
    cells
}

/// The text with the line `sep=;` of Excel, if it is the first one, made empty, and the separator that it gives.
fn without_sep_line(text: &str) -> (&str, Option<Separator>) {
    let (first, rest) = text.split_at(text.find('\n').unwrap_or(text.len()));
    let separator = first.trim().trim_matches('"').strip_prefix("sep=").map(str::as_bytes);
    match separator {
        Some([byte @ (b',' | b';' | b'\t')]) => (rest, Some(Separator::Byte(*byte))),
        // The tab was trimmed.
        Some([]) => (rest, Some(Separator::Byte(b'\t'))),
        _ => (text, None),
    }
}

/// The text with the lines at its start that begin with `#` made empty. If the last of them names as many columns as the
/// next line has, it is the header: only its `#` is removed.
fn without_comments<'a>(text: &'a str, separator: Option<Separator>, form: TableForm) -> Cow<'a, str> {
    let is_blank = |line: &str| line.trim().is_empty();
    let is_comment = |line: &str| line.trim_start().starts_with('#');
    let lines: Vec<&str> = text.lines().collect();
    let comments = lines.iter().take_while(|line| is_blank(line) || is_comment(line)).count();
    let named = form.mentioned.iter().any(|name| name.starts_with('#'));
    let Some(last) = lines.iter().take(comments).rposition(|line| is_comment(line)).filter(|_| !named) else {
        return Cow::Borrowed(text);
    };
    let uncommented = lines.get(last).map_or("", |line| line.trim_start().trim_start_matches('#').trim_start());
    let below = lines.get(comments).copied().unwrap_or("");
    // The separator of the next line: a comment may have commas of its own.
    let separator = separator.unwrap_or_else(|| separator_of(below, form));
    let columns = |line: &str| match separator {
        Separator::WhiteSpace => spaced_cells(line).len(),
        Separator::Byte(delimiter) => {
            reader(line, delimiter).byte_records().flatten().next().map_or(0, |row| row.len())
        }
    };
    let is_header = form.names.is_none() && columns(uncommented) == columns(below);
    let kept = |(at, line): (usize, &&'a str)| match at {
        at if at == last && is_header => uncommented.to_owned(),
        at if at < comments => String::new(),
        _ => (*line).to_owned(),
    };
    Cow::Owned(lines.iter().enumerate().map(kept).collect::<Vec<_>>().join("\n"))
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

fn told(
    file: &str,
    header: &[String],
    of_header: &str,
    ragged: &[&PointsRow],
    separator: Separator,
) -> Vec<TableError> {
    let more = ragged.len().saturating_sub(TOLD);
    let mut mistakes: Vec<TableError> = Vec::new();
    for row in ragged.iter().take(TOLD) {
        let message = format!("{file}:{}: {}, but {of_header} {}", row.line, count(row.cells.len()), header.len());
        let (separator, many) = separator.words();
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

/// What separates the cells: white space, if the first line has no other separator and all lines have the same number of
/// words, at least two. Else [`delimiter`].
fn separator_of(text: &str, form: TableForm) -> Separator {
    let mut lines = text.lines().filter(|line| !line.trim().is_empty());
    let first = lines.next().unwrap_or_default();
    let is_name = form.mentioned.contains(&first.trim());
    let words = spaced_cells(first).len();
    if words > 1 && !is_name && !first.contains([',', ';', '\t']) && lines.all(|line| spaced_cells(line).len() == words)
    {
        return Separator::WhiteSpace;
    }
    Separator::Byte(delimiter(text))
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
        let table = parse("a.csv", text, TableForm::default()).unwrap_or_else(|mistakes| panic!("{mistakes:?}"));
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
            let mistakes = parse("a.csv", text, TableForm::default()).err().unwrap();
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
        let table = parse("a.csv", "a,b\n\"1\n\n2\",x\n\n3,y\n", TableForm::default()).ok().unwrap();
        assert_eq!(table.rows.iter().map(|row| row.line).collect::<Vec<_>>(), [2, 6]);
    }

    #[test]
    fn what_other_tools_write_is_read() {
        let expected = [["a", "b"], ["1", "2.5"], ["3", "4.5"]];
        for text in [
            "# a b\n1 2.5\n3 4.5\n",
            "#a,b\n1,2.5\n3,4.5\n",
            "# made by a tool\n# a\tb\n1\t2.5\n3\t4.5\n",
            "# made by a tool, version 3\na;b\n1;2.5\n3;4.5\n",
            "sep=;\r\na;b\r\n1;2.5\r\n3;4.5\r\n",
            "\"sep=,\"\na,b\n1,2.5\n3,4.5\n",
            "   a    b\n   1  2.5\n\n   3  4.5\n",
            "\"a\" \"b\"\n1 2.5\n3 4.5\n",
        ] {
            assert_eq!(rows(text), expected, "{text:?}");
        }
        // A single column whose cells have spaces.
        assert_eq!(rows("name\na b\nc d\n"), [["name"], ["a b"], ["c d"]]);
    }

    #[test]
    fn lines_are_counted_as_in_the_file() {
        for (text, line) in [("# x\n# a b\n1 2\n3\n", 4), ("sep=;\na;b\n1;2\n3\n", 4), ("a b\n\n1 2\n3 4 5\n", 4)] {
            let form = TableForm { separator: None, ..TableForm::default() };
            let separator = text.contains(' ').then_some(Separator::WhiteSpace);
            let mistakes = parse("a.csv", text, TableForm { separator, ..form }).err().unwrap();
            assert!(mistakes[0].0.starts_with(&format!("a.csv:{line}: ")), "{mistakes:?}");
        }
    }

    #[test]
    fn a_file_without_a_header_loses_no_row() {
        let names = ["a", "b"];
        let form = TableForm { names: Some(&names), ..TableForm::default() };
        let table = parse("a.csv", "1,2\n3,4\n", form).ok().unwrap();
        assert_eq!((table.header.len(), table.rows.len(), table.rows[0].line), (2, 2, 1));
        let mistakes = parse("a.csv", "1,2\n3,4\n", TableForm::default()).err().unwrap();
        assert!(mistakes[0].1.contains("header = false") && mistakes[0].1.contains("\"x1\", \"x2\""), "{mistakes:?}");
        let mistakes = parse("a.csv", "1,2,3\n", form).err().unwrap();
        assert!(mistakes[0].0.contains("3 cells, but `columns` names 2"), "{mistakes:?}");
        let mistakes = parse(
            "a.csv",
            "a b\n1 2 3\n2 3 4\n",
            TableForm { separator: Some(Separator::WhiteSpace), ..form_of_none() },
        );
        assert!(mistakes.err().unwrap()[0].1.contains("row.names"));
    }

    fn form_of_none() -> TableForm<'static> {
        TableForm::default()
    }
}
