//! Owns the continuous distributions: from the probability u, 0 < u < 1, to a double.

use super::beta::Shapes;
use super::gamma::Shape;
use super::normal::standard_normal;
use super::truncated::{Truncated, TruncatedValue};

/// A continuous distribution.
#[derive(Debug)]
pub(in crate::space) enum Real {
    Uniform {
        min: f64,
        max: f64,
    },
    LogUniform {
        min: f64,
        max: f64,
        ln_min: f64,
        ln_max: f64,
    },
    Normal {
        mean: f64,
        sd: f64,
    },
    TruncatedNormal {
        mean: f64,
        sd: f64,
        min: f64,
        max: f64,
        truncated: Truncated,
    },
    LogNormal {
        mu: f64,
        sigma: f64,
    },
    Exponential {
        rate: f64,
    },
    /// The shape, and the product of shape and scale.
    Gamma {
        shape: Shape,
        mean: f64,
    },
    Beta(Shapes),
    /// The mode as a fraction of the width.
    Triangular {
        min: f64,
        max: f64,
        mode: f64,
    },
}

impl Real {
    pub(super) fn uniform(min: f64, max: f64) -> Result<Real, String> {
        check_bounds(min, max)?;
        Ok(Real::Uniform { min, max })
    }

    pub(super) fn log_uniform(min: f64, max: f64) -> Result<Real, String> {
        check_bounds(min, max)?;
        if min <= 0.0 {
            return Err(format!("`min` of a log-uniform distribution must be above 0, not {min}"));
        }
        Ok(Real::LogUniform { min, max, ln_min: libm::log(min), ln_max: libm::log(max) })
    }

    pub(super) fn normal(mean: f64, sd: f64) -> Result<Real, String> {
        check_sd("sd", sd)?;
        // The farthest quantile lies 8.21 standard deviations out.
        let reach = sd * 9.0;
        if !((mean - reach).is_finite() && (mean + reach).is_finite()) {
            return Err(format!("`mean` {mean} and `sd` {sd} give values too large for a double"));
        }
        Ok(Real::Normal { mean, sd })
    }

    pub(super) fn truncated_normal(mean: f64, sd: f64, min: f64, max: f64) -> Result<Real, String> {
        check_sd("sd", sd)?;
        check_bounds(min, max)?;
        let (low, high) = ((min - mean) / sd, (max - mean) / sd);
        if !(low.is_finite() && high.is_finite()) {
            return Err(format!(
                "`min` {min} or `max` {max} lies too many standard deviations `sd` {sd} from `mean` {mean}"
            ));
        }
        if low >= high {
            return Err(format!("`min` {min} and `max` {max} are too close together for `mean` {mean} and `sd` {sd}"));
        }
        Ok(Real::TruncatedNormal { mean, sd, min, max, truncated: Truncated::new(low, high) })
    }

    pub(super) fn log_normal(mu: f64, sigma: f64) -> Result<Real, String> {
        check_sd("sigma", sigma)?;
        let reach = sigma * 9.0;
        if !(mu - reach > -708.0 && mu + reach < 709.0) {
            return Err(format!(
                "`mu` {mu} and `sigma` {sigma} give values outside the range of a double; they are of the logarithm"
            ));
        }
        Ok(Real::LogNormal { mu, sigma })
    }

    pub(super) fn exponential(rate: f64) -> Result<Real, String> {
        if !(rate > 0.0 && rate.is_finite()) {
            return Err(format!("`rate` must be above 0, not {rate}"));
        }
        if !(40.0 / rate).is_finite() {
            return Err(format!("`rate` {rate} gives values too large for a double"));
        }
        Ok(Real::Exponential { rate })
    }

    pub(super) fn gamma(shape: f64, scale: f64) -> Result<Real, String> {
        check_shape("shape", shape, "gamma", 1e15)?;
        if !(scale > 0.0 && scale.is_finite()) {
            return Err(format!("`scale` must be above 0, not {scale}"));
        }
        let mean = shape * scale;
        // The farthest quantile lies below shape + 9·√shape + 40, times the scale.
        if !((mean + scale * (9.0 * shape.sqrt() + 40.0)).is_finite() && mean >= f64::MIN_POSITIVE) {
            return Err(format!("`shape` {shape} and `scale` {scale} give values outside the range of a double"));
        }
        Ok(Real::Gamma { shape: Shape::new(shape), mean })
    }

    pub(super) fn beta(alpha: f64, beta: f64) -> Result<Real, String> {
        check_shape("alpha", alpha, "beta", 1e8)?;
        check_shape("beta", beta, "beta", 1e8)?;
        Ok(Real::Beta(Shapes::new(alpha, beta)))
    }

    pub(super) fn triangular(min: f64, mode: f64, max: f64) -> Result<Real, String> {
        check_bounds(min, max)?;
        if !(min <= mode && mode <= max) {
            return Err(format!("`mode` {mode} is not between `min` {min} and `max` {max}"));
        }
        if !(max - min).is_finite() {
            return Err(format!("`min` {min} and `max` {max} are too far apart"));
        }
        Ok(Real::Triangular { min, max, mode: (mode - min) / (max - min) })
    }

    /// The quantile at the probability u. Never negative zero.
    pub(super) fn quantile(&self, u: f64) -> f64 {
        let x = match *self {
            Real::Uniform { min, max } => between(min, max, u).clamp(min, max),
            Real::LogUniform { min, max, ln_min, ln_max } => libm::exp(between(ln_min, ln_max, u)).clamp(min, max),
            Real::Normal { mean, sd } => mean + sd * standard_normal(u),
            Real::TruncatedNormal { mean, sd, min, max, truncated } => match truncated.quantile(u) {
                TruncatedValue::Center(z) => (mean + sd * z).clamp(min, max),
                TruncatedValue::FromLow(z) => (min + sd * z).clamp(min, max),
                TruncatedValue::FromHigh(z) => (max - sd * z).clamp(min, max),
            },
            Real::LogNormal { mu, sigma } => libm::exp(mu + sigma * standard_normal(u)),
            Real::Exponential { rate } => -libm::log1p(-u) / rate,
            Real::Gamma { shape, mean } => mean * libm::exp(shape.quantile(u)),
            Real::Beta(shapes) => shapes.quantile(u),
            Real::Triangular { min, max, mode } => triangular(min, max, mode, u).clamp(min, max),
        };
        x + 0.0
    }
}

/// min + (max − min)·u, without overflow if max − min is too large.
fn between(min: f64, max: f64, u: f64) -> f64 {
    let width = max - min;
    if width.is_finite() { min + width * u } else { min * (1.0 - u) + max * u }
}

/// The inverse of ((x − min)/width)²/mode below the mode, and of its like from above beyond; taken from the nearer
/// bound, so that small distances from it keep their digits: 1 − √r is (1 − r)/(1 + √r).
fn triangular(min: f64, max: f64, mode: f64, u: f64) -> f64 {
    let (from_min, from_max) = if u < mode {
        let root = (u * mode).sqrt();
        (root, ((1.0 - u) + u * (1.0 - mode)) / (1.0 + root))
    } else {
        let root = ((1.0 - u) * (1.0 - mode)).sqrt();
        ((mode + u * (1.0 - mode)) / (1.0 + root), root)
    };
    let width = max - min;
    if from_min <= 0.5 { min + width * from_min } else { max - width * from_max }
}

fn check_sd(key: &str, sd: f64) -> Result<(), String> {
    if !(sd > 0.0 && sd.is_finite()) {
        return Err(format!("`{key}` must be above 0, not {sd}"));
    }
    Ok(())
}

/// With shapes below 1/1000, half of the values would be too small for a double.
fn check_shape(key: &str, shape: f64, name: &str, most: f64) -> Result<(), String> {
    if !(1e-3..=most).contains(&shape) {
        return Err(format!("`{key}` of a {name} distribution must be from 0.001 to {most:e}, not {shape}"));
    }
    Ok(())
}

fn check_bounds(min: f64, max: f64) -> Result<(), String> {
    if !(min.is_finite() && max.is_finite()) {
        return Err(format!("`min` {min} and `max` {max} are not both finite"));
    }
    if min >= max {
        return Err(format!("`min` {min} is not below `max` {max}"));
    }
    Ok(())
}
