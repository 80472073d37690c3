//! Owns `[results]`: where results are read from, and in which format.

/// `[results]`, or one table of `[[results]]`: how results are read from what a job printed or wrote.
#[derive(Clone, Debug, PartialEq)]
pub struct ResultSettings {
    /// The format.
    pub format: ResultFormat,
    /// Where the results are.
    pub from: ResultsFrom,
    /// Names of results that every job must have. A job without one of them counts as failed.
    pub require: Vec<String>,
}

/// Where a job leaves its results.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ResultsFrom {
    /// On standard output.
    #[default]
    Stdout,
    /// In this file, relative to the job's directory. The path has no `.` or `..` in it.
    File(String),
}

/// A format of results. `docs/sweep-file.md` describes each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ResultFormat {
    /// The first of json, keyvalue and number that finds something.
    Auto,
    /// The last JSON object of the output. Columns with the path of each; empty: every member.
    Json(Vec<(String, String)>),
    /// Lines with pairs `name = value` or `name: value`.
    KeyValue,
    /// Columns with the pattern of each; at least one.
    Regex(Vec<(String, String)>),
    /// The last line is a number. It becomes the column `result`.
    Number,
}
