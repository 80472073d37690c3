//! Owns 95 % intervals around a mean.

use crate::space::student_t;

/// The quantile 0.975 of the standard normal distribution.
const Z: f64 = 1.959963984540054;

/// Student's: mean ± t·se, with n − 1 degrees of freedom; n ≥ 2.
pub(super) fn student(mean: f64, se: f64, n: u64) -> (f64, f64) {
    let half = student_t(0.05, n as f64 - 1.0) * se;
    (mean - half, mean + half)
}

/// Wilson's, for a part p of n that is true: it lies within 0 and 1, and is right for parts near them too. E. B. Wilson,
/// "Probable inference, the law of succession, and statistical inference", JASA 22 (1927).
pub(super) fn wilson(p: f64, n: u64) -> (f64, f64) {
    let n = n as f64;
    let z2 = Z * Z;
    let scale = 1.0 + z2 / n;
    let centre = (p + z2 / (2.0 * n)) / scale;
    let half = Z / scale * (p * (1.0 - p) / n + z2 / (4.0 * n * n)).sqrt();
    // At the ends the difference is 0 or 1 but for rounding.
    let low = if p == 0.0 { 0.0 } else { centre - half };
    let high = if p == 1.0 { 1.0 } else { centre + half };
    (low, high)
}
