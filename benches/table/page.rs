//! Owns writing figures into `docs/performance.md`: one section for each row, between its marks.

use std::fmt;
use std::path::Path;

use super::machine;

/// The figures of a row.
pub struct Section {
    /// The command lines that were measured.
    pub how: Vec<String>,
    /// The column titles.
    pub heads: Vec<&'static str>,
    /// The table lines.
    pub lines: Vec<Vec<String>>,
    /// Notes below the table.
    pub notes: Vec<String>,
    machine: String,
}

impl Section {
    /// A section without lines.
    pub fn new(heads: &[&'static str]) -> Section {
        let machine = machine::describe();
        Section { how: Vec::new(), heads: heads.to_vec(), lines: Vec::new(), notes: Vec::new(), machine }
    }

    pub fn line(&mut self, cells: &[String]) {
        self.lines.push(cells.to_vec());
    }
}

impl fmt::Display for Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| {} |", self.heads.join(" | "))?;
        writeln!(f, "|{}", " --- |".repeat(self.heads.len()))?;
        for line in &self.lines {
            writeln!(f, "| {} |", line.join(" | "))?;
        }
        writeln!(f)?;
        for how in &self.how {
            writeln!(f, "- `{how}`")?;
        }
        for note in &self.notes {
            writeln!(f, "- {note}")?;
        }
        writeln!(f, "- {}.", self.machine)
    }
}

/// Replaces the section between the marks of a row.
pub fn put(name: &str, section: &Section) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/performance.md");
    let page = std::fs::read_to_string(&path).expect("the page is there");
    let (begin, end) = (format!("<!-- row {name} -->\n"), "<!-- end -->");
    let (before, rest) = page.split_once(&begin).unwrap_or_else(|| panic!("{} has no {begin}", path.display()));
    let (_, after) = rest.split_once(end).expect("each row has an end");
    std::fs::write(&path, format!("{before}{begin}\n{section}\n{end}{after}")).expect("the page can be written");
}
