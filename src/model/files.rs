//! Owns `[templates]` and `[files]`: the files that a sweep renders, and the files that are its input files.

/// Template of a job's directory when the sweep needs one (see [`super::Spec::needs_job_dir`]) and `dir` is not given.
pub const DEFAULT_JOB_DIR: &str = "runs/{{ sweep }}/{{ job }}";

/// Name of the file in a job's directory that says which job the directory belongs to.
pub const JOB_MARKER_FILE: &str = ".sweep-job";

/// An entry of `[templates]`: a file that is rendered for each job.
#[derive(Clone, Debug, PartialEq)]
pub struct TemplateFile {
    /// The file to write, relative to the job's directory. The path has no `.` or `..` in it.
    pub name: String,
    /// The file that holds the template, as written in the sweep file: relative to its folder, or absolute.
    pub file: String,
    /// The template as it was when the sweep file was read.
    pub text: String,
}

/// `[files]`: patterns (globs) relative to the sweep file's folder.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileSettings {
    /// Further input files: their content is part of the fingerprint.
    pub watch: Vec<String>,
    /// Files that are not input files even if the command names them, for example files that the jobs write.
    pub ignore: Vec<String>,
}
