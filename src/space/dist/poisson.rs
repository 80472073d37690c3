//! Owns the Poisson distribution.

use super::gamma::Shape;
use super::normal::standard_normal;

/// The largest mean: doubles cannot represent all whole numbers far beyond it.
const LARGEST_MEAN: f64 = 1e15;

#[derive(Clone, Copy, Debug)]
pub(in crate::space) struct Poisson {
    mean: f64,
}

impl Poisson {
    pub(super) fn new(mean: f64) -> Result<Poisson, String> {
        if !(mean > 0.0 && mean <= LARGEST_MEAN) {
            return Err(format!("`mean` of a Poisson distribution must be above 0 and at most 1e15, not {mean}"));
        }
        Ok(Poisson { mean })
    }

    /// The smallest k whose distribution function is at least u, 0 < u < 1. It starts from the expansion of Cornish and
    /// Fisher, takes steps that double until k is between two of them, and then bisects.
    pub(super) fn quantile(&self, u: f64) -> i64 {
        let z = standard_normal(u);
        let guess = self.mean + self.mean.sqrt() * z + (z * z - 1.0) / 6.0;
        let guess = libm::floor(guess).max(0.0) as i64;
        let reaches = self.reaches(u);
        // The answer is above `low` and at most `high`; −1 never reaches u.
        let (mut low, mut high, mut step) = (guess - 1, guess, 1);
        while !reaches(high) {
            (low, high) = (high, high + step);
            step *= 2;
        }
        step = 1;
        while low >= 0 && reaches(low) {
            (low, high) = ((low - step).max(-1), low);
            step *= 2;
        }
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            if reaches(middle) { high = middle } else { low = middle }
        }
        high
    }

    /// Whether the distribution function at k is at least u. It is Q(k + 1, mean) (DLMF 8.4.10), compared by the smaller
    /// tail.
    fn reaches(&self, u: f64) -> impl Fn(i64) -> bool {
        let mean = self.mean;
        let (ln_u, ln_above) = (libm::log(u), libm::log1p(-u));
        move |k| {
            let a = k as f64 + 1.0;
            let apart = (mean - a) / a;
            let t = if apart.abs() < 0.5 { libm::log1p(apart) } else { libm::log(mean / a) };
            let tails = Shape::new(a).tails(t);
            if u <= 0.5 { tails.ln_upper >= ln_u } else { tails.ln_lower <= ln_above }
        }
    }
}
