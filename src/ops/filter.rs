//! Owns `--where`: selects points of a sweep, or rows of its table, by an expression.

use std::cell::{Cell, RefCell};

use crate::error::{Error, Result};
use crate::expr::{EvalError, Expression, Rules};
use crate::human::{count, group};
use crate::space::{Point, Space};
use crate::suggest;
use crate::table::columns::TableColumns;
use crate::table::rows::TableRow;
use crate::value::Value;
use crate::visible::{visible_in_line, visible_value};

/// The names that an expression over points may use in addition to the parameters.
const COUNTERS: [&str; 4] = ["job", "draw", "randomization", "repeat"];

/// An expression over a sweep's parameters, or over the columns of its table.
pub struct Filter {
    text: String,
    expression: Expression,
    names: Vec<String>,
    /// The number of points at which it could be evaluated, or has to be false.
    evaluated: Cell<u64>,
    unevaluated: RefCell<Option<Unevaluated>>,
}

/// The points or rows at which an expression cannot be evaluated, because of the values there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unevaluated {
    /// Their number.
    pub number: u64,
    /// The first of them, with the values of the names in the expression, and why.
    pub first: String,
}

impl Unevaluated {
    /// A sentence about them; `what`: what they are, `row` or `point`.
    pub fn message(&self, what: &str) -> String {
        let which = if self.number == 1 { "it" } else { "the first one" };
        format!(
            "skipped {}, for which --where cannot be evaluated; {which} is {}",
            count(self.number, what),
            self.first
        )
    }
}

impl Filter {
    /// Compiles an expression over the parameters of a space, and `job`, `draw`, `randomization`, `repeat`.
    ///
    /// # Errors
    /// If it is invalid, or uses an unknown name.
    pub fn of_points(text: &str, space: &Space) -> Result<Filter> {
        Filter::new(text, space.names().to_vec())
    }

    /// Compiles an expression over all columns of a table, including results.
    ///
    /// # Errors
    /// As [`Filter::of_points`].
    pub fn of_rows(text: &str, table_columns: &TableColumns) -> Result<Filter> {
        Filter::new(text, table_columns.names().to_vec())
    }

    fn new(text: &str, names: Vec<String>) -> Result<Filter> {
        let option = format!("--where \"{text}\"");
        let known = || names.iter().map(String::as_str).chain(COUNTERS);
        let expression = Expression::compile(text, Rules::Second).map_err(|error| {
            let invalid = Error::usage(format!("{option}: {}", error.message));
            match error.help {
                Some(help) => invalid.remedy(help),
                None => invalid,
            }
        })?;
        let expression = expression.with_dotted_names(known());
        if let Some(unknown) = expression.names().iter().find(|name| known().all(|other| other != name.as_str())) {
            return Err(unknown_name(&option, unknown, known()));
        }
        let (evaluated, unevaluated) = Default::default();
        Ok(Filter { text: text.to_owned(), expression, names, evaluated, unevaluated })
    }

    /// Whether a point satisfies it. False if it needs a derived parameter that cannot be computed, and if the values at
    /// the point do not allow it to be evaluated: see [`Filter::finish`].
    ///
    /// # Errors
    /// If it cannot be evaluated for another reason: the point has no such parameter, or the result is not true or false.
    pub fn holds(&self, point: &Point) -> Result<bool> {
        let lookup = |name: &str| match counter(point, name) {
            None => point.params.get(self.position(name)?).cloned(),
            known => known,
        };
        match self.expression.holds(&lookup) {
            Ok(holds) => {
                self.evaluated.set(self.evaluated.get() + 1);
                Ok(holds)
            }
            Err(_) if point.fault.is_some() => Ok(false),
            Err(EvalError::Values(why)) => {
                self.count_unevaluated(point, &why, &lookup);
                Ok(false)
            }
            Err(why) => Err(self.failed(point, &why)),
        }
    }

    /// Whether a row satisfies it. None: it cannot be evaluated, because the row has no value for a name that the expression
    /// uses (a result, a parameter of another block), or a value that does not allow it: see [`Filter::finish`].
    ///
    /// # Errors
    /// If it cannot be evaluated for another reason.
    pub fn keeps(&self, row: &TableRow<'_>) -> Result<Option<bool>> {
        let lookup = |name: &str| match self.position(name) {
            Some(at) => Some(row.cell(at).value()),
            None => counter(row.point, name),
        };
        match self.expression.holds(&lookup) {
            Ok(holds) => {
                self.evaluated.set(self.evaluated.get() + 1);
                Ok(Some(holds))
            }
            Err(_)
                if self.expression.names().iter().any(|name| matches!(lookup(name), None | Some(Value::Missing))) =>
            {
                Ok(None)
            }
            Err(EvalError::Values(why)) => {
                self.count_unevaluated(row.point, &why, &lookup);
                Ok(None)
            }
            Err(why) => Err(self.failed(row.point, &why)),
        }
    }

    /// The points or rows at which the values did not allow it to be evaluated; none: there were none. Call it after the
    /// last of them.
    ///
    /// # Errors
    /// If it could be evaluated nowhere.
    pub fn finish(&self) -> Result<Option<Unevaluated>> {
        let unevaluated = self.unevaluated.borrow().clone();
        match unevaluated {
            Some(Unevaluated { number, first }) if self.evaluated.get() == 0 => {
                let places = if number == 1 { String::new() } else { format!("; so at {} others", group(number - 1)) };
                Err(Error::usage(format!("--where \"{}\" cannot be evaluated at {first}{places}", self.text)))
            }
            unevaluated => Ok(unevaluated),
        }
    }

    fn count_unevaluated(&self, point: &Point, why: &str, lookup: &dyn Fn(&str) -> Option<Value>) {
        let mut unevaluated = self.unevaluated.borrow_mut();
        if let Some(unevaluated) = unevaluated.as_mut() {
            unevaluated.number += 1;
            return;
        }
        let values = self.expression.names().iter().filter(|name| name.as_str() != "job").filter_map(|name| {
            let value = lookup(name).filter(|value| *value != Value::Missing)?;
            Some(format!("{name} = {}", visible_value(&value)))
        });
        let values = values.collect::<Vec<_>>().join(", ");
        let values = if values.is_empty() { values } else { format!(" ({values})") };
        let first = visible_in_line(&format!("job {}{values}: {why}", point.index));
        *unevaluated = Some(Unevaluated { number: 1, first });
    }

    fn position(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|other| other == name)
    }

    fn failed(&self, point: &Point, why: &EvalError) -> Error {
        Error::usage(format!("--where \"{}\" at point {}: {why}", self.text, point.index))
    }
}

fn counter(point: &Point, name: &str) -> Option<Value> {
    let number = match name {
        "job" => point.index,
        "draw" => point.draw,
        "randomization" => point.randomization,
        "repeat" => point.repeat,
        _ => return None,
    };
    Some(Value::Int(number as i64))
}

/// The error for an unknown name in an option's value. It suggests the most similar name, or lists all of them.
pub fn unknown_name<'a>(option: &str, unknown: &str, known: impl Iterator<Item = &'a str> + Clone) -> Error {
    let similar = suggest::nearest(unknown, known.clone()).map(|near| format!("did you mean `{near}`?"));
    let remedy = similar.unwrap_or_else(|| format!("the names are {}", suggest::list(known)));
    // Jobs choose the names of results, so they may contain control characters.
    Error::usage(visible_in_line(&format!("{option}: there is no `{unknown}`"))).remedy(visible_in_line(&remedy))
}
