//! Owns expressions: compiling and evaluating those of `[derived]` and `where`.
//!
//! They are minijinja expressions in strict mode: an undefined name is an error. Functions come from `libm`, because
//! the mathematics of the platform differs between machines. `**` is not supported for the same reason. Evaluation has
//! a work limit, so every expression ends.

use std::collections::BTreeSet;
use std::fmt;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use minijinja::value::{Object, Value as Dynamic, ValueKind};
use minijinja::{AutoEscape, Environment, Error, ErrorKind, UndefinedBehavior};
use thiserror::Error;

use crate::value::Value;

mod functions;
mod operators;
mod rewrite;
mod scan;

pub use functions::NAMES;
pub(crate) use operators::add as add_operators;
pub(crate) use rewrite::rewrite;

/// The rules by which an expression is evaluated. Everything else about expressions is the same for ever.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Rules {
    /// Those of sweep 0.1, for what was submitted by it. NaN is greater than every number, text is greater than every
    /// number, a float becomes text in full length (`0.00001`), and a boolean becomes `True`.
    #[default]
    First,
    /// A comparison with NaN is false, numbers cannot be compared with text, and floats and booleans become text as they are
    /// printed everywhere else (`1e-5`, `true`).
    Second,
}

/// Whether an expression may have another value by the first rules than by the second.
pub fn depends_on_rules(text: &str) -> bool {
    rewrite(text).is_some_and(|rewritten| rewritten != text)
}

/// The place of the first use of a name in the text of an expression, in bytes.
pub fn first_use(text: &str, name: &str) -> Option<Range<usize>> {
    scan::first_use(text, name)
}

/// The work limit of one evaluation: some ten thousand steps, some megabytes of text.
const FUEL: u64 = 50_000;

/// The longest text of an expression, in bytes. It limits the nesting in the parser.
const LONGEST: usize = 2_000;

/// A compiled expression. Any number of threads can use it at once.
pub struct Expression {
    /// What is evaluated: the text as rewritten for the rules.
    compiled: minijinja::Expression<'static, 'static>,
    names: BTreeSet<String>,
    /// The names with dots in it: `stats.energy`.
    dotted: BTreeSet<String>,
    /// The names as the scope of an evaluation needs them.
    in_scope: Arc<[String]>,
    handles_missing: bool,
}

/// Why an expression has no value.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum EvalError {
    /// A name that it needs has no value.
    #[error("{0}")]
    Missing(String),
    /// An operation cannot be done with these values: text plus a number, a number compared with text.
    #[error("{0}")]
    Values(String),
    /// Anything else: the result is not of the right kind, or it takes too long.
    #[error("{0}")]
    Other(String),
}

/// An error in the text of an expression.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{message}")]
pub struct ExprError {
    /// What is wrong.
    pub message: String,
    /// The place in the text, in bytes.
    pub at: Option<Range<usize>>,
    /// What to do about it.
    pub help: Option<String>,
}

impl Expression {
    /// Compiles an expression that is evaluated by these rules.
    ///
    /// # Errors
    /// If it cannot be parsed, is too long, or uses `**`, an unknown filter or an unknown test. Unknown names are not
    /// an error here: see [`Expression::names`].
    pub fn compile(text: &str, rules: Rules) -> Result<Expression, ExprError> {
        let error = |message: &str, at, help: &str| {
            Err(ExprError { message: message.into(), at, help: Some(help.to_owned()).filter(|help| !help.is_empty()) })
        };
        if text.trim().is_empty() {
            return error("the expression is empty", None, "write an expression such as `size * size`");
        }
        if text.len() > LONGEST {
            let help = format!("the limit is {LONGEST} bytes; define parts of it under [derived]");
            return error("the expression is too long", None, &help);
        }
        let found = scan::scan(text);
        if let Some(at) = found.power {
            return error(
                "`**` is not supported",
                Some(at),
                "write pow(x, y), which gives the same result on every machine",
            );
        }
        let parsed = match engine().compile_expression_owned(text.to_owned()) {
            Ok(parsed) => parsed,
            Err(cause) => {
                let help = scan::help(text);
                return error(&format!("cannot parse this expression: {}", wording(&cause)), cause.range(), help);
            }
        };
        let handles_missing = found.used.iter().any(|(what, name, _)| what.handles_missing(name));
        for (what, name, at) in found.used {
            if !what.exists(name) {
                return error(&format!("unknown {} `{name}`", what.word()), Some(at), "");
            }
        }
        let names = parsed.undeclared_variables(false).into_iter().filter(|name| !NAMES.contains(&name.as_str()));
        let names: BTreeSet<String> = names.collect();
        let dotted = parsed.undeclared_variables(true).into_iter().filter(|name| name.contains('.')).collect();
        let compiled = match rules {
            Rules::First => parsed,
            Rules::Second => match rewrite(text) {
                Some(rewritten) if rewritten == text => parsed,
                rewritten => match rewritten.map(|text| engine().compile_expression_owned(text)) {
                    Some(Ok(compiled)) => compiled,
                    _ => return error("this expression is too complex", None, "define parts of it under [derived]"),
                },
            },
        };
        Ok(Expression { compiled, in_scope: names.iter().cloned().collect(), names, dotted, handles_missing })
    }

    /// The same expression for names with dots, such as columns of a table: `stats.energy` is then one name, where
    /// minijinja would look up `energy` in `stats`. A name without dots takes precedence.
    pub fn with_dotted_names<'a>(mut self, known: impl Iterator<Item = &'a str> + Clone) -> Expression {
        for name in known.clone().filter(|name| self.dotted.contains(*name)) {
            let Some((first, _)) = name.split_once('.') else { continue };
            if self.names.contains(first) && known.clone().all(|other| other != first) {
                self.names.insert(name.to_owned());
            }
        }
        let dotted: BTreeSet<String> =
            self.names.iter().filter_map(|name| Some(name.split_once('.')?.0.to_owned())).collect();
        self.names.retain(|name| !dotted.contains(name));
        self.in_scope = self.names.iter().cloned().collect();
        self
    }

    /// The names that it uses, without functions and `pi`.
    pub fn names(&self) -> &BTreeSet<String> {
        &self.names
    }

    /// Whether it has a test (`x is …`) or the filter `default`: it may then have a value although a name has none.
    pub fn may_handle_missing(&self) -> bool {
        self.handles_missing
    }

    /// Its value. `lookup` gives the value of each name. A simple expression takes some hundred nanoseconds.
    ///
    /// # Errors
    /// If a name that it needs has no value, if an operation fails (text plus number, division by zero), or if the
    /// result is not a value: a list, NaN, infinity, a whole number that does not fit in 64 bits.
    pub fn value(&self, lookup: &dyn Fn(&str) -> Option<Value>) -> Result<Value, EvalError> {
        let other = |message: String| Err(EvalError::Other(message));
        let result = self.evaluate(lookup)?;
        match result.kind() {
            ValueKind::None => Ok(Value::Missing),
            ValueKind::Bool => Ok(Value::Bool(result.is_true())),
            ValueKind::Number if result.is_integer() => match i64::try_from(result.clone()) {
                Ok(whole) => Ok(Value::Int(whole)),
                Err(_) => other(format!(
                    "it gives {result}, which does not fit in 64 bits; use floating-point numbers such as `2.0`"
                )),
            },
            ValueKind::Number => match f64::try_from(result) {
                // No negative zero, as with random parameters.
                Ok(x) if x.is_finite() => Ok(Value::Float(x + 0.0)),
                _ => other("its result is not a finite number".into()),
            },
            ValueKind::String => match result.as_str() {
                Some(text) => Ok(Value::Text(text.to_owned())),
                None => other("its result is not text that can be printed".into()),
            },
            ValueKind::Undefined => match self.missing(lookup) {
                Some(missing) => Err(EvalError::Missing(missing)),
                None => other("it gives no value; if it has an `if`, write the `else` too".into()),
            },
            kind => other(format!("it gives a {kind}, but a value must be a number, text, `true` or `false`")),
        }
    }

    /// Whether it is true; it must give a boolean. `lookup` gives the value of each name.
    ///
    /// # Errors
    /// As [`Expression::value`], or if the result is not a boolean.
    pub fn holds(&self, lookup: &dyn Fn(&str) -> Option<Value>) -> Result<bool, EvalError> {
        let result = self.evaluate(lookup)?;
        match result.kind() {
            ValueKind::Bool => Ok(result.is_true()),
            ValueKind::Undefined => Err(match self.missing(lookup) {
                Some(missing) => EvalError::Missing(missing),
                None => EvalError::Other("it gives no value, but must give `true` or `false`".into()),
            }),
            _ => Err(EvalError::Other(format!(
                "it gives `{result}`, but must give `true` or `false`; write a comparison"
            ))),
        }
    }

    fn evaluate(&self, lookup: &dyn Fn(&str) -> Option<Value>) -> Result<Dynamic, EvalError> {
        let values = self.in_scope.iter().map(|name| lookup(name).as_ref().and_then(dynamic)).collect();
        let scope = ExprScope { names: Arc::clone(&self.in_scope), values };
        self.compiled.eval(Dynamic::from_object(scope)).map_err(|error| {
            let undefined = matches!(error.kind(), ErrorKind::UndefinedError | ErrorKind::InvalidOperation);
            match self.missing(lookup).filter(|_| undefined) {
                Some(missing) => EvalError::Missing(missing),
                None if error.kind() == ErrorKind::OutOfFuel => EvalError::Other(wording(&error)),
                None => EvalError::Values(wording(&error)),
            }
        })
    }

    /// The message about names without a value, if there are any.
    fn missing(&self, lookup: &dyn Fn(&str) -> Option<Value>) -> Option<String> {
        let without = self.names.iter().filter(|name| matches!(lookup(name), None | Some(Value::Missing)));
        let without: Vec<String> = without.map(|name| format!("`{name}`")).collect();
        let verb = if without.len() == 1 { "has" } else { "have" };
        let example = without.first()?;
        Some(format!(
            "{} {verb} no value here; test with `{} is defined`",
            without.join(", "),
            example.trim_matches('`')
        ))
    }
}

impl fmt::Debug for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Expression").field("names", &self.names).finish_non_exhaustive()
    }
}

/// minijinja, configured once.
fn engine() -> &'static Environment<'static> {
    static ENGINE: OnceLock<Environment<'static>> = OnceLock::new();
    ENGINE.get_or_init(|| {
        let mut env = Environment::new();
        env.set_undefined_behavior(UndefinedBehavior::Strict);
        env.set_fuel(Some(FUEL));
        // Only the message of an error is used. With debug on, each error would copy the whole state.
        env.set_debug(false);
        env.set_auto_escape_callback(|_| AutoEscape::None);
        let globals: Vec<String> = env.globals().map(|(name, _)| name.to_owned()).collect();
        for name in globals {
            env.remove_global(&name);
        }
        functions::add(&mut env);
        operators::add(&mut env);
        env
    })
}

/// The values of an expression's names, in the owned form that minijinja needs.
#[derive(Debug)]
struct ExprScope {
    names: Arc<[String]>,
    values: Vec<Option<Dynamic>>,
}

impl Object for ExprScope {
    fn get_value(self: &Arc<Self>, key: &Dynamic) -> Option<Dynamic> {
        self.get_value_by_str(key.as_str()?)
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Dynamic> {
        match self.names.iter().position(|name| name == key) {
            Some(at) => self.values.get(at)?.clone(),
            None => Branch::below(self, format!("{key}.")),
        }
    }
}

/// The common prefix of names with dots, up to a dot: `stats.` of `stats.energy`.
#[derive(Debug)]
struct Branch {
    scope: Arc<ExprScope>,
    prefix: String,
}

impl Branch {
    fn below(scope: &Arc<ExprScope>, prefix: String) -> Option<Dynamic> {
        let any = scope.names.iter().any(|name| name.starts_with(&prefix));
        any.then(|| Dynamic::from_object(Branch { scope: Arc::clone(scope), prefix }))
    }
}

impl Object for Branch {
    fn get_value(self: &Arc<Self>, key: &Dynamic) -> Option<Dynamic> {
        let name = format!("{}{}", self.prefix, key.as_str()?);
        match self.scope.names.iter().position(|other| *other == name) {
            Some(at) => self.scope.values.get(at)?.clone(),
            None => Branch::below(&self.scope, name + "."),
        }
    }
}

/// A value as minijinja represents it. None: undefined.
pub(crate) fn dynamic(value: &Value) -> Option<Dynamic> {
    Some(match value {
        Value::Missing => return None,
        Value::Bool(b) => (*b).into(),
        Value::Int(i) => (*i).into(),
        Value::Float(x) => (*x).into(),
        Value::Text(text) => text.as_str().into(),
        Value::Written(value, _) => return dynamic(value),
    })
}

/// minijinja's description of an error, as part of a sentence.
fn wording(error: &Error) -> String {
    match (error.kind(), error.detail()) {
        (ErrorKind::OutOfFuel, _) => "it takes too long".into(),
        (_, Some(detail)) => detail.to_owned(),
        (kind, None) => kind.to_string(),
    }
}

#[cfg(test)]
mod tests;
