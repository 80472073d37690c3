//! Owns the numbering of cells. A cell is a grid point together with a draw. Grid points vary fastest, block after
//! block, then draws, then randomizations.

use super::compiled_block::CompiledBlock;
use super::spec::SpaceSpec;

/// The cells of one repeat.
#[derive(Debug)]
pub(super) struct CellNumbers {
    /// The number of the first grid point of each block in the first draw, and the number of all at the end.
    first: Vec<u64>,
    /// The same in each further draw, which has only the blocks with random parameters.
    further: Vec<u64>,
    /// The number of cells in the first draw.
    in_first: u64,
    /// The number of cells in each further draw.
    in_further: u64,
    len: u64,
    draws: u64,
}

/// The parts of a cell's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cell {
    /// The number of the block.
    pub(super) block: usize,
    /// The number of the grid point among the kept ones of the block.
    pub(super) grid: u64,
    /// The draw, over all randomizations: draws · randomization + draw.
    pub(super) layer: u64,
}

impl CellNumbers {
    /// The cells of these blocks, of which `kept` grid points each are kept. None if the number exceeds 64 bits.
    pub(super) fn new(spec: &SpaceSpec, parts: &[CompiledBlock], kept: &[u64]) -> Option<CellNumbers> {
        let further = || parts.iter().zip(kept).map(|(part, kept)| if part.is_random() { *kept } else { 0 });
        let ((first, in_first), (further, in_further)) = (sums(kept.iter().copied())?, sums(further())?);
        let len = match in_further {
            0 => in_first,
            _ => {
                let more = spec.draws.checked_mul(spec.randomizations)?.checked_sub(1)?;
                in_first.checked_add(in_further.checked_mul(more)?)?
            }
        };
        Some(CellNumbers { first, further, in_first, in_further, len, draws: spec.draws })
    }

    /// The number of cells.
    pub(super) fn len(&self) -> u64 {
        self.len
    }

    /// The number of layers in which a block has cells.
    pub(super) fn layers(&self) -> u64 {
        (self.len - self.in_first).checked_div(self.in_further).map_or(1, |further| 1 + further)
    }

    /// The number of grid points in the first draw.
    pub(super) fn grid_points(&self) -> u64 {
        self.in_first
    }

    /// Draw and randomization of a layer.
    pub(super) fn draw(&self, layer: u64) -> (u64, u64) {
        (layer % self.draws, layer / self.draws)
    }

    /// The cell with this number. None past the end.
    pub(super) fn at(&self, number: u64) -> Option<Cell> {
        if number >= self.len {
            return None;
        }
        let (starts, layer, offset) = match number.checked_sub(self.in_first) {
            None => (&self.first, 0, number),
            // There are cells past the first draw, so `in_further` is not 0.
            Some(past) => (&self.further, 1 + past / self.in_further, past % self.in_further),
        };
        // If several blocks begin at the same number, all but the last are empty.
        let block = starts.partition_point(|start| *start <= offset).checked_sub(1)?;
        Some(Cell { block, grid: offset - starts.get(block)?, layer })
    }

    /// The number of a cell. None if there is no such cell.
    pub(super) fn number(&self, cell: Cell) -> Option<u64> {
        let starts = if cell.layer == 0 { &self.first } else { &self.further };
        let offset = starts.get(cell.block)?.checked_add(cell.grid)?;
        if cell.layer >= self.layers() || offset >= *starts.get(cell.block + 1)? {
            return None;
        }
        match cell.layer.checked_sub(1) {
            None => Some(offset),
            Some(before) => Some(self.in_first + before * self.in_further + offset),
        }
    }
}

/// The running sums of the numbers, starting with 0, and the sum of all. None if the sum exceeds 64 bits.
fn sums(numbers: impl Iterator<Item = u64>) -> Option<(Vec<u64>, u64)> {
    let mut total = 0_u64;
    let mut sums = vec![total];
    for number in numbers {
        total = total.checked_add(number)?;
        sums.push(total);
    }
    Some((sums, total))
}
