//! Owns the space itself: point `i` from the index `i`, and the index from a point.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::Arc;

use dashu_int::UBig;

use super::VERSION;
use super::axis::{AxisTable, Cell, axis_name, same};
use super::declared::SpaceSpec;
use super::draw::{Drawer, seeds};
use super::error::SpaceError;
use super::identity::{GridId, GridMessage};
use crate::job::MAX_POINTS;
use crate::value::Value;

/// One point of a space.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    /// Its index.
    pub index: u64,
    /// The parameters' values, in the order of [`Space::names`].
    pub params: Vec<Value>,
    /// Which drawing of the random parameters, from 0.
    pub draw: u64,
    /// Which repeat, from 0.
    pub repeat: u64,
    /// The point's seed, 1 … 2^53−1.
    pub seed: u64,
    /// Another one of 31 bits, 1 … 2^31−1.
    pub seed32: u32,
}

/// All points of a sweep, addressable by their index. Nothing is enumerated: it takes memory for the values that are
/// listed in the sweep file, and for those of short ranges.
#[derive(Debug)]
pub struct Space {
    spec: SpaceSpec,
    names: Arc<[String]>,
    axes: Vec<AxisTable>,
    /// The parameters on axes, sorted by name: the order in which they are hashed.
    by_name: Vec<Place>,
    /// For each axis and each of its lines, the column in `names`.
    axis_columns: Vec<Vec<usize>>,
    drawer: Drawer,
    /// For each random parameter, the column in `names`.
    random_columns: Vec<usize>,
    grid_len: u64,
    len: u64,
}

/// Where a parameter stands among the axes.
#[derive(Clone, Copy, Debug)]
struct Place {
    axis: usize,
    line: usize,
}

/// One row of an axis: what stands at a position, one cell a line.
type Row<'a> = Vec<Cow<'a, Cell>>;

impl Space {
    /// Builds the space of a declaration. O(values listed).
    ///
    /// # Errors
    /// Another version; values or distributions that cannot be used; more than [`MAX_POINTS`] points; parts that do
    /// not fit together. The reader of sweep files finds these before, with their places in the file.
    pub fn new(spec: SpaceSpec) -> Result<Space, SpaceError> {
        if spec.version != VERSION {
            return Err(SpaceError::UnknownVersion(spec.version));
        }
        if spec.draws == 0 || spec.repeats == 0 {
            return Err(SpaceError::Shape("draws and repeats are at least 1".into()));
        }
        check_names(&spec)?;
        let block = spec.blocks.first().ok_or_else(|| SpaceError::Shape("there is no block".into()))?;
        let axes = block.axes.iter().map(AxisTable::new).collect::<Result<Vec<_>, _>>()?;
        let drawer = Drawer::new(&spec, block)?;
        let (grid_len, len) = count_points(&spec, &axes)?;
        // Every name was found in `order`.
        let column = |name: &str| spec.order.iter().position(|other| other == name).unwrap_or(0);
        let axis_columns = axes.iter().map(|axis| axis.lines.iter().map(|line| column(&line.name)).collect()).collect();
        let random_columns = block.random.iter().map(|random| column(&random.name)).collect();
        let by_name = places_by_name(&axes);
        let names = spec.order.clone().into();
        Ok(Space { spec, names, axes, by_name, axis_columns, drawer, random_columns, grid_len, len })
    }

    /// What it was built from.
    pub fn spec(&self) -> &SpaceSpec {
        &self.spec
    }

    /// The number of points, at least 1 and at most [`MAX_POINTS`].
    #[allow(clippy::len_without_is_empty)] // it is never empty
    pub fn len(&self) -> u64 {
        self.len
    }

    /// The number of grid points.
    pub fn grid_len(&self) -> u64 {
        self.grid_len
    }

    /// The names of the parameters in the order of the file, which is the order of [`Point::params`].
    pub fn names(&self) -> &Arc<[String]> {
        &self.names
    }

    /// What the number of points is the product of: each axis by the names of its parameters, joined by `+`, then
    /// `draws` and `repeats`. Factors of 1 are left out, except that the first one stays where all are 1.
    pub fn factors(&self) -> Vec<(String, u64)> {
        let mut factors = all_factors(&self.spec, &self.axes);
        let first = factors.first().cloned();
        factors.retain(|(_, factor)| *factor != 1);
        if factors.is_empty() {
            factors.extend(first);
        }
        factors
    }

    /// The point with this index, or none past the end. Grid points run fastest, then draws, then repeats; among grid
    /// points the last axis runs fastest. Some hundred nanoseconds; more for values of long ranges.
    pub fn point(&self, index: u64) -> Option<Point> {
        if index >= self.len {
            return None;
        }
        let (grid_index, rest) = (index % self.grid_len, index / self.grid_len);
        let (draw, repeat) = (rest % self.spec.draws, rest / self.spec.draws);
        let rows = self.rows(grid_index);
        let grid = self.grid_id(&rows);
        let (seed, seed32) = seeds(self.spec.root_seed, Some(&grid), draw, 0, repeat);
        let mut params = vec![Value::Missing; self.names.len()];
        let mut put = |column: usize, value: Value| {
            if let Some(place) = params.get_mut(column) {
                *place = value;
            }
        };
        for (row, columns) in rows.into_iter().zip(&self.axis_columns) {
            for (cell, column) in row.into_iter().zip(columns) {
                let value = match cell {
                    Cow::Borrowed(cell) => cell.value.clone(),
                    Cow::Owned(cell) => cell.value,
                };
                put(*column, value);
            }
        }
        for (value, column) in self.drawer.values(Some(&grid), draw, 0).into_iter().zip(&self.random_columns) {
            put(*column, value);
        }
        Some(Point { index, params, draw, repeat, seed, seed32 })
    }

    /// The index at which the space has this point: found by the printed values of the axes' parameters, draw and
    /// repeat; its random values, as printed, and its seed must then be the same. Its index does not count.
    pub fn locate(&self, point: &Point) -> Option<u64> {
        if point.params.len() != self.names.len() || point.draw >= self.spec.draws || point.repeat >= self.spec.repeats
        {
            return None;
        }
        let mut grid_index = 0;
        for (axis, columns) in self.axes.iter().zip(&self.axis_columns) {
            let values = columns.iter().map(|column| point.params.get(*column)).collect::<Option<Vec<_>>>()?;
            grid_index = grid_index * axis.len() + axis.position(&values)?;
        }
        let index = (point.repeat * self.spec.draws + point.draw) * self.grid_len + grid_index;
        let here = self.point(index)?;
        let alike = here.seed == point.seed && here.params.iter().zip(&point.params).all(|(a, b)| same(a, b));
        alike.then_some(index)
    }

    /// The row of each axis at a grid point.
    fn rows(&self, mut grid_index: u64) -> Vec<Row<'_>> {
        let mut rows: Vec<Row<'_>> = Vec::with_capacity(self.axes.len());
        for axis in self.axes.iter().rev() {
            let position = grid_index % axis.len();
            grid_index /= axis.len();
            rows.push(axis.lines.iter().map(|line| line.cell(position)).collect());
        }
        rows.reverse();
        rows
    }

    fn grid_id(&self, rows: &[Row<'_>]) -> GridId {
        let mut message = GridMessage::new();
        for place in &self.by_name {
            if let Some(cell) = rows.get(place.axis).and_then(|row| row.get(place.line)) {
                message.push(&cell.identity);
            }
        }
        message.id()
    }
}

fn places_by_name(axes: &[AxisTable]) -> Vec<Place> {
    let lines = |(axis, table): (usize, &AxisTable)| {
        let named = |(line, l): (usize, &super::axis::Line)| (l.name.clone(), Place { axis, line });
        table.lines.iter().enumerate().map(named).collect::<Vec<_>>()
    };
    let mut named: Vec<(String, Place)> = axes.iter().enumerate().flat_map(lines).collect();
    named.sort_by(|a, b| a.0.cmp(&b.0));
    named.into_iter().map(|(_, place)| place).collect()
}

/// Every parameter has a name of its own, and `order` has each of them once.
fn check_names(spec: &SpaceSpec) -> Result<(), SpaceError> {
    let on_axes =
        spec.blocks.iter().flat_map(|block| &block.axes).flat_map(|axis| &axis.params).map(|param| &param.name);
    let mut names: Vec<&String> =
        on_axes.chain(spec.blocks.iter().flat_map(|block| &block.random).map(|random| &random.name)).collect();
    let mut seen = HashSet::new();
    if let Some(twice) = names.iter().find(|name| !seen.insert(**name)) {
        return Err(SpaceError::Shape(format!("parameter `{twice}` is there twice")));
    }
    let mut order: Vec<&String> = spec.order.iter().collect();
    names.sort();
    order.sort();
    if names != order {
        return Err(SpaceError::Shape("the order of the parameters does not name each of them once".into()));
    }
    Ok(())
}

fn all_factors(spec: &SpaceSpec, axes: &[AxisTable]) -> Vec<(String, u64)> {
    let axes =
        spec.blocks.iter().flat_map(|block| &block.axes).zip(axes).map(|(axis, table)| (axis_name(axis), table.len()));
    axes.chain([("draws".to_owned(), spec.draws), ("repeats".to_owned(), spec.repeats)]).collect()
}

/// The numbers of grid points and of points.
fn count_points(spec: &SpaceSpec, axes: &[AxisTable]) -> Result<(u64, u64), SpaceError> {
    let product = |factors: &[(String, u64)]| {
        factors.iter().try_fold(1_u64, |product, (_, factor)| product.checked_mul(*factor)).filter(|n| *n <= MAX_POINTS)
    };
    let factors = all_factors(spec, axes);
    let grid_factors = factors.get(..axes.len()).unwrap_or_default();
    if let (Some(grid_len), Some(len)) = (product(grid_factors), product(&factors)) {
        return Ok((grid_len, len));
    }
    let exact = factors.iter().fold(UBig::ONE, |product, (_, factor)| product * *factor);
    let named = factors.iter().filter(|(_, factor)| *factor != 1).map(|(name, factor)| format!("{name} {factor}"));
    Err(SpaceError::TooManyPoints { factors: named.collect::<Vec<_>>().join(" × "), product: exact.to_string() })
}
