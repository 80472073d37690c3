//! Owns ranges with equal differences: value k is from + k·step, an exact fraction.

use dashu_int::{IBig, UBig};
use dashu_ratio::{RBig, Relaxed};

use super::{TOO_CLOSE, check_integer_end};
use crate::space::decimal;
use crate::value::Value;

/// Value k is (first + k·step) / denominator; all are integers.
#[derive(Debug)]
pub(in crate::space) struct Linear {
    first: IBig,
    step: IBig,
    denominator: UBig,
    len: u64,
    /// Whether whole values are integers.
    integers: bool,
}

impl Linear {
    pub(super) fn new(from: RBig, step: RBig, len: u64, integers: bool) -> Result<Linear, String> {
        let last = &from + &step * RBig::from(len - 1);
        check_distinct(&from, &step, &last, len, integers)?;
        if integers {
            check_integer_end(&from)?;
            check_integer_end(&last)?;
        }
        let denominator = from.denominator() * step.denominator();
        let over = |x: &RBig| x.numerator() * (&denominator / x.denominator());
        Ok(Linear { first: over(&from), step: over(&step), denominator, len, integers })
    }

    pub(super) fn len(&self) -> u64 {
        self.len
    }

    pub(super) fn value(&self, k: u64) -> Value {
        let numerator = &self.first + &self.step * k;
        if self.integers && (&numerator % &self.denominator).is_zero() {
            // Both ends were checked to fit, and every value lies between them.
            if let Ok(whole) = i64::try_from(&numerator / &self.denominator) {
                return Value::Int(whole);
            }
        }
        let exact = Relaxed::from_parts(numerator, self.denominator.clone());
        Value::Float(decimal::relaxed_to_f64(&exact))
    }

    /// The position whose value is nearest to a number. It may lie outside the range.
    pub(super) fn nearest(&self, number: &RBig) -> IBig {
        if self.step.is_zero() {
            return IBig::ZERO;
        }
        let from_first = number * RBig::from(self.denominator.clone()) - RBig::from(self.first.clone());
        (from_first / RBig::from(self.step.clone())).round()
    }
}

/// Neighbouring values must differ by more than the largest gap between doubles among them.
fn check_distinct(from: &RBig, step: &RBig, last: &RBig, len: u64, integers: bool) -> Result<(), String> {
    let all_whole = integers && *step.denominator() == UBig::ONE;
    if len == 1 || (all_whole && !step.is_zero()) {
        return Ok(());
    }
    if step.is_zero() {
        return Err(format!("`from` and `to` are the same, so `count` must be 1, not {len}"));
    }
    let largest = decimal::to_f64(from).abs().max(decimal::to_f64(last).abs());
    // Finite, because both ends are.
    let gap = largest - largest.next_down();
    match RBig::try_from(gap) {
        Ok(gap) if step.clone() > gap || -step.clone() > gap => Ok(()),
        _ => Err(TOO_CLOSE.into()),
    }
}
