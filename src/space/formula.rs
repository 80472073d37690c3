//! Owns the expressions of a block: derived parameters and conditions, compiled, with the origin of each name's value.

use super::error::SpaceError;
use super::grid::GridColumn;
use super::spec::Block;
use crate::expr::{Expression, Rules};

/// The longest chain of derived parameters that use one another.
const MAX_DEPTH: usize = 100;

/// Where the value of a name comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Variable {
    /// A parameter on an axis.
    Grid(GridColumn),
    /// A random parameter, by its position among those of the block.
    Random(usize),
    /// A derived parameter, by its position among those of the block.
    Derived(usize),
    /// The number of the draw.
    Draw,
    /// The number of the randomization.
    Randomization,
    /// A parameter that only other blocks have: undefined here.
    Undefined,
}

/// A compiled expression of a block.
#[derive(Debug)]
pub(super) struct Formula {
    /// The text as written.
    pub(super) text: String,
    pub(super) expression: Expression,
    /// The names in it, each with the origin of its value.
    pub(super) variables: Vec<(String, Variable)>,
    /// Whether its value differs between draws.
    pub(super) depends_on_draw: bool,
}

impl Formula {
    fn new(
        text: &str,
        what: &str,
        rules: Rules,
        source: &dyn Fn(&str) -> Option<Variable>,
    ) -> Result<Formula, SpaceError> {
        let shape = |why: String| SpaceError::Shape(format!("{what}, `{text}`: {why}"));
        let expression = Expression::compile(text, rules).map_err(|error| {
            let help = error.help.map_or_else(String::new, |help| format!("; {help}"));
            shape(format!("{}{help}", error.message))
        })?;
        let variables = expression.names().iter().map(|name| {
            let source = source(name).ok_or_else(|| shape(unknown(name)))?;
            Ok((name.clone(), source))
        });
        let variables = variables.collect::<Result<Vec<_>, SpaceError>>()?;
        Ok(Formula { text: text.to_owned(), expression, variables, depends_on_draw: false })
    }

    /// Where the value of a name comes from. None: the name is not in the expression.
    pub(super) fn variable(&self, name: &str) -> Option<Variable> {
        self.variables.iter().find(|(other, _)| other == name).map(|(_, source)| *source)
    }
}

fn unknown(name: &str) -> String {
    match name {
        "seed" | "seed32" | "repeat" | "job" => format!(
            "`{name}` cannot be used here, because parameters and conditions do not depend on it; use `draw` or the parameters"
        ),
        _ => format!("`{name}` is not a parameter of this sweep"),
    }
}

/// Compiles a block's derived parameters, by the rules of its space, and its conditions. Conditions are evaluated only
/// when a sweep is submitted, so they follow the newest rules.
///
/// # Errors
/// An invalid expression, an unknown name, or derived parameters that depend on themselves.
pub(super) fn compile_all(
    block: &Block,
    rules: Rules,
    source: &dyn Fn(&str) -> Option<Variable>,
) -> Result<(Vec<Formula>, Vec<Formula>), SpaceError> {
    let derived = block.derived.iter().map(|derived| {
        Formula::new(&derived.expression, &format!("the derived parameter `{}`", derived.name), rules, source)
    });
    let mut derived = derived.collect::<Result<Vec<_>, _>>()?;
    let conditions = block.conditions.iter().map(|text| Formula::new(text, "the condition", Rules::Second, source));
    let mut conditions = conditions.collect::<Result<Vec<_>, _>>()?;
    let depends_on_draw = draw_dependence(block, &derived)?;
    for (formula, depends_on_draw) in derived.iter_mut().zip(&depends_on_draw) {
        formula.depends_on_draw = *depends_on_draw;
    }
    let known: Vec<Option<bool>> = depends_on_draw.into_iter().map(Some).collect();
    for condition in &mut conditions {
        condition.depends_on_draw = depends_on_draw_given(condition, &known).ok_or_else(|| {
            SpaceError::Shape(format!("the condition `{}` uses an unknown parameter", condition.text))
        })?;
    }
    Ok((derived, conditions))
}

/// Whether the value of a formula differs between draws. `derived`: the same for each derived parameter; none where it is
/// not known yet. None if the formula uses one that is not known yet.
fn depends_on_draw_given(formula: &Formula, derived: &[Option<bool>]) -> Option<bool> {
    let mut is_drawn = false;
    for (_, variable) in &formula.variables {
        is_drawn |= match variable {
            Variable::Random(_) | Variable::Draw | Variable::Randomization => true,
            Variable::Derived(at) => derived.get(*at).copied().flatten()?,
            Variable::Grid(_) | Variable::Undefined => false,
        };
    }
    Some(is_drawn)
}

/// Whether each derived parameter differs between draws. Each round resolves those whose variables are resolved; what is
/// left after [`MAX_DEPTH`] rounds depends on itself.
fn draw_dependence(block: &Block, derived: &[Formula]) -> Result<Vec<bool>, SpaceError> {
    let mut settled: Vec<Option<bool>> = vec![None; derived.len()];
    for _ in 0..MAX_DEPTH {
        settled = derived.iter().map(|formula| depends_on_draw_given(formula, &settled)).collect();
        if let Some(all) = settled.iter().copied().collect::<Option<Vec<bool>>>() {
            return Ok(all);
        }
    }
    let left = block.derived.iter().zip(&settled).filter(|(_, settled)| settled.is_none());
    let names: Vec<String> = left.map(|(derived, _)| format!("`{}`", derived.name)).collect();
    Err(SpaceError::Shape(format!(
        "the derived parameters {} depend on themselves, or on a chain of more than {MAX_DEPTH} derived parameters",
        names.join(", ")
    )))
}
