//! Owns reading `command`, and checking all templates against the parameters.

use std::ops::Range as Span;

use toml::de::DeValue;

use super::keys::TOP;
use super::parameters::ParameterName;
use super::string_offsets::inside;
use super::table_reader::{Entry, TableReader, kind, meant};
use super::{Diagnostic, expressions, samples, templates};
use crate::model::{Command, Spec};
use crate::space::{Dist, Values};
use crate::suggest::list;
use crate::template::{self, InterpreterKind, JobTemplate, RenderErrorKind, TemplateError, TemplateLocation};
use crate::value::Value;

/// Reads `command`.
pub(super) fn read(top: TableReader) -> Option<Command> {
    let Some(entry) = top.entry("command") else {
        let misspelt = |entry: Entry| !TOP.known.contains(&entry.key) && meant(entry.key, &TOP) == Some("command");
        if top.entries().any(misspelt) {
            return None;
        }
        let found = Diagnostic { span: None, ..Diagnostic::error("the file has no `command`", 0..0) };
        top.sink.push(
            found.help("add the command at the top of the file: command = \"python3 program.py --size {{ size }}\""),
        );
        return None;
    };
    match entry.value {
        DeValue::String(text) => Some(Command::Text(text.clone().into_owned())),
        DeValue::Array(words) => {
            let read: Vec<Option<String>> = words
                .iter()
                .map(|word| match word.get_ref() {
                    DeValue::String(text) => Some(text.clone().into_owned()),
                    other => {
                        let message = format!("a word of `command` must be text, not {}", kind(other));
                        top.sink.push(Diagnostic::error(message, word.span()).help("put it in quotes"));
                        None
                    }
                })
                .collect();
            read.into_iter().collect::<Option<_>>().map(Command::Words)
        }
        _ => top.wrong(&entry, "text or a list of words", "write command = \"program {{ size }}\"".into()),
    }
}

/// Checks the templates of a sweep file whose command could be read.
pub(super) fn check(spec: &Spec, declared: &[ParameterName], top: TableReader, file: &str) {
    let texts = Texts { top, file };
    if let (Command::Words(_), true, Some(entry)) = (&spec.command, spec.job.shell, top.entry("command"))
        && entry.value.is_array()
    {
        let found =
            Diagnostic::error("`shell = true` needs the command as one text, not as a list of words", entry.span);
        top.sink.push(found.help("write command = \"…\", or remove `shell = true`"));
        return;
    }
    match JobTemplate::compile(spec) {
        // An unused name is often a consequence of an error that was already reported.
        Ok(_) if top.sink.has_errors() => {}
        Ok(template) => {
            unused(&template, spec, declared, top);
            for error in samples::lacking(&template, spec) {
                let place = texts.place(&error.place).map(|(span, _)| span);
                let span = place.or_else(|| top.entry("command").map(|entry| entry.span));
                let RenderErrorKind::MissingParameters(names) = &error.kind else { continue };
                let verb = if names.len() == 1 { "has" } else { "have" };
                let found = Diagnostic::error(format!("{} {verb} no value at some points", list(names)), span);
                top.sink.push(match error.help {
                    Some(help) => found.help(help),
                    None => found,
                });
            }
        }
        Err(errors) => errors.iter().for_each(|error| {
            let in_deck = templates::diagnostic(error, spec, top);
            top.sink.push(in_deck.unwrap_or_else(|| texts.diagnostic(error)));
        }),
    }
    if !spec.job.shell {
        interpreted(spec, &texts);
    }
    if let (Command::Text(text), Some(entry)) = (&spec.command, top.entry("command")) {
        let warnings = if spec.job.shell { quoted_twice(text) } else { shell_words(text) };
        for (at, message, help) in warnings {
            top.sink.push(Diagnostic::warning(message, inside(file, &entry.span, text, &at)).help(help));
        }
    }
}

/// Finds the places of templates in the sweep file.
struct Texts<'a> {
    top: TableReader<'a>,
    file: &'a str,
}

impl<'a> Texts<'a> {
    fn diagnostic(&self, error: &TemplateError) -> Diagnostic {
        let (span, text) = self.place(&error.place).unwrap_or((0..0, ""));
        let at = match &error.at {
            Some(at) => inside(self.file, &span, text, at),
            None => span,
        };
        let found = Diagnostic::error(error.message.clone(), at);
        match &error.help {
            Some(help) => found.help(help.clone()),
            None => found,
        }
    }

    fn place(&self, place: &TemplateLocation) -> Option<(Span<usize>, &'a str)> {
        let job = || self.top.entry("job").and_then(|job| self.under(&job));
        match place {
            TemplateLocation::Command => text(self.top.entry("command")?),
            TemplateLocation::Word(i) => match self.top.entry("command")?.value {
                DeValue::Array(words) => {
                    let word = words.get(*i)?;
                    Some((word.span(), word.get_ref().as_str()?))
                }
                _ => text(self.top.entry("command")?),
            },
            TemplateLocation::Env(name) => text(self.under(&job()?.entry("env")?)?.entry(name)?),
            TemplateLocation::Stdin => text(job()?.entry("stdin")?),
            TemplateLocation::Dir => text(job()?.entry("dir")?),
            TemplateLocation::File(_) => None,
        }
    }

    fn under(&self, entry: &Entry<'a>) -> Option<TableReader<'a>> {
        entry.value.as_table().map(|table| TableReader { table, sink: self.top.sink })
    }
}

fn text(entry: Entry<'_>) -> Option<(Span<usize>, &str)> {
    Some((entry.span, entry.value.as_str().unwrap_or("")))
}

/// Warns of parameters that no template uses, unless the program reads all of them from its environment.
fn unused(template: &JobTemplate, spec: &Spec, declared: &[ParameterName], top: TableReader) {
    let used = template.names_used();
    let reads_all = match &spec.command {
        Command::Text(text) => text.contains("SWEEP_PARAMS"),
        Command::Words(words) => words.iter().any(|word| word.contains("SWEEP_PARAMS")),
    };
    if reads_all || used.contains("flags") {
        return;
    }
    let in_expressions = expressions::names_used(&spec.space);
    let derived = |name: &String| spec.space.blocks.iter().flat_map(|block| &block.derived).any(|d| d.name == *name);
    let is_unused = |name: &String| !used.contains(name) && !in_expressions.contains(name) && !derived(name);
    let unused: Vec<&ParameterName> =
        declared.iter().filter(|declared| declared.good && is_unused(&declared.name)).collect();
    // All columns of a points file have the same place.
    for together in unused.chunk_by(|a, b| a.span == b.span) {
        let Some(parameter) = together.first() else { continue };
        if together.len() > 1 {
            let names = list(together.iter().map(|declared| &declared.name));
            let found = Diagnostic::warning(format!("the columns {names} are never used"), parameter.span.clone());
            top.sink.push(found.help(
                "the results table has them anyway; to leave them out, select the columns to use under [points]: columns = [\"…\"]",
            ));
            continue;
        }
        let message = format!("the parameter `{}` is never used", parameter.name);
        let help = format!(
            "add {{{{ {} }}}} to the command, or let the program read all parameters from the environment variable SWEEP_PARAMS",
            parameter.name
        );
        top.sink.push(Diagnostic::warning(message, parameter.span.clone()).help(help));
    }
}

/// Warns of values that may be text and stand in a program that an interpreter reads.
fn interpreted(spec: &Spec, texts: &Texts) {
    let mut told = Vec::new();
    for value in template::interpreted_values(&spec.command) {
        let Some(name) = value.names.iter().find(|name| may_be_text(name, spec)) else { continue };
        let place = value.word.map_or(TemplateLocation::Command, TemplateLocation::Word);
        let Some((span, text)) = texts.place(&place).filter(|_| !told.contains(name)) else { continue };
        told.push(name.clone());
        let program = &value.interpreter;
        let message = format!(
            "`{program}` reads this text as a program: a space, a quote or a `$` in a value of `{name}` changes the program"
        );
        let as_text = format!("write it as a text of the program: {{{{ {name} | tojson }}}}");
        let help = match value.kind {
            InterpreterKind::Shell => format!(
                "pass the value as an argument, [\"{program}\", \"-c\", \"exec prog \\\"$@\\\"\", \"{program}\", \"{{{{ {name} }}}}\"], \
                 or quote it for the shell: {{{{ {name} | quote }}}}"
            ),
            InterpreterKind::Python => format!(
                "pass the value as an argument, sys.argv[1]: [\"{program}\", \"-c\", \"…\", \"{{{{ {name} }}}}\"], or {as_text}"
            ),
            InterpreterKind::R => format!(
                "pass the value as an argument, commandArgs(TRUE)[1]: [\"{program}\", \"-e\", \"…\", \"{{{{ {name} }}}}\"], or \
                 {as_text}"
            ),
            InterpreterKind::Other => format!("pass the value as an argument after the program text, or {as_text}"),
        };
        texts.top.sink.push(Diagnostic::warning(message, inside(texts.file, &span, text, &value.at)).help(help));
    }
}

/// Whether a parameter may have a text as its value.
fn may_be_text(name: &str, spec: &Spec) -> bool {
    let is_text = |value: &Value| matches!(value, Value::Text(_));
    spec.space.blocks.iter().any(|block| {
        let listed = block.axes.iter().flat_map(|axis| &axis.params).any(|param| {
            param.name == name && matches!(&param.values, Values::List(values) if values.iter().any(is_text))
        });
        let chosen = block.random.iter().filter(|random| random.name == name).any(|random| match &random.dist {
            Dist::Choice { values, .. } => values.iter().any(is_text),
            _ => false,
        });
        let mut derived = block.derived.iter().filter(|derived| derived.name == name);
        listed || chosen || derived.any(|derived| derived.expression.contains(['\'', '"', '~', '|']))
    })
}

type Warned = (Span<usize>, String, &'static str);

fn quoted_twice(text: &str) -> Vec<Warned> {
    let found = template::shell::values_in_quotes(text).into_iter();
    found
        .map(|at| {
            let message = "this value is quoted twice: `shell = true` quotes values automatically".to_owned();
            (at, message, "remove the quotes, or add `| safe` after the name and quote it yourself")
        })
        .collect()
}

/// Shell operators in a command that is run without a shell.
fn shell_words(text: &str) -> Vec<Warned> {
    let operators = template::unquoted_operators(text).into_iter();
    operators
        .map(|at| {
            let word = text.get(at.clone()).unwrap_or("");
            let message = format!("`{word}` is passed to the program as an argument: no shell runs this command");
            (
                at,
                message,
                "set `shell = true` under [job] to run the command with sh, or put it in quotes if you mean it literally",
            )
        })
        .collect()
}
