//! Owns the keyed bijection of 0 … n−1, which needs no memory, and the Latin hypercube.

use crate::space::draw::below;
use crate::space::philox::block;

/// Up to this many elements, all permutations are exactly equally likely.
const FEW: u64 = 12;

/// Rounds of the Feistel network.
const ROUNDS: u64 = 12;

/// Where a keyed permutation of 0 … n−1 sends x, x < n. `which` numbers the permutations of a key, below 2^56.
///
/// Up to 12 elements the permutation is number ⌊w·n!/2^64⌋ in lexicographic order, w a word of the generator. Beyond it
/// is a Feistel network on pairs of digits in the bases a = ⌈√n⌉ and b = ⌈n/a⌉, walked on until it is below n: the
/// "generalized Feistel cipher" of J. Black and P. Rogaway, "Ciphers with arbitrary finite domains", CT-RSA 2002, with
/// Philox as the round function. Fewer than a of the a·b numbers are not below n, so that it seldom walks.
pub(super) fn permute(key: u64, which: u64, n: u64, x: u64) -> u64 {
    if n <= FEW {
        return one_of_few(block(key, [which << 8, 0])[0], n, x);
    }
    let a = root_up(n);
    let b = n.div_ceil(a);
    let mut y = x;
    loop {
        y = feistel(key, which, [a, b], y);
        if y < n {
            return y;
        }
    }
}

/// One pass. The digits are (low, high), low < a and high < b. Even rounds add a number derived from the high digit to
/// the low one; odd rounds do the reverse.
fn feistel(key: u64, which: u64, [a, b]: [u64; 2], x: u64) -> u64 {
    let (mut low, mut high) = (x % a, x / a);
    for round in 0..ROUNDS {
        let word = |digit| block(key, [(which << 8) + round, digit])[0];
        if round % 2 == 0 {
            low = (low + below(word(high), a)) % a;
        } else {
            high = (high + below(word(low), b)) % b;
        }
    }
    high * a + low
}

/// The least a with a² ≥ n.
fn root_up(n: u64) -> u64 {
    let root = n.isqrt();
    if root * root == n { root } else { root + 1 }
}

/// Element x of permutation number ⌊word·n!/2^64⌋ in lexicographic order, x < n ≤ [`FEW`].
fn one_of_few(word: u64, n: u64, x: u64) -> u64 {
    let mut left: Vec<u64> = (0..n).collect();
    let mut orders: u64 = (1..=n).product();
    let mut number = below(word, orders);
    for place in 0..x {
        orders /= n - place;
        left.remove((number / orders) as usize);
        number %= orders;
    }
    left.remove((number / (orders / (n - x))) as usize)
}

/// The word of a draw out of `draws`: each of the equal strata of words contains the word of exactly one draw, anywhere
/// in it.
///
/// M. D. McKay, R. J. Beckman, W. J. Conover, "A comparison of three methods for selecting values of input variables",
/// Technometrics 21 (1979), 239–245.
pub(in crate::space) fn latin_hypercube(key: u64, draws: u64, draw: u64) -> u64 {
    let stratum = u128::from(permute(key, 0, draws, draw));
    // The words of stratum s: from ⌈s·2^64/draws⌉ to the next stratum's first word.
    let begin = |stratum: u128| (stratum << 64).div_ceil(u128::from(draws));
    let (low, high) = (begin(stratum), begin(stratum + 1));
    let [jitter, _] = block(key, [u64::MAX, draw]);
    // A stratum has at most 2^64 words. Even with exactly that many the product fits, because jitter < 2^64.
    (low + ((u128::from(jitter) * (high - low)) >> 64)) as u64
}
