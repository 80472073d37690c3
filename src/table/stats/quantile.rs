//! Owns quantiles of values: type 7 of Hyndman and Fan (1996), the default of R and of NumPy.

/// The quantile p, 0 ≤ p ≤ 1, of sorted values: between the two values around the place (n − 1)·p. None: no values.
pub(super) fn quantile(sorted: &[f64], p: f64) -> Option<f64> {
    let place = sorted.len().checked_sub(1)? as f64 * p;
    let low = *sorted.get(place.floor() as usize)?;
    let high = *sorted.get(place.ceil() as usize)?;
    let part = place - place.floor();
    // Of two infinities, or of equal values, there is nothing between.
    Some(if low == high || part == 0.0 { low } else { low + part * (high - low) })
}
