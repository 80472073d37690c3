//! Owns one block, compiled: its grid, its random and derived parameters, its conditions.

use super::axis::AxisTable;
use super::draw::Drawer;
use super::error::SpaceError;
use super::formula::{Formula, Variable, compile_all};
use super::grid::Grid;
use super::spec::{Block, Derived, SpaceSpec};

/// A block, compiled.
#[derive(Debug)]
pub(super) struct CompiledBlock {
    pub(super) grid: Grid,
    pub(super) drawer: Drawer,
    /// Whether its draws are the same at all grid points.
    pub(super) common_draws: bool,
    /// For each random parameter, its column.
    pub(super) random: Vec<usize>,
    /// For each derived parameter, its column and its formula.
    pub(super) derived: Vec<(usize, Formula)>,
    /// Conditions that depend on the grid point only.
    pub(super) grid_conditions: Vec<Formula>,
    /// Conditions that depend on the draw too.
    pub(super) cell_conditions: Vec<Formula>,
}

impl CompiledBlock {
    /// Compiles a block. None if it has more than 2^64 grid points.
    ///
    /// # Errors
    /// Invalid distributions or expressions, and names that are missing from the order of the parameters.
    pub(super) fn new(
        spec: &SpaceSpec,
        block: &Block,
        axes: Vec<AxisTable>,
    ) -> Result<Option<CompiledBlock>, SpaceError> {
        let column = |name: &String| {
            let missing = || SpaceError::Shape(format!("the order of the parameters does not name `{name}`"));
            spec.order.iter().position(|other| other == name).ok_or_else(missing)
        };
        let of_axis =
            |axis: &AxisTable| axis.lines.iter().map(|line| column(&line.name)).collect::<Result<Vec<_>, _>>();
        let columns = axes.iter().map(of_axis).collect::<Result<Vec<_>, _>>()?;
        let Some(grid) = Grid::new(axes, columns) else { return Ok(None) };
        let drawer = Drawer::new(spec, block)?;
        let random = block.random.iter().map(|random| column(&random.name)).collect::<Result<_, _>>()?;
        let source = |name: &str| {
            let at = |mut names: &mut dyn Iterator<Item = &String>| (&mut names).position(|other| other == name);
            Some(if let Some(place) = grid.place(name) {
                Variable::Grid(place)
            } else if let Some(at) = at(&mut block.random.iter().map(|random| &random.name)) {
                Variable::Random(at)
            } else if let Some(at) = at(&mut block.derived.iter().map(|derived| &derived.name)) {
                Variable::Derived(at)
            } else if name == "draw" {
                Variable::Draw
            } else if name == "randomization" {
                Variable::Randomization
            } else if spec.order.iter().any(|other| other == name) {
                Variable::Undefined
            } else {
                return None;
            })
        };
        let (derived, conditions) = compile_all(block, spec.rules(), &source)?;
        let of_derived = |(spec, formula): (&Derived, Formula)| Ok((column(&spec.name)?, formula));
        let derived = block.derived.iter().zip(derived).map(of_derived).collect::<Result<_, SpaceError>>()?;
        let (cell_conditions, grid_conditions) =
            conditions.into_iter().partition(|condition| condition.depends_on_draw);
        let common_draws = spec.common_draws;
        Ok(Some(CompiledBlock { grid, drawer, common_draws, random, derived, grid_conditions, cell_conditions }))
    }

    /// Whether each of the block's shared rows names a row of an axis.
    pub(super) fn has_shared_rows_in_bounds(&self, block: &Block) -> bool {
        let lengths: Vec<u64> = self.grid.lengths().collect();
        block.shared_rows.iter().all(|shared| {
            let axis = self.grid.place(&shared.parameter).and_then(|place| lengths.get(place.axis()));
            axis.is_some_and(|length| shared.positions.iter().all(|position| position < length))
        })
    }

    /// The grid points in the order of the table: for each combination of the axes, with repeated rows of points files
    /// repeated, the number of its grid point.
    pub(super) fn table_order(&self, block: &Block) -> impl Iterator<Item = u64> {
        let mut axes: Vec<(u64, Option<Vec<u64>>)> = self.grid.lengths().map(|length| (length, None)).collect();
        for shared in &block.shared_rows {
            let axis = self.grid.place(&shared.parameter).and_then(|place| axes.get_mut(place.axis()));
            if let Some((_, rows)) = axis {
                *rows = Some(shared.positions.clone());
            }
        }
        let rows_of =
            |(length, rows): &(u64, Option<Vec<u64>>)| rows.as_ref().map_or(*length, |rows| rows.len() as u64);
        let total = axes.iter().map(rows_of).fold(1_u64, u64::saturating_mul);
        (0..total).filter_map(move |mut row| {
            let (mut index, mut stride) = (0, 1);
            for axis in axes.iter().rev() {
                let digit = row % rows_of(axis);
                row /= rows_of(axis);
                let position = axis.1.as_ref().map_or(Some(digit), |rows| rows.get(digit as usize).copied())?;
                index += position * stride;
                stride *= axis.0;
            }
            Some(index)
        })
    }

    /// Whether it has random parameters. If so, each grid point has as many cells as there are draws.
    pub(super) fn is_random(&self) -> bool {
        !self.random.is_empty()
    }
}
