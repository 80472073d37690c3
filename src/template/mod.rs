//! Owns templates: compiled once from a sweep file, rendered for each job into what is run.
//!
//! - [`JobTemplate`] (here): compile and render.
//! - `split`: splitting a command into words as a shell does; `tags` and `segments`: finding the template tags in a
//!   text.
//! - `compile`: compiling and checking every template before anything runs; `check`: checks that minijinja makes only
//!   while rendering.
//! - `rules`: by which rules a sweep file is rendered, so that stored sweeps stay as they are; `interpreter`: values in
//!   text that an interpreter reads.
//! - `compiled_text`: one compiled template; `scope`: the names that it can use.
//! - [`shell`]: quoting for `sh`, and command lines to paste.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::model::Spec;
use crate::space::Point;

mod check;
mod compile;
mod compiled_text;
mod error;
mod interpreter;
mod rules;
mod scope;
mod segments;
pub mod shell;
mod split;
mod tags;

pub use error::{RenderError, RenderErrorKind, TemplateError, TemplateLocation};
pub use interpreter::{InterpretedValue, InterpreterKind, interpreted_values};
pub use rules::settle_rules;
pub use scope::BUILT_IN;
pub use shell::shell_line;
pub use split::unquoted_operators;

use compiled_text::{CompiledText, Engine};
use scope::Frame;

/// The compiled templates of a sweep file. Rendering takes `&self` and may happen in many threads at once.
#[derive(Debug)]
pub struct JobTemplate {
    command: CompiledCommand,
    env: Vec<(String, CompiledText)>,
    stdin: Option<CompiledText>,
    dir: Option<CompiledText>,
    /// The names that the template of `dir` uses.
    dir_names: BTreeSet<String>,
    files: Vec<(String, CompiledText)>,
    engine: Engine,
    shell_engine: Engine,
    used: BTreeSet<String>,
}

#[derive(Debug)]
enum CompiledCommand {
    Words(Vec<Argument>),
    Shell(CompiledText),
}

#[derive(Debug)]
enum Argument {
    /// `{{ flags }}`: `--name value` for each parameter that has a value at the point.
    Flags,
    /// One argument. It is dropped if it renders to an empty text and `keep_empty` is false.
    Text { text: CompiledText, keep_empty: bool },
}

/// What the templates of a job can refer to.
#[derive(Clone, Copy, Debug)]
pub struct JobContext<'a> {
    /// The id of the sweep.
    pub sweep: &'a str,
    /// Names of the parameters, in the order of `point.params`.
    pub names: &'a Arc<[String]>,
    /// The point.
    pub point: &'a Point,
    /// The number of the attempt, from 1.
    pub attempt: u32,
    /// The number of slots that the job takes.
    pub cpus: u32,
    /// The folder of the sweep file on this machine, or its replacement; absolute.
    pub here: &'a str,
}

/// What is run for a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    /// The program and its arguments: at least one word, the first not empty, no NUL anywhere.
    pub argv: Vec<String>,
    /// Environment variables of the job, in the order of the file.
    pub env: Vec<(String, String)>,
    /// The job's standard input. None: empty.
    pub stdin: Option<String>,
    /// The job's directory, absolute. None: it runs in `here`.
    pub dir: Option<String>,
    /// The rendered files of `[templates]`: path relative to the job's directory, and content.
    pub files: Vec<(String, String)>,
}

impl JobTemplate {
    /// Compiles and checks every template of a sweep file.
    ///
    /// It reads only the command, `[job]`, `[templates]` and the names in `space.order`.
    ///
    /// # Errors
    /// All errors, in the order command, env, stdin, dir, templates.
    pub fn compile(spec: &Spec) -> Result<JobTemplate, Vec<TemplateError>> {
        compile::compile(spec)
    }

    /// Renders what is run for one point.
    ///
    /// # Errors
    /// If a template uses a parameter that has no value at this point, fails in another way, or takes too long; if the
    /// result cannot be passed to a program.
    pub fn render(&self, context: &JobContext) -> Result<Rendered, RenderError> {
        let dir = self.dir(context)?;
        let frame = Frame::new(context, dir.as_deref().unwrap_or(context.here));
        let argv = self.command(&frame)?;
        let mut env = Vec::with_capacity(self.env.len());
        for (name, text) in &self.env {
            let value = text.render(&self.engine, &frame)?;
            error::refuse_nul(&value, || TemplateLocation::Env(name.clone()))?;
            env.push((name.clone(), value));
        }
        let stdin = self.stdin.as_ref().map(|text| text.render(&self.engine, &frame)).transpose()?;
        let mut files = Vec::with_capacity(self.files.len());
        for (name, text) in &self.files {
            files.push((name.clone(), text.render(&self.engine, &frame)?));
        }
        Ok(Rendered { argv, env, stdin, dir, files })
    }

    /// Renders the words of the command alone.
    ///
    /// # Errors
    /// As [`JobTemplate::render`].
    pub fn argv(&self, context: &JobContext) -> Result<Vec<String>, RenderError> {
        let dir = self.dir(context)?;
        self.command(&Frame::new(context, dir.as_deref().unwrap_or(context.here)))
    }

    fn command(&self, frame: &Frame) -> Result<Vec<String>, RenderError> {
        let argv = match &self.command {
            CompiledCommand::Words(arguments) => self.words(arguments, frame)?,
            CompiledCommand::Shell(text) => vec!["sh".into(), "-c".into(), text.render(&self.shell_engine, frame)?],
        };
        check_argv(&argv)?;
        Ok(argv)
    }

    /// The parameters and built-in names that any template uses. `flags` among them stands for every parameter.
    pub fn names_used(&self) -> BTreeSet<String> {
        self.used.clone()
    }

    /// Whether all points have the same directory: its template uses nothing that differs between points.
    pub fn one_dir_for_all(&self) -> bool {
        const ALIKE: [&str; 4] = ["sweep", "here", "cpus", "attempt"];
        self.dir.is_some() && self.dir_names.iter().all(|name| ALIKE.contains(&name.as_str()))
    }

    /// Whether all points run the same program.
    pub fn one_program_for_all(&self) -> bool {
        match &self.command {
            CompiledCommand::Shell(_) => true,
            CompiledCommand::Words(arguments) => {
                matches!(arguments.first(), Some(Argument::Text { text, .. }) if text.is_constant())
            }
        }
    }

    /// The parameters and built-in names that the template of `dir` uses.
    pub fn dir_names(&self) -> &BTreeSet<String> {
        &self.dir_names
    }

    /// Renders the directory of a job alone; none: it runs in `here`.
    ///
    /// # Errors
    /// As [`JobTemplate::render`].
    pub fn dir(&self, context: &JobContext) -> Result<Option<String>, RenderError> {
        let Some(text) = &self.dir else { return Ok(None) };
        // `compile` rejects `dir` in the template of `dir`.
        let dir = text.render(&self.engine, &Frame::new(context, ""))?;
        error::refuse_nul(&dir, || TemplateLocation::Dir)?;
        if dir.is_empty() {
            return Err(RenderError::other(
                TemplateLocation::Dir,
                "it renders to an empty text, which is not a directory",
            ));
        }
        let absolute = std::path::Path::new(context.here).join(&dir);
        // Both parts are UTF-8, so the result is too.
        Ok(Some(absolute.to_string_lossy().into_owned()))
    }

    fn words(&self, arguments: &[Argument], frame: &Frame) -> Result<Vec<String>, RenderError> {
        let mut argv = Vec::with_capacity(arguments.len());
        for argument in arguments {
            match argument {
                Argument::Flags => frame.push_flags(&mut argv),
                Argument::Text { text, keep_empty } => {
                    let word = text.render(&self.engine, frame)?;
                    if *keep_empty || !word.is_empty() {
                        argv.push(word);
                    }
                }
            }
        }
        Ok(argv)
    }
}

fn check_argv(argv: &[String]) -> Result<(), RenderError> {
    if argv.first().is_none_or(String::is_empty) {
        let message = "it renders to an empty text, so there is no program to run";
        return Err(RenderError::other(TemplateLocation::Command, message));
    }
    for (i, word) in argv.iter().enumerate() {
        error::refuse_nul(word, || TemplateLocation::Word(i))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
