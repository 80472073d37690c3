//! Owns detecting which blocks may have points in common. This is decided from their parameters if possible;
//! `selection` compares the rest point by point.

use super::compiled_block::CompiledBlock;
use super::spec::Block;

/// An earlier block that may have points in common with a later one.
#[derive(Debug)]
pub(super) struct Overlap {
    /// The number of the earlier block.
    pub(super) earlier: usize,
    /// Columns that only the later block's grid has: they must be undefined.
    pub(super) extra: Vec<usize>,
    /// Whether the conditions of the earlier block depend on the draw, and differ from those of the later one.
    pub(super) depends_on_draw: bool,
}

/// For each block, the earlier ones that may have points in common with it.
pub(super) fn overlaps(blocks: &[Block], parts: &[CompiledBlock]) -> Vec<Vec<Overlap>> {
    let all: Vec<(&Block, &CompiledBlock)> = blocks.iter().zip(parts).collect();
    let of = |(later, two): (usize, &(&Block, &CompiledBlock))| {
        let earlier = all.iter().enumerate().take(later);
        earlier.filter_map(|(earlier, one)| overlap(earlier, *one, *two)).collect()
    };
    all.iter().enumerate().map(of).collect()
}

fn overlap(earlier: usize, one: (&Block, &CompiledBlock), two: (&Block, &CompiledBlock)) -> Option<Overlap> {
    // Blocks with different random or derived parameters have different points.
    if !same_set(&one.0.random, &two.0.random) || !same_set(&one.0.derived, &two.0.derived) {
        return None;
    }
    let (ours, theirs): (Vec<_>, Vec<_>) = (one.1.grid.lines().collect(), two.1.grid.lines().collect());
    let mut extra = Vec::new();
    for (line, column) in &theirs {
        match ours.iter().find(|(_, other)| other == column) {
            Some((other, _)) if other.is_apart_from(line) => return None,
            Some(_) => {}
            None if !line.has_missing() => return None,
            None => extra.push(*column),
        }
    }
    let lacks = |column: &usize| !theirs.iter().any(|(_, other)| other == column);
    if ours.iter().any(|(line, column)| lacks(column) && !line.has_missing()) {
        return None;
    }
    let texts =
        |part: &CompiledBlock| part.cell_conditions.iter().map(|condition| condition.text.clone()).collect::<Vec<_>>();
    let (mine, yours) = (texts(one.1), texts(two.1));
    Some(Overlap { earlier, extra, depends_on_draw: !mine.is_empty() && !same_set(&mine, &yours) })
}

fn same_set<T: PartialEq>(one: &[T], two: &[T]) -> bool {
    one.len() == two.len() && one.iter().all(|item| two.contains(item))
}
