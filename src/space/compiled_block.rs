//! Owns one block made ready: its grid, its random and derived parameters, its conditions.

use super::axis::AxisTable;
use super::draw::Drawer;
use super::error::SpaceError;
use super::formula::{Formula, Variable, compile_all};
use super::grid::Grid;
use super::spec::{Block, SpaceSpec};

/// One block, ready.
#[derive(Debug)]
pub(super) struct CompiledBlock {
    pub(super) grid: Grid,
    pub(super) drawer: Drawer,
    /// Whether its draws are the same at all grid points.
    pub(super) common_draws: bool,
    /// For each random parameter, its column.
    pub(super) random: Vec<usize>,
    /// For each derived parameter, its column and how it is computed.
    pub(super) derived: Vec<(usize, Formula)>,
    /// Conditions that the grid point decides.
    pub(super) grid_conditions: Vec<Formula>,
    /// Conditions that the draw has a say in.
    pub(super) cell_conditions: Vec<Formula>,
}

impl CompiledBlock {
    /// A block with its axes; none where it has more than 2^64 grid points.
    ///
    /// # Errors
    /// Distributions and expressions that cannot be used.
    pub(super) fn new(
        spec: &SpaceSpec,
        block: &Block,
        axes: Vec<AxisTable>,
    ) -> Result<Option<CompiledBlock>, SpaceError> {
        // Every name was found in `order`.
        let column = |name: &str| spec.order.iter().position(|other| other == name).unwrap_or(0);
        let Some(grid) = Grid::new(axes, &column) else { return Ok(None) };
        let drawer = Drawer::new(spec, block)?;
        let random = block.random.iter().map(|random| column(&random.name)).collect();
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
        let (derived, conditions) = compile_all(block, &source)?;
        let derived = block.derived.iter().map(|derived| column(&derived.name)).zip(derived).collect();
        let (cell_conditions, grid_conditions) =
            conditions.into_iter().partition(|condition| condition.depends_on_draw);
        let common_draws = spec.common_draws;
        Ok(Some(CompiledBlock { grid, drawer, common_draws, random, derived, grid_conditions, cell_conditions }))
    }

    /// Whether it is drawn from, so that it has as many cells as draws at each grid point.
    pub(super) fn is_random(&self) -> bool {
        !self.random.is_empty()
    }
}
