//! Owns what [`super::rewrite`] puts in place of operators: comparing, and the text of a float or boolean.

use std::cmp::Ordering;

use minijinja::value::{Value as Dynamic, ValueKind};
use minijinja::{Environment, Error, ErrorKind};

use super::rewrite::{TESTS, TEXT};
use crate::value::print_float;

/// Adds the tests and the filter that rewritten expressions call.
pub(crate) fn add(env: &mut Environment<'static>) {
    for (operator, test) in TESTS {
        env.add_test(test, move |left: &Dynamic, right: &Dynamic| holds(left, operator, right));
    }
    env.add_filter(TEXT, text);
}

/// Whether two operands are in the order of an operator.
fn holds(left: &Dynamic, operator: &str, right: &Dynamic) -> Result<bool, Error> {
    if left.is_integer() && right.is_integer() {
        return Ok(is_in_order(operator, left.cmp(right)));
    }
    if left.is_undefined() || right.is_undefined() {
        return Err(Error::from(ErrorKind::UndefinedError));
    }
    let is_number = |value: &Dynamic| matches!(value.kind(), ValueKind::Number | ValueKind::Bool);
    if left.kind() != right.kind() && !(is_number(left) && is_number(right)) {
        return Err(Error::new(
            ErrorKind::InvalidOperation,
            format!("`{operator}` cannot compare {} with {}", described(left), described(right)),
        ));
    }
    if is_nan(left) || is_nan(right) {
        return Ok(false);
    }
    Ok(is_in_order(operator, left.cmp(right)))
}

fn is_in_order(operator: &str, order: Ordering) -> bool {
    match operator {
        "<" => order == Ordering::Less,
        "<=" => order != Ordering::Greater,
        ">" => order == Ordering::Greater,
        _ => order != Ordering::Less,
    }
}

fn described(value: &Dynamic) -> String {
    /// The longest text that is shown, in characters.
    const LONGEST: usize = 40;
    match value.kind() {
        ValueKind::Number => format!("the number {}", text(value.clone())),
        ValueKind::Bool => format!("`{}`", text(value.clone())),
        ValueKind::None => "no value".into(),
        ValueKind::String => {
            let shown: String =
                value.as_str().unwrap_or("").chars().take(LONGEST).flat_map(char::escape_debug).collect();
            format!("the text '{shown}'")
        }
        kind => format!("a {kind}"),
    }
}

/// Whether a value is a float that is not a number.
pub(super) fn is_nan(value: &Dynamic) -> bool {
    value.kind() == ValueKind::Number && !value.is_integer() && f64::try_from(value.clone()).is_ok_and(f64::is_nan)
}

/// A float or boolean as it is printed everywhere, and a list with these printed; any other value as it is.
fn text(value: Dynamic) -> Dynamic {
    match value.kind() {
        ValueKind::Bool => if value.is_true() { "true" } else { "false" }.into(),
        ValueKind::Number if !value.is_integer() => match f64::try_from(value.clone()) {
            Ok(float) => print_float(float).into(),
            Err(_) => value,
        },
        ValueKind::Seq => match value.try_iter() {
            Ok(items) => items.map(text).collect::<Vec<_>>().into(),
            Err(_) => value,
        },
        _ => value,
    }
}
