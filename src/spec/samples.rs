//! Owns trying the templates where a parameter has no value: at a point of each block, and at rows with empty cells.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::expressions::first_of_range;
use crate::expr::Expression;
use crate::model::Spec;
use crate::space::{Block, Point, Values};
use crate::template::{JobContext, JobTemplate, RenderError};
use crate::value::Value;

/// What templates cannot do without at some point, each once.
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
        // Other mistakes may come from the values that stand for random and derived ones here.
        let error = template.render(&context).err().filter(|error| {
            error.message.contains("has no value at this point") || error.message.contains("at this point there is no")
        });
        found.extend(error.filter(|error| told.insert(error.message.clone())));
    }
    found
}

/// The samples of a block for which its conditions are known to hold.
fn kept(block: &Block, names: &[String]) -> Vec<Vec<Value>> {
    let conditions: Vec<Expression> =
        block.conditions.iter().filter_map(|text| Expression::compile(text).ok()).collect();
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

/// The values at the first point of a block, and once more for each parameter that has an empty cell further on.
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
