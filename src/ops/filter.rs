//! Owns `--where`: which points of a sweep an expression holds for.

use std::sync::Arc;

use crate::error::{Error, Result};
use crate::expr::Expression;
use crate::space::{Point, Space};
use crate::spec::suggest;
use crate::value::Value;

/// What is known of a point beside its parameters.
const BESIDE: [&str; 4] = ["job", "draw", "randomization", "repeat"];

/// An expression over a sweep's parameters.
pub struct Filter {
    text: String,
    expression: Expression,
    names: Arc<[String]>,
}

impl Filter {
    /// Compiles an expression over the parameters of a space, and `job`, `draw`, `randomization`, `repeat`.
    ///
    /// # Errors
    /// If it is not understood, or uses a name that the sweep has not.
    pub fn new(text: &str, space: &Space) -> Result<Filter> {
        let wrong = |why: String| Error::usage(format!("--where \"{text}\": {why}"));
        let expression = Expression::compile(text).map_err(|error| {
            let help = error.help.map(|help| format!("; {help}")).unwrap_or_default();
            wrong(format!("{}{help}", error.message))
        })?;
        let names = space.names().clone();
        let known = || names.iter().map(String::as_str).chain(BESIDE);
        if let Some(unknown) = expression.names().iter().find(|name| known().all(|other| other != name.as_str())) {
            let hint = suggest::nearest(unknown, known()).map(|near| format!("; did you mean `{near}`?"));
            let hint = hint.unwrap_or_else(|| format!("; there are {}", suggest::list(known())));
            return Err(wrong(format!("there is no `{unknown}`{hint}")));
        }
        Ok(Filter { text: text.to_owned(), expression, names })
    }

    /// Whether it holds for a point.
    ///
    /// # Errors
    /// If it cannot be told: a parameter that the point has not, something else than true or false.
    pub fn holds(&self, point: &Point) -> Result<bool> {
        let lookup = |name: &str| match name {
            "job" => Some(Value::Int(point.index as i64)),
            "draw" => Some(Value::Int(point.draw as i64)),
            "randomization" => Some(Value::Int(point.randomization as i64)),
            "repeat" => Some(Value::Int(point.repeat as i64)),
            name => point.params.get(self.names.iter().position(|other| other == name)?).cloned(),
        };
        let failed = |why| Error::usage(format!("--where \"{}\" at point {}: {why}", self.text, point.index));
        self.expression.holds(&lookup).map_err(failed)
    }
}
