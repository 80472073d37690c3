//! Owns the stored form of a sweep file's settings.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::mirror::{Mirror, mirror};
use super::space_form::SpaceForm;
use crate::expr::Rules;
use crate::job::{CausePattern, RetryPolicy};
use crate::model::{
    Command, FileSettings, JobSettings, Logs, ResultFormat, ResultSettings, ResultsFrom, Spec, TemplateFile,
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
    ResultsForm of ResultSettings { format: FormatForm, from: FromForm, require: Vec<String> }
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
        }
    }

    fn load(self) -> Result<ResultFormat, String> {
        Ok(match self {
            FormatForm::Auto => ResultFormat::Auto,
            FormatForm::Json(columns) => ResultFormat::Json(columns),
            FormatForm::KeyValue => ResultFormat::KeyValue,
            FormatForm::Regex(columns) => ResultFormat::Regex(columns),
            FormatForm::Number => ResultFormat::Number,
        })
    }
}
