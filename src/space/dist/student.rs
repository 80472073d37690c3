//! Owns the quantiles of Student's t, computed from those of the beta distribution. Confidence intervals need them; no
//! parameter has this distribution.

use super::beta::Shapes;

/// The t for which a variable of Student's t distribution with `df` degrees of freedom lies beyond −t or t with
/// probability `outside`: 12.7… for 0.05 and 1, 1.9599… for 0.05 and infinitely many. 0 < outside < 1, df > 0; good to
/// 12 digits. With ν = df, P(|T| > t) = I_x(ν/2, 1/2) at x = ν/(ν + t²), so t² = ν·(1 − x)/x.
pub fn student_t(outside: f64, df: f64) -> f64 {
    // The logarithm of x/(1−x) is what the quantile is found in: nothing cancels for large ν.
    (df * libm::exp(-Shapes::new(df / 2.0, 0.5).logit_quantile(outside))).sqrt()
}
