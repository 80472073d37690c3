//! Owns `clip` and `round`, which are applied to a value after it is drawn.

use dashu_int::IBig;
use dashu_int::ops::Abs;
use dashu_ratio::RBig;

use super::super::decimal::{Decimal, to_f64};

/// Clips and rounds doubles.
#[derive(Clone, Debug, Default)]
pub(in crate::space) struct Finish {
    clip: Option<(f64, f64)>,
    step: Option<RoundingStep>,
}

/// The multiples of a decimal step that a value can be rounded to.
#[derive(Clone, Debug)]
struct RoundingStep {
    exact: RBig,
    /// The numbers of the smallest and the greatest multiple within the bounds.
    least: IBig,
    greatest: IBig,
    quick: Option<Quick>,
}

/// A step as digits/scale, both exact as doubles. Used for values for which doubles determine the nearest multiple with
/// certainty.
#[derive(Clone, Copy, Debug)]
struct Quick {
    step: f64,
    digits: f64,
    scale: f64,
    least: i64,
    greatest: i64,
}

/// Below this many steps a quotient of doubles is accurate to 2^−12, and a multiple has fewer than 53 bits.
const QUICK_REACH: i64 = 1 << 40;

impl Finish {
    pub(super) fn new(clip: Option<(f64, f64)>, round: Option<&str>) -> Result<Finish, String> {
        check_clip(clip)?;
        let step = round.map(|text| RoundingStep::new(text, clip)).transpose()?;
        Ok(Finish { clip, step })
    }

    /// The value within the bounds, then the nearest multiple of the step within them, rounded once to a double; halfway
    /// between two, the even multiple. Never negative zero.
    pub(super) fn value(&self, x: f64) -> f64 {
        let x = self.clip.map_or(x, |(low, high)| x.clamp(low, high));
        self.step.as_ref().map_or(x, |step| step.nearest(x)) + 0.0
    }
}

impl RoundingStep {
    fn new(text: &str, clip: Option<(f64, f64)>) -> Result<RoundingStep, String> {
        let exact = read_step(text)?;
        let (low, high) = clip.unwrap_or((f64::MIN, f64::MAX));
        let least = least_multiple(&exact, low);
        let greatest = -least_multiple(&exact, -high);
        if least > greatest {
            return Err(format!("there is no multiple of `round` {text} from {low} to {high}, the bounds of `clip`"));
        }
        let quick = Quick::new(&exact, &least, &greatest);
        Ok(RoundingStep { exact, least, greatest, quick })
    }

    fn nearest(&self, x: f64) -> f64 {
        self.quick.and_then(|quick| quick.nearest(x)).unwrap_or_else(|| self.exactly_nearest(x))
    }

    fn exactly_nearest(&self, x: f64) -> f64 {
        let quotient = exact(x) / &self.exact;
        let number = half_even(&quotient).clamp(self.least.clone(), self.greatest.clone());
        to_f64(&(RBig::from(number) * &self.exact))
    }
}

impl Quick {
    fn new(exact: &RBig, least: &IBig, greatest: &IBig) -> Option<Quick> {
        let of_power = |power: u32| {
            let scale = 10_u64.pow(power);
            let digits = exact * RBig::from(scale);
            let digits = (digits.denominator().is_one()).then(|| i64::try_from(digits.numerator()).ok()).flatten()?;
            // Digits of 12 bits leave 40 for the number of the multiple.
            (digits < 1 << 12).then_some((digits as f64, scale as f64))
        };
        let (digits, scale) = (0..=15).find_map(of_power)?;
        let bounded = |number: &IBig| {
            let reach = IBig::from(2 * QUICK_REACH);
            i64::try_from(number.clone().clamp(-reach.clone(), reach)).ok()
        };
        Some(Quick { step: digits / scale, digits, scale, least: bounded(least)?, greatest: bounded(greatest)? })
    }

    /// The nearest multiple. None: exact arithmetic is needed to determine it.
    fn nearest(&self, x: f64) -> Option<f64> {
        let quotient = x / self.step;
        let near = libm::rint(quotient);
        if quotient.abs() >= QUICK_REACH as f64 || (quotient - near).abs() > 0.499 {
            return None;
        }
        let number = (near as i64).clamp(self.least, self.greatest);
        // The product is exact, and so is the scale: the quotient is rounded once.
        (number.abs() <= QUICK_REACH).then(|| number as f64 * self.digits / self.scale)
    }
}

/// Clips and rounds whole numbers.
#[derive(Clone, Copy, Debug)]
pub(in crate::space) struct WholeFinish {
    low: i64,
    high: i64,
    step: i64,
}

impl WholeFinish {
    pub(super) fn new(clip: Option<(f64, f64)>, round: Option<&str>) -> Result<WholeFinish, String> {
        check_clip(clip)?;
        const BEYOND: f64 = -(i64::MIN as f64);
        if clip.is_some_and(|(low, high)| low >= BEYOND || high < -BEYOND) {
            return Err("the bounds of `clip` do not fit in 64-bit whole numbers".into());
        }
        // A cast to an integer saturates.
        let (low, high) =
            clip.map_or((i64::MIN, i64::MAX), |(low, high)| (libm::ceil(low) as i64, libm::floor(high) as i64));
        if low > high {
            return Err("there is no whole number within the bounds of `clip`".into());
        }
        let step = round.map_or(Ok(1), whole_step)?;
        let (least, greatest) = (i128::from(low).div_euclid_up(step), i128::from(high).div_euclid(i128::from(step)));
        if least > greatest {
            return Err(format!("there is no multiple of `round` {step} within the bounds of `clip`"));
        }
        Ok(WholeFinish { low, high, step })
    }

    pub(super) fn value(&self, x: i64) -> i64 {
        let x = x.clamp(self.low, self.high);
        if self.step == 1 {
            return x;
        }
        let (x, step) = (i128::from(x), i128::from(self.step));
        let (below, rest) = (x.div_euclid(step), x.rem_euclid(step));
        let up = 2 * rest > step || (2 * rest == step && below % 2 != 0);
        let least = i128::from(self.low).div_euclid_up(self.step);
        let greatest = i128::from(self.high).div_euclid(step);
        // Multiples between the bounds fit.
        ((below + i128::from(up)).clamp(least, greatest) * step) as i64
    }
}

/// Division rounded up.
trait DivUp {
    fn div_euclid_up(self, by: i64) -> i128;
}

impl DivUp for i128 {
    fn div_euclid_up(self, by: i64) -> i128 {
        -(-self).div_euclid(i128::from(by))
    }
}

fn check_clip(clip: Option<(f64, f64)>) -> Result<(), String> {
    match clip {
        Some((low, high)) if !(low.is_finite() && high.is_finite()) => {
            Err(format!("the bounds of `clip`, {low} and {high}, are not both finite"))
        }
        Some((low, high)) if low >= high => {
            Err(format!("the lower bound of `clip` must be below the upper one, but they are {low} and {high}"))
        }
        _ => Ok(()),
    }
}

fn read_step(text: &str) -> Result<RBig, String> {
    let step = Decimal::parse(text).map_err(|why| format!("`round`: {why}"))?.exact;
    if step <= RBig::ZERO {
        return Err(format!("`round` must be a step above 0, not {text}"));
    }
    Ok(step)
}

fn whole_step(text: &str) -> Result<i64, String> {
    let step = read_step(text)?;
    let whole = step.denominator().is_one().then(|| i64::try_from(step.numerator()).ok()).flatten();
    whole.ok_or_else(|| format!("`round` of whole numbers must be a whole number, not {text}"))
}

/// A finite double as a fraction.
#[expect(clippy::expect_used, reason = "values and bounds are finite: others are refused when the sweep file is read")]
fn exact(x: f64) -> RBig {
    RBig::try_from(x).expect("the number is finite")
}

/// The number of the smallest multiple that is, as a double, not below the bound.
fn least_multiple(step: &RBig, bound: f64) -> IBig {
    let number = (exact(bound) / step).ceil();
    // The bound may represent a multiple just below it: 0.15 as a double is not 3 times 0.05.
    let before = &number - IBig::ONE;
    if to_f64(&(RBig::from(before.clone()) * step)) >= bound { before } else { number }
}

/// The nearest whole number; halfway between two, the even one.
fn half_even(x: &RBig) -> IBig {
    let below = x.floor();
    let twice_rest = (x - RBig::from(below.clone())) * RBig::from(2);
    let is_odd = (&below % IBig::from(2)).abs() == IBig::ONE;
    let up = twice_rest > RBig::ONE || (twice_rest == RBig::ONE && is_odd);
    if up { below + IBig::ONE } else { below }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::print_float;
    use proptest::prelude::*;

    fn rounded(step: &str, clip: Option<(f64, f64)>, x: f64) -> String {
        print_float(Finish::new(clip, Some(step)).unwrap().value(x))
    }

    #[test]
    fn multiples_print_as_decimals() {
        assert_eq!(rounded("0.05", None, 0.1501), "0.15");
        assert_eq!(rounded("0.1", None, 0.30000000000000004), "0.3");
        assert_eq!(rounded("2.5e-7", None, 7.6e-7), "7.5e-7");
        assert_eq!(rounded("1", None, 1e300), "1e300");
        assert_eq!(rounded("100", None, -151.0), "-200.0");
        assert_eq!(rounded("0.05", None, -0.01), "0.0");
        assert_eq!(rounded("3", None, f64::MAX), "1.7976931348623157e308");
    }

    #[test]
    fn ties_go_to_the_even_multiple() {
        for (x, expected) in [(0.125, "0.0"), (0.375, "0.5"), (-0.375, "-0.5"), (0.625, "0.5"), (0.875, "1.0")] {
            assert_eq!(rounded("0.25", None, x), expected);
        }
        let ints = WholeFinish::new(None, Some("10")).unwrap();
        assert_eq!([5, 15, 25, -5, -15, 26].map(|x| ints.value(x)), [0, 20, 20, 0, -20, 30]);
    }

    #[test]
    fn bounds_hold_after_rounding() {
        // The doubles next to 0.15 and 0.35 are not multiples of 0.05, but represent them.
        assert_eq!(rounded("0.05", Some((0.15, 0.35)), 0.0), "0.15");
        assert_eq!(rounded("0.05", Some((0.15, 0.35)), 9.0), "0.35");
        assert_eq!(rounded("0.5", Some((0.3, 1.4)), 0.0), "0.5");
        assert_eq!(rounded("0.5", Some((0.3, 1.4)), 9.0), "1.0");
        let ints = WholeFinish::new(Some((3.5, 27.0)), Some("5")).unwrap();
        assert_eq!([i64::MIN, 4, 27, i64::MAX].map(|x| ints.value(x)), [5, 5, 25, 25]);
        let widest = WholeFinish::new(None, Some("4")).unwrap();
        assert_eq!([i64::MIN, i64::MAX].map(|x| widest.value(x)), [i64::MIN, i64::MAX - 3]);
    }

    #[test]
    fn what_cannot_be_used_is_refused() {
        let error = |clip, round| Finish::new(clip, round).unwrap_err();
        assert!(error(Some((1.0, 1.0)), None).contains("must be below"));
        assert!(error(Some((f64::NAN, 1.0)), None).contains("finite"));
        assert!(error(None, Some("0")).contains("above 0"));
        assert!(error(None, Some("x")).contains("not a decimal number"));
        assert!(error(Some((0.1, 0.2)), Some("0.5")).contains("no multiple"));
        assert!(WholeFinish::new(None, Some("0.5")).unwrap_err().contains("whole number"));
        assert!(WholeFinish::new(Some((0.1, 0.2)), None).unwrap_err().contains("no whole number"));
        assert!(WholeFinish::new(Some((1.0, 4.0)), Some("5")).unwrap_err().contains("no multiple"));
    }

    #[test]
    fn clip_bounds_beyond_the_whole_numbers_are_refused() {
        for clip in [(1e19, 1e20), (-1e20, -1e19), (9_223_372_036_854_775_808.0, 1e300)] {
            let error = WholeFinish::new(Some(clip), None).unwrap_err();
            assert!(error.contains("do not fit"), "{error}");
        }
        let all = WholeFinish::new(Some((-1e300, 1e300)), None).unwrap();
        assert_eq!([i64::MIN, 7, i64::MAX].map(|x| all.value(x)), [i64::MIN, 7, i64::MAX]);
    }

    proptest! {
        #[test]
        fn quick_and_exact_rounding_agree(x in -1e9..1e9_f64, digits in 1..5000_u32, power in 0..9_u32, tie: bool) {
            let text = format!("{digits}e-{power}");
            let step = RoundingStep::new(&text, Some((-1e8, 1e8))).unwrap();
            let x = if tie { (x / step.quick.map_or(1.0, |q| q.step)).floor() * f64::from(digits) / 10_f64.powi(power as i32) } else { x };
            prop_assert_eq!(step.nearest(x), step.exactly_nearest(x));
        }

        #[test]
        fn rounding_is_monotone_and_within_half_a_step(x in -1e3..1e3_f64, y in -1e3..1e3_f64, digits in 1..500_u32) {
            let finish = Finish::new(None, Some(&format!("{digits}e-2"))).unwrap();
            let step = f64::from(digits) / 100.0;
            prop_assert!((finish.value(x) - x).abs() <= step * 0.5000001 + 1e-12);
            prop_assert!((x <= y) == (finish.value(x) <= finish.value(y)) || finish.value(x) == finish.value(y));
        }
    }
}
