//! Owns `[templates]` and `[files]`: the files that a sweep renders, and the files that are its input files.

use std::path::{Component, Path, PathBuf};

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
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileSettings {
    /// Further input files: their content is part of the fingerprint.
    pub watch: Vec<String>,
    /// Files that are not input files even if the command names them, for example files that the jobs write.
    pub ignore: Vec<String>,
    /// The root of the project, relative to the sweep file's folder: what jobs read below it is an input. None: the
    /// nearest folder upward with `.git`, otherwise the sweep file's folder.
    pub root: Option<String>,
    /// Whether jobs may be observed, to find out what they read.
    pub observe: bool,
}

impl Default for FileSettings {
    fn default() -> Self {
        FileSettings { watch: Vec::new(), ignore: Vec::new(), root: None, observe: true }
    }
}

/// Why a path cannot be a file in the job's directory. None: it can.
pub fn not_in_job_dir(name: &str) -> Option<&'static str> {
    let plain = |component: Component| matches!(component, Component::Normal(_));
    let written_plainly = || Path::new(name).components().collect::<PathBuf>().as_os_str() == name;
    if name.is_empty() {
        Some("the name is empty")
    } else if name.contains("{{") || name.contains("{%") {
        Some("a file name cannot be a template; to separate jobs, give each its own directory with `dir` under [job]")
    } else if Path::new(name).is_absolute() {
        Some("the path must be relative to the job's directory")
    } else if !Path::new(name).components().all(plain) || !written_plainly() {
        Some("the path must stay in the job's directory, without `.`, `..` or a final `/`")
    } else if name.contains('\0') {
        Some("a file name cannot contain a NUL character")
    } else if name == JOB_MARKER_FILE {
        Some("sweep uses this name itself")
    } else {
        None
    }
}
