//! Owns the Sobol sequence, Owen-scrambled.

use crate::space::philox::block;

/// The direction numbers of dimensions 2 to 512, a line each: d, s, a, m_1 … m_s.
const JOE_KUO: &str = include_str!("joe-kuo-6.txt");

/// The number of dimensions with direction numbers.
const DIMENSIONS: usize = 512;

/// The first dimensions of the Sobol sequence: I. M. Sobol', 1967, with the direction numbers of S. Joe and F. Y. Kuo,
/// "Constructing Sobol sequences with better two-dimensional projections", SIAM J. Sci. Comput. 30 (2008), 2635–2654, to
/// 64 bits, in the order of the Gray code, which is theirs.
#[derive(Debug)]
pub(in crate::space) struct Sobol {
    /// For each dimension, the direction numbers as fractions of 2^64, for the lowest digit first.
    directions: Vec<[u64; 64]>,
}

impl Sobol {
    /// # Errors
    /// More dimensions than there are direction numbers for.
    pub(in crate::space) fn new(dimensions: usize) -> Result<Sobol, String> {
        if dimensions > DIMENSIONS {
            return Err(format!(
                "there are {dimensions} random parameters, and `sampling = \"sobol\"` has {DIMENSIONS} dimensions; use \
                 \"latin-hypercube\" or \"independent\""
            ));
        }
        let first = std::array::from_fn(|bit| 1 << (63 - bit));
        let lines = JOE_KUO.lines().filter(|line| !line.starts_with('#')).map(direction_numbers);
        Ok(Sobol { directions: std::iter::once(first).chain(lines).take(dimensions).collect() })
    }

    /// The coordinate of a point, as a fraction of 2^64; dimensions count from 0.
    #[allow(clippy::indexing_slicing, reason = "a dimension is less than the number given to `new`")]
    pub(super) fn plain(&self, dimension: usize, point: u64) -> u64 {
        let gray = point ^ (point >> 1);
        self.directions[dimension]
            .iter()
            .enumerate()
            .filter(|(bit, _)| gray >> bit & 1 == 1)
            .fold(0, |sum, (_, number)| sum ^ number)
    }

    /// The same, scrambled by a key.
    pub(in crate::space) fn word(&self, key: u64, dimension: usize, point: u64) -> u64 {
        owen_scramble(key, self.plain(dimension, point))
    }
}

/// The direction numbers of a line, by the recurrence of its primitive polynomial of degree s:
/// v_i = v_(i−s) ⊕ v_(i−s)/2^s ⊕ (v_(i−j) for those j whose coefficient is 1).
#[allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "the table is a part of the program, and a test reads all of it"
)]
fn direction_numbers(line: &str) -> [u64; 64] {
    let numbers: Vec<u64> = line.split_whitespace().map(|number| number.parse().expect("a number")).collect();
    let (degree, inner) = (numbers[1] as usize, numbers[2]);
    let mut v = [0; 64];
    for (i, m) in numbers[3..3 + degree].iter().enumerate() {
        v[i] = m << (63 - i);
    }
    for i in degree..64 {
        let oldest = v[i - degree];
        v[i] = (1..degree)
            .filter(|j| inner >> (degree - 1 - j) & 1 == 1)
            .fold(oldest ^ (oldest >> degree), |sum, j| sum ^ v[i - j]);
    }
    v
}

/// Nested uniform scrambling (A. B. Owen, 1995): whether a bit is flipped depends at random on the bits above it.
///
/// By hashing, after S. Laine and T. Karras, "Stratified sampling for stochastic transparency", 2011, and B. Burley,
/// "Practical hash-based Owen scrambling", JCGT 10 (2020): in a number read from its lowest bit, a sum, and x ⊕ x·even,
/// change each bit by those below it only. Here with 64 bits and four rounds, whose summands and multipliers all come from
/// the key by the generator, so that keys share nothing.
pub(super) fn owen_scramble(key: u64, x: u64) -> u64 {
    let mut x = x.reverse_bits();
    for round in 0..4 {
        let [summand, multiplier] = block(key, [round, 0]);
        x = x.wrapping_add(summand);
        x ^= x.wrapping_mul(multiplier & !1);
    }
    x.reverse_bits()
}
