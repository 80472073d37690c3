//! Owns quantiles: type 7 of Hyndman and Fan (1996), the default of R and NumPy.

/// The quantile p, 0 ≤ p ≤ 1, of sorted values: interpolates linearly at position (n − 1)·p. None: no values.
pub(super) fn quantile(sorted: &[f64], p: f64) -> Option<f64> {
    let position = sorted.len().checked_sub(1)? as f64 * p;
    let low = *sorted.get(position.floor() as usize)?;
    let high = *sorted.get(position.ceil() as usize)?;
    let part = position - position.floor();
    // Interpolation between two equal infinities would give NaN.
    Some(if low == high || part == 0.0 { low } else { low + part * (high - low) })
}
