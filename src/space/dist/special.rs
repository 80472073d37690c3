//! Owns what the gamma, beta and Poisson distributions share: the factor before their series, computed without
//! cancellation, and Newton's method on a tail.

pub(super) const HALF_LN_2_PI: f64 = 0.9189385332046728;

/// ln Γ(a+1) − (a + 1/2)·ln a + a − ln √(2π), the error of Stirling's formula, for a > 0.
///
/// From 15 on by its asymptotic series (DLMF 5.11.1), five terms: below 3·10^−16 in all. Below by its definition. After
/// C. Loader, "Fast and accurate computation of binomial probabilities", 2000.
pub(super) fn stirling_error(a: f64) -> f64 {
    if a < 15.0 {
        return libm::lgamma(a + 1.0) - (a + 0.5) * libm::log(a) + a - HALF_LN_2_PI;
    }
    let inverse = 1.0 / a;
    let square = inverse * inverse;
    let terms = [1.0 / 1188.0, -1.0 / 1680.0, 1.0 / 1260.0, -1.0 / 360.0, 1.0 / 12.0];
    terms.iter().fold(0.0, |sum, term| sum * square + term) * inverse
}

/// e^t − 1 − t, at least 0. Uses its series where the difference would lose digits.
pub(super) fn exp_minus_linear(t: f64) -> f64 {
    if t.abs() > 0.5 {
        return libm::expm1(t) - t;
    }
    // Horner's rule over t²/2 · (1 + t/3 · (1 + t/4 · (…))): the last term, t^18/18!, is far below the last digit.
    let tail = (3..=18).rev().fold(1.0, |sum, n| 1.0 + t / f64::from(n) * sum);
    0.5 * t * t * tail
}

/// ln of x^a·e^−x/Γ(a+1), where x = a·e^t: a·(1 + t − e^t) − ln √(2πa) − stirling_error(a).
pub(super) fn ln_poisson_factor(a: f64, t: f64, stirling_error: f64) -> f64 {
    -a * exp_minus_linear(t) - 0.5 * libm::log(a) - HALF_LN_2_PI - stirling_error
}

/// A tail of a distribution at t: its logarithm, and the derivative of that logarithm.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tail {
    pub(super) ln: f64,
    pub(super) slope: f64,
}

/// The t at which the logarithm of a tail has the value `ln_target`, by Newton's method from `start`.
///
/// It always converges: the densities are log-concave in t, so the logarithms of the tails are concave, and each step
/// after the first stays on the same side of the root and comes nearer to it. Steps are bounded, so that none leaves the
/// range in which the tail can be computed. A handful of steps is usual; 1000 is the limit. It ends with a step below
/// 10^−9 of `width`, the length on which the function bends; the remaining error is of the order of its square.
pub(super) fn newton(start: f64, width: f64, ln_target: f64, tail: impl Fn(f64) -> Tail) -> f64 {
    let mut t = start;
    for _ in 0..1000 {
        let here = tail(t);
        let reach = 2.0 * t.abs().max(1.0);
        let step = ((here.ln - ln_target) / here.slope).clamp(-reach, reach);
        if step.is_nan() {
            break;
        }
        t -= step;
        if step.abs() <= 1e-9 * width {
            break;
        }
    }
    t
}
