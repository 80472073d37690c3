//! Owns compiling a sweep file's templates. Every error in them is found here, before anything runs.

use std::collections::BTreeSet;
use std::ops::Range;

use super::compiled_text::{Body, CompiledText, Engine, TextPart};
use super::error::{TemplateError, TemplateLocation, wording};
use super::scope::{BUILT_IN, BuiltIn, FLAGS, ScopeName};
use super::segments::{Segment, Segments};
use super::split::{CommandWord, SplitError, split};
use super::tags::{Tag, Unclosed, plain_name};
use super::{Argument, CompiledCommand, JobTemplate, check};
use crate::expr::Rules;
use crate::model::{self, Spec};
use crate::suggest::{list, nearest};

/// The functions of minijinja that templates can use.
const FUNCTIONS: [&str; 3] = ["range", "dict", "namespace"];

pub(super) fn compile(spec: &Spec) -> Result<JobTemplate, Vec<TemplateError>> {
    let mut compiler = Compiler::new(spec);
    let command = compiler.command(&spec.command, spec.job.shell);
    let env = spec.job.env.iter().map(|(name, value)| {
        let text = compiler.whole(TemplateLocation::Env(name.clone()), value, false);
        Some((name.clone(), text?))
    });
    let env = env.collect::<Vec<_>>();
    let stdin = spec.job.stdin.as_ref().map(|text| compiler.whole(TemplateLocation::Stdin, text, false));
    let others = std::mem::take(&mut compiler.used);
    let dir = spec.job.dir.as_ref().map(|text| compiler.whole(TemplateLocation::Dir, text, false));
    let dir_names = std::mem::replace(&mut compiler.used, others);
    compiler.used.extend(dir_names.iter().cloned());
    let files = spec.templates.iter().map(|file| {
        let text = compiler.whole(TemplateLocation::File(file.name.clone()), &file.text, false);
        Some((file.name.clone(), text?))
    });
    let files = files.collect::<Vec<_>>();
    match (command, compiler.errors.is_empty()) {
        (Some(command), true) => Ok(JobTemplate {
            command,
            env: env.into_iter().flatten().collect(),
            stdin: stdin.flatten(),
            dir: dir.flatten(),
            dir_names,
            files: files.into_iter().flatten().collect(),
            engine: compiler.engine,
            shell_engine: compiler.shell_engine,
            used: compiler.used,
        }),
        _ => Err(compiler.errors),
    }
}

struct Compiler<'a> {
    rules: Rules,
    keeps_empty_words: bool,
    params: &'a [String],
    engine: Engine,
    shell_engine: Engine,
    used: BTreeSet<String>,
    errors: Vec<TemplateError>,
    compiled: usize,
    /// Whether a block that begins in one word and ends in another was already reported.
    half_blocks: bool,
}

impl<'a> Compiler<'a> {
    fn new(spec: &'a Spec) -> Self {
        let mut compiler = Compiler {
            rules: spec.rules,
            keeps_empty_words: spec.keeps_empty_words,
            params: &spec.space.order,
            engine: Engine::new(false),
            shell_engine: Engine::new(true),
            used: BTreeSet::new(),
            errors: Vec::new(),
            compiled: 0,
            half_blocks: false,
        };
        for engine in [&mut compiler.engine, &mut compiler.shell_engine] {
            engine.env.remove_global("debug");
        }
        compiler
    }

    fn error(
        &mut self,
        place: &TemplateLocation,
        at: Option<Range<usize>>,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        let help = Some(help.into()).filter(|help| !help.is_empty());
        self.errors.push(TemplateError { place: place.clone(), at, message: message.into(), help });
    }

    fn command(&mut self, command: &model::Command, shell: bool) -> Option<CompiledCommand> {
        match command {
            model::Command::Text(text) if text.trim().is_empty() => {
                self.error(
                    &TemplateLocation::Command,
                    None,
                    "the command is empty",
                    "write the program and its arguments",
                );
                None
            }
            model::Command::Text(text) if shell => {
                Some(CompiledCommand::Shell(self.whole(TemplateLocation::Command, text, true)?))
            }
            model::Command::Text(text) => {
                let words = split(text).map_err(|error| self.not_split(&error)).ok()?;
                if words.is_empty() {
                    self.error(
                        &TemplateLocation::Command,
                        None,
                        "the command is only a comment",
                        "`#` starts a comment; to pass it to the program, put it in quotes",
                    );
                }
                let arguments: Vec<_> = words.into_iter().map(|word| self.word(text, word)).collect();
                arguments.into_iter().collect::<Option<_>>().map(CompiledCommand::Words)
            }
            model::Command::Words(words) => {
                if words.is_empty() {
                    self.error(
                        &TemplateLocation::Command,
                        None,
                        "the command is empty",
                        "write the program and its arguments",
                    );
                }
                let arguments = words.iter().enumerate().map(|(i, word)| self.element(i, word)).collect::<Vec<_>>();
                arguments.into_iter().collect::<Option<_>>().map(CompiledCommand::Words)
            }
        }
    }

    fn not_split(&mut self, error: &SplitError) {
        let (at, message, help) = match error {
            SplitError::Quote(quote, at) => (
                *at,
                format!("the quote ({quote}) has no closing quote"),
                format!("add the closing quote, or write \\{quote} for a literal quote"),
            ),
            SplitError::Backslash(at) => {
                (*at, "a backslash at the end of the command".into(), "write \\\\ for a literal backslash".into())
            }
            SplitError::Tag(at) => return self.unclosed(&TemplateLocation::Command, Unclosed(*at)),
        };
        self.error(&TemplateLocation::Command, Some(at..at + 1), message, help);
    }

    fn unclosed(&mut self, place: &TemplateLocation, unclosed: Unclosed) {
        let help = "close `{{` with `}}`, `{%` with `%}`, `{#` with `#}`, and every quote between them";
        self.error(place, Some(unclosed.0..unclosed.0 + 2), "this template tag is not closed", help);
    }

    /// A word of a command given as one text.
    fn word(&mut self, command: &str, word: CommandWord) -> Option<Argument> {
        if self.is_flags(command, &word.segments) {
            return Some(Argument::Flags);
        }
        let tags: Vec<&Tag> = word.segments.tags().collect();
        if let Some(at) = check::half_block(command, &tags) {
            if self.half_blocks {
                return None;
            }
            self.half_blocks = true;
            self.error(
                &TemplateLocation::Command,
                Some(at),
                "this block starts and ends in different words of the command",
                "keep it in one word, without spaces outside quotes and tags: \
                 {% if a is defined %}--a={{ a }}{% endif %}; or set `shell = true` under [job]",
            );
            return None;
        }
        let text = self.text(TemplateLocation::Command, command, &word.segments, false)?;
        let keep_empty = word.quoted || (self.keeps_empty_words && matches!(text.body, Body::Plain(_)));
        Some(Argument::Text { text, keep_empty })
    }

    /// An element of a command given as an array.
    fn element(&mut self, i: usize, word: &str) -> Option<Argument> {
        let segments =
            Segments::of(word).map_err(|unclosed| self.unclosed(&TemplateLocation::Word(i), unclosed)).ok()?;
        if self.is_flags(word, &segments) {
            return Some(Argument::Flags);
        }
        let text = self.text(TemplateLocation::Word(i), word, &segments, false)?;
        Some(Argument::Text { text, keep_empty: true })
    }

    fn is_flags(&mut self, written: &str, segments: &Segments) -> bool {
        let is_flags = segments.lone_tag().is_some_and(|tag| plain_name(written, tag) == Some(FLAGS));
        if is_flags {
            self.used.insert(FLAGS.into());
        }
        is_flags
    }

    /// A template that is rendered whole.
    fn whole(&mut self, place: TemplateLocation, written: &str, shell: bool) -> Option<CompiledText> {
        let segments = Segments::of(written).map_err(|unclosed| self.unclosed(&place, unclosed)).ok()?;
        self.text(place, written, &segments, shell)
    }

    fn text(
        &mut self,
        place: TemplateLocation,
        written: &str,
        segments: &Segments,
        shell: bool,
    ) -> Option<CompiledText> {
        if let Some(parts) = self.plain(&place, written, segments) {
            return Some(CompiledText { place, body: Body::Plain(parts) });
        }
        let (template, places) = segments.template(written);
        self.compiled += 1;
        let name = self.compiled.to_string();
        let engine = if shell { &mut self.shell_engine } else { &mut self.engine };
        if let Err(error) = engine.env.add_template_owned(name.clone(), template) {
            let at = error.range().map(|range| places.written(range));
            self.error(&place, at, format!("cannot parse this template: {}", wording(&error)), "");
            return None;
        }
        #[allow(clippy::expect_used, reason = "it was added under this name above")]
        let template = engine.env.get_template(&name).expect("the template was added");
        let names: BTreeSet<String> = template.undeclared_variables(false).into_iter().collect();
        let tags: Vec<&Tag> = segments.tags().collect();
        for unknown in check::unknown_filters(written, &tags, &self.engine) {
            let message = format!("unknown {} `{}`", unknown.what, unknown.name);
            self.error(&place, Some(unknown.at.clone()), message, unknown.help());
        }
        for used in names {
            self.use_name(&place, written, &tags, used, shell);
        }
        if let Some(rewritten) = segments.rewritten(written).filter(|_| self.rules == Rules::Second) {
            let engine = if shell { &mut self.shell_engine } else { &mut self.engine };
            if let Err(error) = engine.env.add_template_owned(name.clone(), rewritten) {
                self.error(&place, None, format!("cannot evaluate this template: {}", wording(&error)), "");
                return None;
            }
        }
        Some(CompiledText { place, body: Body::Engine(name) })
    }

    /// The parts of a template that consists of text and plain names only. None: it needs minijinja.
    fn plain(&mut self, place: &TemplateLocation, written: &str, segments: &Segments) -> Option<Vec<TextPart>> {
        let mut parts = Vec::new();
        for segment in &segments.0 {
            parts.push(match segment {
                Segment::Literal(text, _) => TextPart::Literal(text.clone()),
                Segment::Tag(tag) => {
                    let name = plain_name(written, tag)?;
                    TextPart::Name(name.to_owned(), self.resolve(place, name)?)
                }
            });
        }
        let names = parts.iter().filter_map(|part| match part {
            TextPart::Name(name, _) => Some(name.clone()),
            TextPart::Literal(_) => None,
        });
        self.used.extend(names);
        Some(parts)
    }

    fn resolve(&self, place: &TemplateLocation, name: &str) -> Option<ScopeName> {
        if let Some(at) = self.params.iter().position(|param| param == name) {
            return Some(ScopeName::Param(name.to_owned(), at));
        }
        BuiltIn::named(name).filter(|_| (place, name) != (&TemplateLocation::Dir, "dir")).map(ScopeName::BuiltIn)
    }

    fn use_name(&mut self, place: &TemplateLocation, written: &str, tags: &[&Tag], name: String, shell: bool) {
        let at = check::first_use(written, tags, &name);
        if self.resolve(place, &name).is_some() || (shell && name == FLAGS) {
            self.used.insert(name);
        } else if name == FLAGS {
            let help = "it becomes `--name value` for each parameter: write \
                        `program {{ flags }}`";
            self.error(place, at, "`{{ flags }}` must be a word of its own", help);
        } else if name == "dir" {
            self.error(
                place,
                at,
                "the template of `dir` cannot use `dir`",
                "use `here`, `sweep`, `job` or a parameter",
            );
        } else if !FUNCTIONS.contains(&name.as_str()) {
            let (message, help) = self.unknown_name(&name);
            self.error(place, at, message, help);
        }
    }

    fn unknown_name(&self, name: &str) -> (String, String) {
        let message = format!("`{name}` is neither a parameter nor a built-in name");
        let there_are = match self.params {
            [] => format!("there are no parameters; the built-in names are {}", list(BUILT_IN)),
            params => format!("the parameters are {}; the built-in names are {}", list(params), list(BUILT_IN)),
        };
        let candidates = self.params.iter().map(String::as_str).chain(BUILT_IN);
        let help = match nearest(name, candidates) {
            Some(near) => format!("did you mean `{near}`? {there_are}"),
            None => there_are,
        };
        (message, help)
    }
}
