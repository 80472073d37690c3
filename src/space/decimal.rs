//! Owns decimal numbers as written: read exactly, rounded once.

use dashu_int::{IBig, UBig};
use dashu_ratio::{RBig, Relaxed};

/// More digits than any double needs, and few enough to keep the arithmetic fast for any text.
const LONGEST_TEXT: usize = 400;
const LARGEST_EXPONENT: i32 = 400;

/// A number as written.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Decimal {
    /// Its exact value.
    pub(crate) exact: RBig,
    /// Whether it is written as an integer: without a point and without an exponent.
    pub(crate) integer: bool,
}

impl Decimal {
    /// Reads `-12`, `1_000`, `0.5`, `1e-4`: decimal numbers as in TOML, optionally with single underscores between
    /// digits, a fraction and an exponent.
    ///
    /// # Errors
    /// If it is not a number, or if no finite double other than zero is near it.
    pub(crate) fn parse(text: &str) -> Result<Decimal, String> {
        let decimal = (text.len() <= LONGEST_TEXT).then(|| read(text)).flatten();
        let decimal = decimal.ok_or_else(|| format!("`{text}` is not a decimal number"))?;
        let double = to_f64(&decimal.exact);
        if double.is_infinite() {
            return Err(format!("{text} is too large for a double"));
        }
        if double == 0.0 && !decimal.exact.is_zero() {
            return Err(format!("{text} is too close to zero for a double"));
        }
        Ok(decimal)
    }
}

fn read(text: &str) -> Option<Decimal> {
    let (negative, unsigned) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    let fraction_digits = fraction.map_or(Some(String::new()), digits)?;
    let all_digits = digits(whole)? + &fraction_digits;
    let magnitude = IBig::from(UBig::from_str_radix(&all_digits, 10).ok()?);
    let power = exponent.map_or(Some(0), read_exponent)? - i32::try_from(fraction_digits.len()).ok()?;
    let exact = RBig::from(if negative { -magnitude } else { magnitude }) * RBig::from(10).pow(power as isize);
    Some(Decimal { exact, integer: fraction.is_none() && exponent.is_none() })
}

fn read_exponent(text: &str) -> Option<i32> {
    let (sign, unsigned) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let magnitude: i32 = digits(unsigned)?.parse().ok()?;
    (magnitude <= LARGEST_EXPONENT).then_some(sign * magnitude)
}

/// The digits without the underscores between them. None: it is something else.
fn digits(text: &str) -> Option<String> {
    let groups_are_digits = text.split('_').all(|g| !g.is_empty() && g.bytes().all(|b| b.is_ascii_digit()));
    groups_are_digits.then(|| text.replace('_', ""))
}

/// The double nearest to an exact number, ties to even; never negative zero.
pub(super) fn to_f64(exact: &RBig) -> f64 {
    exact.to_f64().value() + 0.0
}

/// As [`to_f64`], for a fraction that need not be in lowest terms.
pub(super) fn relaxed_to_f64(exact: &Relaxed) -> f64 {
    exact.to_f64().value() + 0.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn toml_numbers_are_read() {
        for text in ["0", "-0", "+5", "1_000", "0.5", "-1.25e-3", "1e10", "5E+2", "6.02_2e2_3", "0.1"] {
            let expected: f64 = text.replace('_', "").parse().unwrap();
            let read = Decimal::parse(text).unwrap();
            assert_eq!(to_f64(&read.exact), expected, "{text}");
            assert_eq!(read.integer, !text.contains(['.', 'e', 'E']), "{text}");
        }
    }

    #[test]
    fn other_texts_are_errors() {
        for text in [
            "",
            "-",
            "1.",
            ".5",
            "1e",
            "1__0",
            "_1",
            "1_",
            "0x10",
            "inf",
            "nan",
            "1 ",
            "--1",
            "1e1.5",
            "1e999999999999",
        ] {
            let error = Decimal::parse(text).unwrap_err();
            assert!(error.ends_with("is not a decimal number"), "{error}");
        }
        assert!(Decimal::parse(&"1".repeat(401)).is_err());
        assert!(Decimal::parse("1e309").unwrap_err().contains("too large"));
        assert!(Decimal::parse("-1e-330").unwrap_err().contains("too close to zero"));
    }

    proptest! {
        /// Rounding agrees with that of the standard library, including subnormal numbers and ties.
        #[test]
        fn rounding_is_correct(mantissa: i64, exponent in -345..290i32, bits: u64) {
            let text = format!("{mantissa}e{exponent}");
            if let Ok(read) = Decimal::parse(&text) {
                prop_assert_eq!(to_f64(&read.exact), text.parse::<f64>().unwrap());
            }
            // Half-way between neighbouring doubles.
            let low = f64::from_bits(bits >> 1);
            let high = low.next_up();
            prop_assume!(high.is_finite());
            let (a, b) = (RBig::try_from(low).unwrap(), RBig::try_from(high).unwrap());
            let even = if low.to_bits().is_multiple_of(2) { low } else { high };
            prop_assert_eq!(to_f64(&((a + b) / RBig::from(2))), even);
        }
    }
}
