//! Owns computing the selection: the points for which all conditions hold and that no earlier block has.

use super::bits::{Bits, BitsBuilder, MOST_BITS};
use super::cells::{Cell, CellNumbers};
use super::compiled_block::CompiledBlock;
use super::error::SpaceError;
use super::evaluate::EvalPoint;
use super::overlap::{Overlap, overlaps};
use super::spec::{Selection, SpaceSpec};
use crate::value::Value;

/// The number of points between two reports of progress.
const EVERY: u64 = 1 << 14;

/// What decides which points of each block are kept.
#[derive(Debug)]
pub(super) struct KeepRules {
    overlaps: Vec<Vec<Overlap>>,
}

impl KeepRules {
    pub(super) fn new(spec: &SpaceSpec, parts: &[CompiledBlock]) -> KeepRules {
        KeepRules { overlaps: overlaps(&spec.blocks, parts) }
    }

    fn of(&self, block: usize, depends_on_draw: bool) -> impl Iterator<Item = &Overlap> {
        self.overlaps.get(block).into_iter().flatten().filter(move |overlap| overlap.depends_on_draw == depends_on_draw)
    }

    fn sieves_grid(&self, block: usize, part: &CompiledBlock) -> bool {
        !part.grid_conditions.is_empty() || self.of(block, false).next().is_some()
    }

    fn sieves_cells(&self, parts: &[CompiledBlock]) -> bool {
        let sieves = |(block, part): (usize, &CompiledBlock)| {
            !part.cell_conditions.is_empty() || self.of(block, true).next().is_some()
        };
        parts.iter().enumerate().any(sieves)
    }

    /// Whether points have to be left out, or might have to be.
    pub(super) fn sieve(&self, parts: &[CompiledBlock]) -> bool {
        self.sieves_cells(parts) || parts.iter().enumerate().any(|(block, part)| self.sieves_grid(block, part))
    }

    /// Whether a selection belongs to these blocks: present where needed, and of the right length.
    pub(super) fn fit(&self, spec: &SpaceSpec, parts: &[CompiledBlock], selection: &Selection) -> bool {
        let grid = |((block, part), bits): ((usize, &CompiledBlock), &Option<Bits>)| match bits {
            Some(bits) => self.sieves_grid(block, part) && bits.len() == part.grid.len(),
            None => !self.sieves_grid(block, part),
        };
        let grids = selection.grids.len() == parts.len() && parts.iter().enumerate().zip(&selection.grids).all(grid);
        grids
            && match &selection.cells {
                Some(bits) => {
                    let cells = CellNumbers::new(spec, parts, &kept(parts, Some(selection)));
                    self.sieves_cells(parts) && cells.is_some_and(|cells| cells.len() == bits.len())
                }
                None => !self.sieves_cells(parts),
            }
    }
}

/// The number of kept grid points of each block.
pub(super) fn kept(parts: &[CompiledBlock], selection: Option<&Selection>) -> Vec<u64> {
    let bits = |block: usize| selection.and_then(|selection| selection.grids.get(block)?.as_ref());
    parts.iter().enumerate().map(|(block, part)| bits(block).map_or(part.grid.len(), Bits::ones)).collect()
}

/// The state while the points are evaluated.
struct SelectionPass<'a> {
    spec: &'a SpaceSpec,
    parts: &'a [CompiledBlock],
    rules: &'a KeepRules,
    selection: Selection,
    progress: &'a mut dyn FnMut(u64, u64),
    done: u64,
    total: u64,
}

/// Computes the selection. None if no point has to be left out. `progress` is called with the points done and their
/// total.
///
/// # Errors
/// A condition that cannot be evaluated; no point is left; too many points to evaluate.
pub(super) fn select(
    spec: &SpaceSpec,
    parts: &[CompiledBlock],
    rules: &KeepRules,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Option<Selection>, SpaceError> {
    if !rules.sieve(parts) {
        return Ok(None);
    }
    let mut total = 0_u64;
    for (_, part) in parts.iter().enumerate().filter(|(block, part)| rules.sieves_grid(*block, part)) {
        total = total.saturating_add(part.grid.len());
    }
    few_enough(total)?;
    let selection = Selection::default();
    let mut pass = SelectionPass { spec, parts, rules, selection, progress, done: 0, total };
    for (block, part) in parts.iter().enumerate() {
        let grid = if rules.sieves_grid(block, part) { Some(pass.grid(block, part)?) } else { None };
        pass.selection.grids.push(grid);
    }
    if rules.sieves_cells(parts) {
        pass.selection.cells = Some(pass.cells()?);
    }
    pass.tell();
    let selection = pass.selection;
    let any = match &selection.cells {
        Some(cells) => cells.ones() > 0,
        None => kept(parts, Some(&selection)).iter().any(|kept| *kept > 0),
    };
    if any { Ok(Some(selection)) } else { Err(SpaceError::NothingKept) }
}

fn few_enough(points: u64) -> Result<(), SpaceError> {
    if points > MOST_BITS { Err(SpaceError::TooManyToSelect { points }) } else { Ok(()) }
}

impl SelectionPass<'_> {
    /// The grid points of a block that are kept.
    fn grid(&mut self, block: usize, part: &CompiledBlock) -> Result<Bits, SpaceError> {
        let mut bits = BitsBuilder::default();
        let mut params = vec![Value::Missing; self.spec.order.len()];
        let has_earlier = self.rules.of(block, false).next().is_some();
        for index in 0..part.grid.len() {
            let here = EvalPoint::new(part, index, 0, 0);
            let mut keeps = all_hold(&here, &part.grid_conditions)?;
            if keeps && has_earlier {
                part.grid.put(index, &mut params);
                keeps = !self.rules.of(block, false).any(|overlap| self.earlier(overlap, &params).is_some());
            }
            bits.push(keeps);
            self.step();
        }
        Ok(bits.finish())
    }

    /// The number, among those kept, of the grid point of an earlier block that has these parameters.
    #[allow(clippy::indexing_slicing, reason = "the grids of earlier blocks are selected before those of later ones")]
    fn earlier(&self, overlap: &Overlap, params: &[Value]) -> Option<u64> {
        if overlap.extra.iter().any(|column| params.get(*column) != Some(&Value::Missing)) {
            return None;
        }
        let position = self.parts[overlap.earlier].grid.position(params)?;
        match &self.selection.grids[overlap.earlier] {
            Some(bits) => bits.get(position).then(|| bits.rank(position)),
            None => Some(position),
        }
    }

    /// The cells that are kept.
    fn cells(&mut self) -> Result<Bits, SpaceError> {
        let grid_points = kept(self.parts, Some(&self.selection));
        let cells = CellNumbers::new(self.spec, self.parts, &grid_points);
        let cells = cells.ok_or(SpaceError::TooManyToSelect { points: u64::MAX })?;
        few_enough(cells.len())?;
        self.total += cells.len();
        let mut bits = BitsBuilder::default();
        let mut params = vec![Value::Missing; self.spec.order.len()];
        for layer in 0..cells.layers() {
            for (block, (part, grid_points)) in self.parts.iter().zip(&grid_points).enumerate() {
                if layer > 0 && !part.is_random() {
                    continue;
                }
                for grid in 0..*grid_points {
                    let keeps = self.keeps_cell(&cells, Cell { block, grid, layer }, part, &bits, &mut params)?;
                    bits.push(keeps);
                    self.step();
                }
            }
        }
        Ok(bits.finish())
    }

    fn keeps_cell(
        &self,
        cells: &CellNumbers,
        cell: Cell,
        part: &CompiledBlock,
        before: &BitsBuilder,
        params: &mut [Value],
    ) -> Result<bool, SpaceError> {
        let index = match self.selection.grids.get(cell.block) {
            Some(Some(bits)) => {
                let missing = || SpaceError::Shape("a grid point that is kept has no position in the selection".into());
                bits.select(cell.grid).ok_or_else(missing)?
            }
            _ => cell.grid,
        };
        let (draw, randomization) = cells.draw(cell.layer);
        if !all_hold(&EvalPoint::new(part, index, draw, randomization), &part.cell_conditions)? {
            return Ok(false);
        }
        let mut earlier = self.rules.of(cell.block, true).peekable();
        if earlier.peek().is_none() {
            return Ok(true);
        }
        params.fill(Value::Missing);
        part.grid.put(index, params);
        let is_kept = |overlap: &Overlap| {
            let grid = self.earlier(overlap, params)?;
            before.get(cells.number(Cell { block: overlap.earlier, grid, layer: cell.layer })?)
        };
        Ok(!earlier.any(|overlap| is_kept(overlap) == Some(true)))
    }

    fn step(&mut self) {
        self.done += 1;
        if self.done.is_multiple_of(EVERY) {
            self.tell();
        }
    }

    fn tell(&mut self) {
        (self.progress)(self.done, self.total);
    }
}

fn all_hold(here: &EvalPoint<'_>, conditions: &[super::formula::Formula]) -> Result<bool, SpaceError> {
    for condition in conditions {
        if !here.holds(condition)? {
            return Ok(false);
        }
    }
    Ok(true)
}
