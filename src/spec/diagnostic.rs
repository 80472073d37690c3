//! Owns diagnostics: an error or warning in a sweep file, its place, a suggestion, and how it is shown.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};

/// How serious a diagnostic is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// The sweep file cannot be used.
    Error,
    /// The sweep file can be used, but may not mean what its author intended.
    Warning,
}

/// An error or warning in a sweep file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// How serious it is.
    pub severity: Severity,
    /// What is wrong.
    pub message: String,
    /// The place in bytes of the file. None: nowhere in particular.
    pub span: Option<Range<usize>>,
    /// A note at that place.
    pub label: Option<String>,
    /// Further places, each with a note.
    pub more: Vec<(Range<usize>, String)>,
    /// What to do about it.
    pub help: Option<String>,
    /// The real place, if it is in another file that the sweep file names at `span`.
    pub elsewhere: Option<Box<Elsewhere>>,
}

/// A place in another file than the sweep file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Elsewhere {
    /// The path of the file as messages show it.
    pub file: String,
    /// Its text.
    pub text: Arc<str>,
    /// The place in bytes.
    pub span: Range<usize>,
}

impl Diagnostic {
    /// An error at a place. None: nowhere in particular.
    pub fn error(message: impl Into<String>, span: impl Into<Option<Range<usize>>>) -> Self {
        Diagnostic {
            severity: Severity::Error,
            message: message.into(),
            span: span.into(),
            label: None,
            more: Vec::new(),
            help: None,
            elsewhere: None,
        }
    }

    /// A warning at a place. None: nowhere in particular.
    pub fn warning(message: impl Into<String>, span: impl Into<Option<Range<usize>>>) -> Self {
        Diagnostic { severity: Severity::Warning, ..Diagnostic::error(message, span) }
    }

    /// Adds a note at its place.
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// Adds another place with a note.
    pub fn also(mut self, span: Range<usize>, label: impl Into<String>) -> Self {
        self.more.push((span, label.into()));
        self
    }

    /// Sets the place in another file, which the sweep file names at this diagnostic's place.
    pub fn elsewhere(mut self, elsewhere: Elsewhere) -> Self {
        self.elsewhere = Some(Box::new(elsewhere));
        self
    }

    /// Adds what to do about it.
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// The diagnostics of a sweep file, in the order of the file, with the text needed to show them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostics {
    /// The path of the file as messages show it.
    pub file: String,
    /// Its text.
    pub text: String,
    /// The diagnostics. Those without a place come first.
    pub list: Vec<Diagnostic>,
}

impl Diagnostics {
    pub(super) fn new(file: &str, text: &str, mut list: Vec<Diagnostic>) -> Self {
        list.sort_by_key(|found| found.span.as_ref().map(|span| span.start));
        Diagnostics { file: file.into(), text: text.into(), list }
    }

    /// Whether there is an error among them.
    pub fn has_errors(&self) -> bool {
        self.list.iter().any(|found| found.severity == Severity::Error)
    }

    /// Renders them like rustc does, one after the other with an empty line between, plain or coloured for a terminal.
    /// Empty if there are none. No line break at the end.
    pub fn render(&self, colour: bool) -> String {
        let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
        let renderer = renderer.decor_style(DecorStyle::Ascii);
        let shown: Vec<String> = self.list.iter().map(|found| renderer.render(&[self.group(found)])).collect();
        shown.join("\n\n")
    }

    fn group<'a>(&'a self, found: &'a Diagnostic) -> Group<'a> {
        let level = match found.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
        };
        let title = level.primary_title(found.message.as_str());
        let group = match (&found.elsewhere, &found.span) {
            (Some(place), _) => {
                let primary = AnnotationKind::Primary.span(visible(&place.text, &place.span));
                let snippet = Snippet::source(&*place.text).path(place.file.as_str());
                title.element(snippet.annotation(primary.label(found.label.as_deref())))
            }
            (None, None) => title.element(Origin::path(self.file.as_str())),
            (None, Some(span)) => {
                let label = found.label.as_deref();
                let mut snippet = Snippet::source(self.text.as_str())
                    .path(self.file.as_str())
                    .annotation(AnnotationKind::Primary.span(visible(&self.text, span)).label(label));
                for (span, label) in &found.more {
                    let note = AnnotationKind::Context.span(visible(&self.text, span)).label(label.as_str());
                    snippet = snippet.annotation(note);
                }
                title.element(snippet)
            }
        };
        match &found.help {
            Some(help) => group.element(Level::HELP.message(help.as_str())),
            None => group,
        }
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

impl std::error::Error for Diagnostics {}

/// The range clamped to the text and to character boundaries; on one line if it starts and ends in the text of one
/// line.
fn visible(text: &str, span: &Range<usize>) -> Range<usize> {
    let start = floor_boundary(text, span.start.min(text.len()));
    let end = floor_boundary(text, span.end.clamp(start, text.len()));
    start..end
}

/// The last character boundary up to `at`, which is in the text.
fn floor_boundary(text: &str, mut at: usize) -> usize {
    while !text.is_char_boundary(at) {
        at -= 1; // ends at 0 at the latest, which is a boundary
    }
    at
}
