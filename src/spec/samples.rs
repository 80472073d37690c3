//! Owns rendering the templates at sample points where a parameter has no value: the first point of each block, and
//! rows with empty cells.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::expression_check::first_of_range;
use crate::expr::{Expression, Rules};
use crate::model::Spec;
use crate::space::{Block, Point, Values};
use crate::template::{JobContext, JobTemplate, RenderError, RenderErrorKind};
use crate::value::Value;

/// The templates that need a parameter which is missing at some point. Each error is returned once.
pub(super) fn lacking(template: &JobTemplate, spec: &Spec) -> Vec<RenderError> {
    let names: Arc<[String]> = spec.space.order.clone().into();
    let mut told = BTreeSet::new();
    let mut found = Vec::new();
    for params in spec.space.blocks.iter().flat_map(|block| kept(block, &names)) {
        if !params.contains(&Value::Missing) {
            continue;
        }
        let point = Point { index: 0, params, draw: 0, randomization: 0, repeat: 0, seed: 1, seed32: 1, fault: None };
        let context = JobContext { sweep: "sample-1", names: &names, point: &point, attempt: 1, cpus: 1, here: "/" };
        // Other errors may come from the placeholder values of random and derived parameters.
        let error = template.render(&context).err();
        let error = error.filter(|error| matches!(error.kind, RenderErrorKind::MissingParameters(_)));
        found.extend(error.filter(|error| told.insert(error.message.clone())));
    }
    found
}

/// The sample points of a block at which its conditions are known to hold.
fn kept(block: &Block, names: &[String]) -> Vec<Vec<Value>> {
    let conditions: Vec<Expression> =
        block.conditions.iter().filter_map(|text| Expression::compile(text, Rules::Second).ok()).collect();
    let mut samples = samples(block, names);
    samples.retain(|sample| {
        let lookup = |name: &str| match names.iter().position(|other| other == name) {
            Some(column) => sample.get(column).cloned(),
            None => Some(Value::Int(0)),
        };
        conditions.iter().all(|condition| condition.holds(&lookup) == Ok(true))
    });
    samples
}

/// The first point of a block, and one more for each parameter that has an empty cell in a later row.
fn samples(block: &Block, names: &[String]) -> Vec<Vec<Value>> {
    let mut base = vec![Value::Missing; names.len()];
    let column = |name: &str| names.iter().position(|other| other == name);
    let put = |row: &mut Vec<Value>, name: &str, value: Value| {
        if let Some(place) = column(name).and_then(|column| row.get_mut(column)) {
            *place = value;
        }
    };
    let drawn = block.random.iter().map(|random| &random.name).chain(block.derived.iter().map(|derived| &derived.name));
    drawn.for_each(|name| put(&mut base, name, Value::Int(1)));
    let params = || block.axes.iter().flat_map(|axis| &axis.params);
    for param in params() {
        put(&mut base, &param.name, value(&param.values, 0));
    }
    let mut samples = vec![base.clone()];
    for axis in &block.axes {
        let first_missing = axis.params.iter().filter_map(|param| match &param.values {
            Values::List(values) => values.iter().position(|value| *value == Value::Missing),
            Values::Range(_) => None,
        });
        for row in first_missing.collect::<BTreeSet<usize>>() {
            let mut sample = base.clone();
            axis.params.iter().for_each(|param| put(&mut sample, &param.name, value(&param.values, row)));
            samples.push(sample);
        }
    }
    samples
}

fn value(values: &Values, row: usize) -> Value {
    match values {
        Values::List(values) => values.get(row).cloned().unwrap_or(Value::Missing),
        Values::Range(range) => first_of_range(range),
    }
}
