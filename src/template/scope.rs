//! Owns the names that a template can use, and their values for one job.

use std::cell::OnceCell;
use std::fmt::Write;
use std::sync::Arc;

use minijinja::value::{Object, Value as Dynamic};

use super::JobContext;
use super::shell::quote;
use crate::expr::dynamic;
use crate::value::Value;

/// The built-in names: those besides the parameters.
pub const BUILT_IN: [&str; 10] = ["seed", "seed32", "draw", "repeat", "job", "attempt", "sweep", "cpus", "dir", "here"];

/// `--name value` for every parameter, see [`super::Argument::Flags`].
pub(super) const FLAGS: &str = "flags";

/// One of [`BUILT_IN`].
#[derive(Clone, Copy, Debug)]
pub(super) enum BuiltIn {
    Seed,
    Seed32,
    Draw,
    Repeat,
    Job,
    Attempt,
    Sweep,
    Cpus,
    Dir,
    Here,
}

impl BuiltIn {
    pub fn named(name: &str) -> Option<BuiltIn> {
        Some(match name {
            "seed" => BuiltIn::Seed,
            "seed32" => BuiltIn::Seed32,
            "draw" => BuiltIn::Draw,
            "repeat" => BuiltIn::Repeat,
            "job" => BuiltIn::Job,
            "attempt" => BuiltIn::Attempt,
            "sweep" => BuiltIn::Sweep,
            "cpus" => BuiltIn::Cpus,
            "dir" => BuiltIn::Dir,
            "here" => BuiltIn::Here,
            _ => return None,
        })
    }
}

/// What a plain `{{ name }}` refers to.
#[derive(Clone, Debug)]
pub(super) enum ScopeName {
    /// A parameter, and its expected position among the names.
    Param(String, usize),
    BuiltIn(BuiltIn),
}

/// The values of the names while one job is rendered.
pub(super) struct Frame<'a> {
    context: &'a JobContext<'a>,
    dir: &'a str,
    scope: OnceCell<Dynamic>,
}

impl<'a> Frame<'a> {
    pub fn new(context: &'a JobContext<'a>, dir: &'a str) -> Self {
        Frame { context, dir, scope: OnceCell::new() }
    }

    /// Prints the value of a name. `None`: the parameter has no value at this point.
    pub fn print(&self, name: &ScopeName, out: &mut String) -> Option<()> {
        let built_in = match name {
            ScopeName::Param(name, hint) => return print(self.param(name, *hint)?, out),
            ScopeName::BuiltIn(built_in) => *built_in,
        };
        let number = match built_in {
            BuiltIn::Sweep => return out.write_str(self.context.sweep).ok(),
            BuiltIn::Dir => return out.write_str(self.dir).ok(),
            BuiltIn::Here => return out.write_str(self.context.here).ok(),
            other => self.number(other),
        };
        write!(out, "{number}").ok()
    }

    fn number(&self, built_in: BuiltIn) -> u64 {
        let point = self.context.point;
        match built_in {
            BuiltIn::Seed => point.seed,
            BuiltIn::Seed32 => point.seed32.into(),
            BuiltIn::Draw => point.draw,
            BuiltIn::Repeat => point.repeat,
            BuiltIn::Job => point.index,
            BuiltIn::Attempt => self.context.attempt.into(),
            BuiltIn::Cpus => self.context.cpus.into(),
            BuiltIn::Sweep | BuiltIn::Dir | BuiltIn::Here => 0,
        }
    }

    fn param(&self, name: &str, hint: usize) -> Option<&Value> {
        let names = self.context.names;
        let at = match names.get(hint) {
            Some(hinted) if hinted == name => hint,
            _ => names.iter().position(|other| other == name)?,
        };
        self.context.point.params.get(at)
    }

    /// The parameters that have no value at this point.
    pub fn missing(&self) -> Vec<&'a str> {
        let all = self.context.names.iter().zip(&self.context.point.params);
        all.filter(|(_, value)| **value == Value::Missing).map(|(name, _)| name.as_str()).collect()
    }

    /// Appends `--name value` for each parameter that has a value.
    pub fn push_flags(&self, argv: &mut Vec<String>) {
        for (name, value) in self.context.names.iter().zip(&self.context.point.params) {
            if *value != Value::Missing {
                argv.push(format!("--{name}"));
                argv.push(value.to_string());
            }
        }
    }

    /// The context for minijinja, built on first use.
    pub fn scope(&self) -> Dynamic {
        self.scope.get_or_init(|| Dynamic::from_object(self.owned())).clone()
    }

    fn owned(&self) -> RenderScope {
        let mut flags = Vec::new();
        self.push_flags(&mut flags);
        let built_in = |name: &str| BuiltIn::named(name).map(|built_in| self.built_in(built_in));
        RenderScope {
            names: Arc::clone(self.context.names),
            params: self.context.point.params.clone(),
            built_in: BUILT_IN.iter().filter_map(|name| Some((*name, built_in(name)?))).collect(),
            flags: flags.iter().map(|word| quote(word)).collect::<Vec<_>>().join(" "),
        }
    }

    fn built_in(&self, built_in: BuiltIn) -> Dynamic {
        match built_in {
            BuiltIn::Sweep => self.context.sweep.into(),
            BuiltIn::Dir => self.dir.into(),
            BuiltIn::Here => self.context.here.into(),
            other => self.number(other).into(),
        }
    }
}

fn print(value: &Value, out: &mut String) -> Option<()> {
    match value {
        Value::Missing => None,
        Value::Text(text) | Value::Written(_, text) => out.write_str(text).ok(),
        other => write!(out, "{other}").ok(),
    }
}

/// The same in owned form, which minijinja needs. Values are converted when they are looked up.
#[derive(Debug)]
struct RenderScope {
    names: Arc<[String]>,
    params: Vec<Value>,
    built_in: Vec<(&'static str, Dynamic)>,
    flags: String,
}

impl Object for RenderScope {
    fn get_value(self: &Arc<Self>, key: &Dynamic) -> Option<Dynamic> {
        self.get_value_by_str(key.as_str()?)
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Dynamic> {
        if let Some(at) = self.names.iter().position(|name| name == key) {
            return dynamic(self.params.get(at)?);
        }
        if key == FLAGS {
            return Some(Dynamic::from_safe_string(self.flags.clone()));
        }
        self.built_in.iter().find(|(name, _)| *name == key).map(|(_, value)| value.clone())
    }
}
