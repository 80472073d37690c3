//! Owns the tests of the distributions.

use super::*;
use crate::space::philox::Words;

fn sampler(dist: &Dist) -> Result<Sampler, String> {
    Sampler::new(&Random::plain("x", dist.clone()))
}

/// The value for a word, as a number.
fn at(dist: &Dist, word: u64) -> f64 {
    let Sampler::Quantile(quantile) = sampler(dist).unwrap() else { panic!("needs several words") };
    match quantile.value(word) {
        Value::Float(x) => x,
        Value::Int(i) => i as f64,
        other => panic!("{other:?} is no number"),
    }
}

/// The word whose probability is next to p.
fn word_at(p: f64) -> u64 {
    ((p * (1_u64 << 52) as f64) as u64) << 12
}

#[test]
fn probabilities_are_exact_and_never_0_or_1() {
    assert_eq!(unit(0), 0.5_f64.powi(53));
    assert_eq!(unit(u64::MAX), 1.0 - 0.5_f64.powi(53));
    assert_eq!(unit(1 << 63), 0.5 + 0.5_f64.powi(53));
    for word in [0, 1 << 12, 12345 << 40, u64::MAX >> 1] {
        assert_eq!(unit(word) + unit(!word), 1.0);
    }
}

/// Reference values computed with mpmath at 60 digits.
#[test]
fn normal_quantiles_agree_with_the_reference() {
    let cases = [
        (1e-10, -6.361340902404057),
        (1e-05, -4.264890793922825),
        (0.001, -3.0902323061678136),
        (0.02425, -1.972961051311885),
        (0.07, -1.4757910281791706),
        (0.075, -1.439531470938456),
        (0.1, -1.2815515655446004),
        (0.3, -0.5244005127080408),
        (0.4999, -0.00025066283008800747),
        (0.6, 0.2533471031357997),
        (0.925, 1.4395314709384561),
        (0.93, 1.475791028179171),
        (0.975, 1.9599639845400538),
        (0.999, 3.090232306167813),
        (0.9999999990686774, 6.009353565530744),
        (1.1102230246251565e-16, -8.209536151601387),
        (1e-15, -7.941345326170997),
        (1e-12, -7.034483825301132),
        (2e-11, -6.604077590405634),
    ];
    for (p, expected) in cases {
        let x = normal::standard_normal(p);
        let error = (x - expected).abs() / expected.abs();
        assert!(error < 1e-15, "at {p:e}: {x} and not {expected}");
        assert_eq!(normal::standard_normal(0.5), 0.0);
    }
}

#[test]
fn values_stay_within_their_bounds_and_reach_them() {
    let words = [0, 1, 1 << 11, 1 << 12, 1 << 63, u64::MAX - 1, u64::MAX];
    let (tiny, huge) = (f64::MIN_POSITIVE, f64::MAX);
    for (min, max) in [(0.0, 1.0), (-huge, huge), (1.0, 1.0_f64.next_up()), (-0.0, 5e-324), (-3.0, -2.0)] {
        let values = words.map(|word| at(&Dist::Uniform { min, max }, word));
        assert!(values.iter().all(|x| (min..=max).contains(x)), "{values:?}");
        assert!(values.is_sorted(), "{values:?}");
        assert!(values.iter().all(|x| !(*x == 0.0 && x.is_sign_negative())));
    }
    for (min, max) in [(1e-4, 1e-1), (tiny, huge), (5e-324, 1.0), (7.0, 7.0_f64.next_up())] {
        let values = words.map(|word| at(&Dist::LogUniform { min, max }, word));
        assert!(values.iter().all(|x| (min..=max).contains(x)) && values.is_sorted(), "{values:?}");
    }
    for (min, max) in [(0, 0), (1, 6), (i64::MIN, i64::MAX), (i64::MAX - 1, i64::MAX), (i64::MIN, 0)] {
        let whole = Whole::new(min, max).unwrap();
        assert_eq!((whole.quantile(0), whole.quantile(u64::MAX)), (min, max));
    }
}

#[test]
fn values_are_quantiles() {
    let near = |x: f64, expected: f64| (x - expected).abs() <= expected.abs() * 1e-14;
    assert!(near(at(&Dist::LogUniform { min: 1e-2, max: 1e2 }, word_at(0.75)), 10.0));
    assert!(near(at(&Dist::Uniform { min: -1e308, max: 1e308 }, word_at(0.75)), 5e307));
    assert!(near(at(&Dist::Uniform { min: -3.0, max: 1.0 }, word_at(0.125)), -2.5));
    assert!(near(at(&Dist::Normal { mean: 10.0, sd: 2.0 }, word_at(0.975)), 13.919927969080108));
}

#[test]
fn whole_numbers_are_equally_likely() {
    let die = Whole::new(1, 6).unwrap();
    let sixth = u64::MAX / 6;
    for face in 1..=6_u64 {
        assert_eq!(die.quantile((face - 1) * sixth + face), face as i64);
        assert_eq!(die.quantile(face * sixth - 1), face as i64);
    }
}

#[test]
fn weights_are_respected_and_zero_is_never_drawn() {
    let values = [Value::Int(0), Value::Int(1), Value::Int(2), Value::Int(3), Value::Int(4)];
    let weighted = |weights: &[f64], word| Choice::new(&values, Some(weights)).unwrap().quantile(word);
    let weights = [0.0, 3.0, 0.0, 1.0, 0.0];
    for (word, expected) in [(0, 1), (word_at(0.75) - 1, 1), (word_at(0.75), 3), (u64::MAX, 3)] {
        assert_eq!(weighted(&weights, word), Value::Int(expected));
    }
    let subnormal = [0.0, 5e-324, 0.0, 0.0, 0.0];
    for word in [0, 1 << 63, u64::MAX] {
        assert_eq!(weighted(&subnormal, word), Value::Int(1));
    }
    let alike = Choice::new(&values, None).unwrap();
    assert_eq!((alike.quantile(0), alike.quantile(u64::MAX)), (Value::Int(0), Value::Int(4)));
}

#[test]
fn all_permutations_are_equally_likely() {
    let shuffle = Permutation::new(4).unwrap();
    let mut counts = std::collections::BTreeMap::new();
    let draws = 24_000_u64;
    for draw in 0..draws {
        *counts.entry(shuffle.value(&mut Words::new(1, draw)).to_string()).or_insert(0_u64) += 1;
    }
    assert_eq!(counts.len(), 24);
    // Chi squared with 23 degrees of freedom: above 49.7 once in a thousand seeds, and this seed is fixed.
    let chi_squared: f64 = counts.values().map(|n| (*n as f64 - 1000.0).powi(2) / 1000.0).sum();
    assert!(chi_squared < 49.7, "{chi_squared}");
    let one = Permutation::new(1).unwrap();
    assert_eq!(one.value(&mut Words::new(1, 1)), Value::Text("0".into()));
}

#[test]
fn invalid_distributions_are_errors() {
    let (nan, inf) = (f64::NAN, f64::INFINITY);
    let choice = |values: &[i64], weights: Option<&[f64]>| Dist::Choice {
        values: values.iter().map(|i| Value::Int(*i)).collect(),
        weights: weights.map(<[f64]>::to_vec),
    };
    let cases = [
        (Dist::Uniform { min: 1.0, max: 1.0 }, "not below"),
        (Dist::Uniform { min: nan, max: 1.0 }, "not both finite"),
        (Dist::LogUniform { min: 0.0, max: 1.0 }, "above 0"),
        (Dist::LogUniform { min: 1.0, max: inf }, "not both finite"),
        (Dist::Int { min: 2, max: 1 }, "above `max`"),
        (Dist::Normal { mean: 0.0, sd: 0.0 }, "`sd` must be above 0"),
        (Dist::Normal { mean: 0.0, sd: nan }, "`sd` must be above 0"),
        (Dist::Normal { mean: nan, sd: 1.0 }, "too large"),
        (Dist::Normal { mean: 1e308, sd: 1e308 }, "too large"),
        (choice(&[], None), "`values` is empty"),
        (choice(&[1], Some(&[1.0, 2.0])), "1 `values` and 2 `weights`"),
        (choice(&[1, 2], Some(&[1.0, -2.0])), "is not a weight"),
        (choice(&[1, 2], Some(&[0.0, 0.0])), "are 0"),
        (choice(&[1, 2], Some(&[f64::MAX, f64::MAX])), "too large"),
        (Dist::Permutation { of: 0 }, "at least 1"),
        (Dist::Permutation { of: u32::MAX }, "at most"),
    ];
    for (dist, reason) in cases {
        let error = sampler(&dist).unwrap_err();
        assert!(error.contains(reason), "{dist:?}: {error}");
    }
}
