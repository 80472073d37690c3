//! Owns compiling the blocks of a space, and the checks that they fit together.

use std::collections::HashSet;

use super::VERSION;
use super::axis::AxisTable;
use super::compiled_block::CompiledBlock;
use super::error::SpaceError;
use super::explain::too_many;
use super::grid::Grid;
use super::selection::KeepRules;
use super::spec::SpaceSpec;

/// Compiles the blocks, and the rules for which points are kept.
pub(super) fn build(spec: &SpaceSpec) -> Result<(Vec<CompiledBlock>, KeepRules), SpaceError> {
    if !(1..=VERSION).contains(&spec.version) {
        return Err(SpaceError::UnknownVersion(spec.version));
    }
    if spec.draws == 0 || spec.repeats == 0 || spec.randomizations == 0 {
        return Err(SpaceError::Shape("draws, randomizations and repeats must be at least 1".into()));
    }
    if spec.blocks.is_empty() {
        return Err(SpaceError::Shape("the space has no block".into()));
    }
    check_names(spec)?;
    let axes = spec.blocks.iter().map(Grid::axes).collect::<Result<Vec<_>, _>>()?;
    let lengths: Vec<Vec<u64>> = axes.iter().map(|axes| axes.iter().map(AxisTable::len).collect()).collect();
    let parts = spec.blocks.iter().zip(axes).map(|(block, axes)| CompiledBlock::new(spec, block, axes));
    let Some(parts) = parts.collect::<Result<Option<Vec<_>>, _>>()? else {
        return Err(too_many(spec, &lengths));
    };
    if spec.blocks.iter().zip(&parts).any(|(block, part)| !part.has_shared_rows_in_bounds(block)) {
        return Err(SpaceError::Shape("the shared rows of a points file do not belong to its axis".into()));
    }
    let rules = KeepRules::new(spec, &parts);
    Ok((parts, rules))
}

/// In a block each parameter has a name of its own, and `order` has each name of any block once.
fn check_names(spec: &SpaceSpec) -> Result<(), SpaceError> {
    let mut names: HashSet<&String> = HashSet::new();
    for block in &spec.blocks {
        let mut seen = HashSet::new();
        let on_axes = block.axes.iter().flat_map(|axis| &axis.params).map(|param| &param.name);
        let drawn = block.random.iter().map(|random| &random.name);
        let mut all = on_axes.chain(drawn).chain(block.derived.iter().map(|derived| &derived.name));
        if let Some(twice) = all.find(|name| !seen.insert(*name)) {
            return Err(SpaceError::Shape(format!("parameter `{twice}` is defined twice")));
        }
        names.extend(seen);
    }
    let order: HashSet<&String> = spec.order.iter().collect();
    if names != order || order.len() != spec.order.len() {
        return Err(SpaceError::Shape("the order of the parameters does not list each of them exactly once".into()));
    }
    Ok(())
}
