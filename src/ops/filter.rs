//! Owns `--where`: selects points of a sweep, or rows of its table, by an expression.

use crate::error::{Error, Result};
use crate::expr::Expression;
use crate::space::{Point, Space};
use crate::suggest;
use crate::table::columns::TableColumns;
use crate::table::rows::TableRow;
use crate::value::Value;
use crate::visible::visible_in_line;

/// The names that an expression over points may use in addition to the parameters.
const COUNTERS: [&str; 4] = ["job", "draw", "randomization", "repeat"];

/// An expression over a sweep's parameters, or over the columns of its table.
pub struct Filter {
    text: String,
    expression: Expression,
    names: Vec<String>,
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
        let expression = Expression::compile(text).map_err(|error| {
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
        Ok(Filter { text: text.to_owned(), expression, names })
    }

    /// Whether a point satisfies it. False if it needs a derived parameter that cannot be computed.
    ///
    /// # Errors
    /// If it cannot be evaluated, for example because the point has no such parameter or the value is not true or false.
    pub fn holds(&self, point: &Point) -> Result<bool> {
        let lookup = |name: &str| match counter(point, name) {
            None => point.params.get(self.position(name)?).cloned(),
            known => known,
        };
        match self.expression.holds(&lookup) {
            Err(_) if point.fault.is_some() => Ok(false),
            evaluated => evaluated.map_err(|why| self.failed(point, &why)),
        }
    }

    /// Whether a row satisfies it. None: the row has no value for a name that the expression uses, such as a result, or a
    /// parameter of another block.
    ///
    /// # Errors
    /// If it cannot be evaluated for another reason.
    pub fn keeps(&self, row: &TableRow<'_>) -> Result<Option<bool>> {
        let lookup = |name: &str| match self.position(name) {
            Some(at) => Some(row.cell(at).value()),
            None => counter(row.point, name),
        };
        match self.expression.holds(&lookup) {
            Ok(holds) => Ok(Some(holds)),
            Err(_)
                if self.expression.names().iter().any(|name| matches!(lookup(name), None | Some(Value::Missing))) =>
            {
                Ok(None)
            }
            Err(why) => Err(self.failed(row.point, &why)),
        }
    }

    fn position(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|other| other == name)
    }

    fn failed(&self, point: &Point, why: &str) -> Error {
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
