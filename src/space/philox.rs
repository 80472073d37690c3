//! Owns the random generator: Philox4x32-10. It is counter-based, so any value can be computed without the ones before
//! it.
//!
//! J. K. Salmon, M. A. Moraes, R. O. Dror, D. E. Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC '11. It is
//! implemented here because the values of a point must never change, whatever a library does.

const MULTIPLIERS: [u32; 2] = [0xD251_1F53, 0xCD9E_8D57];
const WEYL: [u32; 2] = [0x9E37_79B9, 0xBB67_AE85];
const ROUNDS: usize = 10;

/// One block: four 32-bit words from a counter and a key.
fn philox4x32(mut counter: [u32; 4], mut key: [u32; 2]) -> [u32; 4] {
    for round in 0..ROUNDS {
        if round > 0 {
            key = [key[0].wrapping_add(WEYL[0]), key[1].wrapping_add(WEYL[1])];
        }
        let product0 = u64::from(MULTIPLIERS[0]) * u64::from(counter[0]);
        let product1 = u64::from(MULTIPLIERS[1]) * u64::from(counter[2]);
        counter = [
            (product1 >> 32) as u32 ^ counter[1] ^ key[0],
            product1 as u32,
            (product0 >> 32) as u32 ^ counter[3] ^ key[1],
            product0 as u32,
        ];
    }
    counter
}

/// One block as two 64-bit words. The low half comes first everywhere: in key, counter and words.
pub(super) fn block(key: u64, counter: [u64; 2]) -> [u64; 2] {
    let split = |x: u64| [x as u32, (x >> 32) as u32];
    let join = |low: u32, high: u32| u64::from(low) | u64::from(high) << 32;
    let ([c0, c1], [c2, c3]) = (split(counter[0]), split(counter[1]));
    let [x0, x1, x2, x3] = philox4x32([c0, c1, c2, c3], split(key));
    [join(x0, x1), join(x2, x3)]
}

/// The words of one draw, in order: the blocks with the counters (draw, 0), (draw, 1), …
#[derive(Clone, Debug)]
pub(super) struct Words {
    key: u64,
    draw: u64,
    next_block: u64,
    second: Option<u64>,
}

impl Words {
    pub(super) fn new(key: u64, draw: u64) -> Words {
        Words { key, draw, next_block: 0, second: None }
    }

    pub(super) fn next(&mut self) -> u64 {
        if let Some(word) = self.second.take() {
            return word;
        }
        let [first, second] = block(self.key, [self.draw, self.next_block]);
        self.next_block = self.next_block.wrapping_add(1);
        self.second = Some(second);
        first
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The known answers published with Random123 (`kat_vectors`, philox4x32, 10 rounds).
    #[test]
    fn it_gives_the_published_answers() {
        let ones = u32::MAX;
        let pi = [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344];
        let cases = [
            ([0; 4], [0; 2], [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]),
            ([ones; 4], [ones; 2], [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]),
            (pi, [0xa409_3822, 0x299f_31d0], [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]),
        ];
        for (counter, key, answer) in cases {
            assert_eq!(philox4x32(counter, key), answer);
        }
    }

    #[test]
    fn words_are_combined_low_half_first() {
        let counter = [0x85a3_08d3_243f_6a88, 0x0370_7344_1319_8a2e];
        assert_eq!(block(0x299f_31d0_a409_3822, counter), [0x94fd_cceb_d16c_fe09, 0x2412_6ea1_5001_e420]);
    }

    #[test]
    fn words_follow_the_blocks_of_their_draw() {
        let mut words = Words::new(7, 3);
        let seen: Vec<u64> = (0..4).map(|_| words.next()).collect();
        assert_eq!(seen, [block(7, [3, 0]), block(7, [3, 1])].concat());
    }
}
