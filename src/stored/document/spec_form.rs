//! Owns the stored form of a sweep file's settings.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::mirror::{Mirror, mirror};
use super::space_form::SpaceForm;
use crate::expr::Rules;
use crate::job::{CausePattern, RetryPolicy};
use crate::model::{
    ColumnRef, Command, FileSettings, JobSettings, Logs, Reducer, Reducers, ResultFormat, ResultSettings, ResultsFrom,
    RowChoice, Spec, TableSettings, TemplateFile,
};

mirror! {
    /// [`Spec`].
    SpecForm of Spec {
        name: String,
        command: CommandForm,
        #[serde(default, skip_serializing_if = "RulesForm::is_first")]
        rules: RulesForm,
        #[serde(default, skip_serializing_if = "is_false")]
        keeps_empty_words: bool,
        space: SpaceForm,
        job: JobForm,
        templates: Vec<TemplateForm>,
        files: FilesForm,
        results: Vec<ResultsForm>,
    }

    /// [`JobSettings`].
    JobForm of JobSettings {
        timeout: Option<DurationForm>,
        retry: RetryForm,
        max_failures: Option<u64>,
        keep_going: bool,
        memory: Option<u64>,
        queue: String,
        env: Vec<(String, String)>,
        stdin: Option<String>,
        dir: Option<String>,
        shell: bool,
        logs: LogsForm,
        #[serde(default = "ExitCodesForm::only_0", skip_serializing_if = "ExitCodesForm::is_only_0")]
        ok_exit_codes: ExitCodesForm,
    }

    /// [`RetryPolicy`].
    RetryForm of RetryPolicy { retries: u32, delay: DurationForm, on: Option<Vec<CausePatternForm>> }

    /// [`Logs`].
    LogsForm of Logs { succeeded: u32, failed: u32 }

    /// [`TemplateFile`].
    TemplateForm of TemplateFile { name: String, file: String, text: String }

    /// [`FileSettings`].
    FilesForm of FileSettings {
        watch: Vec<String>,
        ignore: Vec<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        root: Option<String>,
        #[serde(default = "yes", skip_serializing_if = "Clone::clone")]
        observe: bool,
    }

    /// [`ResultSettings`].
    ResultsForm of ResultSettings {
        format: FormatForm,
        from: FromForm,
        require: Vec<String>,
        #[serde(default, skip_serializing_if = "ReducersForm::is_unset")]
        reduce: ReducersForm,
        #[serde(default, skip_serializing_if = "is_false")]
        keep_on_timeout: bool,
    }
}

/// [`Rules`]: their number.
#[derive(Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct RulesForm(u32);

impl RulesForm {
    fn is_first(&self) -> bool {
        self.0 == 1
    }
}

impl Default for RulesForm {
    fn default() -> RulesForm {
        RulesForm(1)
    }
}

impl Mirror for RulesForm {
    type Runtime = Rules;

    fn store(rules: &Rules) -> RulesForm {
        RulesForm(match rules {
            Rules::First => 1,
            Rules::Second => 2,
        })
    }

    fn load(self) -> Result<Rules, String> {
        match self.0 {
            1 => Ok(Rules::First),
            2 => Ok(Rules::Second),
            other => Err(format!("its templates have rules of version {other}")),
        }
    }
}

fn is_false(flag: &bool) -> bool {
    !flag
}

/// The default of a setting that is on.
fn yes() -> bool {
    true
}

/// [`Command`].
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum CommandForm {
    Text(String),
    Words(Vec<String>),
}

impl Mirror for CommandForm {
    type Runtime = Command;

    fn store(command: &Command) -> CommandForm {
        match command {
            Command::Text(text) => CommandForm::Text(text.clone()),
            Command::Words(words) => CommandForm::Words(words.clone()),
        }
    }

    fn load(self) -> Result<Command, String> {
        Ok(match self {
            CommandForm::Text(text) => Command::Text(text),
            CommandForm::Words(words) => Command::Words(words),
        })
    }
}

/// A [`Duration`].
#[derive(Serialize, Deserialize)]
pub(super) struct DurationForm {
    secs: u64,
    nanos: u32,
}

impl Mirror for DurationForm {
    type Runtime = Duration;

    fn store(duration: &Duration) -> DurationForm {
        DurationForm { secs: duration.as_secs(), nanos: duration.subsec_nanos() }
    }

    fn load(self) -> Result<Duration, String> {
        match self.nanos {
            0..1_000_000_000 => Ok(Duration::new(self.secs, self.nanos)),
            nanos => Err(format!("a duration has {nanos} ns beside its seconds")),
        }
    }
}

/// [`CausePattern`].
#[derive(Serialize, Deserialize)]
pub(super) struct CausePatternForm {
    kind: String,
    number: Option<i32>,
}

impl Mirror for CausePatternForm {
    type Runtime = CausePattern;

    fn store(pattern: &CausePattern) -> CausePatternForm {
        let (kind, number) = pattern.parts();
        CausePatternForm { kind: kind.to_owned(), number }
    }

    fn load(self) -> Result<CausePattern, String> {
        Ok(CausePattern::from_parts(self.kind, self.number))
    }
}

/// [`ResultsFrom`].
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum FromForm {
    Stdout,
    File(String),
}

impl Mirror for FromForm {
    type Runtime = ResultsFrom;

    fn store(from: &ResultsFrom) -> FromForm {
        match from {
            ResultsFrom::Stdout => FromForm::Stdout,
            ResultsFrom::File(name) => FromForm::File(name.clone()),
        }
    }

    fn load(self) -> Result<ResultsFrom, String> {
        Ok(match self {
            FromForm::Stdout => ResultsFrom::Stdout,
            FromForm::File(name) => ResultsFrom::File(name),
        })
    }
}

/// [`ResultFormat`].
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum FormatForm {
    Auto,
    Json(Vec<(String, String)>),
    KeyValue,
    Regex(Vec<(String, String)>),
    Number,
    Table(TableForm),
}

/// [`TableSettings`].
#[derive(Serialize, Deserialize)]
pub(super) struct TableForm {
    columns: Vec<(String, ColumnForm)>,
    row: RowForm,
    #[serde(rename = "where", default, skip_serializing_if = "Option::is_none")]
    filter: Option<String>,
}

/// [`ColumnRef`].
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum ColumnForm {
    Position(i64),
    Name(String),
}

/// [`RowChoice`].
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum RowForm {
    Number(i64),
    Word(String),
}

impl Mirror for TableForm {
    type Runtime = TableSettings;

    fn store(table: &TableSettings) -> TableForm {
        let column = |(name, column): &(String, ColumnRef)| {
            let column = match column {
                ColumnRef::Name(name) => ColumnForm::Name(name.clone()),
                ColumnRef::Position(at) => ColumnForm::Position(*at),
            };
            (name.clone(), column)
        };
        let row = match table.row {
            RowChoice::First => RowForm::Word("first".into()),
            RowChoice::Last => RowForm::Word("last".into()),
            RowChoice::Number(row) => RowForm::Number(row),
        };
        TableForm { columns: table.columns.iter().map(column).collect(), row, filter: table.filter.clone() }
    }

    fn load(self) -> Result<TableSettings, String> {
        let column = |(name, column): (String, ColumnForm)| {
            let column = match column {
                ColumnForm::Name(name) => ColumnRef::Name(name),
                ColumnForm::Position(at) => ColumnRef::Position(at),
            };
            (name, column)
        };
        let row = match self.row {
            RowForm::Number(row) => RowChoice::Number(row),
            RowForm::Word(word) if word == "first" => RowChoice::First,
            RowForm::Word(word) if word == "last" => RowChoice::Last,
            RowForm::Word(word) => return Err(format!("`{word}` is no row of a table")),
        };
        Ok(TableSettings { columns: self.columns.into_iter().map(column).collect(), row, filter: self.filter })
    }
}

/// [`Reducers`].
#[derive(Default, Serialize, Deserialize)]
pub(super) struct ReducersForm {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    every: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    columns: Vec<(String, String)>,
}

impl ReducersForm {
    fn is_unset(&self) -> bool {
        self.every.is_none() && self.columns.is_empty()
    }
}

impl Mirror for ReducersForm {
    type Runtime = Reducers;

    fn store(reducers: &Reducers) -> ReducersForm {
        let column = |(name, reducer): &(String, Reducer)| (name.clone(), reducer.word().to_owned());
        ReducersForm {
            every: reducers.every.map(|reducer| reducer.word().to_owned()),
            columns: reducers.columns.iter().map(column).collect(),
        }
    }

    fn load(self) -> Result<Reducers, String> {
        let reducer = |word: String| Reducer::from_word(&word).ok_or_else(|| format!("`{word}` is no reducer"));
        Ok(Reducers {
            every: self.every.map(reducer).transpose()?,
            columns: self
                .columns
                .into_iter()
                .map(|(name, word)| Ok((name, reducer(word)?)))
                .collect::<Result<_, String>>()?,
        })
    }
}

/// The exit codes of a success.
#[derive(PartialEq, Serialize, Deserialize)]
pub(super) struct ExitCodesForm(Vec<i32>);

impl ExitCodesForm {
    fn only_0() -> ExitCodesForm {
        ExitCodesForm(vec![0])
    }

    fn is_only_0(&self) -> bool {
        *self == ExitCodesForm::only_0()
    }
}

impl Mirror for ExitCodesForm {
    type Runtime = Vec<i32>;

    fn store(codes: &Vec<i32>) -> ExitCodesForm {
        ExitCodesForm(codes.clone())
    }

    fn load(self) -> Result<Vec<i32>, String> {
        Ok(self.0)
    }
}

impl Mirror for FormatForm {
    type Runtime = ResultFormat;

    fn store(format: &ResultFormat) -> FormatForm {
        match format {
            ResultFormat::Auto => FormatForm::Auto,
            ResultFormat::Json(columns) => FormatForm::Json(columns.clone()),
            ResultFormat::KeyValue => FormatForm::KeyValue,
            ResultFormat::Regex(columns) => FormatForm::Regex(columns.clone()),
            ResultFormat::Number => FormatForm::Number,
            ResultFormat::Table(table) => FormatForm::Table(TableForm::store(table)),
        }
    }

    fn load(self) -> Result<ResultFormat, String> {
        Ok(match self {
            FormatForm::Auto => ResultFormat::Auto,
            FormatForm::Json(columns) => ResultFormat::Json(columns),
            FormatForm::KeyValue => ResultFormat::KeyValue,
            FormatForm::Regex(columns) => ResultFormat::Regex(columns),
            FormatForm::Number => ResultFormat::Number,
            FormatForm::Table(table) => ResultFormat::Table(table.load()?),
        })
    }
}
