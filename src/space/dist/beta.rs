//! Owns the beta distribution: its regularized incomplete function, and its inverse.

use super::normal::standard_normal;
use super::special::{HALF_LN_2_PI, Tail, newton, stirling_error};

/// Two shapes, with what depends only on them.
#[derive(Clone, Copy, Debug)]
pub(in crate::space) struct Shapes {
    a: f64,
    b: f64,
    /// ln of the density of t at 0.
    ln_peak: f64,
}

impl Shapes {
    pub(super) fn new(a: f64, b: f64) -> Shapes {
        let n = a + b;
        let ln_peak = 0.5 * (libm::log(a) + libm::log(b) - libm::log(n)) - HALF_LN_2_PI + stirling_error(n)
            - stirling_error(a)
            - stirling_error(b);
        Shapes { a, b, ln_peak }
    }

    /// The quantile of u, 0 < u < 1: Newton's method on the logarithm of the smaller tail, in t = ln(x/(1−x)) −
    /// ln(a/b), in which the density is log-concave for all shapes.
    pub(super) fn quantile(&self, u: f64) -> f64 {
        if u <= 0.5 {
            let t = self.lower_quantile(u);
            1.0 / (1.0 + self.b / self.a * libm::exp(-t))
        } else {
            let swapped = Shapes { a: self.b, b: self.a, ..*self };
            let t = swapped.lower_quantile(1.0 - u);
            1.0 / (1.0 + self.b / self.a * libm::exp(t))
        }
    }

    /// ln(x/(1−x)) for the quantile x of u.
    pub(super) fn logit_quantile(&self, u: f64) -> f64 {
        let ln_odds = libm::log(self.a / self.b);
        if u <= 0.5 {
            return self.lower_quantile(u) + ln_odds;
        }
        let swapped = Shapes { a: self.b, b: self.a, ..*self };
        ln_odds - swapped.lower_quantile(1.0 - u)
    }

    fn lower_quantile(&self, p: f64) -> f64 {
        let width = (1.0 / self.a + 1.0 / self.b).sqrt().min(1.0);
        newton(self.start(p), width, libm::log(p), |t| {
            let (ln_lower, ln_density) = self.lower_tail(t);
            Tail { ln: ln_lower, slope: libm::exp(ln_density - ln_lower) }
        })
    }

    /// A first approximation: the x with x^a/(a·B(a, b)) = p if it is small; otherwise from the normal distribution.
    fn start(&self, p: f64) -> f64 {
        let (a, b) = (self.a, self.b);
        let n = a + b;
        let ln_beta = a * libm::log(a / n) + b * libm::log(b / n) - self.ln_peak;
        let ln_x = (libm::log(p) + libm::log(a) + ln_beta) / a;
        if a < 1.0 && ln_x < -1.0 {
            return ln_x - libm::log1p(-libm::exp(ln_x)) - libm::log(a / b);
        }
        standard_normal(p) * (1.0 / a + 1.0 / b).sqrt().min(2.0)
    }

    /// ln I_x(a, b), and ln of the density of t: by the continued fraction (DLMF 8.17.22) for x below the mean or so, and
    /// for 1 − x by symmetry above.
    fn lower_tail(&self, t: f64) -> (f64, f64) {
        let (a, b) = (self.a, self.b);
        let ln_density = self.ln_peak - drop(a, b, t);
        let x = 1.0 / (1.0 + b / a * libm::exp(-t));
        let y = 1.0 / (1.0 + a / b * libm::exp(t));
        // a − (a + b)·x, which is the other's negative, by the smaller exponential.
        let above = if t <= 0.0 { -a * y * libm::expm1(t) } else { b * x * libm::expm1(-t) };
        if x <= (a + 1.0) / (a + b + 2.0) {
            ((ln_density + libm::log(fraction(a, b, [x, y], above))).min(0.0), ln_density)
        } else {
            let ln_upper = (ln_density + libm::log(fraction(b, a, [y, x], -above))).min(0.0);
            (super::gamma::ln_complement(ln_upper), ln_density)
        }
    }
}

/// How far the logarithm of the density of t lies below its peak: n·(ln(q + p·e^t) − p·t), where n = a + b, p = a/n and
/// q = b/n. For p above 1/2 the same with a and b exchanged and −t, so that the logarithm keeps its digits.
fn drop(a: f64, b: f64, t: f64) -> f64 {
    let (a, b, t) = if a <= b { (a, b, t) } else { (b, a, -t) };
    let n = a + b;
    if t > 600.0 {
        // e^t would overflow: ln(q + p·e^t) − p·t = q·t + ln p + ln(1 + e^−t·q/p).
        return b * t + n * (libm::log(a / n) + libm::log1p(b / a * libm::exp(-t)));
    }
    n * libm::log1p(a / n * libm::expm1(t)) - a * t
}

/// I_x(a, b)·B(a, b)/(x^a·y^b), y = 1 − x, for x ≤ (a+1)/(a+b+2): the even part of the continued fraction, with `above` =
/// a − (a + b)·x given, which loses no digits for large a and b; routine BFRAC of A. R. DiDonato and A. H. Morris,
/// "Algorithm 708: significant digit computation of the incomplete beta function ratios", ACM TOMS 18 (1992), 360–373.
/// It takes some √max(a, b) steps.
fn fraction(a: f64, b: f64, [x, y]: [f64; 2], above: f64) -> f64 {
    let c = 1.0 + above;
    let c1 = 1.0 + 1.0 / a;
    let (mut p, mut s) = (1.0, a + 1.0);
    // The last two numerators and denominators, scaled so that the last denominator is 1.
    let (mut before, mut value) = ([0.0, 1.0 / (c / c1)], c1 / c);
    for n in 1..1_000_000 {
        let n = f64::from(n);
        let t = n / a;
        let w = n * (b - n) * x;
        let e = a / s;
        let alpha = p * (p + b / a) * e * e * (w * x);
        let e = (1.0 + t) / (c1 + 2.0 * t);
        let beta = n + w / s + e * (c + n * (1.0 + y));
        p = 1.0 + t;
        s += 2.0;
        let [numerator, denominator] = [alpha * before[0] + beta * value, alpha * before[1] + beta];
        let next = numerator / denominator;
        before = [value / denominator, 1.0 / denominator];
        let is_last = (next - value).abs() <= 2e-16 * next;
        value = next;
        if is_last {
            break;
        }
    }
    value
}
