//! Owns 95 % intervals around a mean.

use crate::space::student_t;

/// The 0.975 quantile of the standard normal distribution.
const Z: f64 = 1.959963984540054;

/// Student's interval: mean ± t·se, with n − 1 degrees of freedom; n ≥ 2.
pub(super) fn student(mean: f64, se: f64, n: u64) -> (f64, f64) {
    let half = student_t(0.05, n as f64 - 1.0) * se;
    (mean - half, mean + half)
}

/// Wilson's interval for a proportion p of n values. It lies within 0 and 1, and is also accurate for p near 0 and 1.
/// Source: E. B. Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927).
pub(super) fn wilson(p: f64, n: u64) -> (f64, f64) {
    let n = n as f64;
    let z2 = Z * Z;
    let scale = 1.0 + z2 / n;
    let centre = (p + z2 / (2.0 * n)) / scale;
    let half = Z / scale * (p * (1.0 - p) / n + z2 / (4.0 * n * n)).sqrt();
    // At p = 0 and p = 1 the bound is exactly 0 or 1; the difference would have a rounding error.
    let low = if p == 0.0 { 0.0 } else { centre - half };
    let high = if p == 1.0 { 1.0 } else { centre + half };
    (low, high)
}
