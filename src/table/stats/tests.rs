//! Owns the tests of the statistics: against the reference values in `tests/references/statistics.csv`, and properties.

use proptest::prelude::*;

use super::*;
use crate::space::student_t;

const REFERENCES: &str = include_str!("../../../tests/references/statistics.csv");

fn rows(kind: &str) -> Vec<Vec<&str>> {
    REFERENCES.lines().map(|line| line.split(',').collect::<Vec<_>>()).filter(|fields| fields[0] == kind).collect()
}

#[track_caller]
fn close(found: f64, expected: f64, tolerance: f64, what: &str) {
    let error = (found - expected).abs() / expected.abs().max(1e-300);
    assert!(error <= tolerance, "{what}: {found} for {expected}, off by {error:e}");
}

fn summary(values: &[Value], options: &SummaryOptions<'_>) -> SampleSummary {
    let mut sample = Sample::new(options);
    values.iter().zip(0..).for_each(|(value, key)| sample.push(value, key));
    sample.summary(options)
}

#[test]
fn quantiles_of_students_t_agree_with_the_references() {
    for fields in rows("t") {
        let [outside, df, expected] = [1, 2, 3].map(|at| fields[at].parse::<f64>().unwrap());
        close(student_t(outside, df), expected, 1e-12, &fields.join(","));
    }
}

#[test]
fn wilsons_intervals_agree_with_the_references() {
    for fields in rows("wilson") {
        let [k, n] = [1, 2].map(|at| fields[at].parse::<u64>().unwrap());
        let values: Vec<Value> = (0..n).map(|i| Value::Bool(i < k)).collect();
        let (low, high) =
            summary(&values, &SummaryOptions { binary: true, ..SummaryOptions::default() }).interval.unwrap();
        for (found, at) in [(low, 3), (high, 4)] {
            let expected: f64 = fields[at].parse().unwrap();
            // Near 0 the reference itself is a rounded 0.
            assert!((found - expected).abs() <= 1e-12 * expected.abs().max(1e-3), "{fields:?}: {low} {high}");
        }
    }
}

/// The samples of `tests/references/make_statistics.py`.
fn sample(name: &str) -> Vec<f64> {
    let nist = |mean: f64| {
        let pair = [mean - 0.1, mean + 0.1].map(|x| format!("{x:.1}").parse::<f64>().unwrap());
        std::iter::once(mean).chain(pair.into_iter().cycle().take(1000)).collect()
    };
    match name {
        "two" => vec![1.0, 2.5],
        "decimals" => (1..=100).map(|i| f64::from(i * 7919 % 1009) / 1009.0).collect(),
        "wide" => (1..=1000).map(|i| (-1.0_f64).powi(i) * 2.0_f64.powi(i % 40 - 20)).collect(),
        "far" => (1..=500).map(|i| 1e9 + f64::from(i * 31 % 97) / 97.0).collect(),
        "numacc3" => nist(1000000.2),
        "numacc4" => nist(10000000.2),
        other => panic!("{other}"),
    }
}

#[test]
fn samples_agree_with_the_references() {
    let quantiles = [0.025, 0.3, 0.5, 0.975];
    for fields in rows("sample") {
        let values: Vec<Value> = sample(fields[1]).into_iter().map(Value::Float).collect();
        let found = summary(&values, &SummaryOptions { quantiles: &quantiles, ..SummaryOptions::default() });
        let (low, high) = found.interval.unwrap();
        let all = [found.mean, found.sd, found.se, Some(low), Some(high)].into_iter().chain(found.quantiles);
        for (found, expected) in all.zip(&fields[2..]) {
            close(found.unwrap(), expected.parse().unwrap(), 1e-12, &format!("{} {expected}", fields[1]));
        }
    }
    // NIST's certified values. The tolerance covers the rounding of the decimals to doubles.
    for (name, mean) in [("numacc3", 1000000.2), ("numacc4", 10000000.2)] {
        let values: Vec<Value> = sample(name).into_iter().map(Value::Float).collect();
        let found = summary(&values, &SummaryOptions::default());
        close(found.mean.unwrap(), mean, 1e-15, name);
        close(found.sd.unwrap(), 0.1, 1e-8, name);
    }
}

#[test]
fn values_that_are_not_numbers_are_counted_and_ignored() {
    let values = [
        Value::Float(f64::NAN),
        Value::Missing,
        "text".into(),
        Value::Int(3),
        Value::written(Value::Float(5.0), "5.00"),
    ];
    let found = summary(&values, &SummaryOptions { quantiles: &[0.5], ..SummaryOptions::default() });
    assert_eq!((found.n, found.nan, found.texts, found.mean, found.quantiles), (2, 1, 1, Some(4.0), vec![Some(4.0)]));
    let one = summary(&[Value::Int(7)], &SummaryOptions::default());
    assert_eq!((one.mean, one.sd, one.se, one.interval), (Some(7.0), None, None, None));
    assert_eq!(one.no_error, Some(NoErrorReason::FewValues));
    let none = summary(&[], &SummaryOptions { quantiles: &[0.5], ..SummaryOptions::default() });
    assert_eq!(
        (none.n, none.mean, none.quantiles, none.no_error),
        (0, None, vec![None], Some(NoErrorReason::FewValues))
    );
    let infinite = summary(
        &[Value::Float(f64::INFINITY), Value::Int(1)],
        &SummaryOptions { quantiles: &[1.0], ..SummaryOptions::default() },
    );
    assert_eq!((infinite.mean, infinite.sd, infinite.se), (Some(f64::INFINITY), None, None));
    assert_eq!((infinite.no_error, infinite.quantiles), (Some(NoErrorReason::Infinite), vec![Some(f64::INFINITY)]));
}

#[test]
fn the_error_of_replicates_is_computed_from_their_means() {
    let options = SummaryOptions { replicated: true, ..SummaryOptions::default() };
    let mut sample = Sample::new(&options);
    for (x, replicate) in [(1.0, 5), (3.0, 5), (4.0, 7), (6.0, 7), (8.0, 9), (8.0, 9)] {
        sample.push(&Value::Float(x), replicate);
    }
    let found = sample.clone().summary(&options);
    let means = summary(&[2.0, 5.0, 8.0].map(Value::Float), &SummaryOptions::default());
    assert_eq!((found.n, found.replicates, found.mean), (6, 3, Some(5.0)));
    assert_eq!((found.se, found.interval), (means.se, means.interval));
    let none = SummaryOptions { no_error: Some(NoErrorReason::OneSample), ..SummaryOptions::default() };
    let found = summary(&[1.0, 2.0].map(Value::Float), &none);
    assert_eq!((found.se, found.no_error, found.mean), (None, Some(NoErrorReason::OneSample), Some(1.5)));
    let mut one = Sample::new(&options);
    [1.0, 2.0].iter().for_each(|x| one.push(&Value::Float(*x), 3));
    assert_eq!(one.summary(&options).no_error, Some(NoErrorReason::FewReplicates));
}

proptest! {
    #[test]
    fn equal_values_have_no_spread(x in -1e9..1e9_f64, n in 2..200_usize) {
        let found = summary(&vec![Value::Float(x); n], &SummaryOptions::default());
        prop_assert!((found.mean.unwrap() - x).abs() <= x.abs() * 1e-15);
        prop_assert!(found.sd.unwrap() <= x.abs() * 1e-15, "{:?}", found.sd);
    }

    #[test]
    fn quantiles_lie_within_and_are_in_order(mut values in proptest::collection::vec(-1e6..1e6_f64, 1..50), p in 0.0..=1.0_f64) {
        let all: Vec<Value> = values.iter().copied().map(Value::Float).collect();
        let found = summary(&all, &SummaryOptions { quantiles: &[0.0, p, 1.0], ..SummaryOptions::default() }).quantiles;
        values.sort_by(f64::total_cmp);
        prop_assert_eq!((found[0], found[2]), (values.first().copied(), values.last().copied()));
        prop_assert!(found[0] <= found[1] && found[1] <= found[2]);
    }
}
