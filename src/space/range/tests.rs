//! Owns the tests of ranges.

use proptest::prelude::*;

use super::*;

fn range(from: &str, to: &str, by: RangeBy) -> Range {
    Range { from: from.into(), to: to.into(), by }
}

fn step(step: &str) -> RangeBy {
    RangeBy::Step(step.into())
}

fn printed(range: &Range) -> String {
    let progression = Progression::new(range).unwrap();
    let values: Vec<String> = (0..progression.len()).map(|k| progression.value(k).to_string()).collect();
    values.join(" ")
}

#[test]
fn values_are_exact_decimals_rounded_once() {
    let cases = [
        ("0.0", "1.0", step("0.1"), "0.0 0.1 0.2 0.3 0.4 0.5 0.6 0.7 0.8 0.9 1.0"),
        ("0.0", "1.0", RangeBy::Count(11), "0.0 0.1 0.2 0.3 0.4 0.5 0.6 0.7 0.8 0.9 1.0"),
        ("1.0", "0.0", step("-0.3"), "1.0 0.7 0.4 0.1"),
        ("-1.0", "1.0", RangeBy::Count(5), "-1.0 -0.5 0.0 0.5 1.0"),
        ("0", "1", RangeBy::Count(4), "0 0.3333333333333333 0.6666666666666666 1"),
        ("1", "10", step("3"), "1 4 7 10"),
        ("1", "9.5", step("3"), "1 4 7"),
        ("1", "2", step("0.5"), "1.0 1.5 2.0"),
        ("5", "-5", RangeBy::Count(3), "5 0 -5"),
        ("2.5", "7.0", RangeBy::Count(1), "2.5"),
        ("3", "3", step("-1"), "3"),
        ("1_000", "3e3", RangeBy::Count(3), "1000.0 2000.0 3000.0"),
    ];
    for (from, to, by, expected) in cases {
        assert_eq!(printed(&range(from, to, by)), expected);
    }
}

#[test]
fn log_values_are_exact_where_they_are_fractions() {
    let cases = [
        ("1e-4", "1e-1", 4, "0.0001 0.001 0.01 0.1"),
        ("1", "1000", 4, "1 10 100 1000"),
        ("1000", "1", 4, "1000 100 10 1"),
        ("1", "1000", 7, "1 3.1622776601683795 10 31.622776601683793 100 316.22776601683796 1000"),
        ("1.0", "16.0", 5, "1.0 2.0 4.0 8.0 16.0"),
        ("16", "54", 4, "16 24 36 54"),
        ("3", "3", 1, "3"),
        ("2", "9", 1, "2"),
        ("1e-300", "1e300", 3, "1e-300 1.0 1e300"),
    ];
    for (from, to, count, expected) in cases {
        assert_eq!(printed(&range(from, to, RangeBy::LogCount(count))), expected);
    }
}

#[test]
fn invalid_ranges_are_errors_with_the_reason() {
    let cases = [
        ("0.0", "1.0", RangeBy::Count(0), "`count` must be at least 1"),
        ("0.0", "1.0", step("0.0"), "`step` is 0"),
        ("0.0", "1.0", step("-0.1"), "leads away"),
        ("1", "0", step("1"), "leads away"),
        ("1.0", "1.0", RangeBy::Count(2), "are the same"),
        ("2.0", "2.0", RangeBy::LogCount(5), "are the same"),
        ("0.0", "1.0", RangeBy::LogCount(5), "must be above 0, not 0"),
        ("1", "-1", RangeBy::LogCount(5), "must be above 0, not -1"),
        ("zero", "1", RangeBy::Count(2), "`zero` is not a decimal number"),
        ("0", "1e400", RangeBy::Count(2), "too large"),
        ("0", "1e300", step("1"), "more than 2^64"),
        ("0.0", "1.0", RangeBy::Count(u64::MAX), "so close together"),
        ("1.0", "1.0000000000000004", RangeBy::Count(9), "so close together"),
        ("1.0", "1.0000000000000004", RangeBy::LogCount(9), "so close together"),
        ("5e-324", "1e-323", RangeBy::LogCount(9), "so close together"),
        ("0", "10000000000000000000", RangeBy::Count(2), "beyond the integers"),
        ("1", "10000000000000000000", RangeBy::LogCount(2), "beyond the integers"),
    ];
    for (from, to, by, reason) in cases {
        let error = range(from, to, by.clone()).len().unwrap_err();
        assert!(error.contains(reason), "{from} to {to} {by:?}: {error}");
    }
}

#[test]
fn length_and_last_value_are_correct() {
    let steps = range("0.0", "1.0", step("0.3"));
    assert_eq!((steps.len(), steps.last()), (Ok(4), Ok(Value::Float(0.9))));
    let all = range("-9223372036854775808", "9223372036854775806", RangeBy::Count(u64::MAX));
    assert_eq!((all.len(), all.last()), (Ok(u64::MAX), Ok(Value::Int(i64::MAX - 1))));
}

#[test]
fn positions_are_found_by_the_printed_value() {
    let long = Progression::new(&range("0.0", "1e6", RangeBy::Count(1_000_000_001))).unwrap();
    assert_eq!(long.value(123_456_789).to_string(), "123456.789");
    assert_eq!(long.position(&Value::Float(123456.789)), Some(123_456_789));
    assert_eq!(long.position(&"123456.789".into()), Some(123_456_789));
    for other in ["123456.7895", "1000000.001", "-0.001", "123456.7890", "x", "", "NaN", "inf"] {
        assert_eq!(long.position(&other.into()), None, "{other}");
    }
    let log = Progression::new(&range("1", "1000", RangeBy::LogCount(7))).unwrap();
    assert_eq!(log.position(&Value::Int(10)), Some(2));
    assert_eq!(log.position(&Value::Float(3.1622776601683795)), Some(1));
    for other in [
        Value::Float(10.0),
        Value::Int(0),
        Value::Int(-10),
        Value::Int(11),
        Value::Float(f64::MAX),
        Value::Float(f64::NAN),
    ] {
        assert_eq!(log.position(&other), None, "{other}");
    }
    // Too many for doubles to tell the position.
    let fine = Progression::new(&range("1.0", "1.5", RangeBy::LogCount(1_000_000_000_001))).unwrap();
    for k in [0, 1, 333_333_333_333, 999_999_999_999, 1_000_000_000_000] {
        assert_eq!(fine.position(&fine.value(k)), Some(k));
    }
}

/// A decimal between 10^-12 and 10^12 or so, or its negative, or zero.
fn decimal_text() -> impl Strategy<Value = String> {
    prop_oneof![
        (-9999..9999i32, -8..8i32).prop_map(|(m, e)| format!("{m}e{e}")),
        (-9999..9999i32).prop_map(|m| m.to_string()),
        (-999..999i32, 0..999u32).prop_map(|(m, f)| format!("{m}.{f}")),
    ]
}

proptest! {
    #[test]
    fn positions_are_the_inverse_of_values(from in decimal_text(), to in decimal_text(), n in 1..2000u64, log: bool, at: u64) {
        let by = if log { RangeBy::LogCount(n) } else { RangeBy::Count(n) };
        let Ok(progression) = Progression::new(&range(&from, &to, by)) else { return Ok(()) };
        let k = at % n;
        let value = progression.value(k);
        prop_assert_eq!(progression.position(&value), Some(k));
        if n > 1 {
            let other = progression.value((k + 1) % n);
            prop_assert_ne!(value.to_string(), other.to_string());
        }
    }

    #[test]
    fn a_range_twice_as_fine_keeps_the_values(from in decimal_text(), to in decimal_text(), n in 2..60u64, log: bool) {
        let by = if log { RangeBy::LogCount } else { RangeBy::Count };
        let Ok(coarse) = Progression::new(&range(&from, &to, by(n))) else { return Ok(()) };
        let fine = Progression::new(&range(&from, &to, by(2 * n - 1))).unwrap();
        for k in 0..n {
            prop_assert_eq!(coarse.value(k), fine.value(2 * k));
        }
    }

    /// A log value lies within half a gap of the exact one; raised to the power of q, that is a question about fractions.
    #[test]
    fn log_values_are_the_nearest_doubles(from in 1..5000u32, to in 1..5000u32, gaps in 1..12u64, at: u64) {
        let by = RangeBy::LogCount(gaps + 1);
        let Ok(log) = Progression::new(&range(&format!("{from}.0"), &format!("{to}.0"), by)) else { return Ok(()) };
        let k = at % (gaps + 1);
        let Value::Float(x) = log.value(k) else { panic!("a range written in floats") };
        let exact_power = RBig::from(from).pow((gaps - k) as isize) * RBig::from(to).pow(k as isize);
        let half_way = |a: f64| (RBig::try_from(a).unwrap() + RBig::try_from(x).unwrap()) / RBig::from(2);
        let (low, high) = (half_way(x.next_down()), half_way(x.next_up()));
        prop_assert!(low.pow(gaps as isize) <= exact_power && exact_power <= high.pow(gaps as isize));
    }

    #[test]
    fn no_range_panics(from in ".{0,12}", to in decimal_text(), by in decimal_text(), n: u64) {
        for by in [RangeBy::Count(n), RangeBy::LogCount(n), RangeBy::Step(by)] {
            for (from, to) in [(&from, &to), (&to, &to), (&to, &from)] {
                let range = range(from, to, by.clone());
                prop_assert_eq!(range.len().is_ok(), range.last().is_ok());
            }
        }
    }
}
