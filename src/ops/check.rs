//! Owns the report of `sweep check`: the number of points, the first points, or all of them.

use std::io::Write;

use serde_json::{Value as Json, json};

use crate::error::{Error, Result};
use crate::ops::inputs::KnownInputs;
use crate::ops::target::OutputTarget;
use crate::ops::warn;
use crate::runtime::{PreparedJob, SweepRuntime};
use crate::space::{Block, Dist, Explained, Point, Space, Values};
use crate::spec::{Import, SweepFile};
use crate::table::cell::TableCell;
use crate::table::write::TableWriter;
use crate::value::Value;

/// The number of points from which the types of computed parameters are determined.
const TYPE_SAMPLE: u64 = 256;

/// What a sweep file would do.
pub struct CheckReport {
    /// The sweep's name.
    pub name: String,
    /// The number of points.
    pub total: u64,
    /// How the number of points is computed, block by block.
    pub blocks: Vec<Explained>,
    /// Each parameter, with the type of its values: `int`, `float`, `number` (both), `bool`, `text`, `mixed`.
    pub parameters: Vec<(String, &'static str)>,
    /// The first points, with their commands, files and environments.
    pub first: Vec<PreparedJob>,
    /// The values that were read from other files.
    pub imports: Vec<Import>,
    /// The warnings of the sweep file itself. They are printed with their positions when the file is read.
    pub file_warnings: Vec<String>,
    /// Further warnings, one sentence each.
    pub warnings: Vec<String>,
}

/// Examines a sweep and its first points.
///
/// # Errors
/// If a template cannot be rendered for one of them.
pub fn report(sweep: &SweepRuntime, read: &SweepFile, points: u64) -> Result<CheckReport> {
    let space = &sweep.space;
    let first = (0..points.min(space.len()))
        .map(|index| sweep.prepare(index, 1).map_err(|error| Error::usage(format!("{error:#}"))))
        .collect::<Result<Vec<_>>>()?;
    Ok(CheckReport {
        name: sweep.spec.name.clone(),
        total: space.len(),
        blocks: space.explain(),
        parameters: parameters(space),
        first,
        imports: read.imports.clone(),
        file_warnings: read.warnings.list.iter().map(|warning| warning.message.clone()).collect(),
        warnings: warn::warnings(sweep)?,
    })
}

impl CheckReport {
    /// The report as JSON, with the names of the parameters, the input files, and what `sweep run` would do.
    pub fn to_json(&self, names: &[String], inputs: Json, known: &KnownInputs, run: Json) -> Json {
        let parameters = self.parameters.iter().map(|(name, kind)| json!({"name": name, "type": kind}));
        json!({
            "version": 1,
            "name": self.name,
            "points": self.total,
            "blocks": self.blocks.iter().map(block_json).collect::<Vec<_>>(),
            "parameters": parameters.collect::<Vec<_>>(),
            "first": self.first.iter().map(|prepared| point_json(names, prepared)).collect::<Vec<_>>(),
            "warnings": self.file_warnings.iter().chain(&self.warnings).collect::<Vec<_>>(),
            "inputs": inputs,
            "known_inputs": known,
            "run": run,
        })
    }
}

fn block_json(block: &Explained) -> Json {
    let factors = block.factors.iter().map(|(name, count)| json!({"name": name, "count": count}));
    // The product before conditions may exceed 64 bits; then it is written as a double.
    let product = u64::try_from(block.points).map_or_else(|_| json!(block.points as f64), Json::from);
    json!({"factors": factors.collect::<Vec<_>>(), "product": product, "points": block.kept})
}

fn point_json(names: &[String], prepared: &PreparedJob) -> Json {
    let point = &prepared.point;
    json!({
        "job": point.index,
        "params": point.params_json(names),
        "draw": point.draw,
        "randomization": point.randomization,
        "repeat": point.repeat,
        "seed": point.seed,
        "seed32": point.seed32,
        "command": prepared.argv,
        "dir": prepared.dir,
        "files": prepared.files.iter().map(|(name, text)| (name.clone(), text.clone().into())).collect::<serde_json::Map<_, _>>(),
    })
}

/// Writes all points as a table: `job`, the parameters, `draw`, `randomization` if there is more than one, `repeat` and
/// `seed`. Returns the number of points; memory does not grow with it.
///
/// # Errors
/// If the target cannot be written.
pub fn write_points(space: &Space, target: &OutputTarget, stdout: &mut dyn Write) -> Result<u64> {
    let names = space.names().iter().map(String::as_str);
    let scrambles = space.spec().randomizations > 1;
    let counters = ["draw"].into_iter().chain(scrambles.then_some("randomization")).chain(["repeat", "seed"]);
    let header: Vec<String> = ["job"].into_iter().chain(names).chain(counters).map(str::to_owned).collect();
    let format = target.format()?;
    target.write(stdout, |stream, path| {
        let mut table = TableWriter::new(format, stream, &header).map_err(Error::file("written", path))?;
        for point in (0..space.len()).map_while(|index| space.point(index)) {
            table.row(row(point, scrambles).iter().map(TableCell::Value)).map_err(Error::file("written", path))?;
        }
        table.finish().map_err(Error::file("written", path))?;
        Ok(space.len())
    })
}

fn row(point: Point, scrambles: bool) -> Vec<Value> {
    let whole = |number: u64| Value::Int(number as i64);
    let mut cells = vec![whole(point.index)];
    cells.extend(point.params);
    cells.push(whole(point.draw));
    cells.extend(scrambles.then(|| whole(point.randomization)));
    cells.extend([point.repeat, point.seed].map(whole));
    cells
}

/// The types of the parameters: from all values of a list, and for other parameters from the first points.
fn parameters(space: &Space) -> Vec<(String, &'static str)> {
    let first: Vec<Point> = (0..TYPE_SAMPLE.min(space.len())).filter_map(|index| space.point(index)).collect();
    let kind_of = |(column, name): (usize, &String)| {
        let listed = space.spec().blocks.iter().flat_map(|block| listed(block, name));
        let seen = first.iter().filter_map(|point| point.params.get(column));
        (name.clone(), listed.chain(seen).filter_map(kind).reduce(together).unwrap_or("missing"))
    };
    space.names().iter().enumerate().map(kind_of).collect()
}

/// The values that a block lists for a parameter.
fn listed<'a>(block: &'a Block, name: &'a str) -> impl Iterator<Item = &'a Value> {
    let axes = block.axes.iter().flat_map(|axis| &axis.params).filter(move |param| param.name == name);
    let listed = axes.filter_map(|param| match &param.values {
        Values::List(values) => Some(values),
        Values::Range(_) => None,
    });
    let random = block.random.iter().filter(move |random| random.name == name);
    let chosen = random.filter_map(|random| match &random.dist {
        Dist::Choice { values, .. } => Some(values),
        _ => None,
    });
    listed.chain(chosen).flatten()
}

fn kind(value: &Value) -> Option<&'static str> {
    match value.plain() {
        Value::Missing => None,
        Value::Bool(_) => Some("bool"),
        Value::Int(_) => Some("int"),
        Value::Float(_) => Some("float"),
        Value::Text(_) | Value::Written(..) => Some("text"),
    }
}

fn together(one: &'static str, other: &'static str) -> &'static str {
    match (one, other) {
        _ if one == other => one,
        ("int" | "float" | "number", "int" | "float" | "number") => "number",
        _ => "mixed",
    }
}
