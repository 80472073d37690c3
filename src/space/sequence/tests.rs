//! Owns the tests of the samplings.

use std::collections::HashSet;

use super::halton::radical_inverse;
use super::permute::permute;
use super::sobol::owen_scramble;
use super::*;
use crate::space::draw::below;
use crate::space::philox::Words;

const SOBOL: &str = include_str!("../../../tests/references/sobol.csv");

#[test]
fn unscrambled_sobol_points_are_the_published_ones() {
    let sobol = Sobol::new(512).unwrap();
    for line in SOBOL.lines() {
        let numbers: Vec<u64> = line.split(',').map(|number| number.parse().unwrap()).collect();
        let point: Vec<u64> = (0..512).map(|dimension| sobol.plain(dimension, numbers[0]) >> 34).collect();
        assert_eq!(point, numbers[1..], "point {}", numbers[0]);
    }
    assert!(Sobol::new(513).unwrap_err().contains("512 dimensions"));
}

/// Each dyadic box of volume 2^-10 has one of 1,024 points in the first two dimensions, whose t is 0.
#[test]
fn scrambled_sobol_keeps_the_net() {
    let sobol = Sobol::new(2).unwrap();
    for key in [1, 2] {
        for first in [0, 1024, 5 << 40] {
            let points: Vec<[u64; 2]> =
                (first..first + 1024).map(|i| [sobol.word(key, 0, i), sobol.word(key + 100, 1, i)]).collect();
            for bits in 0..=10 {
                let at = |x: u64, bits: u32| x.checked_shr(64 - bits).unwrap_or(0);
                let boxes: HashSet<_> = points.iter().map(|[x, y]| (at(*x, bits), at(*y, 10 - bits))).collect();
                assert_eq!(boxes.len(), 1024, "key {key}, from {first}, {bits} bits");
            }
        }
    }
}

#[test]
fn scrambled_sobol_does_not_repeat_past_2_to_the_16() {
    let sobol = Sobol::new(3).unwrap();
    for dimension in 0..3 {
        let points: HashSet<u64> = (0..1 << 18).map(|i| sobol.word(9, dimension, i) >> 12).collect();
        assert_eq!(points.len(), 1 << 18);
    }
}

/// Whether the bit below each of the 8 highest prefixes is flipped is a fair coin, and independent of its neighbours': no
/// pair of the 255 has a correlation over the keys that a fair coin would not have.
#[test]
fn owen_scrambling_flips_bits_independently() {
    let keys = 1024_u64;
    let flips = |key: u64| -> Vec<bool> {
        let of_depth = |depth: u32| {
            (0..1_u64 << depth).map(move |prefix| {
                let x = prefix.checked_shl(64 - depth).unwrap_or(0);
                owen_scramble(key, x) >> (63 - depth) & 1 == 1
            })
        };
        (0..8).flat_map(of_depth).collect()
    };
    let of_keys: Vec<Vec<bool>> = (0..keys).map(flips).collect();
    let sd = (keys as f64).sqrt() / 2.0;
    let far = |count: usize| ((count as f64 - keys as f64 / 2.0) / sd).abs();
    // 255 coins and 32,385 pairs: one beyond 5.5 standard deviations in 800 such tests.
    for i in 0..255 {
        assert!(far(of_keys.iter().filter(|flips| flips[i]).count()) < 5.5, "coin {i}");
        for j in 0..i {
            let alike = of_keys.iter().filter(|flips| flips[i] == flips[j]).count();
            assert!(far(alike) < 5.5, "coins {i} and {j}: {alike}");
        }
    }
}

#[test]
fn permutations_are_bijections() {
    for n in (1..300).chain([1000, 1024, 12345, 65537]) {
        let seen: HashSet<u64> = (0..n).map(|x| permute(7, 3, n, x)).collect();
        assert!(seen.len() as u64 == n && seen.iter().all(|x| *x < n), "{n}");
    }
    for n in [1 << 53, (1 << 53) - 111, u64::from(u32::MAX)] {
        for x in [0, 1, n / 2, n - 1] {
            assert!(permute(7, 0, n, x) < n);
        }
    }
}

/// Chi squared over the places to which the keys send a pair of numbers.
#[test]
fn permutations_send_a_pair_anywhere_with_equal_probability() {
    for n in [2, 3, 5, 12, 13, 16, 17] {
        let pairs = n * (n - 1);
        let keys = 100 * pairs;
        for (x, y) in [(0, 1), (n - 1, n / 2 - u64::from(n == 2))] {
            let mut counts = vec![0_u64; (n * n) as usize];
            for key in 0..keys {
                let (a, b) = (
                    permute(key.wrapping_mul(0x9E37_79B9_7F4A_7C15), 1, n, x),
                    permute(key.wrapping_mul(0x9E37_79B9_7F4A_7C15), 1, n, y),
                );
                counts[(a * n + b) as usize] += 1;
            }
            let chi: f64 = counts.iter().filter(|c| **c > 0).map(|c| (*c as f64 - 100.0).powi(2) / 100.0).sum();
            let free = (pairs - 1) as f64;
            assert!(counts.iter().filter(|c| **c > 0).count() as u64 == pairs);
            assert!(chi < free + 4.0 * (2.0 * free).sqrt() + 8.0, "n {n}: {chi} of {free}");
        }
    }
}

#[test]
fn latin_hypercube_has_one_point_in_each_stratum() {
    for draws in [1, 2, 3, 10, 1000, 12345] {
        for key in [0, 1, u64::MAX] {
            let strata: HashSet<u64> = (0..draws).map(|draw| below(latin_hypercube(key, draws, draw), draws)).collect();
            assert_eq!(strata.len() as u64, draws);
        }
    }
    // Far more than can be listed.
    for draw in [0, 1 << 40, (1 << 53) - 1] {
        let stratum = permute(5, 0, 1 << 53, draw);
        assert_eq!(latin_hypercube(5, 1 << 53, draw) >> 11, stratum);
    }
}

#[test]
fn radical_inverses_are_exact() {
    let plain = |base, point| radical_inverse(base, point, |_, digit| digit);
    assert_eq!(plain(2, 6), 3 << 61);
    assert_eq!(plain(3, 1), u64::MAX / 3);
    assert_eq!(plain(3, 5), (7_u128 * (1 << 64) / 9) as u64);
    assert_eq!(plain(3671, 3670), (3670_u128 * (1 << 64) / 3671) as u64);
    assert_eq!(plain(2, u64::MAX), u64::MAX);
}

/// Of base^k points one lies in each interval of length base^-k.
#[test]
fn scrambled_halton_is_even_in_each_dimension() {
    let halton = Halton::new(30);
    for (dimension, base, power) in
        [(0, 2, 1024), (1, 3, 729), (2, 5, 625), (5, 13, 169), (6, 17, 289), (29, 113, 12769)]
    {
        for key in [1, 2] {
            let parts: HashSet<u64> = (0..power).map(|i| below(halton.word(key, dimension, i), power)).collect();
            assert_eq!(parts.len() as u64, power, "base {base}");
        }
    }
}

/// The centred L2 discrepancy in two dimensions (F. J. Hickernell, "A generalized discrepancy and quadrature error
/// bound", 1998).
fn discrepancy(points: &[[f64; 2]]) -> f64 {
    let n = points.len() as f64;
    let off = |x: f64| (x - 0.5).abs();
    let one: f64 =
        points.iter().map(|p| p.iter().map(|x| 1.0 + 0.5 * off(*x) - 0.5 * off(*x).powi(2)).product::<f64>()).sum();
    let kernel = |x: f64, y: f64| 1.0 + 0.5 * off(x) + 0.5 * off(y) - 0.5 * (x - y).abs();
    let two: f64 =
        points.iter().flat_map(|p| points.iter().map(move |q| kernel(p[0], q[0]) * kernel(p[1], q[1]))).sum();
    ((13.0_f64 / 12.0).powi(2) - 2.0 / n * one + two / (n * n)).sqrt()
}

#[test]
fn discrepancy_falls_from_independent_to_latin_hypercube_to_sobol() {
    let sobol = Sobol::new(2).unwrap();
    let halton = Halton::new(2);
    let of = |word: &dyn Fn(u64, usize) -> u64| {
        let unit = |word: u64| word as f64 / 2_f64.powi(64);
        discrepancy(&(0..1024).map(|i| [unit(word(i, 0)), unit(word(i, 1))]).collect::<Vec<_>>())
    };
    for seed in [10, 20, 30] {
        let key = |dimension: usize| seed + dimension as u64;
        let independent = of(&|i, d| Words::new(key(d), i).next());
        let latin = of(&|i, d| latin_hypercube(key(d), 1024, i));
        let halton = of(&|i, d| halton.word(key(d), d, i));
        let sobol = of(&|i, d| sobol.word(key(d), d, i));
        println!("{independent} {latin} {halton} {sobol}");
        assert!(sobol < latin && latin < independent && halton < latin, "{independent} {latin} {halton} {sobol}");
        assert!(sobol < 0.1 * independent);
    }
}
