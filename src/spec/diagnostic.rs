//! Owns a mistake in a sweep file: what is wrong, where, what would be right; and how that is shown.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// The file cannot be used.
    Error,
    /// The file can be used, but perhaps it does not say what was meant.
    Warning,
}

/// A mistake in a sweep file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong.
    pub message: String,
    /// Where, bytes of the file; none: nowhere in particular.
    pub span: Option<Range<usize>>,
    /// What is said at that place.
    pub label: Option<String>,
    /// Further places, and what is said there.
    pub more: Vec<(Range<usize>, String)>,
    /// What would be right.
    pub help: Option<String>,
    /// Where it really is, when that is another file, which the sweep file names at `span`.
    pub elsewhere: Option<Box<Elsewhere>>,
}

/// A place in another file than the sweep file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Elsewhere {
    /// The file, as messages name it.
    pub file: String,
    /// Its text.
    pub text: Arc<str>,
    /// Where in it, bytes.
    pub span: Range<usize>,
}

impl Diagnostic {
    /// An error at a place.
    pub fn error(message: impl Into<String>, span: Range<usize>) -> Self {
        Diagnostic {
            severity: Severity::Error,
            message: message.into(),
            span: Some(span),
            label: None,
            more: Vec::new(),
            help: None,
            elsewhere: None,
        }
    }

    /// A warning at a place.
    pub fn warning(message: impl Into<String>, span: Range<usize>) -> Self {
        Diagnostic { severity: Severity::Warning, ..Diagnostic::error(message, span) }
    }

    /// Says something at its place.
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// Points to another place too.
    pub fn also(mut self, span: Range<usize>, label: impl Into<String>) -> Self {
        self.more.push((span, label.into()));
        self
    }

    /// Says that it is in another file, which the sweep file names at this one's place.
    pub fn elsewhere(mut self, elsewhere: Elsewhere) -> Self {
        self.elsewhere = Some(Box::new(elsewhere));
        self
    }

    /// Says what would be right.
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// What was found in a sweep file, in the order of the file, with what it takes to show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostics {
    /// The file, as messages name it.
    pub file: String,
    /// Its text.
    pub text: String,
    /// What was found; what has no place in the file comes first.
    pub list: Vec<Diagnostic>,
}

impl Diagnostics {
    pub(super) fn new(file: &str, text: &str, mut list: Vec<Diagnostic>) -> Self {
        list.sort_by_key(|found| found.span.as_ref().map(|span| span.start));
        Diagnostics { file: file.into(), text: text.into(), list }
    }

    /// Whether something in it makes the file unusable.
    pub fn has_errors(&self) -> bool {
        self.list.iter().any(|found| found.severity == Severity::Error)
    }

    /// Shows them as rustc shows its own, one after the other with an empty line between; plain, or coloured for a
    /// terminal. Empty if there are none; ends without a line break.
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

/// A range that lies within the text and on the edges of characters, on one line if it began and ended in the text of
/// one line.
fn visible(text: &str, span: &Range<usize>) -> Range<usize> {
    let start = floor_boundary(text, span.start.min(text.len()));
    let end = floor_boundary(text, span.end.clamp(start, text.len()));
    start..end
}

fn floor_boundary(text: &str, at: usize) -> usize {
    (0..=at).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}
