//! Owns sets of points as sparse bitmaps: one bit per point if the points are dense.

use std::collections::BTreeMap;
use std::ops::Range;

/// A set of point indices. Keys are `index / 64`, values are words with one bit per index.
#[derive(Debug, Default)]
pub(super) struct PointBitmap(BTreeMap<u64, u64>);

impl PointBitmap {
    /// Adds a point.
    pub(super) fn insert(&mut self, index: u64) {
        *self.0.entry(index / 64).or_default() |= 1 << (index % 64);
    }

    /// Whether the set has a point.
    pub(super) fn contains(&self, index: u64) -> bool {
        self.0.get(&(index / 64)).is_some_and(|word| word & (1 << (index % 64)) != 0)
    }

    /// The number of points that are in this set and not in `other`.
    pub(super) fn count_beyond(&self, other: &PointBitmap) -> u64 {
        let beyond = |(at, word): (&u64, &u64)| u64::from((word & !other.0.get(at).unwrap_or(&0)).count_ones());
        self.0.iter().map(beyond).sum()
    }

    /// The ranges of points below `total` that are not in the set, in order.
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
        fn gaps_are_the_points_that_are_not_in_the_set(indices in prop::collection::btree_set(0..300u64, 0..300), total in 300..400u64) {
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
