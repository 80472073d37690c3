//! Owns converting text to a value.

use crate::value::Value;

/// Converts text to a value: missing, boolean, number, or else text. Surrounding white space is dropped. Asterisks alone
/// are what Fortran prints for a number that does not fit in its field: a missing number.
pub(super) fn scalar(text: &str) -> Value {
    let text = text.trim();
    match text {
        "" | "null" | "None" | "NA" => Value::Missing,
        "true" | "True" | "TRUE" => Value::Bool(true),
        "false" | "False" | "FALSE" => Value::Bool(false),
        _ if text.len() > 1 && text.bytes().all(|byte| byte == b'*') => Value::Missing,
        _ => number(text).unwrap_or_else(|| text.into()),
    }
}

/// Parses a number: whole, float, Fortran's double (`1.2D-05`, `0.14-270`), NaN or infinity. Whole numbers that do not fit in 64
/// bits become floats. A number that is too large for a float is not converted to infinity, which would be wrong; it is
/// not a number.
pub(super) fn number(text: &str) -> Option<Value> {
    if let Some(x) = not_finite(text) {
        return Some(Value::Float(x));
    }
    if !text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eEdD".contains(&byte)) {
        return None;
    }
    if let Ok(whole) = text.parse() {
        return Some(Value::Int(whole));
    }
    let float: f64 = match without_letter(text) {
        Some((mantissa, exponent)) => format!("{mantissa}e{exponent}").parse().ok()?,
        None => text.replace(['d', 'D'], "e").parse().ok()?,
    };
    float.is_finite().then_some(Value::Float(float))
}

/// The mantissa and the exponent of `0.14-270`: Fortran drops the letter before an exponent of three digits.
fn without_letter(text: &str) -> Option<(&str, &str)> {
    let (mantissa, exponent) = text.split_at_checked(text.len().checked_sub(4)?)?;
    let digits = exponent.strip_prefix(['+', '-'])?;
    let is_mantissa = mantissa.contains('.') && mantissa.ends_with(|c: char| c.is_ascii_digit() || c == '.');
    (is_mantissa && digits.bytes().all(|byte| byte.is_ascii_digit())).then_some((mantissa, exponent))
}

/// Parses NaN or infinity, in upper or lower case, with or without a sign.
pub(super) fn not_finite(text: &str) -> Option<f64> {
    let (sign, name) = match text.strip_prefix('-') {
        Some(name) => (-1.0, name),
        None => (1.0, text.strip_prefix('+').unwrap_or(text)),
    };
    if name.eq_ignore_ascii_case("nan") {
        Some(f64::NAN)
    } else if name.eq_ignore_ascii_case("inf") || name.eq_ignore_ascii_case("infinity") {
        Some(sign * f64::INFINITY)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_fortran_are_numbers() {
        let cases = [
            ("0.14-270", 0.14e-270),
            ("-.5+100", -0.5e100),
            ("1.0D-03", 1e-3),
            ("1.0d+3", 1e3),
            ("+1.5", 1.5),
            ("Infinity", f64::INFINITY),
            ("-inf", f64::NEG_INFINITY),
            (" 1.E5 ", 1e5),
        ];
        for (text, expected) in cases {
            assert_eq!(scalar(text), Value::Float(expected), "{text}");
        }
        assert!(matches!(scalar("-NaN"), Value::Float(x) if x.is_nan()));
        assert_eq!(scalar("+15"), Value::Int(15));
        for missing in ["********", "**"] {
            assert_eq!(scalar(missing), Value::Missing);
        }
        for text in
            ["1-270", "0.1-27", "1.5-2700", "1.0e5-270", "2020-01-02", "*", "0,5", "1.2.3", "+-1", "1e999", "1.5+-70"]
        {
            assert_eq!(scalar(text), text.into());
        }
    }

    proptest::proptest! {
        #[test]
        fn a_float_without_the_letter_of_its_exponent_is_read(digits in 0..1_000_000u32, exponent in 100..300i32, minus: bool) {
            let sign = if minus { '-' } else { '+' };
            let value: f64 = format!("0.{digits:06}e{sign}{exponent}").parse().unwrap();
            proptest::prop_assert_eq!(scalar(&format!("0.{digits:06}{sign}{exponent}")), Value::Float(value));
        }
    }
}
