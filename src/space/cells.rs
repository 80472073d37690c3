//! Owns the numbers of cells: a cell is a grid point together with a draw. Grid points run fastest, block after block,
//! then draws, then randomizations.

use super::compiled_block::CompiledBlock;
use super::spec::SpaceSpec;

/// The cells of one repeat.
#[derive(Debug)]
pub(super) struct CellNumbers {
    /// Where each block's grid points begin in the first draw, and at the end how many there are.
    first: Vec<u64>,
    /// The same in each further draw: blocks that have nothing to draw are not there.
    further: Vec<u64>,
    len: u64,
    draws: u64,
}

/// A cell, taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cell {
    /// The number of the block.
    pub(super) block: usize,
    /// The number of the grid point among those of the block that are kept.
    pub(super) grid: u64,
    /// The draw, over all randomizations: draws · randomization + draw.
    pub(super) layer: u64,
}

impl CellNumbers {
    /// The cells of these blocks, where `kept` grid points of each are kept; none if 64 bits do not suffice.
    pub(super) fn new(spec: &SpaceSpec, parts: &[CompiledBlock], kept: &[u64]) -> Option<CellNumbers> {
        let further = || parts.iter().zip(kept).map(|(part, kept)| if part.is_random() { *kept } else { 0 });
        let (first, further) = (sums(kept.iter().copied())?, sums(further())?);
        let each = further.last().copied()?;
        let len = match each {
            0 => first.last().copied()?,
            _ => {
                let more = spec.draws.checked_mul(spec.randomizations)?.checked_sub(1)?;
                first.last()?.checked_add(each.checked_mul(more)?)?
            }
        };
        Some(CellNumbers { first, further, len, draws: spec.draws })
    }

    /// How many there are.
    pub(super) fn len(&self) -> u64 {
        self.len
    }

    /// How many layers there are in which a block has cells.
    pub(super) fn layers(&self) -> u64 {
        match (self.first.last(), self.further.last()) {
            (Some(first), Some(further)) if *further > 0 => 1 + (self.len - first) / further,
            _ => 1,
        }
    }

    /// The number of grid points in the first draw.
    pub(super) fn grid_points(&self) -> u64 {
        self.first.last().copied().unwrap_or(0)
    }

    /// Draw and randomization of a layer.
    pub(super) fn draw(&self, layer: u64) -> (u64, u64) {
        (layer % self.draws, layer / self.draws)
    }

    /// The cell with this number; none past the end.
    pub(super) fn at(&self, number: u64) -> Option<Cell> {
        if number >= self.len {
            return None;
        }
        let in_first = *self.first.last()?;
        let (starts, layer, offset) = if number < in_first {
            (&self.first, 0, number)
        } else {
            let each = *self.further.last()?;
            (&self.further, 1 + (number - in_first) / each, (number - in_first) % each)
        };
        // Of several blocks that begin at one place all but the last are empty.
        let block = starts.partition_point(|start| *start <= offset).checked_sub(1)?;
        Some(Cell { block, grid: offset - starts.get(block)?, layer })
    }

    /// The number of a cell; none if there is no such cell.
    pub(super) fn number(&self, cell: Cell) -> Option<u64> {
        let starts = if cell.layer == 0 { &self.first } else { &self.further };
        let offset = starts.get(cell.block)?.checked_add(cell.grid)?;
        if cell.layer >= self.layers() || offset >= *starts.get(cell.block + 1)? {
            return None;
        }
        match cell.layer.checked_sub(1) {
            None => Some(offset),
            Some(before) => Some(self.first.last()? + before * self.further.last()? + offset),
        }
    }
}

/// 0, and the sums of the numbers from the first on; none if they pass 64 bits.
fn sums(numbers: impl Iterator<Item = u64>) -> Option<Vec<u64>> {
    let mut sums = vec![0_u64];
    for number in numbers {
        sums.push(sums.last()?.checked_add(number)?);
    }
    Some(sums)
}
