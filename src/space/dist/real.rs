//! Owns the distributions on the line: the probability u, 0 < u < 1, to a double.

use super::normal::standard_normal;

/// A distribution on the line.
#[derive(Debug)]
pub(in crate::space) enum Real {
    Uniform { min: f64, max: f64 },
    LogUniform { min: f64, max: f64, ln_min: f64, ln_max: f64 },
    Normal { mean: f64, sd: f64 },
}

impl Real {
    pub(super) fn uniform(min: f64, max: f64) -> Result<Real, String> {
        check_bounds(min, max)?;
        Ok(Real::Uniform { min, max })
    }

    pub(super) fn log_uniform(min: f64, max: f64) -> Result<Real, String> {
        check_bounds(min, max)?;
        if min <= 0.0 {
            return Err(format!("`min` is {min}, and a log-uniform distribution lies above 0"));
        }
        Ok(Real::LogUniform { min, max, ln_min: libm::log(min), ln_max: libm::log(max) })
    }

    pub(super) fn normal(mean: f64, sd: f64) -> Result<Real, String> {
        if !(sd > 0.0 && sd.is_finite()) {
            return Err(format!("`sd` is {sd}, and a standard deviation is above 0"));
        }
        // The farthest quantile lies 8.21 standard deviations out.
        let reach = sd * 9.0;
        if !((mean - reach).is_finite() && (mean + reach).is_finite()) {
            return Err(format!("`mean` {mean} and `sd` {sd} give values too large for a double"));
        }
        Ok(Real::Normal { mean, sd })
    }

    /// The quantile at the probability u. Never negative zero.
    pub(super) fn quantile(&self, u: f64) -> f64 {
        let x = match *self {
            Real::Uniform { min, max } => between(min, max, u).clamp(min, max),
            Real::LogUniform { min, max, ln_min, ln_max } => libm::exp(between(ln_min, ln_max, u)).clamp(min, max),
            Real::Normal { mean, sd } => mean + sd * standard_normal(u),
        };
        x + 0.0
    }
}

/// min + (max − min)·u, and the same without overflow where max − min is too large.
fn between(min: f64, max: f64, u: f64) -> f64 {
    let width = max - min;
    if width.is_finite() { min + width * u } else { min * (1.0 - u) + max * u }
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
