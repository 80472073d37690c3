//! Owns ranges with equal factors: value k of n is from^(1−t) · to^t with t = k/(n−1), exact before it is rounded once.

use dashu_float::FBig;
use dashu_float::round::mode::HalfEven;
use dashu_int::ops::{BitTest, Gcd, UnsignedAbs};
use dashu_int::{IBig, UBig};
use dashu_ratio::RBig;

use super::{TOO_CLOSE, check_integer_end, to_value};
use crate::space::decimal;
use crate::value::Value;

type Approximation = FBig<HalfEven, 2>;

/// Bits of the approximations, some 150 decimal digits. Rounding twice (to these, then to a double) could be wrong only
/// if a value lay within 2^-440 or so of the middle between two doubles without being that middle. The values that can
/// be such a middle are fractions, which are computed exactly.
const PRECISION: usize = 512;

#[derive(Debug)]
pub(in crate::space) struct Log {
    from: RBig,
    len: u64,
    /// to/from = root^power with the largest possible power: value k is a fraction if and only if power·t is whole.
    root: RBig,
    power: u64,
    ln_from: Approximation,
    ln_ratio: Approximation,
    /// Both as doubles.
    ln_doubles: (f64, f64),
    /// Whether whole values are integers.
    integers: bool,
}

impl Log {
    pub(super) fn new(from: RBig, to: RBig, len: u64, integers: bool) -> Result<Log, String> {
        for (end, x) in [("from", &from), ("to", &to)] {
            if *x <= RBig::ZERO {
                return Err(format!("`{end}` of a log range must be above 0, not {x}"));
            }
            if integers {
                check_integer_end(x)?;
            }
        }
        let smallest = decimal::to_f64(&from).min(decimal::to_f64(&to));
        let (root, power) = largest_power(&(&to / &from));
        let ln_from = ln(&from);
        let ln_ratio = ln(&to) - &ln_from;
        let ln_doubles = (to_f64(&ln_from), to_f64(&ln_ratio));
        if len > 1 {
            check_distinct(ln_doubles.1, len, smallest)?;
        }
        Ok(Log { from, len, root, power, ln_from, ln_ratio, ln_doubles, integers })
    }

    pub(super) fn len(&self) -> u64 {
        self.len
    }

    pub(super) fn value(&self, k: u64) -> Value {
        if k == 0 {
            return to_value(&self.from, self.integers);
        }
        // t in lowest terms; `len` is at least 2 here.
        let gaps = self.len - 1;
        let common = k.gcd(gaps);
        let (p, q) = (k / common, gaps / common);
        if self.power.is_multiple_of(q) {
            // At most `power`, which is the length of a number in bits.
            let exponent = (self.power / q * p) as isize;
            return to_value(&(&self.from * self.root.pow(exponent)), self.integers);
        }
        let exponent = &self.ln_from + &self.ln_ratio * real(&RBig::from_parts(p.into(), q.into()));
        Value::Float(to_f64(&exponent.exp()))
    }

    /// The position whose value is nearest to a number. It may lie outside the range. None: there is no such position,
    /// or the number is not above 0.
    pub(super) fn nearest(&self, number: &RBig) -> Option<IBig> {
        if *number <= RBig::ZERO {
            return None;
        }
        if self.len == 1 {
            return Some(IBig::ZERO);
        }
        let gaps = self.len - 1;
        if let Some(near) = self.nearest_by_doubles(decimal::to_f64(number), gaps as f64) {
            return Some(near.into());
        }
        let t = (ln(number) - &self.ln_from) / &self.ln_ratio;
        Some((fraction(t) * RBig::from(gaps)).round())
    }

    /// The same a thousand times faster, unless doubles are too coarse to determine the position to within one.
    fn nearest_by_doubles(&self, number: f64, gaps: f64) -> Option<i64> {
        let (ln_from, ln_ratio) = self.ln_doubles;
        let ln_number = libm::log(number);
        let error = (ln_number.abs() + ln_from.abs() + ln_ratio.abs()) * 1e-15 * gaps / ln_ratio.abs();
        // The cast saturates at the ends of i64.
        (error < 0.25).then(|| ((ln_number - ln_from) / ln_ratio * gaps).round() as i64)
    }
}

fn check_distinct(ln_ratio: f64, len: u64, smallest: f64) -> Result<(), String> {
    if ln_ratio == 0.0 {
        return Err(format!("`from` and `to` are the same, so `count` must be 1, not {len}"));
    }
    // A double's neighbour is at most 2^-52 of it away, and at least 2^-1074; a factor of 2 for safety.
    let growth = ln_ratio.abs() / (len - 1) as f64;
    let apart = growth > f64::EPSILON * 2.0 && smallest * growth > f64::from_bits(2);
    if apart { Ok(()) } else { Err(TOO_CLOSE.into()) }
}

/// The fraction as root^power with the largest possible power; 1 is 1^1. The fraction is above 0.
fn largest_power(fraction: &RBig) -> (RBig, u64) {
    let none = || (fraction.clone(), 1);
    let (numerator, denominator) = (fraction.numerator().unsigned_abs(), fraction.denominator());
    if numerator == *denominator {
        return none();
    }
    // The power divides the exponent of each prime in the fraction. Decimals mostly contain 2 or 5, which leaves few to
    // try.
    let powers = [&numerator, denominator].map(common_power_of_small_primes);
    let divides = gcd_or_zero(powers[0], powers[1]);
    let most = numerator.bit_len().max(denominator.bit_len());
    let found = (2..=most).rev().filter(|power| divides.is_multiple_of(*power)).find_map(|power| {
        let root = RBig::from_parts(exact_root(&numerator, power)?.into(), exact_root(denominator, power)?);
        Some((root, power as u64))
    });
    found.unwrap_or_else(none)
}

/// The greatest common divisor of the exponents of 2, 3, 5 and 7 in a number above 0; 0 if none divides it.
fn common_power_of_small_primes(number: &UBig) -> usize {
    let mut rest = number.clone();
    let power = |prime: u8| rest.remove(&UBig::from(prime)).unwrap_or(0);
    [2, 3, 5, 7].map(power).into_iter().fold(0, gcd_or_zero)
}

/// The root of a number for this power, if there is one; found bit by bit.
fn exact_root(number: &UBig, power: usize) -> Option<UBig> {
    let mut root = UBig::ZERO;
    for bit in (0..=number.bit_len() / power).rev() {
        root.set_bit(bit);
        if root.pow(power) > *number {
            root.clear_bit(bit);
        }
    }
    (root.pow(power) == *number).then_some(root)
}

/// The greatest common divisor; of 0 and n it is n.
fn gcd_or_zero(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd_or_zero(b, a % b) }
}

fn real(fraction: &RBig) -> Approximation {
    let int = |x: IBig| Approximation::from(x).with_precision(PRECISION).value();
    int(fraction.numerator().clone()) / int(fraction.denominator().clone().into())
}

fn ln(fraction: &RBig) -> Approximation {
    real(fraction).ln()
}

fn to_f64(real: &Approximation) -> f64 {
    decimal::to_f64(&fraction(real.clone()))
}

fn fraction(real: Approximation) -> RBig {
    let (significand, exponent) = real.into_repr().into_parts();
    let shift = exponent.unsigned_abs();
    if exponent < 0 { RBig::from_parts(significand, UBig::ONE << shift) } else { RBig::from(significand << shift) }
}
