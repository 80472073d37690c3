//! Owns evaluating a block's derived parameters and conditions at a grid point and draw.

use std::cell::{OnceCell, RefCell};

use super::compiled_block::CompiledBlock;
use super::error::SpaceError;
use super::formula::{Formula, Variable};
use super::identity::GridId;
use crate::value::Value;

/// A grid point and draw of a block at which expressions are evaluated. Values are computed when they are first asked for.
pub(super) struct EvalPoint<'a> {
    block: &'a CompiledBlock,
    grid_index: u64,
    draw: u64,
    randomization: u64,
    /// The identity of the grid point; none with common draws.
    id: OnceCell<Option<GridId>>,
    /// The derived parameters computed so far.
    derived: RefCell<Vec<Option<Value>>>,
    /// Why a derived parameter has no value, if one has none.
    fault: RefCell<Option<String>>,
}

impl<'a> EvalPoint<'a> {
    pub(super) fn new(block: &'a CompiledBlock, grid_index: u64, draw: u64, randomization: u64) -> EvalPoint<'a> {
        let (id, derived, fault) = Default::default();
        EvalPoint { block, grid_index, draw, randomization, id, derived, fault }
    }

    /// The identity of the grid point; none with common draws.
    pub(super) fn id(&self) -> Option<&GridId> {
        self.id.get_or_init(|| (!self.block.common_draws).then(|| self.block.grid.id(self.grid_index))).as_ref()
    }

    /// The value of a derived parameter, by its position among those of the block. If it cannot be computed it is missing,
    /// and [`EvalPoint::fault`] says why.
    #[allow(clippy::indexing_slicing, reason = "`at` is a position among the block's derived parameters")]
    pub(super) fn derived(&self, at: usize) -> Value {
        if let Some(Some(value)) = self.derived.borrow().get(at) {
            return value.clone();
        }
        let (_, formula) = &self.block.derived[at];
        let value = formula.expression.value(&|name| self.value(formula, name)).unwrap_or_else(|why| {
            let why = format!("`{}` cannot be computed: {why}", formula.text);
            self.fault.borrow_mut().get_or_insert(why);
            Value::Missing
        });
        let mut derived = self.derived.borrow_mut();
        derived.resize(self.block.derived.len(), None);
        derived[at] = Some(value.clone());
        value
    }

    /// Why a derived parameter that was asked for has no value. None: all have one.
    pub(super) fn fault(self) -> Option<String> {
        self.fault.into_inner()
    }

    /// Whether a condition holds.
    ///
    /// # Errors
    /// If it cannot be evaluated: the values of its names, and why.
    pub(super) fn holds(&self, condition: &Formula) -> Result<bool, SpaceError> {
        let held = condition.expression.holds(&|name| self.value(condition, name));
        let why = match (held, self.fault.borrow().as_ref()) {
            (Ok(held), None) => return Ok(held),
            (_, Some(fault)) => fault.clone(),
            (Err(why), None) => why.to_string(),
        };
        let shown = condition.variables.iter().filter_map(|(name, _)| {
            let value = self.value(condition, name).filter(|value| *value != Value::Missing)?;
            Some(format!("{name} = {value}"))
        });
        let place = shown.collect::<Vec<_>>().join(", ");
        Err(SpaceError::Condition { text: condition.text.clone(), place, why })
    }

    fn value(&self, formula: &Formula, name: &str) -> Option<Value> {
        match formula.variable(name)? {
            Variable::Grid(column) => Some(self.block.grid.cell(column, self.grid_index).value.clone()),
            Variable::Random(at) => self.block.drawer.value(at, self.id(), self.draw, self.randomization),
            Variable::Derived(at) => Some(self.derived(at)),
            // There are at most 2^53 draws and randomizations together: each has a cell.
            Variable::Draw => Some(Value::Int(self.draw as i64)),
            Variable::Randomization => Some(Value::Int(self.randomization as i64)),
            Variable::Undefined => None,
        }
    }
}
