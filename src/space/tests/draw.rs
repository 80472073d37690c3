//! Owns the tests of drawing as a whole: distributions at a fixed seed, samplings, randomizations.

use proptest::prelude::*;

use crate::space::draw::{Drawer, seeds};
use crate::space::*;
use crate::value::Value;

const GRID: &identity::GridId = b"0123456789abcdef";

fn drawer(sampling: Sampling, draws: u64, random: Vec<Random>) -> Result<Drawer, SpaceError> {
    let spec = SpaceSpec { root_seed: 42, sampling, draws, ..SpaceSpec::default() };
    Drawer::new(&spec, &Block { random, ..Block::default() })
}

fn number(value: &Value) -> f64 {
    match value {
        Value::Float(x) => *x,
        Value::Int(i) => *i as f64,
        other => panic!("{other:?} is no number"),
    }
}

/// The first values of a distribution, drawn independently.
fn values(dist: Dist, n: u64) -> Vec<f64> {
    let drawer = drawer(Sampling::Independent, n, vec![Random::plain("x", dist)]).unwrap();
    (0..n).map(|draw| number(&drawer.values(Some(GRID), draw, 0)[0])).collect()
}

/// By the trapezoidal rule in the logarithm of x, whatever the function: an answer of its own for gamma and the like.
fn integral(density: impl Fn(f64) -> f64, from: f64, to: f64) -> f64 {
    let steps = 400;
    let h = (to / from).ln() / f64::from(steps);
    (0..=steps)
        .map(|i| {
            let x = from * (h * f64::from(i)).exp();
            let weight = if i == 0 || i == steps { 0.5 } else { 1.0 };
            weight * h * x * density(x)
        })
        .sum()
}

#[test]
fn continuous_values_pass_kolmogorov_smirnov() {
    let phi = |z: f64| 0.5 * libm::erfc(-z / 2_f64.sqrt());
    let truncated = move |x: f64| (phi(x - 1.0) - phi(-1.0)) / (phi(1.0) - phi(-1.0));
    // Densities x^(a−1)·e^−x/Γ(a) with Γ(2.5) = 1.329…, and x·(1−x)³·20.
    let gamma = |x: f64| integral(|t| t.powf(1.5) * (-t).exp() / 1.329_340_388_179_137, 1e-9, x);
    let beta = |x: f64| integral(|t| t * (1.0 - t).powi(3) * 20.0, 1e-9, x);
    let triangular = |x: f64| if x < 1.0 { x * x / 4.0 } else { 1.0 - (4.0 - x).powi(2) / 12.0 };
    type Cdf<'a> = Box<dyn Fn(f64) -> f64 + 'a>;
    let cases: Vec<(Dist, Cdf)> = vec![
        (Dist::Uniform { min: -1.0, max: 3.0 }, Box::new(|x| (x + 1.0) / 4.0)),
        (Dist::LogUniform { min: 0.01, max: 100.0 }, Box::new(|x| (x / 0.01).ln() / 1e4_f64.ln())),
        (Dist::Normal { mean: 5.0, sd: 2.0 }, Box::new(move |x| phi((x - 5.0) / 2.0))),
        (Dist::TruncatedNormal { mean: 1.0, sd: 1.0, min: 0.0, max: 2.0 }, Box::new(truncated)),
        (Dist::LogNormal { mu: 1.0, sigma: 0.5 }, Box::new(move |x| phi((x.ln() - 1.0) / 0.5))),
        (Dist::Exponential { rate: 3.0 }, Box::new(|x| 1.0 - (-3.0 * x).exp())),
        (Dist::Gamma { shape: 2.5, scale: 1.0 }, Box::new(gamma)),
        (Dist::Beta { alpha: 2.0, beta: 4.0 }, Box::new(beta)),
        (Dist::Triangular { min: 0.0, mode: 1.0, max: 4.0 }, Box::new(triangular)),
    ];
    let n = 10_000;
    for (dist, cdf) in cases {
        let mut sample = values(dist.clone(), n);
        sample.sort_by(f64::total_cmp);
        let distance = sample.iter().enumerate().map(|(i, x)| {
            let (below, at) = (i as f64 / n as f64, (i + 1) as f64 / n as f64);
            (cdf(*x) - below).abs().max((at - cdf(*x)).abs())
        });
        // Passed by 999 seeds in 1,000: 1.95/√n.
        let distance = distance.fold(0.0, f64::max);
        assert!(distance < 0.0195, "{dist:?}: {distance}");
    }
}

#[test]
fn whole_values_and_choices_pass_chi_squared() {
    let n = 10_000;
    let poisson = |k: u32| (1..=k).fold((-2.5_f64).exp(), |p, i| p * 2.5 / f64::from(i));
    let log = |k: u32| ((f64::from(k) + 1.0) / f64::from(k)).ln() / 11_f64.ln();
    let weighted = Dist::Choice { values: (0..4).map(Value::Int).collect(), weights: Some(vec![1.0, 2.0, 0.0, 5.0]) };
    let cases = [
        (Dist::Int { min: 1, max: 6 }, (0..7).map(|k| if k == 0 { 0.0 } else { 1.0 / 6.0 }).collect::<Vec<f64>>()),
        (Dist::LogInt { min: 1, max: 10 }, (0..11).map(|k| if k == 0 { 0.0 } else { log(k) }).collect()),
        (Dist::Poisson { mean: 2.5 }, (0..9).map(poisson).collect()),
        (weighted, vec![0.125, 0.25, 0.0, 0.625]),
    ];
    for (dist, probabilities) in cases {
        let sample = values(dist.clone(), n);
        let chi = probabilities.iter().enumerate().filter(|(_, p)| **p > 0.0).map(|(k, p)| {
            let seen = sample.iter().filter(|x| **x == k as f64).count() as f64;
            (seen - n as f64 * p).powi(2) / (n as f64 * p)
        });
        // At most 10 degrees of freedom: above 29.6 once in a thousand seeds.
        let chi: f64 = chi.sum();
        assert!(chi < 29.6, "{dist:?}: {chi}");
        assert!(sample.iter().all(|x| probabilities.get(*x as usize).is_none_or(|p| *p > 0.0)), "{dist:?}");
    }
}

/// Mean and variance by a sample that is nearly without error, a Sobol sequence, against the formulas.
#[test]
fn moments_agree_with_the_formulas() {
    let cases = [
        (Dist::Gamma { shape: 3.0, scale: 2.0 }, 6.0, 12.0),
        (Dist::Gamma { shape: 0.5, scale: 1.0 }, 0.5, 0.5),
        (Dist::Beta { alpha: 2.0, beta: 3.0 }, 0.4, 0.04),
        (Dist::Exponential { rate: 0.5 }, 2.0, 4.0),
        (Dist::Poisson { mean: 7.5 }, 7.5, 7.5),
        (Dist::Triangular { min: 0.0, mode: 0.0, max: 3.0 }, 1.0, 0.5),
        (Dist::LogNormal { mu: 0.0, sigma: 0.25 }, 1.0317434074991028, 0.06865380854879094),
    ];
    let n = 1 << 14;
    for (dist, mean, variance) in cases {
        let drawer = drawer(Sampling::Sobol, n, vec![Random::plain("x", dist.clone())]).unwrap();
        let sample: Vec<f64> = (0..n).map(|draw| number(&drawer.values(None, draw, 0)[0])).collect();
        let found = sample.iter().sum::<f64>() / n as f64;
        let spread = sample.iter().map(|x| (x - found).powi(2)).sum::<f64>() / n as f64;
        assert!((found / mean - 1.0).abs() < 1e-3, "{dist:?}: mean {found}");
        assert!((spread / variance - 1.0).abs() < 1e-2, "{dist:?}: variance {spread}");
    }
}

const SAMPLINGS: [Sampling; 4] = [Sampling::Independent, Sampling::LatinHypercube, Sampling::Sobol, Sampling::Halton];

fn uniform(name: &str) -> Random {
    Random::plain(name, Dist::Uniform { min: 0.0, max: 1.0 })
}

#[test]
fn grid_points_randomizations_and_parameters_differ() {
    for sampling in SAMPLINGS {
        let drawer = drawer(sampling, 8, vec![uniform("b"), uniform("a")]).unwrap();
        let sample = |grid, randomization| -> Vec<String> {
            (0..8).flat_map(|draw| drawer.values(grid, draw, randomization)).map(|value| value.to_string()).collect()
        };
        let all =
            [sample(Some(GRID), 0), sample(Some(GRID), 1), sample(Some(GRID), 2), sample(None, 0), sample(None, 1)];
        let different: std::collections::HashSet<&String> = all.iter().flatten().collect();
        assert_eq!(different.len(), 5 * 16, "{sampling:?}");
        assert_eq!(drawer.value(1, None, 3, 0), drawer.values(None, 3, 0).pop());
        assert_eq!(drawer.value(2, None, 3, 0), None);
    }
    assert_ne!(seeds(1, None, 0, 0, 0), seeds(1, None, 0, 1, 0));
    assert_ne!(seeds(1, None, 0, 1, 0), seeds(1, None, 1, 0, 0));
}

#[test]
fn values_do_not_depend_on_order_and_number_of_draws() {
    for sampling in SAMPLINGS {
        let first = drawer(sampling, 8, vec![uniform("b"), uniform("a")]).unwrap();
        let turned = drawer(sampling, 8, vec![uniform("a"), uniform("b")]).unwrap();
        let more = drawer(sampling, 9, vec![uniform("b"), uniform("a")]).unwrap();
        for draw in 0..8 {
            let values = first.values(Some(GRID), draw, 0);
            let mut other = turned.values(Some(GRID), draw, 0);
            other.reverse();
            assert_eq!(values, other, "{sampling:?}");
            let keeps = values == more.values(Some(GRID), draw, 0);
            assert_eq!(keeps, sampling != Sampling::LatinHypercube, "{sampling:?}");
        }
    }
}

#[test]
fn unsupported_samplings_are_errors() {
    let shuffled = || vec![Random::plain("tour", Dist::Permutation { of: 3 })];
    for sampling in [Sampling::LatinHypercube, Sampling::Sobol, Sampling::Halton] {
        let error = drawer(sampling, 1, shuffled()).unwrap_err().to_string();
        assert!(error.contains("`tour`") && error.contains("use \"independent\""), "{error}");
    }
    assert!(drawer(Sampling::Independent, 1, shuffled()).is_ok());
    let many: Vec<Random> = (0..513).map(|i| uniform(&format!("x{i}"))).collect();
    let error = drawer(Sampling::Sobol, 1, many.clone()).unwrap_err().to_string();
    assert!(error.contains("513 random parameters"), "{error}");
    for sampling in [Sampling::LatinHypercube, Sampling::Halton] {
        assert_eq!(drawer(sampling, 4, many.clone()).unwrap().values(None, 3, 0).len(), 513);
    }
}

#[test]
fn samplings_give_the_golden_values() {
    let golden = [
        (
            Sampling::LatinHypercube,
            "0.7766544692905429 0.8140945655829604 0.6222780028914302 0.8890225409407643 0.9546309874725821 0.79887008554252 0.22496882317045308 0.3010743240606618 0.9833694106076812 0.5148429441900567 0.7508063382805074 0.09730359014941381",
        ),
        (
            Sampling::Sobol,
            "0.14313024192527501 0.3964792664788904 0.7929616662236051 0.7420217938118531 0.846737579861986 0.2844478550854509 0.34751600466934274 0.8791730104572987 0.48110991073650655 0.7195500940253482 0.08579819796161992 0.8808013493917627",
        ),
        (
            Sampling::Halton,
            "0.07519730968228477 0.7393920089272666 0.9723444234360797 0.5751973096822848 0.0727253422605999 0.3723444234360799 0.8564473096822848 0.03568830522356292 0.4123444234360797 0.37730425170672277 0.3925066212235303 0.10923450376714505",
        ),
    ];
    let mut wrong = vec![];
    for (sampling, expected) in golden {
        // 20 draws, so that the bijection is the network, and the second and third bases.
        let drawer = drawer(sampling, 20, vec![uniform("a"), uniform("b"), uniform("c")]).unwrap();
        let values = [(0, 0), (1, 0), (19, 0), (0, 1)].map(|(draw, r)| drawer.values(Some(GRID), draw, r));
        let now: Vec<String> = values.iter().flatten().map(Value::to_string).collect();
        if now.join(" ") != expected {
            wrong.push(format!("(Sampling::{sampling:?}, \"{}\"),", now.join(" ")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn distributions_give_the_golden_values() {
    let clipped = |clip, round: &str, dist| Random { clip, round: Some(round.into()), ..Random::plain("x", dist) };
    let normal = Dist::Normal { mean: 1.0, sd: 0.1 };
    let cases = [
        (Random::plain("x", Dist::LogInt { min: 1, max: 1000 }), "329 1 103 80"),
        (
            Random::plain("x", Dist::TruncatedNormal { mean: 0.0, sd: 1.0, min: 0.5, max: 2.0 }),
            "1.4858096363904174 0.5373067031808989 1.192191344804341 1.1398834531203967",
        ),
        (
            Random::plain("x", Dist::TruncatedNormal { mean: 0.0, sd: 1.0, min: -9.0, max: -6.0 }),
            "-6.028374925823333 -6.483156671486859 -6.064305453475674 -6.073407418226376",
        ),
        (
            Random::plain("x", Dist::LogNormal { mu: 1.0, sigma: 0.5 }),
            "4.463237751032909 1.167707701545895 3.3946961630336547 3.228683946787445",
        ),
        (
            Random::plain("x", Dist::Exponential { rate: 0.1 }),
            "18.284648709661138 0.46590818275398416 11.136252280976198 10.068528515205418",
        ),
        (
            Random::plain("x", Dist::Gamma { shape: 0.3, scale: 2.0 }),
            "1.1709462829444646 4.697288830933452e-5 0.43475899450245625 0.34897641797212414",
        ),
        (
            Random::plain("x", Dist::Gamma { shape: 30.0, scale: 2.0 }),
            "70.79305068084945 42.79357876973742 64.3039718366698 63.15945363318727",
        ),
        (
            Random::plain("x", Dist::Gamma { shape: 1e5, scale: 1.0 }),
            "100313.61254068128 99466.22123533816 100140.2728792208 100108.53547574814",
        ),
        (
            Random::plain("x", Dist::Beta { alpha: 0.2, beta: 0.7 }),
            "0.5933024873482471 3.3733164724499487e-7 0.22207284593447832 0.16981911197451308",
        ),
        (
            Random::plain("x", Dist::Beta { alpha: 20.0, beta: 500.0 }),
            "0.04675473847847653 0.025391329132659294 0.04170586091215869 0.040819951678939814",
        ),
        (
            Random::plain("x", Dist::Triangular { min: -1.0, mode: 0.5, max: 2.0 }),
            "1.149723541508909 -0.5473968920752844 0.7844142196666897 0.7177552247213388",
        ),
        (Random::plain("x", Dist::Poisson { mean: 3.5 }), "5 1 4 4"),
        (Random::plain("x", Dist::Poisson { mean: 1e8 }), "100009917 99983101 100004444 100003441"),
        (clipped(Some((0.95, 1.05)), "0.01", normal), "1.05 0.95 1.04 1.03"),
        (clipped(None, "10", Dist::Int { min: 0, max: 1000 }), "840 40 670 640"),
    ];
    let mut wrong = vec![];
    for (random, expected) in cases {
        let drawer = drawer(Sampling::Independent, 4, vec![random.clone()]).unwrap();
        let now: Vec<String> = (0..4).map(|draw| drawer.values(Some(GRID), draw, 0)[0].to_string()).collect();
        if now.join(" ") != expected {
            wrong.push(format!("{:?}: \"{}\"", random.dist, now.join(" ")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_mass_at_the_bounds_agrees_with_the_distribution() {
    let mass = |dist, clip| mass_at_bounds(&Random { clip, ..Random::plain("x", dist) }).unwrap();
    let near = |found: Option<(f64, f64)>, low: f64, high: f64| {
        let (a, b) = found.unwrap();
        assert!((a - low).abs() < 1e-14 && (b - high).abs() < 1e-14, "{a} {b}");
    };
    near(mass(Dist::Normal { mean: 1.0, sd: 0.1 }, Some((0.8, 1.3))), 0.02275013194817921, 0.0013498980316300946);
    near(mass(Dist::Uniform { min: 0.0, max: 1.0 }, Some((0.25, 2.0))), 0.25, 0.0);
    near(mass(Dist::Uniform { min: 0.0, max: 1.0 }, Some((1.5, 2.0))), 1.0, 0.0);
    near(mass(Dist::Int { min: 1, max: 10 }, Some((2.5, 8.0))), 0.2, 0.2);
    assert_eq!(mass(Dist::Poisson { mean: 1.0 }, None), None);
    assert!(mass_at_bounds(&Random { clip: Some((2.0, 1.0)), ..uniform("x") }).is_err());
}

fn any_number() -> impl Strategy<Value = f64> {
    prop_oneof![
        any::<f64>(),
        -10.0..10.0,
        (-12.0..9.0).prop_map(|e| 10_f64.powf(e)),
        prop::sample::select(vec![0.0, 1.0, f64::MAX, f64::MIN_POSITIVE, f64::INFINITY, f64::NAN, 1e15, 1e-3]),
    ]
}

fn any_random() -> impl Strategy<Value = Random> {
    let dist =
        (0..9, any_number(), any_number(), any_number(), any_number()).prop_map(|(kind, a, b, c, d)| match kind {
            0 => Dist::LogInt { min: a as i64, max: b as i64 },
            1 => Dist::TruncatedNormal { mean: a, sd: b, min: c, max: d },
            2 => Dist::LogNormal { mu: a, sigma: b },
            3 => Dist::Exponential { rate: a },
            4 => Dist::Gamma { shape: a, scale: b },
            5 => Dist::Beta { alpha: a.min(1e5), beta: b.min(1e5) },
            6 => Dist::Triangular { min: a, mode: b, max: c },
            7 => Dist::Poisson { mean: a },
            _ => Dist::Normal { mean: a, sd: b },
        });
    let round = prop::option::of(prop_oneof![Just("0.05".to_owned()), Just("3".to_owned()), "[0-9.e-]{1,4}"]);
    (dist, prop::option::of((any_number(), any_number())), round).prop_map(|(dist, clip, round)| Random {
        name: "x".into(),
        dist,
        clip,
        round,
    })
}

/// Not decreasing, but for the last digits.
fn in_order(low: f64, high: f64) -> bool {
    low <= high + 1e-12 * (low.abs() + high.abs())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]
    #[test]
    fn no_parameters_panic_and_quantiles_are_monotone(random in any_random(), words: [u64; 3]) {
        let Ok(dist::Sampler::Quantile(quantile)) = dist::Sampler::new(&random) else { return Ok(()) };
        let mut words = [0, words[0], words[1], words[2], u64::MAX];
        words.sort_unstable();
        let values = words.map(|word| number(&quantile.value(word)));
        prop_assert!(values.iter().all(|x| x.is_finite()), "{values:?}");
        let sd = match random.dist {
            Dist::TruncatedNormal { sd, mean, .. } => 1e-14 * (sd + mean.abs()),
            Dist::Normal { sd, .. } => 1e-15 * sd,
            _ => 0.0,
        };
        prop_assert!(values.windows(2).all(|pair| in_order(pair[0], pair[1] + sd)), "{values:?}");
        if let Some((low, high)) = random.clip {
            prop_assert!(values.iter().all(|x| (low..=high).contains(x)), "{values:?}");
        }
        match random.dist {
            Dist::TruncatedNormal { min, max, .. } | Dist::Triangular { min, max, .. }
                if random.clip.is_none() && random.round.is_none() =>
                prop_assert!(values.iter().all(|x| (min..=max).contains(x)), "{values:?}"),
            Dist::Beta { .. } if random.clip.is_none() && random.round.is_none() =>
                prop_assert!(values.iter().all(|x| (0.0..=1.0).contains(x)), "{values:?}"),
            _ => {}
        }
    }
}
