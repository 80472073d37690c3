//! Owns one compiled template, and the engine that renders it.
//!
//! Most words of a command are plain text and plain names. They are rendered without the engine, by the same rules.
//! Floats and booleans are not printed as minijinja does, but in the same way as everywhere else.

use minijinja::value::{Value as Dynamic, ValueKind};
use minijinja::{AutoEscape, Environment, Error, ErrorKind, Output, State, UndefinedBehavior};

use super::error::{RenderError, RenderErrorKind, TemplateLocation, wording};
use super::scope::{Frame, ScopeName};
use super::shell::quote;
use crate::expr;
use crate::suggest::list;
use crate::value::print_float;

/// The work limit of one rendering: some hundred thousand steps, some tens of megabytes of text.
const FUEL: u64 = 500_000;

/// minijinja, configured for one way of printing values.
#[derive(Debug)]
pub(super) struct Engine {
    pub env: Environment<'static>,
    /// Whether values are quoted for a shell.
    pub quotes: bool,
}

impl Engine {
    pub fn new(quotes: bool) -> Engine {
        let mut env = Environment::new();
        env.set_undefined_behavior(UndefinedBehavior::Strict);
        env.set_fuel(Some(FUEL));
        // Only the message of an error is used. With debug on, each error would copy the whole state.
        env.set_debug(false);
        #[allow(clippy::expect_used, reason = "the default syntax is valid, and this changes no delimiter")]
        let syntax = env.syntax().to_builder().keep_trailing_newline(true).build().expect("a valid syntax");
        env.set_syntax(syntax);
        if quotes {
            // So that the output of macros and blocks counts as already quoted.
            env.set_auto_escape_callback(|_| AutoEscape::Custom("shell".into()));
            env.set_formatter(print_quoted);
        } else {
            env.set_auto_escape_callback(|_| AutoEscape::None);
            env.set_formatter(print_plain);
        }
        expr::add_operators(&mut env);
        env.add_filter("tojson", |value: &Dynamic| json(value).map(|json| json.to_string()));
        env.add_filter("quote", |value: &Dynamic| {
            let text = value.as_str().map_or_else(|| printed(value), |text| Ok(text.to_owned()));
            text.map(|text| Dynamic::from_safe_string(quote(&text).into_owned()))
        });
        Engine { env, quotes }
    }
}

fn print_plain(out: &mut Output, _: &mut State, value: &Dynamic) -> Result<(), Error> {
    match value.as_str() {
        Some(text) => out.write_str(text)?,
        None => out.write_str(&printed(value)?)?,
    }
    Ok(())
}

fn print_quoted(out: &mut Output, _: &mut State, value: &Dynamic) -> Result<(), Error> {
    match value.as_str() {
        Some(text) if value.is_safe() => out.write_str(text)?,
        Some(text) => out.write_str(&quote(text))?,
        // A missing `else` in `{{ … if … }}` gives nothing, not an empty argument.
        None if value.is_undefined() => {}
        None => out.write_str(&quote(&printed(value)?))?,
    }
    Ok(())
}

/// Prints a value that is not text in the same way as [`crate::value::Value`].
fn printed(value: &Dynamic) -> Result<String, Error> {
    Ok(match value.kind() {
        ValueKind::Undefined | ValueKind::None => String::new(),
        ValueKind::Bool => if value.is_true() { "true" } else { "false" }.into(),
        ValueKind::Number if !value.is_integer() => print_float(f64::try_from(value.clone())?),
        ValueKind::Invalid => return Err(Error::new(ErrorKind::InvalidOperation, value.to_string())),
        _ => value.to_string(),
    })
}

/// A value as JSON. NaN and infinities become the texts `NaN`, `inf` and `-inf`.
fn json(value: &Dynamic) -> Result<serde_json::Value, Error> {
    Ok(match value.kind() {
        ValueKind::Undefined => return Err(Error::from(ErrorKind::UndefinedError)),
        ValueKind::None => serde_json::Value::Null,
        ValueKind::Bool => value.is_true().into(),
        ValueKind::Number if value.is_integer() => match i64::try_from(value.clone()) {
            Ok(whole) => whole.into(),
            Err(_) => u64::try_from(value.clone())?.into(),
        },
        ValueKind::Number => crate::value::Value::Float(f64::try_from(value.clone())?).to_json(),
        ValueKind::Seq | ValueKind::Iterable => {
            value.try_iter()?.map(|item| json(&item)).collect::<Result<Vec<_>, _>>()?.into()
        }
        ValueKind::Map => {
            let pair = |key: Dynamic| Ok((key.to_string(), json(&value.get_item(&key)?)?));
            serde_json::Value::Object(value.try_iter()?.map(pair).collect::<Result<_, Error>>()?)
        }
        _ => value.to_string().into(),
    })
}

/// One compiled template.
#[derive(Debug)]
pub(super) struct CompiledText {
    pub place: TemplateLocation,
    pub body: Body,
}

/// How a template is rendered.
#[derive(Debug)]
pub(super) enum Body {
    /// Without the engine.
    Plain(Vec<TextPart>),
    /// By minijinja, under this name.
    Engine(String),
}

/// A part of a plain template.
#[derive(Debug)]
pub(super) enum TextPart {
    Literal(String),
    Name(String, ScopeName),
}

impl CompiledText {
    /// Renders it with the engine that it was compiled for.
    pub fn render(&self, engine: &Engine, frame: &Frame) -> Result<String, RenderError> {
        match &self.body {
            Body::Plain(parts) => self.plain(parts, engine.quotes, frame),
            Body::Engine(name) => engine
                .env
                .get_template(name)
                .and_then(|template| template.render(frame.scope()))
                .map_err(|error| self.failed(&error, frame)),
        }
    }

    /// Whether it has no tags.
    pub fn is_constant(&self) -> bool {
        matches!(&self.body, Body::Plain(parts) if parts.iter().all(|part| matches!(part, TextPart::Literal(_))))
    }

    fn plain(&self, parts: &[TextPart], quotes: bool, frame: &Frame) -> Result<String, RenderError> {
        let mut out = String::with_capacity(32);
        let mut value = String::new();
        for part in parts {
            let (text, name) = match part {
                TextPart::Literal(text) => {
                    out.push_str(text);
                    continue;
                }
                TextPart::Name(text, name) => (text, name),
            };
            let defined = if quotes {
                value.clear();
                let defined = frame.print(name, &mut value);
                out.push_str(&quote(&value));
                defined
            } else {
                frame.print(name, &mut out)
            };
            defined.ok_or_else(|| self.undefined(text))?;
        }
        Ok(out)
    }

    fn undefined(&self, name: &str) -> RenderError {
        let help = format!("write {{% if {name} is defined %}}…{{{{ {name} }}}}…{{% endif %}} around it");
        RenderError {
            place: self.place.clone(),
            kind: RenderErrorKind::MissingParameters(vec![name.to_owned()]),
            message: format!("`{name}` has no value at this point"),
            help: Some(help),
        }
    }

    fn failed(&self, error: &Error, frame: &Frame) -> RenderError {
        let missing = frame.missing();
        if error.kind() != ErrorKind::UndefinedError || missing.is_empty() {
            return RenderError::other(self.place.clone(), wording(error));
        }
        let verb = if missing.len() == 1 { "has" } else { "have" };
        RenderError {
            place: self.place.clone(),
            kind: RenderErrorKind::MissingParameters(missing.iter().map(|name| (*name).to_owned()).collect()),
            message: format!("{}: {} {verb} no value at this point", wording(error), list(missing)),
            help: Some("write {% if … is defined %}…{% endif %} around the part that needs the parameter".into()),
        }
    }
}
