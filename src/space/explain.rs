//! Owns explaining how the number of points comes about.

use dashu_int::UBig;

use super::axis::axis_name;
use super::compiled_block::CompiledBlock;
use super::error::SpaceError;
use super::spec::{Block, SpaceSpec};
use crate::job::MAX_POINTS;

/// How the number of points of a block comes about: the product of the factors is `points`, and `kept` of those are
/// left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explained {
    /// The name and length of each axis (names joined by `+`), then `draws`, `randomizations`, `repeats`. Factors of 1
    /// are left out, except the first if all are 1.
    pub factors: Vec<(String, u64)>,
    /// Their product.
    pub points: u128,
    /// The number of points for which the conditions hold and that no earlier block has.
    pub kept: u64,
    /// Whether the block has conditions.
    pub has_conditions: bool,
}

/// The factors of a block, including those of 1.
pub(super) fn factors(spec: &SpaceSpec, block: &Block, lengths: impl Iterator<Item = u64>) -> Vec<(String, u64)> {
    let axes = block.axes.iter().map(axis_name).zip(lengths);
    let layers = [("draws", spec.draws), ("randomizations", spec.randomizations)];
    let layers = layers.into_iter().filter(|_| !block.random.is_empty());
    let rest = layers.chain([("repeats", spec.repeats)]).map(|(name, factor)| (name.to_owned(), factor));
    axes.chain(rest).collect()
}

pub(super) fn explain(spec: &SpaceSpec, block: &Block, part: &CompiledBlock, kept: u64) -> Explained {
    let mut factors = factors(spec, block, part.grid.lengths());
    let points = factors.iter().fold(1_u128, |product, (_, factor)| product.saturating_mul(u128::from(*factor)));
    let first = factors.first().cloned();
    factors.retain(|(_, factor)| *factor != 1);
    if factors.is_empty() {
        factors.extend(first);
    }
    Explained { factors, points, kept, has_conditions: !block.conditions.is_empty() }
}

/// The error that there are more than [`MAX_POINTS`], with the reason. `lengths`: the lengths of the axes of each
/// block.
pub(super) fn too_many(spec: &SpaceSpec, lengths: &[Vec<u64>]) -> SpaceError {
    let mut product = UBig::ZERO;
    let mut blocks = Vec::new();
    for (block, lengths) in spec.blocks.iter().zip(lengths) {
        let factors = factors(spec, block, lengths.iter().copied());
        product += factors.iter().fold(UBig::ONE, |product, (_, factor)| product * *factor);
        let named = factors.iter().filter(|(_, factor)| *factor != 1).map(|(name, factor)| format!("{name} {factor}"));
        blocks.push(named.collect::<Vec<_>>().join(" × "));
    }
    debug_assert!(product > UBig::from(MAX_POINTS) || spec.selection.is_some());
    SpaceError::TooManyPoints { factors: blocks.join(" + "), product: product.to_string() }
}
