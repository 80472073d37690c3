//! Owns the gamma distribution: its regularized incomplete functions, and their inverse.

use super::normal::standard_normal;
use super::special::{Tail, exp_minus_linear, ln_poisson_factor, newton, stirling_error};

/// A shape, with what depends only on it.
#[derive(Clone, Copy, Debug)]
pub(in crate::space) struct Shape {
    a: f64,
    stirling_error: f64,
}

/// Both tails: they add up to 1, and each is accurate to its own last digits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tails {
    /// ln P, P the regularized lower incomplete gamma function.
    pub(super) ln_lower: f64,
    /// ln Q, Q = 1 − P.
    pub(super) ln_upper: f64,
    /// ln of the density of t.
    ln_density: f64,
}

impl Shape {
    pub(super) fn new(a: f64) -> Shape {
        Shape { a, stirling_error: stirling_error(a) }
    }

    /// P(a, x) and Q(a, x) at x = a·e^t, for any a > 0.
    ///
    /// For a ≥ 1000, within 8 standard deviations and more, by the uniform asymptotic expansion (DLMF 8.12). Otherwise P
    /// by its series for x < a + 1 (DLMF 8.7.1), and Q by its continued fraction above (DLMF 8.9.2). The argument is t and
    /// not x, so that tiny quantiles of small shapes, and small differences for large shapes, keep their digits.
    pub(super) fn tails(&self, t: f64) -> Tails {
        let a = self.a;
        let ln_factor = ln_poisson_factor(a, t, self.stirling_error);
        // The density of t is x times that of x: x^a·e^−x/Γ(a) = a · factor.
        let ln_density = ln_factor + libm::log(a);
        if a >= 1000.0 && t.abs() <= 0.3 {
            let (lower, upper) = uniform_expansion(a, t);
            return Tails { ln_lower: libm::log(lower), ln_upper: libm::log(upper), ln_density };
        }
        let x = a * libm::exp(t);
        if x < a + 1.0 {
            let ln_lower = (ln_factor + libm::log(series(a, x))).min(0.0);
            Tails { ln_lower, ln_upper: ln_complement(ln_lower), ln_density }
        } else {
            let ln_upper = (ln_density + libm::log(fraction(a, x))).min(0.0);
            Tails { ln_lower: ln_complement(ln_upper), ln_upper, ln_density }
        }
    }

    /// ln(x/a) at the quantile x of u, 0 < u < 1: Newton's method on the logarithm of the smaller tail, from the
    /// approximation of Wilson and Hilferty (1931), or from P ≤ x^a/Γ(a+1).
    pub(super) fn quantile(&self, u: f64) -> f64 {
        let a = self.a;
        let width = 1.0 / (1.0 + a.sqrt());
        if u <= 0.5 {
            newton(self.start(u), width, libm::log(u), |t| {
                let tails = self.tails(t);
                Tail { ln: tails.ln_lower, slope: libm::exp(tails.ln_density - tails.ln_lower) }
            })
        } else {
            newton(self.start(u), width, libm::log1p(-u), |t| {
                let tails = self.tails(t);
                Tail { ln: tails.ln_upper, slope: -libm::exp(tails.ln_density - tails.ln_upper) }
            })
        }
    }

    fn start(&self, u: f64) -> f64 {
        let a = self.a;
        let root = 1.0 - 1.0 / (9.0 * a) + standard_normal(u) / (3.0 * a.sqrt());
        if a >= 1.0 && root > 0.3 {
            return 3.0 * libm::log(root);
        }
        (libm::log(u) + libm::lgamma(a + 1.0)) / a - libm::log(a)
    }
}

/// ln(1 − e^l) for l ≤ 0, without cancellation.
pub(super) fn ln_complement(l: f64) -> f64 {
    if l > -std::f64::consts::LN_2 { libm::log(-libm::expm1(l)) } else { libm::log1p(-libm::exp(l)) }
}

/// 1 + x/(a+1) + x²/((a+1)(a+2)) + …, for x < a + 1.
fn series(a: f64, x: f64) -> f64 {
    let (mut sum, mut term, mut n) = (1.0, 1.0, a);
    // The ratio of terms falls below 1 at once, and below 1/2 within a + 2 steps or so; below 1000 it ends by then.
    for _ in 0..100_000 {
        n += 1.0;
        term *= x / n;
        sum += term;
        if term <= sum * 1e-17 {
            break;
        }
    }
    sum
}

/// Q·Γ(a)·e^x/x^a = 1/(x+1−a − 1·(1−a)/(x+3−a − …)), for x ≥ a + 1, by the method of Lentz as in Numerical Recipes,
/// section 6.2 (`gcf`).
fn fraction(a: f64, x: f64) -> f64 {
    let tiny = 1e-300;
    let mut b = x + 1.0 - a;
    let mut c = 1.0 / tiny;
    let mut d = 1.0 / b;
    let mut value = d;
    for i in 1..100_000 {
        let i = f64::from(i);
        let an = -i * (i - a);
        b += 2.0;
        let shifted = an * d + b;
        d = 1.0 / if shifted.abs() < tiny { tiny } else { shifted };
        c = b + an / c;
        if c.abs() < tiny {
            c = tiny;
        }
        value *= d * c;
        if (d * c - 1.0).abs() <= 2e-16 {
            break;
        }
    }
    value
}

/// P and Q by DLMF 8.12.3, 8.12.4 and 8.12.7: half of erfc(∓η·√(a/2)), and the remainder e^(−aη²/2)/√(2πa) · Σ
/// c_k(η)/a^k, where η²/2 = e^t − 1 − t and η has the sign of t.
fn uniform_expansion(a: f64, t: f64) -> (f64, f64) {
    let half_square = exp_minus_linear(t);
    let eta = libm::copysign((2.0 * half_square).sqrt(), t);
    let horner = |row: &&[f64]| row.iter().rev().fold(0.0, |sum, c| sum * eta + c);
    let sum = EXPANSION.iter().rev().map(horner).fold(0.0, |sum, c| sum / a + c);
    let remainder = libm::exp(-a * half_square) / (2.0 * std::f64::consts::PI * a).sqrt() * sum;
    let z = libm::copysign((a * half_square).sqrt(), t);
    (0.5 * libm::erfc(-z) - remainder, 0.5 * libm::erfc(z) + remainder)
}

/// The coefficients d_(k,n) of c_k(η) = Σ d_(k,n)·η^n (DLMF 8.12.11 and 8.12.12), for k = 0 … 4, computed in exact
/// fractions: as many as it takes for 16 digits from a = 1000 on with |η| ≤ 0.33.
const EXPANSION: [&[f64]; 5] = [
    &[
        -0.3333333333333333,
        0.08333333333333333,
        -0.014814814814814815,
        0.0011574074074074073,
        0.0003527336860670194,
        -0.0001787551440329218,
        3.919263178522438e-05,
        -2.185448510679992e-06,
        -1.85406221071516e-06,
        8.296711340953087e-07,
        -1.7665952736826078e-07,
        6.707853543401498e-09,
        1.0261809784240309e-08,
        -4.382036018453353e-09,
        9.14769958223679e-10,
        -2.5514193994946248e-11,
    ],
    &[
        -0.001851851851851852,
        -0.003472222222222222,
        0.0026455026455026454,
        -0.0009902263374485596,
        0.00020576131687242798,
        -4.018775720164609e-07,
        -1.8098550334489977e-05,
        7.64916091608111e-06,
        -1.6120900894563446e-06,
        4.647127802807434e-09,
        1.378633446915721e-07,
        -5.752545603517705e-08,
        1.1951628599778148e-08,
        -1.7543241719747647e-11,
    ],
    &[
        0.004133597883597883,
        -0.0026813271604938273,
        0.0007716049382716049,
        2.0093878600823047e-06,
        -0.0001073665322636516,
        5.2923448829120125e-05,
        -1.2760635188618728e-05,
        3.423578734096138e-08,
        1.3721957309062934e-06,
        -6.298992138380055e-07,
        1.4280614206064242e-07,
        -2.0477098421990866e-10,
    ],
    &[
        0.0006494341563786008,
        0.00022947209362139917,
        -0.0004691894943952557,
        0.00026772063206283885,
        -7.561801671883977e-05,
        -2.396505113867297e-07,
        1.1082654115347302e-05,
        -5.6749528269915965e-06,
        1.4230900732435883e-06,
        -2.7861080291528143e-11,
    ],
    &[
        -0.0008618882909167117,
        0.0007840392217200666,
        -0.0002990724803031902,
        -1.4638452578843418e-06,
        6.641498215465122e-05,
        -3.968365047179435e-05,
        1.1375726970678419e-05,
        2.507497226237533e-10,
    ],
];
