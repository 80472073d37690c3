//! Owns [`Space`]: the point with index `i`, and the index of a point.

use std::sync::Arc;

use super::bits::Bits;
use super::build::build;
use super::cells::{Cell, CellNumbers};
use super::compiled_block::CompiledBlock;
use super::draw::seeds;
use super::error::SpaceError;
use super::evaluate::EvalPoint;
use super::explain::{Explained, explain, too_many};
use super::selection::{kept, select};
use super::spec::SpaceSpec;
use crate::job::MAX_POINTS;
use crate::value::Value;

/// One point of a space.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    /// Its index.
    pub index: u64,
    /// The parameters' values, in the order of [`Space::names`].
    pub params: Vec<Value>,
    /// The draw, from 0.
    pub draw: u64,
    /// The randomization (scramble of the sample), from 0.
    pub randomization: u64,
    /// The repeat, from 0.
    pub repeat: u64,
    /// The point's seed, 1 … 2^53−1.
    pub seed: u64,
    /// A 31-bit seed, 1 … 2^31−1.
    pub seed32: u32,
    /// Why a derived parameter has no value here. If set, the point cannot be run.
    pub fault: Option<String>,
}

impl Point {
    /// The parameters that have a value at the point, as JSON, under the names of [`Space::names`].
    pub fn params_json(&self, names: &[String]) -> serde_json::Map<String, serde_json::Value> {
        let pairs = std::iter::zip(names, &self.params).filter(|(_, value)| **value != Value::Missing);
        pairs.map(|(name, value)| (name.clone(), value.to_json())).collect()
    }
}

/// All points of a sweep, addressed by index. They are not enumerated: memory is needed for listed values, for short
/// ranges, and one bit for each grid point or draw that a condition may leave out.
#[derive(Debug)]
pub struct Space {
    spec: SpaceSpec,
    names: Arc<[String]>,
    blocks: Vec<CompiledBlock>,
    /// The cells of one repeat whose grid points are kept.
    cells: CellNumbers,
    /// The number of cells that are kept.
    kept: u64,
    len: u64,
}

impl Space {
    /// Builds the space of a specification. O(listed values), and with conditions O(bits of the selection).
    ///
    /// # Errors
    /// Another version; invalid values, distributions or expressions; more than [`MAX_POINTS`] points; blocks that do
    /// not fit together; conditions, or blocks that may overlap, without a matching selection: see [`Space::prepare`].
    /// The reader of sweep files finds these errors earlier, with their places in the file.
    pub fn new(spec: SpaceSpec) -> Result<Space, SpaceError> {
        let (blocks, rules) = build(&spec)?;
        let fits = match &spec.selection {
            Some(selection) => rules.fit(&spec, &blocks, selection),
            None => !rules.sieve(&blocks),
        };
        if !fits {
            let why = "the space has conditions or overlapping blocks, but its selection of points is missing or belongs to \
                       another space";
            return Err(SpaceError::Shape(why.into()));
        }
        Space::of(spec, blocks)
    }

    /// Builds the space of a specification and computes its selection: evaluates all grid points once if there are
    /// conditions or overlapping blocks, and all draws if the conditions depend on them. `progress` is called now and
    /// then with the points done and their total. Store [`Space::spec`], which includes the selection.
    ///
    /// # Errors
    /// As [`Space::new`]; a condition that cannot be evaluated somewhere; conditions that leave no point.
    pub fn prepare(mut spec: SpaceSpec, progress: &mut dyn FnMut(u64, u64)) -> Result<Space, SpaceError> {
        spec.selection = None;
        let (blocks, rules) = build(&spec)?;
        spec.selection = select(&spec, &blocks, &rules, progress)?;
        Space::of(spec, blocks)
    }

    /// Checks a specification without evaluating its points.
    ///
    /// # Errors
    /// As [`Space::new`], except that no selection is needed.
    pub fn check(spec: &SpaceSpec) -> Result<(), SpaceError> {
        let (blocks, rules) = build(spec)?;
        if rules.sieve(&blocks) {
            return Ok(());
        }
        Space::of(spec.clone(), blocks).map(|_| ())
    }

    fn of(spec: SpaceSpec, blocks: Vec<CompiledBlock>) -> Result<Space, SpaceError> {
        let selection = spec.selection.as_ref();
        let cells = CellNumbers::new(&spec, &blocks, &kept(&blocks, selection));
        let counts = cells.and_then(|cells| {
            let kept = selection.and_then(|selection| selection.cells.as_ref()).map_or(cells.len(), Bits::ones);
            let len = kept.checked_mul(spec.repeats).filter(|len| *len <= MAX_POINTS)?;
            Some((cells, kept, len))
        });
        let Some((cells, kept, len)) = counts else {
            let lengths: Vec<Vec<u64>> = blocks.iter().map(|compiled| compiled.grid.lengths().collect()).collect();
            return Err(too_many(&spec, &lengths));
        };
        if len == 0 {
            return Err(SpaceError::NothingKept);
        }
        Ok(Space { names: spec.order.clone().into(), spec, blocks, cells, kept, len })
    }

    /// The specification that it was built from, with its selection.
    pub fn spec(&self) -> &SpaceSpec {
        &self.spec
    }

    /// The number of points, at least 1 and at most [`MAX_POINTS`].
    #[allow(clippy::len_without_is_empty)] // it is never empty
    pub fn len(&self) -> u64 {
        self.len
    }

    /// The number of grid points that are kept, in all blocks.
    pub fn grid_len(&self) -> u64 {
        self.cells.grid_points()
    }

    /// The names of the parameters in the order of the file, which is the order of [`Point::params`].
    pub fn names(&self) -> &Arc<[String]> {
        &self.names
    }

    /// How the number of points comes about, for each block.
    pub fn explain(&self) -> Vec<Explained> {
        let blocks = self.spec.blocks.iter().zip(&self.blocks).enumerate();
        blocks.map(|(at, (block, compiled))| explain(&self.spec, block, compiled, self.kept_of(at, compiled))).collect()
    }

    /// The factors of the first block: see [`Explained`].
    pub fn factors(&self) -> Vec<(String, u64)> {
        self.explain().into_iter().next().map(|block| block.factors).unwrap_or_default()
    }

    /// The number of points of a block that are kept.
    fn kept_of(&self, block: usize, compiled: &CompiledBlock) -> u64 {
        let grid_points = self.grid_bits(block).map_or_else(|| compiled.grid.len(), Bits::ones);
        let layers = if compiled.is_random() { self.cells.layers() } else { 1 };
        let cells = match self.cell_bits() {
            None => layers * grid_points,
            Some(bits) => {
                // A block with no kept grid point has no cells.
                let in_layer = |layer| {
                    let first = self.cells.number(Cell { block, grid: 0, layer })?;
                    Some(bits.rank(first + grid_points) - bits.rank(first))
                };
                (0..layers).filter_map(in_layer).sum()
            }
        };
        cells * self.spec.repeats
    }

    fn grid_bits(&self, block: usize) -> Option<&Bits> {
        self.spec.selection.as_ref()?.grids.get(block)?.as_ref()
    }

    fn cell_bits(&self) -> Option<&Bits> {
        self.spec.selection.as_ref()?.cells.as_ref()
    }

    /// For each parameter, whether it differs between draws in any block: random parameters, and derived ones that
    /// depend on them or on `draw`.
    #[allow(clippy::indexing_slicing, reason = "columns are positions in `names`")]
    pub fn drawn(&self) -> Vec<bool> {
        let mut drawn = vec![false; self.names.len()];
        let derived = |compiled: &CompiledBlock| -> Vec<usize> {
            compiled.derived.iter().filter(|(_, formula)| formula.depends_on_draw).map(|(column, _)| *column).collect()
        };
        for column in self.blocks.iter().flat_map(|compiled| compiled.random.iter().copied().chain(derived(compiled))) {
            drawn[column] = true;
        }
        drawn
    }

    /// The number of points of one repeat. Repeat r of point i has the index i + r · this number.
    pub fn points_of_a_repeat(&self) -> u64 {
        self.kept
    }

    /// The point with this index. None past the end. Grid points vary fastest, block after block and in each the last
    /// axis fastest; then draws, then randomizations, then repeats. Takes some hundred nanoseconds; more for values of
    /// long ranges and for derived parameters.
    #[allow(clippy::indexing_slicing, reason = "columns are positions in `names`")]
    pub fn point(&self, index: u64) -> Option<Point> {
        if index >= self.len {
            return None;
        }
        let (number, repeat) = (index % self.kept, index / self.kept);
        let number = self.cell_bits().map_or(Some(number), |bits| bits.select(number))?;
        let cell = self.cells.at(number)?;
        let grid = self.grid_bits(cell.block).map_or(Some(cell.grid), |bits| bits.select(cell.grid))?;
        let compiled = self.blocks.get(cell.block)?;
        let (draw, randomization) = self.cells.draw(cell.layer);
        let here = EvalPoint::new(compiled, grid, draw, randomization);
        let (seed, seed32) = seeds(self.spec.root_seed, here.id(), draw, randomization, repeat);
        let mut params = vec![Value::Missing; self.names.len()];
        compiled.grid.put(grid, &mut params);
        for (value, column) in compiled.drawer.values(here.id(), draw, randomization).into_iter().zip(&compiled.random)
        {
            params[*column] = value;
        }
        for (at, (column, _)) in compiled.derived.iter().enumerate() {
            params[*column] = here.derived(at);
        }
        Some(Point { index, params, draw, randomization, repeat, seed, seed32, fault: here.fault() })
    }

    /// Whether a points file has repeated rows, so that the table has several rows for a point.
    pub fn has_shared_rows(&self) -> bool {
        self.spec.blocks.iter().any(|block| !block.shared_rows.is_empty())
    }

    /// The index of the point of each row of the whole table. Without shared rows these are all indices in order; with
    /// them, rows are in the order of the points file.
    pub fn table_rows(&self) -> impl Iterator<Item = u64> + '_ {
        let cells =
            (0..self.spec.repeats).flat_map(|repeat| (0..self.cells.layers()).map(move |layer| (repeat, layer)));
        cells.flat_map(move |(repeat, layer)| {
            let blocks = self.spec.blocks.iter().zip(&self.blocks).enumerate();
            let present = blocks.filter(move |(_, (_, compiled))| layer == 0 || compiled.is_random());
            present.flat_map(move |(block, (spec, compiled))| {
                let rows = compiled.table_order(spec);
                rows.filter_map(move |position| Some(repeat * self.kept + self.number_of(block, position, layer)?))
            })
        })
    }

    /// The number of a cell among the kept ones of a repeat. None: it is not kept.
    fn number_of(&self, block: usize, position: u64, layer: u64) -> Option<u64> {
        let grid = match self.grid_bits(block) {
            Some(bits) => bits.get(position).then(|| bits.rank(position))?,
            None => position,
        };
        let number = self.cells.number(Cell { block, grid, layer })?;
        match self.cell_bits() {
            Some(bits) => bits.get(number).then(|| bits.rank(number)),
            None => Some(number),
        }
    }

    /// The index at which the space has this point. It is found by the printed values of a block's axes, the draw, the
    /// randomization and the repeat. Its printed random and derived values and its seed must then be the same.
    /// `point.index` is ignored.
    pub fn locate(&self, point: &Point) -> Option<u64> {
        let within = point.params.len() == self.names.len()
            && point.draw < self.spec.draws
            && point.randomization < self.spec.randomizations
            && point.repeat < self.spec.repeats;
        if !within {
            return None;
        }
        (0..self.blocks.len()).find_map(|block| self.locate_in(block, point))
    }

    fn locate_in(&self, block: usize, point: &Point) -> Option<u64> {
        let position = self.blocks.get(block)?.grid.position(&point.params)?;
        let layer = point.randomization.checked_mul(self.spec.draws)?.checked_add(point.draw)?;
        let index = point.repeat * self.kept + self.number_of(block, position, layer)?;
        let here = self.point(index)?;
        let alike = here.seed == point.seed && here.params.iter().zip(&point.params).all(|(a, b)| a.same_as(b));
        alike.then_some(index)
    }
}
