//! Owns the functions of expressions. They come from `libm`, so that they give the same result on every machine.

use minijinja::value::{Rest, Value as Dynamic, ValueKind};
use minijinja::{Environment, Error, ErrorKind};

use super::operators::is_nan;

/// The names that expressions have besides the parameters: the functions, and `pi`. A parameter cannot have one of
/// these names.
pub const NAMES: [&str; 13] =
    ["sqrt", "exp", "log", "sin", "cos", "floor", "ceil", "round", "abs", "min", "max", "pow", "pi"];

type FloatFunction = (&'static str, fn(f64) -> f64);

pub(super) fn add(env: &mut Environment<'static>) {
    let of_floats: [FloatFunction; 5] =
        [("sqrt", libm::sqrt), ("exp", libm::exp), ("log", libm::log), ("sin", libm::sin), ("cos", libm::cos)];
    for (name, function) in of_floats {
        env.add_function(name, move |x: Dynamic| finite(function(float(name, &x)?), name, &[&x]));
    }
    // Ties go to the even number, as with the filter `round`.
    let to_whole: [FloatFunction; 3] = [("floor", libm::floor), ("ceil", libm::ceil), ("round", libm::rint)];
    for (name, function) in to_whole {
        env.add_function(name, move |x: Dynamic| whole(name, &x, function));
    }
    env.add_function("abs", abs);
    env.add_function("pow", pow);
    env.add_function("min", |numbers: Rest<Dynamic>| extreme("min", &numbers, |a, b| a < b));
    env.add_function("max", |numbers: Rest<Dynamic>| extreme("max", &numbers, |a, b| a > b));
    env.add_global("pi", std::f64::consts::PI);
}

fn refused(message: String) -> Error {
    Error::new(ErrorKind::InvalidOperation, message)
}

fn number<'a>(function: &str, x: &'a Dynamic) -> Result<&'a Dynamic, Error> {
    match x.kind() {
        ValueKind::Number => Ok(x),
        ValueKind::Undefined => Err(Error::from(ErrorKind::UndefinedError)),
        kind => Err(refused(format!("{function}() takes numbers, but `{x}` is a {kind}"))),
    }
}

fn float(function: &str, x: &Dynamic) -> Result<f64, Error> {
    let x = number(function, x)?;
    match i128::try_from(x.clone()) {
        Ok(whole) if x.is_integer() => Ok(whole as f64),
        _ => f64::try_from(x.clone()),
    }
}

/// NaN and infinity are not values, so they are rejected where they arise.
fn finite(result: f64, function: &str, of: &[&Dynamic]) -> Result<Dynamic, Error> {
    if result.is_finite() {
        return Ok(result.into());
    }
    let of: Vec<String> = of.iter().map(ToString::to_string).collect();
    Err(refused(format!("{function}({}) is not a finite number", of.join(", "))))
}

fn whole(function: &str, x: &Dynamic, round: fn(f64) -> f64) -> Result<Dynamic, Error> {
    if number(function, x)?.is_integer() {
        return Ok(x.clone());
    }
    let rounded = round(float(function, x)?);
    // 2^63, the first number that is too large, is exact in a double.
    if (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&rounded) {
        return Ok((rounded as i64).into());
    }
    Err(refused(format!("{function}({x}) does not fit in 64 bits")))
}

fn abs(x: Dynamic) -> Result<Dynamic, Error> {
    if number("abs", &x)?.is_integer() {
        let whole = i128::try_from(x)?;
        return Ok(whole.checked_abs().ok_or_else(|| refused(format!("abs({whole}) is too large")))?.into());
    }
    Ok(float("abs", &x)?.abs().into())
}

/// A whole number to a non-negative whole power is a whole number; everything else is a float.
fn pow(x: Dynamic, y: Dynamic) -> Result<Dynamic, Error> {
    let (base, exponent) = (number("pow", &x)?, number("pow", &y)?);
    if base.is_integer() && exponent.is_integer() && float("pow", exponent)? >= 0.0 {
        let power = i64::try_from(base.clone()).ok().zip(u32::try_from(exponent.clone()).ok());
        let power = power.and_then(|(base, exponent)| base.checked_pow(exponent));
        return power.map(Dynamic::from).ok_or_else(|| {
            refused(format!("pow({x}, {y}) does not fit in 64 bits; use floating-point numbers: pow({x}.0, {y})"))
        });
    }
    finite(libm::pow(float("pow", base)?, float("pow", exponent)?), "pow", &[&x, &y])
}

/// The best of some numbers; NaN if one of them is NaN.
fn extreme(function: &str, numbers: &[Dynamic], better: fn(&Dynamic, &Dynamic) -> bool) -> Result<Dynamic, Error> {
    let mut best: Option<&Dynamic> = None;
    for x in numbers {
        let x = number(function, x)?;
        if is_nan(x) {
            return Ok(x.clone());
        }
        if best.is_none_or(|best| better(x, best)) {
            best = Some(x);
        }
    }
    best.cloned().ok_or_else(|| refused(format!("{function}() takes at least one number")))
}
