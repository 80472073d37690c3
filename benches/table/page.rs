//! Owns figures as a page: a section for each row, put in its place in `docs/performance.md`.

use std::fmt;
use std::path::Path;

use super::machine;

/// A row's figures.
pub struct Section {
    /// What was run, as a person would type it.
    pub how: Vec<String>,
    /// The heads of the columns.
    pub heads: Vec<&'static str>,
    /// The lines below them.
    pub lines: Vec<Vec<String>>,
    /// What is to be said besides.
    pub notes: Vec<String>,
    machine: String,
}

impl Section {
    /// A section without lines yet.
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

/// Puts a section between its marks, in place of the one that is there.
pub fn put(name: &str, section: &Section) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/performance.md");
    let page = std::fs::read_to_string(&path).expect("the page is there");
    let (begin, end) = (format!("<!-- row {name} -->\n"), "<!-- end -->");
    let (before, rest) = page.split_once(&begin).unwrap_or_else(|| panic!("{} has no {begin}", path.display()));
    let (_, after) = rest.split_once(end).expect("each row has an end");
    std::fs::write(&path, format!("{before}{begin}\n{section}\n{end}{after}")).expect("the page can be written");
}
