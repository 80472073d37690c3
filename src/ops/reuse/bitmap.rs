//! Owns sets of points: a bit each, or some bytes where they lie far apart.

use std::collections::BTreeMap;
use std::ops::Range;

/// Numbers of points, in words of 64 by their place.
#[derive(Debug, Default)]
pub(super) struct PointBitmap(BTreeMap<u64, u64>);

impl PointBitmap {
    /// Puts one in.
    pub(super) fn insert(&mut self, index: u64) {
        *self.0.entry(index / 64).or_default() |= 1 << (index % 64);
    }

    /// Whether one is in.
    pub(super) fn contains(&self, index: u64) -> bool {
        self.0.get(&(index / 64)).is_some_and(|word| word & (1 << (index % 64)) != 0)
    }

    /// How many are here that are not there.
    pub(super) fn count_beyond(&self, there: &PointBitmap) -> u64 {
        let beyond = |(at, word): (&u64, &u64)| u64::from((word & !there.0.get(at).unwrap_or(&0)).count_ones());
        self.0.iter().map(beyond).sum()
    }

    /// The runs of numbers below `total` that are not there, in order.
    pub(super) fn gaps(&self, total: u64) -> impl Iterator<Item = Range<u64>> {
        let words = self.0.iter().map(|(at, word)| (at * 64, *word));
        let runs = words.flat_map(|(first, word)| {
            let mut at = 0_u32;
            std::iter::from_fn(move || {
                at += (word.checked_shr(at)?).trailing_zeros();
                let length = word.checked_shr(at)?.trailing_ones();
                let run = first + u64::from(at)..first + u64::from(at + length);
                at += length;
                Some(run)
            })
        });
        let mut next = 0;
        runs.chain(std::iter::once(total..total)).filter_map(move |run| {
            let gap = next..run.start;
            next = run.end;
            (!gap.is_empty()).then_some(gap)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn gaps_are_what_is_not_there(indices in prop::collection::btree_set(0..300u64, 0..300), total in 300..400u64) {
            let mut points = PointBitmap::default();
            for index in &indices {
                points.insert(*index);
            }
            prop_assert!((0..total).all(|index| points.contains(index) == indices.contains(&index)));
            prop_assert_eq!(points.count_beyond(&PointBitmap::default()), indices.len() as u64);
            prop_assert_eq!(points.count_beyond(&points), 0);
            let gaps: Vec<Range<u64>> = points.gaps(total).collect();
            let missing: BTreeSet<u64> = (0..total).filter(|index| !indices.contains(index)).collect();
            prop_assert_eq!(gaps.iter().cloned().flatten().collect::<BTreeSet<_>>(), missing);
            prop_assert!(gaps.windows(2).all(|pair| pair[0].end < pair[1].start), "{:?}", gaps);
        }
    }
}
