//! Owns mean and standard deviation in one pass, accurate to about the last digit of a double.

/// The sum of values and the sum of their squares, each in double-double arithmetic.
///
/// Σx² − (Σx)²/n suffers from cancellation. Welford's recurrence is the usual remedy, but it still loses about
/// log10(mean/sd) digits. Sums with twice the digits are accurate up to a mean of 10^8 times the standard deviation, and
/// need no division per value. The squares of values beyond 10^150 overflow: then there is no standard deviation.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sums {
    count: u64,
    sum: Double,
    squares: Double,
}

impl Sums {
    pub(super) fn push(&mut self, x: f64) {
        self.count += 1;
        self.sum = self.sum.plus(Double { high: x, low: 0.0 });
        self.squares = self.squares.plus(product(x, x));
    }

    pub(super) fn count(&self) -> u64 {
        self.count
    }

    pub(super) fn mean(&self) -> Option<f64> {
        (self.count > 0).then(|| self.sum.over(self.count as f64).value())
    }

    /// The sample standard deviation, with divisor n − 1; none: fewer than two values, or overflow.
    pub(super) fn sd(&self) -> Option<f64> {
        if self.count < 2 {
            return None;
        }
        let n = self.count as f64;
        let mean = self.sum.over(n);
        // Σx² − mean·Σx.
        let spread = self.squares.plus(mean.times(self.sum).negated());
        let variance = spread.over(n - 1.0).value();
        // If all values are equal, rounding can make the variance slightly negative.
        (variance.is_finite()).then(|| variance.max(0.0).sqrt())
    }
}

/// A number as the sum of two non-overlapping doubles: 106 bits. Source: Dekker, "A floating-point technique for extending
/// the available precision", Numer. Math. 18 (1971).
#[derive(Clone, Copy, Debug, Default)]
struct Double {
    high: f64,
    low: f64,
}

impl Double {
    fn value(self) -> f64 {
        self.high + self.low
    }

    fn negated(self) -> Double {
        Double { high: -self.high, low: -self.low }
    }

    fn plus(self, other: Double) -> Double {
        let (sum, error) = two_sum(self.high, other.high);
        normal(sum, error + self.low + other.low)
    }

    fn times(self, other: Double) -> Double {
        let exact = product(self.high, other.high);
        normal(exact.high, exact.low + self.high * other.low + self.low * other.high)
    }

    fn over(self, divisor: f64) -> Double {
        let first = self.high / divisor;
        let rest = self.plus(product(first, divisor).negated());
        normal(first, rest.value() / divisor)
    }
}

/// The rounded sum, and its exact rounding error.
fn two_sum(a: f64, b: f64) -> (f64, f64) {
    let sum = a + b;
    let part = sum - a;
    (sum, (a - (sum - part)) + (b - part))
}

fn normal(high: f64, low: f64) -> Double {
    let sum = high + low;
    Double { high: sum, low: low - (sum - high) }
}

/// The exact product.
fn product(a: f64, b: f64) -> Double {
    let split = |x: f64| {
        let scaled = x * 134_217_729.0;
        let high = scaled - (scaled - x);
        (high, x - high)
    };
    let high = a * b;
    let ((a1, a2), (b1, b2)) = (split(a), split(b));
    Double { high, low: ((a1 * b1 - high) + a1 * b2 + a2 * b1) + a2 * b2 }
}
