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
    /// How several values of a result become one. For the formats regex and table.
    pub reduce: Reducers,
    /// Whether a job that was ended by its time-out has succeeded if it has results. It is so for the whole sweep if one
    /// source says so.
    pub keep_on_timeout: bool,
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
    /// A table: a header and rows.
    Table(TableSettings),
}

/// `format = "table"`: what is read from a table in the output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableSettings {
    /// The results, with the column of each. Empty: every column of the table.
    pub columns: Vec<(String, ColumnRef)>,
    /// The row whose cells are the results that have no reducer.
    pub row: RowChoice,
    /// Only rows for which this expression over the columns is true.
    pub filter: Option<String>,
}

/// A column of a table in a job's output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ColumnRef {
    /// By its name in the header.
    Name(String),
    /// By its position, from 0; negative from the last column.
    Position(i64),
}

/// A row of a table in a job's output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowChoice {
    /// The first one.
    First,
    /// The last one.
    Last,
    /// By its position, from 0; negative from the last row.
    Number(i64),
}

/// How several values of a result become one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reducers {
    /// For every result that has none of its own.
    pub every: Option<Reducer>,
    /// For single results.
    pub columns: Vec<(String, Reducer)>,
}

impl Reducers {
    /// The reducer of a result; none: its default, the last value.
    pub fn of(&self, name: &str) -> Option<Reducer> {
        self.columns.iter().find(|(column, _)| column == name).map(|(_, reducer)| *reducer).or(self.every)
    }
}

/// What several values of a result become.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reducer {
    /// The first value.
    First,
    /// The last value.
    Last,
    /// The smallest number.
    Min,
    /// The largest number.
    Max,
    /// The mean of the numbers.
    Mean,
    /// The sum of the numbers.
    Sum,
    /// How many values there are.
    Count,
}

impl Reducer {
    /// All of them, by their names in sweep files.
    pub const ALL: [(&str, Reducer); 7] = [
        ("first", Reducer::First),
        ("last", Reducer::Last),
        ("min", Reducer::Min),
        ("max", Reducer::Max),
        ("mean", Reducer::Mean),
        ("sum", Reducer::Sum),
        ("count", Reducer::Count),
    ];

    /// Its name in sweep files and stored documents.
    pub fn word(self) -> &'static str {
        Reducer::ALL.iter().find(|(_, reducer)| *reducer == self).map_or("", |(word, _)| word)
    }

    /// The reducer with a name; none: there is none.
    pub fn from_word(word: &str) -> Option<Reducer> {
        Reducer::ALL.iter().find(|(known, _)| *known == word).map(|(_, reducer)| *reducer)
    }
}
