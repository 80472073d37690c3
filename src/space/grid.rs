//! Owns the grid of one block: every combination of its axes, numbered. The last axis varies fastest.

use std::borrow::Cow;

use super::axis::{AxisColumn, AxisTable, AxisValue};
use super::error::SpaceError;
use super::identity::{GridId, GridMessage};
use super::spec::Block;
use crate::value::Value;

/// The combinations of a block's axes. They are not enumerated: memory is needed only for listed values and for short
/// ranges.
#[derive(Debug)]
pub(super) struct Grid {
    axes: Vec<AxisTable>,
    /// For each axis, the number of combinations of the axes after it.
    strides: Vec<u64>,
    /// The parameters sorted by name: the order in which they are hashed.
    by_name: Vec<GridColumn>,
    /// For each axis and each of its parameters, the column in the space.
    columns: Vec<Vec<usize>>,
    len: u64,
}

/// The place of a parameter among the axes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct GridColumn {
    axis: usize,
    line: usize,
}

impl GridColumn {
    /// The position of its axis.
    pub(super) fn axis(self) -> usize {
        self.axis
    }
}

impl Grid {
    /// The grid of these axes. `columns`: for each axis and each of its parameters, its column in the space. None if
    /// there are more than 2^64 grid points.
    pub(super) fn new(axes: Vec<AxisTable>, columns: Vec<Vec<usize>>) -> Option<Grid> {
        let mut len = 1_u64;
        let mut strides = Vec::new();
        for axis in axes.iter().rev() {
            strides.push(len);
            len = len.checked_mul(axis.len())?;
        }
        strides.reverse();
        let by_name = places_by_name(&axes);
        Some(Grid { axes, strides, by_name, columns, len })
    }

    /// The lengths of its axes.
    pub(super) fn lengths(&self) -> impl Iterator<Item = u64> {
        self.axes.iter().map(AxisTable::len)
    }

    /// The axes of a block.
    pub(super) fn axes(block: &Block) -> Result<Vec<AxisTable>, SpaceError> {
        block.axes.iter().map(AxisTable::new).collect()
    }

    /// The number of grid points, at least 1.
    pub(super) fn len(&self) -> u64 {
        self.len
    }

    /// The parameters of all axes, with their columns.
    pub(super) fn lines(&self) -> impl Iterator<Item = (&AxisColumn, usize)> {
        let lines = self.axes.iter().zip(&self.columns);
        lines.flat_map(|(axis, columns)| axis.lines.iter().zip(columns.iter().copied()))
    }

    /// The place of a parameter.
    pub(super) fn place(&self, name: &str) -> Option<GridColumn> {
        let named = |place: &GridColumn| self.line(*place).is_some_and(|line| line.name == name);
        self.by_name.iter().copied().find(named)
    }

    fn line(&self, place: GridColumn) -> Option<&AxisColumn> {
        self.axes.get(place.axis)?.lines.get(place.line)
    }

    /// The value of a parameter at a grid point.
    #[allow(clippy::indexing_slicing, reason = "a `GridColumn` comes from `place` of this grid")]
    pub(super) fn cell(&self, place: GridColumn, index: u64) -> Cow<'_, AxisValue> {
        let axis = &self.axes[place.axis];
        axis.lines[place.line].cell(index / self.strides[place.axis] % axis.len())
    }

    /// Writes the values at a grid point into their columns. `params` has a place for every column of the space.
    #[allow(clippy::indexing_slicing, reason = "columns are positions in the order of the space's parameters")]
    pub(super) fn put(&self, index: u64, params: &mut [Value]) {
        for ((axis, stride), columns) in self.axes.iter().zip(&self.strides).zip(&self.columns) {
            let position = index / stride % axis.len();
            for (line, column) in axis.lines.iter().zip(columns) {
                params[*column] = match line.cell(position) {
                    Cow::Borrowed(cell) => cell.value.clone(),
                    Cow::Owned(cell) => cell.value,
                };
            }
        }
    }

    /// The identity of a grid point.
    pub(super) fn id(&self, index: u64) -> GridId {
        let mut message = GridMessage::new();
        for place in &self.by_name {
            message.push(&self.cell(*place, index).identity);
        }
        message.id()
    }

    /// The grid point at which the parameters print like these values.
    pub(super) fn position(&self, params: &[Value]) -> Option<u64> {
        let mut index = 0;
        for (axis, columns) in self.axes.iter().zip(&self.columns) {
            let values = columns.iter().map(|column| params.get(*column)).collect::<Option<Vec<_>>>()?;
            index = index * axis.len() + axis.position(&values)?;
        }
        Some(index)
    }
}

fn places_by_name(axes: &[AxisTable]) -> Vec<GridColumn> {
    let lines = |(axis, table): (usize, &AxisTable)| {
        let named = |(line, l): (usize, &AxisColumn)| (l.name.clone(), GridColumn { axis, line });
        table.lines.iter().enumerate().map(named).collect::<Vec<_>>()
    };
    let mut named: Vec<(String, GridColumn)> = axes.iter().enumerate().flat_map(lines).collect();
    named.sort_by(|a, b| a.0.cmp(&b.0));
    named.into_iter().map(|(_, place)| place).collect()
}
