//! Owns what can be wrong with a template, before a run and during one.

use std::fmt;
use std::ops::Range;

use thiserror::Error;

/// Which template of a sweep file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TemplateLocation {
    /// `command`, given as one text.
    Command,
    /// A word of `command`, from 0: where it is given as an array the element, in a [`RenderError`] the argument.
    Word(usize),
    /// The value of this variable in `[job] env`.
    Env(String),
    /// `[job] stdin`.
    Stdin,
    /// `[job] dir`.
    Dir,
    /// The file of this name in `[templates]`.
    File(String),
}

impl fmt::Display for TemplateLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TemplateLocation::Command => f.write_str("`command`"),
            TemplateLocation::Word(0) => f.write_str("`command`, the program"),
            TemplateLocation::Word(i) => write!(f, "`command`, argument {i}"),
            TemplateLocation::Env(name) => write!(f, "`{name}` in `[job] env`"),
            TemplateLocation::Stdin => f.write_str("`[job] stdin`"),
            TemplateLocation::Dir => f.write_str("`[job] dir`"),
            TemplateLocation::File(name) => write!(f, "`{name}` in `[templates]`"),
        }
    }
}

/// A mistake in a template, found when it is compiled.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{place}: {message}")]
pub struct TemplateError {
    /// Which template.
    pub place: TemplateLocation,
    /// Where in that template's text, bytes.
    pub at: Option<Range<usize>>,
    /// What is wrong.
    pub message: String,
    /// What would be right.
    pub help: Option<String>,
}

/// A template that cannot be rendered for a point.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{place}: {message}")]
pub struct RenderError {
    /// Which template.
    pub place: TemplateLocation,
    /// What is wrong.
    pub message: String,
}

/// No text with a NUL can be given to a program.
pub(super) fn refuse_nul(text: &str, place: impl FnOnce() -> TemplateLocation) -> Result<(), RenderError> {
    if !text.contains('\0') {
        return Ok(());
    }
    let message = "it holds a NUL character, which cannot be given to a program".into();
    Err(RenderError { place: place(), message })
}

/// minijinja's own words for what went wrong, made fit for a sentence.
pub(super) fn wording(error: &minijinja::Error) -> String {
    if error.kind() == minijinja::ErrorKind::OutOfFuel {
        return "it does too much work: a loop that does not end, or text without bound".into();
    }
    let mut text = match error.detail() {
        Some(detail) => detail.to_owned(),
        None => error.kind().to_string(),
    };
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        text.push_str(&format!(": {inner}"));
        cause = inner.source();
    }
    text
}
