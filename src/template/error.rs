//! Owns the errors of templates, at compile time and while rendering.

use std::fmt;
use std::ops::Range;

use thiserror::Error;

/// Which template of a sweep file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TemplateLocation {
    /// `command`, given as one text.
    Command,
    /// A word of `command`, from 0: the element of the array, or in a [`RenderError`] the argument.
    Word(usize),
    /// The value of a variable in `[job] env`.
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

/// An error in a template, found when it is compiled.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{place}: {message}")]
pub struct TemplateError {
    /// Which template.
    pub place: TemplateLocation,
    /// The place in the template's text, in bytes.
    pub at: Option<Range<usize>>,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

/// A template that cannot be rendered for a point.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{place}: {message}{}", remedy(.help))]
pub struct RenderError {
    /// Which template.
    pub place: TemplateLocation,
    /// What kind of error it is.
    pub kind: RenderErrorKind,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

/// The kinds of [`RenderError`] that callers treat differently.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RenderErrorKind {
    /// These parameters have no value at the point; at least one.
    MissingParameters(Vec<String>),
    /// Anything else.
    Other,
}

impl RenderError {
    /// An error of kind [`RenderErrorKind::Other`].
    pub(super) fn other(place: TemplateLocation, message: impl Into<String>) -> RenderError {
        RenderError { place, kind: RenderErrorKind::Other, message: message.into(), help: None }
    }
}

fn remedy(help: &Option<String>) -> String {
    help.as_ref().map_or_else(String::new, |help| format!("; {help}"))
}

/// A program argument cannot contain a NUL.
pub(super) fn refuse_nul(text: &str, place: impl FnOnce() -> TemplateLocation) -> Result<(), RenderError> {
    if !text.contains('\0') {
        return Ok(());
    }
    Err(RenderError::other(place(), "it contains a NUL character, which a program argument cannot"))
}

/// minijinja's description of an error, as part of a sentence.
pub(super) fn wording(error: &minijinja::Error) -> String {
    if error.kind() == minijinja::ErrorKind::OutOfFuel {
        return "it takes too long: an endless loop, or text that grows without limit".into();
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
