//! Owns the quantiles of the standard normal distribution truncated to an interval, however far out it lies.

use super::normal::standard_normal;
use super::special::{Tail, newton};

/// Above this many standard deviations quantiles are found from the lower bound on.
const FAR: f64 = 5.0;

/// A standard normal conditioned on [low, high].
#[derive(Clone, Copy, Debug)]
pub(in crate::space) enum Truncated {
    /// The tails below and above both bounds.
    Central { below: [f64; 2], above: [f64; 2] },
    /// Both bounds are at least [`FAR`] from 0 on the same side, above or, `mirrored`, below: the nearer one's distance,
    /// and ln of the ratio of the tail beyond the farther one to that beyond the nearer one.
    Far { near: f64, ln_ratio: f64, mirrored: bool },
}

/// Where a quantile is: so far from 0, or from the lower bound, or from the upper one.
pub(super) enum TruncatedValue {
    Center(f64),
    FromLow(f64),
    FromHigh(f64),
}

impl Truncated {
    /// low < high, in standard deviations from the mean.
    pub(super) fn new(low: f64, high: f64) -> Truncated {
        let far = |near: f64, far: f64, mirrored| {
            let apart = far - near;
            let ln_ratio = -apart * (near + 0.5 * apart) + libm::log(mills(far) / mills(near));
            Truncated::Far { near, ln_ratio, mirrored }
        };
        if low >= FAR {
            return far(low, high, false);
        }
        if high <= -FAR {
            return far(-high, -low, true);
        }
        let tail = |z: f64| 0.5 * libm::erfc(z * std::f64::consts::FRAC_1_SQRT_2);
        Truncated::Central { below: [tail(-low), tail(-high)], above: [tail(low), tail(high)] }
    }

    pub(super) fn quantile(&self, u: f64) -> TruncatedValue {
        match *self {
            Truncated::Central { below: [low, high], above: [from_low, from_high] } => {
                let below = low * (1.0 - u) + high * u;
                if below <= 0.5 {
                    return TruncatedValue::Center(standard_normal(below));
                }
                TruncatedValue::Center(-standard_normal(from_low * (1.0 - u) + from_high * u))
            }
            Truncated::Far { near, ln_ratio, mirrored: false } => {
                TruncatedValue::FromLow(distance(near, ln_ratio, [1.0 - u, u]))
            }
            Truncated::Far { near, ln_ratio, mirrored: true } => {
                TruncatedValue::FromHigh(distance(near, ln_ratio, [u, 1.0 - u]))
            }
        }
    }
}

/// How far beyond `near` the tail has fallen to outer + inner·e^ln_ratio of what it is there, where outer + inner = 1: by
/// Newton's method on its logarithm, from above, since the tail falls at least as fast as e^(−near·distance).
fn distance(near: f64, ln_ratio: f64, [outer, inner]: [f64; 2]) -> f64 {
    let ln_target = if outer < 0.5 {
        libm::log(outer + inner * libm::exp(ln_ratio))
    } else {
        libm::log1p(inner * libm::expm1(ln_ratio))
    };
    let at_near = mills(near);
    let mut distance = -ln_target / near;
    // The tail's logarithm is concave: every step but the first goes down to the root.
    distance = newton(distance, 1.0 / near, ln_target, |d| {
        let here = mills(near + d);
        Tail { ln: -d * (near + 0.5 * d) + libm::log(here / at_near), slope: -1.0 / here }
    });
    distance.max(0.0)
}

/// The ratio of Mills, the tail of the standard normal divided by its density, from 5 on: by the continued fraction of
/// Laplace, 1/(z + 1/(z + 2/(z + …))) (DLMF 7.9.2), cut at a depth that gives 16 digits at 5.
fn mills(z: f64) -> f64 {
    1.0 / (1..=60).rev().fold(z, |below, k| z + f64::from(k) / below)
}
