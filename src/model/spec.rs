//! Owns [`Spec`]: everything that a sweep file says.

use itertools::Itertools;

use super::{FileSettings, JobSettings, ResultSettings, ResultsFrom, TemplateFile};
use crate::expr::Rules;
use crate::space::SpaceSpec;

/// A validated sweep file.
#[derive(Clone, Debug, PartialEq)]
pub struct Spec {
    /// The name of the sweep.
    pub name: String,
    /// The command.
    pub command: Command,
    /// The rules of the expressions in templates.
    pub rules: Rules,
    /// Whether an unquoted word of the command that is only values, such as `{{ tag }}`, is an empty argument where the
    /// values are empty texts. False in sweeps of the first release, which drop it.
    pub keeps_empty_words: bool,
    /// The parameter space: which points there are.
    pub space: SpaceSpec,
    /// How a job is run.
    pub job: JobSettings,
    /// Files that are rendered into the job's directory before the job starts, in the order of the sweep file.
    pub templates: Vec<TemplateFile>,
    /// Which files are input files.
    pub files: FileSettings,
    /// Where results are read from, in order. Empty: the sweep has no results.
    pub results: Vec<ResultSettings>,
}

/// A command template.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// One text. It is split into words as a shell does and then rendered; with `shell = true` it is rendered whole and
    /// given to `sh -c`.
    Text(String),
    /// A list of words. Each is a template of its own and becomes one argument.
    Words(Vec<String>),
}

impl Spec {
    /// Whether every job needs a directory of its own: it writes files that another job would overwrite.
    pub fn needs_job_dir(&self) -> bool {
        !self.templates.is_empty() || self.result_files().next().is_some()
    }

    /// Whether a job that was ended by its time-out has succeeded if it has results.
    pub fn keeps_timed_out(&self) -> bool {
        self.results.iter().any(|settings| settings.keep_on_timeout)
    }

    /// Whether a record of a success, from a sweep with the settings `older`, is one with these settings too. `exit_code` is
    /// none for a job that was ended by its time-out.
    pub fn accepts_exit(&self, older: &Spec, exit_code: Option<i32>) -> bool {
        match exit_code {
            Some(code) => self.job.ok_exit_codes.contains(&code),
            None => self.keeps_timed_out() && self.job.timeout == older.job.timeout,
        }
    }

    /// Whether every success of a sweep with the settings `older` is one with these settings too.
    pub fn accepts_exits_of(&self, older: &Spec) -> bool {
        older.job.ok_exit_codes.iter().all(|code| self.job.ok_exit_codes.contains(code))
            && (!older.keeps_timed_out() || self.accepts_exit(older, None))
    }

    /// The files that results are read from, relative to the job's directory, without duplicates.
    pub fn result_files(&self) -> impl Iterator<Item = &str> {
        let files = self.results.iter().filter_map(|settings| match &settings.from {
            ResultsFrom::Stdout => None,
            ResultsFrom::File(name) => Some(name.as_str()),
        });
        files.unique()
    }
}
