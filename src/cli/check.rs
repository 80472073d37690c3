//! Owns `sweep check`: reports what a sweep file would run.

use std::io::Write;
use std::path::PathBuf;

use itertools::Itertools;
use serde_json::Value as Json;

use crate::cli::Context;
use crate::cli::exit::CommandExit;
use crate::cli::output::{put, put_json};
use crate::cli::submission::{ReuseArgs, describe, preview};
use crate::cli::submit::read_whole;
use crate::error::Result;
use crate::fingerprint::is_input;
use crate::human::{count, group};
use crate::model::{DEFAULT_JOB_DIR, Document, FoundInputs};
use crate::ops::check::{CheckReport, report, write_points};
use crate::ops::inputs::KnownInputs;
use crate::ops::submit::SubmitReport;
use crate::ops::target::OutputTarget;
use crate::runtime::SweepRuntime;
use crate::space::{Explained, Sampling, Space};
use crate::spec::Import;
use crate::status::text::plain;
use crate::table::columns::{Column, known_value, leading};
use crate::template::shell_line;
use crate::value::Value;
use crate::visible::{visible_in_line, visible_value};

/// Check a sweep file and show its points and their commands; runs nothing
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The sweep file
    file: PathBuf,
    /// Number of points to show
    #[arg(long, value_name = "N", default_value_t = 5)]
    points: u64,
    /// Write all points to FILE: JSON Lines if it ends in .jsonl or .ndjson, otherwise CSV; - for standard output, without
    /// the report
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Print one JSON object, for programs
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    reuse: ReuseArgs,
}

/// Runs the command.
pub fn execute(args: &Args, context: &Context, out: &mut dyn Write) -> Result<CommandExit> {
    let (read, document) = read_whole(&args.file)?;
    let sweep = context.preview(document.clone())?;
    let target = args.out.clone().map(OutputTarget::from);
    if let Some(target) = &target {
        target.ensure_not_input(&sweep)?;
    }
    let report = report(&sweep, &read, args.points)?;
    let run = what_run_would_do(args, context, &document);
    let mut known = run.as_ref().map_or_else(FoundInputs::default, |run| run.inputs().clone());
    known.inputs.retain(|input| is_input(&document.spec, &input.path));
    let known = KnownInputs::of(&document, &known);
    if args.json {
        let run = run.as_ref().map_or(Json::Null, SubmitReport::to_json);
        put_json(out, &report.to_json(sweep.space.names(), inputs(&document, &known).collect(), &known, run))?;
    } else if target.as_ref().is_none_or(|target| target.file.is_some()) {
        put(out, &page(&sweep, &report))?;
        put(out, &inputs_and_run(&document, &known, run.as_ref()))?;
    }
    for warning in &report.warnings {
        message!("warning: {warning}");
    }
    if let Some(target) = &target {
        let points = write_points(&sweep.space, target, out)?;
        message!("{}: {}{}", report.name, count(points, "point"), target.suffix());
    }
    Ok(CommandExit::Well)
}

/// What `sweep run` would do; none: the store has no sweep of that name. A store error is only a warning here.
fn what_run_would_do(args: &Args, context: &Context, document: &Document) -> Option<SubmitReport> {
    let foreseen = context.store_if_any().and_then(|store| match store {
        Some(store) => preview(&*store, document, &args.reuse),
        None => Ok(None),
    });
    foreseen.unwrap_or_else(|error| {
        message!("warning: cannot tell what `sweep run` would do: {error}");
        None
    })
}

/// The paths of the input files: if one changes, earlier results are not reused.
fn inputs<'a>(document: &'a Document, known: &'a KnownInputs) -> impl Iterator<Item = &'a str> {
    let of_fingerprint = document.fingerprint.paths();
    let there = known.files.iter().filter(|input| input.kind != "absent");
    of_fingerprint.chain(templates(document)).chain(there.map(|input| input.path.as_str())).unique()
}

/// The files that templates are read from.
fn templates(document: &Document) -> impl Iterator<Item = &str> {
    document.spec.templates.iter().map(|template| template.file.as_str())
}

/// The input files, and what `sweep run` would do.
fn inputs_and_run(document: &Document, known: &KnownInputs, run: Option<&SubmitReport>) -> String {
    let mut lines: Vec<String> = run.into_iter().flat_map(|made| describe(made, None)).collect();
    lines.iter_mut().for_each(|line| line.insert_str(0, "run: "));
    let templates: Vec<&str> = templates(document).unique().collect();
    if let Some(named) = known.line(&templates) {
        lines.insert(0, format!("input files: {named}; if one changes, earlier results are not reused"));
    }
    if lines.is_empty() { String::new() } else { format!("\n{}\n", lines.join("\n")) }
}

fn page(sweep: &SweepRuntime, report: &CheckReport) -> String {
    let mut page = format!("{}: {}\n", report.name, how_many(report));
    if !report.parameters.is_empty() {
        let types = report.parameters.iter().map(|(name, kind)| format!("{name} {kind}")).join(", ");
        page.push_str(&format!("parameters: {types}\n"));
    }
    for import in &report.imports {
        page.push_str(&format!("  {}\n", from_file(import)));
    }
    page.push_str(sampling(sweep.space.spec().sampling));
    page.push_str(&directory(sweep));
    if report.first.is_empty() {
        return page;
    }
    page.push_str(&format!("\n{}\n\n", table(&sweep.space, report)));
    for prepared in &report.first {
        page.push_str(&format!(
            "{}  {}\n",
            prepared.point.index,
            visible_in_line(&shell_line(&prepared.argv, &[], None))
        ));
    }
    let shown = report.first.len() as u64;
    if report.total > shown {
        page.push_str(&format!("… {} more\n", group(report.total - shown)));
    }
    page
}

/// `3 size × 21 temp × 500 repeats = 31,500 points`; if there are several blocks, a line for each.
fn how_many(report: &CheckReport) -> String {
    let points = count(report.total, "point");
    match report.blocks.as_slice() {
        [block] if block.has_conditions => {
            format!("{}; `where` keeps {}", product(block, " points"), group(block.kept))
        }
        [block] => product(block, if report.total == 1 { " point" } else { " points" }),
        blocks => blocks.iter().enumerate().fold(points, |text, (at, block)| {
            let fewer = u128::from(block.kept) != block.points;
            let kept = match (fewer, block.has_conditions) {
                (false, _) => String::new(),
                (true, true) => format!("; {} of them kept and new", group(block.kept)),
                (true, false) => format!("; {} of them new", group(block.kept)),
            };
            format!("{text}\n  block {}: {}{kept}", at + 1, product(block, ""))
        }),
    }
}

/// `3 size × 21 temp = 63`, followed by `of`.
fn product(block: &Explained, of: &str) -> String {
    let factors = block.factors.iter().map(|(name, number)| format!("{} {name}", group(*number))).join(" × ");
    let points = u64::try_from(block.points).map_or_else(|_| format!("{:e}", block.points as f64), group);
    match block.factors.len() {
        1 if of.is_empty() => factors,
        0 | 1 => format!("{points}{of}"),
        _ => format!("{factors} = {points}{of}"),
    }
}

/// What happens to existing points when the number of draws or random parameters changes.
fn sampling(sampling: Sampling) -> &'static str {
    match sampling {
        Sampling::Independent => "",
        Sampling::LatinHypercube => {
            "sampling: with a Latin hypercube, changing the number of draws changes all values\n"
        }
        Sampling::Sobol | Sampling::Halton => {
            "sampling: more draws keep the existing values; adding a random parameter may change them\n"
        }
    }
}

/// Values that the sweep file reads from another file.
fn from_file(import: &Import) -> String {
    match import {
        Import::Glob { parameter, pattern, matches } => {
            format!("{parameter}: {} matching {pattern}", count(*matches, "path"))
        }
        Import::Lines { parameter, file, values, kind } => {
            format!("{parameter}: {} of {file}, {}", count(*values, "line"), kind.name())
        }
        Import::Points { file, rows, points, columns } => {
            let columns = columns.iter().map(|column| format!("{} {}", column.name, column.kind.name())).join(", ");
            let different = if points < rows { format!(" ({} different)", group(*points)) } else { String::new() };
            format!("{file}: {}{different}, {columns}", count(*rows, "row"))
        }
    }
}

/// The directory in which jobs run, and the templates that are rendered into it; empty: the folder of the sweep file.
fn directory(sweep: &SweepRuntime) -> String {
    let Some(dir) = &sweep.spec.job.dir else { return String::new() };
    let default = if dir == DEFAULT_JOB_DIR { " (`dir` under [job] sets another folder)" } else { "" };
    let mut text = format!("each job runs in {dir}{default}\n");
    for template in &sweep.spec.templates {
        text.push_str(&format!("  {} is written there from the template {}\n", template.name, template.file));
    }
    text
}

fn table(space: &Space, report: &CheckReport) -> String {
    let leading = leading(space);
    let header: Vec<&str> = leading.iter().map(|(_, name)| name.as_str()).chain(["seed"]).collect();
    let mut table = plain(&header);
    for point in report.first.iter().map(|prepared| &prepared.point) {
        let columns = leading.iter().map(|(column, _)| *column).chain([Column::Seed]);
        table.add_row(columns.map(|column| visible_value(&known_value(point, column).unwrap_or(Value::Missing))));
    }
    table.trim_fmt()
}
