//! Owns the comparison of the quantiles with those that mpmath computed: `tests/references/quantiles.csv`.

use super::*;

const QUANTILES: &str = include_str!("../../../tests/references/quantiles.csv");

/// A distribution by its name and its parameters in the file.
fn dist(name: &str, p: &[f64]) -> Dist {
    match (name, p) {
        ("log-normal", &[mu, sigma]) => Dist::LogNormal { mu, sigma },
        ("exponential", &[rate]) => Dist::Exponential { rate },
        ("triangular", &[min, mode, max]) => Dist::Triangular { min, mode, max },
        ("truncated-normal", &[mean, sd, min, max]) => Dist::TruncatedNormal { mean, sd, min, max },
        ("log-int", &[min, max]) => Dist::LogInt { min: min as i64, max: max as i64 },
        ("poisson", &[mean]) => Dist::Poisson { mean },
        ("gamma", &[shape, scale]) => Dist::Gamma { shape, scale },
        ("beta", &[alpha, beta]) => Dist::Beta { alpha, beta },
        other => panic!("{other:?}"),
    }
}

/// The greatest relative errors of the lines for which the choice holds; and which line has it.
fn worst(only: &str, error: impl Fn(&Quantile, f64, f64) -> f64) -> (f64, String) {
    let lines = QUANTILES.lines().filter(|line| line.starts_with(only));
    let errors = lines.map(|line| {
        let fields: Vec<&str> = line.split(',').collect();
        let params: Vec<f64> = fields[1].split(' ').map(|p| p.parse().unwrap()).collect();
        let Sampler::Quantile(quantile) = Sampler::new(&Random::plain("x", dist(fields[0], &params))).unwrap() else {
            panic!("{line}");
        };
        (error(&quantile, fields[2].parse().unwrap(), fields[3].parse().unwrap()), line.to_owned())
    });
    errors.max_by(|a, b| a.0.total_cmp(&b.0)).unwrap()
}

fn real_error(quantile: &Quantile, u: f64, expected: f64) -> f64 {
    let Quantile::Real(real, _) = quantile else { panic!("{quantile:?}") };
    let found = real.quantile(u);
    match real {
        // Near 0 a sum of mean and deviation cannot have more digits than its parts.
        Real::TruncatedNormal { sd, .. } => (found - expected).abs() / (expected.abs() + sd),
        // Below 1e-300 the reference is written as 0.
        _ if expected == 0.0 => found,
        _ => ((found - expected) / expected).abs(),
    }
}

#[test]
fn real_quantiles_agree_with_the_references() {
    let tolerances = [
        ("log-normal", 2e-14),
        ("exponential", 1e-15),
        ("triangular", 1e-14),
        ("truncated-normal", 1e-13),
        ("gamma", 5e-13),
        ("beta", 5e-13),
    ];
    for (name, tolerance) in tolerances {
        let (error, line) = worst(name, real_error);
        println!("{name} {error:e} {line}");
        assert!(error <= tolerance, "{error:e} at {line}");
    }
}

#[test]
fn whole_quantiles_agree_with_the_references() {
    for name in ["poisson", "log-int"] {
        let (error, line) = worst(name, |quantile, u, expected| {
            let found = match quantile {
                Quantile::Whole(Whole::Poisson(poisson), _) => poisson.quantile(u),
                Quantile::Whole(Whole::Log { min, max, ln_min, ln_beyond }, _) => {
                    discrete::log_quantile(*min, *max, *ln_min, *ln_beyond, u)
                }
                other => panic!("{other:?}"),
            };
            (found as f64 - expected).abs()
        });
        assert_eq!(error, 0.0, "{line}");
    }
}
