//! Owns the quantiles of the standard normal distribution.
//!
//! M. J. Wichura, "Algorithm AS 241: the percentage points of the normal distribution", Applied Statistics 37 (1988),
//! 477–484, routine PPND16: about 1 part in 10^16. The coefficients are written as the shortest decimals of the same
//! doubles.

/// A quotient of two polynomials: the coefficients of numerator and denominator, highest power first.
struct Rational {
    numerator: [f64; 8],
    denominator: [f64; 8],
}

impl Rational {
    /// The numerator at r, times a factor, divided by the denominator at r; polynomials by Horner's rule.
    fn at(&self, r: f64, factor: f64) -> f64 {
        let horner = |coefficients: &[f64; 8]| coefficients.iter().fold(0.0, |sum, c| sum * r + c);
        factor * horner(&self.numerator) / horner(&self.denominator)
    }
}

/// The middle, |p − 1/2| ≤ 0.425: numerator and denominator in 0.180625 − (p − 1/2)².
const MIDDLE: Rational = Rational {
    numerator: [
        2509.0809287301227,
        33430.57558358813,
        67265.7709270087,
        45921.95393154987,
        13731.69376550946,
        1971.5909503065513,
        133.14166789178438,
        3.3871328727963665,
    ],
    denominator: [
        5226.495278852854,
        28729.085735721943,
        39307.89580009271,
        21213.794301586597,
        5394.196021424751,
        687.1870074920579,
        42.31333070160091,
        1.0,
    ],
};

/// The near tails, in √(−ln r) − 1.6.
const NEAR: Rational = Rational {
    numerator: [
        0.0007745450142783414,
        0.022723844989269184,
        0.2417807251774506,
        1.2704582524523684,
        3.6478483247632045,
        5.769497221460691,
        4.630337846156546,
        1.4234371107496835,
    ],
    denominator: [
        1.0507500716444169e-9,
        0.0005475938084995345,
        0.015198666563616457,
        0.14810397642748008,
        0.6897673349851,
        1.6763848301838038,
        2.053191626637759,
        1.0,
    ],
};

/// The far tails, in √(−ln r) − 5.
const FAR: Rational = Rational {
    numerator: [
        2.0103343992922881e-07,
        2.7115555687434876e-05,
        0.0012426609473880784,
        0.026532189526576124,
        0.29656057182850487,
        1.7848265399172913,
        5.463784911164114,
        6.657904643501103,
    ],
    denominator: [
        2.0442631033899397e-15,
        1.421511758316446e-07,
        1.8463183175100548e-05,
        0.0007868691311456133,
        0.014875361290850615,
        0.1369298809227358,
        0.599832206555888,
        1.0,
    ],
};

/// The quantile at the probability p, 0 < p < 1.
pub(super) fn standard_normal(p: f64) -> f64 {
    let q = p - 0.5;
    if q.abs() <= 0.425 {
        return MIDDLE.at(0.180625 - q * q, q);
    }
    let tail = if q < 0.0 { p } else { 1.0 - p };
    let r = (-libm::log(tail)).sqrt();
    let x = if r <= 5.0 { NEAR.at(r - 1.6, 1.0) } else { FAR.at(r - 5.0, 1.0) };
    if q < 0.0 { -x } else { x }
}
