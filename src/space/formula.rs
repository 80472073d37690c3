//! Owns the expressions of a block: derived parameters and conditions, and where their names get their values.

use std::cell::{OnceCell, RefCell};

use super::compiled_block::CompiledBlock;
use super::error::SpaceError;
use super::grid::GridColumn;
use super::identity::GridId;
use super::spec::Block;
use crate::expr::Expression;
use crate::value::Value;

/// How far derived parameters may build on one another.
const DEEPEST: usize = 100;

/// Where a name gets its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Variable {
    Grid(GridColumn),
    /// By its place among the block's random parameters.
    Random(usize),
    /// By its place among the block's derived parameters.
    Derived(usize),
    Draw,
    Randomization,
    /// A parameter of other blocks: undefined here.
    Undefined,
}

/// An expression of a block.
#[derive(Debug)]
pub(super) struct Formula {
    /// As it was written.
    pub(super) text: String,
    expression: Expression,
    sources: Vec<(String, Variable)>,
    /// Whether the draw has a say in it.
    pub(super) depends_on_draw: bool,
}

impl Formula {
    fn new(text: &str, what: &str, source: &dyn Fn(&str) -> Option<Variable>) -> Result<Formula, SpaceError> {
        let shape = |why: String| SpaceError::Shape(format!("{what}, `{text}`: {why}"));
        let expression = Expression::compile(text).map_err(|error| {
            let help = error.help.map_or_else(String::new, |help| format!("; {help}"));
            shape(format!("{}{help}", error.message))
        })?;
        let sources = expression.names().iter().map(|name| {
            let source = source(name).ok_or_else(|| shape(unknown(name)))?;
            Ok((name.clone(), source))
        });
        let sources = sources.collect::<Result<Vec<_>, SpaceError>>()?;
        Ok(Formula { text: text.to_owned(), expression, sources, depends_on_draw: false })
    }

    fn source(&self, name: &str) -> Option<Variable> {
        self.sources.iter().find(|(other, _)| other == name).map(|(_, source)| *source)
    }

    fn builds_on(&self) -> impl Iterator<Item = usize> {
        self.sources.iter().filter_map(|(_, source)| match source {
            Variable::Derived(at) => Some(*at),
            _ => None,
        })
    }
}

fn unknown(name: &str) -> String {
    match name {
        "seed" | "seed32" | "repeat" | "job" => format!(
            "`{name}` cannot be used here: parameters and conditions do not depend on it; `draw` and the parameters can"
        ),
        _ => format!("`{name}` is not a parameter of this sweep"),
    }
}

/// Compiles a block's derived parameters and conditions.
///
/// # Errors
/// An expression that is none, a name that there is not, derived parameters that build on themselves.
pub(super) fn compile_all(
    block: &Block,
    source: &dyn Fn(&str) -> Option<Variable>,
) -> Result<(Vec<Formula>, Vec<Formula>), SpaceError> {
    let derived = block
        .derived
        .iter()
        .map(|derived| Formula::new(&derived.expression, &format!("the derived parameter `{}`", derived.name), source));
    let mut derived = derived.collect::<Result<Vec<_>, _>>()?;
    let conditions = block.conditions.iter().map(|text| Formula::new(text, "the condition", source));
    let mut conditions = conditions.collect::<Result<Vec<_>, _>>()?;
    let depends_on_draw = settle(block, &derived)?;
    for (formula, depends_on_draw) in derived.iter_mut().zip(&depends_on_draw) {
        formula.depends_on_draw = *depends_on_draw;
    }
    for condition in &mut conditions {
        condition.depends_on_draw = is_per_cell(condition, &depends_on_draw);
    }
    Ok((derived, conditions))
}

fn is_per_cell(formula: &Formula, derived: &[bool]) -> bool {
    formula.sources.iter().any(|(_, source)| match source {
        Variable::Random(_) | Variable::Draw | Variable::Randomization => true,
        Variable::Derived(at) => derived.get(*at).copied().unwrap_or(false),
        Variable::Grid(_) | Variable::Undefined => false,
    })
}

/// Whether the draw has a say in each derived parameter. Those whose parts are known come first, round by round; what
/// is left in the end builds on itself.
fn settle(block: &Block, derived: &[Formula]) -> Result<Vec<bool>, SpaceError> {
    let mut settled: Vec<Option<bool>> = vec![None; derived.len()];
    let is_settled = |settled: &[Option<bool>], at: usize| settled.get(at).copied().flatten().is_some();
    for _ in 0..DEEPEST {
        let known: Vec<bool> = settled.iter().map(|depends_on_draw| depends_on_draw.unwrap_or(false)).collect();
        let ready: Vec<bool> =
            derived.iter().map(|formula| formula.builds_on().all(|at| is_settled(&settled, at))).collect();
        for ((place, formula), ready) in settled.iter_mut().zip(derived).zip(ready) {
            if ready {
                *place = Some(is_per_cell(formula, &known));
            }
        }
        if let Some(all) = settled.iter().copied().collect::<Option<Vec<bool>>>() {
            return Ok(all);
        }
    }
    let left = block.derived.iter().zip(&settled).filter(|(_, settled)| settled.is_none());
    let names: Vec<String> = left.map(|(derived, _)| format!("`{}`", derived.name)).collect();
    Err(SpaceError::Shape(format!(
        "the derived parameters {} build on themselves, or more than {DEEPEST} deep on one another",
        names.join(", ")
    )))
}

/// A place in a block at which expressions are evaluated: a grid point, a draw.
pub(super) struct EvalPoint<'a> {
    part: &'a CompiledBlock,
    grid_index: u64,
    draw: u64,
    randomization: u64,
    /// The identity of the grid point; none under common draws.
    id: OnceCell<Option<GridId>>,
    /// Derived parameters that were asked for.
    derived: RefCell<Vec<Option<Value>>>,
    /// Why a derived parameter has no value, if one has not.
    fault: RefCell<Option<String>>,
}

impl<'a> EvalPoint<'a> {
    pub(super) fn new(part: &'a CompiledBlock, grid_index: u64, draw: u64, randomization: u64) -> EvalPoint<'a> {
        let (id, derived, fault) = Default::default();
        EvalPoint { part, grid_index, draw, randomization, id, derived, fault }
    }

    /// The identity of the grid point; none under common draws.
    pub(super) fn id(&self) -> Option<&GridId> {
        self.id.get_or_init(|| (!self.part.common_draws).then(|| self.part.grid.id(self.grid_index))).as_ref()
    }

    /// A derived parameter's value; missing where it has none: then there is a fault.
    pub(super) fn derived(&self, at: usize) -> Value {
        if let Some(Some(value)) = self.derived.borrow().get(at) {
            return value.clone();
        }
        let Some((_, formula)) = self.part.derived.get(at) else { return Value::Missing };
        let value = formula.expression.value(&|name| self.value(formula, name)).unwrap_or_else(|why| {
            let why = format!("`{}` cannot be computed: {why}", formula.text);
            self.fault.borrow_mut().get_or_insert(why);
            Value::Missing
        });
        let mut derived = self.derived.borrow_mut();
        derived.resize(self.part.derived.len(), None);
        if let Some(place) = derived.get_mut(at) {
            *place = Some(value.clone());
        }
        value
    }

    /// Why a derived parameter that was asked for has no value.
    pub(super) fn fault(self) -> Option<String> {
        self.fault.into_inner()
    }

    /// Whether a condition holds.
    ///
    /// # Errors
    /// If that cannot be told, with the place.
    pub(super) fn holds(&self, condition: &Formula) -> Result<bool, SpaceError> {
        let held = condition.expression.holds(&|name| self.value(condition, name));
        let why = match (held, self.fault.borrow().as_ref()) {
            (Ok(held), None) => return Ok(held),
            (_, Some(fault)) => fault.clone(),
            (Err(why), None) => why,
        };
        let shown = condition.sources.iter().filter_map(|(name, _)| {
            let value = self.value(condition, name).filter(|value| *value != Value::Missing)?;
            Some(format!("{name} = {value}"))
        });
        let place = shown.collect::<Vec<_>>().join(", ");
        Err(SpaceError::Condition { text: condition.text.clone(), place, why })
    }

    fn value(&self, formula: &Formula, name: &str) -> Option<Value> {
        match formula.source(name)? {
            Variable::Grid(place) => self.part.grid.cell(place, self.grid_index).map(|cell| cell.value.clone()),
            Variable::Random(at) => self.part.drawer.value(at, self.id(), self.draw, self.randomization),
            Variable::Derived(at) => Some(self.derived(at)),
            Variable::Draw => i64::try_from(self.draw).ok().map(Value::Int),
            Variable::Randomization => i64::try_from(self.randomization).ok().map(Value::Int),
            Variable::Undefined => None,
        }
    }
}
