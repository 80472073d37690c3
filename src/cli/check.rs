//! Owns `sweep check`: says what a sweep file would do, and runs nothing.

use std::io::Write;
use std::path::PathBuf;

use itertools::Itertools;

use crate::cli::Context;
use crate::cli::exit::Exit;
use crate::cli::output::put;
use crate::cli::submit::read;
use crate::error::{Error, Result};
use crate::space::{Point, Space};
use crate::status::text::{count, group, plain};
use crate::template::shell_line;
use crate::worker::runtime::SweepRuntime;

/// Check a sweep file: how many points there are and how they come about, the first few with their commands
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The sweep file
    file: PathBuf,
    /// How many points to show
    #[arg(long, value_name = "N", default_value_t = 5)]
    points: u64,
}

/// Runs the command.
pub fn execute(args: &Args, context: &Context, out: &mut dyn Write) -> Result<Exit> {
    let document = read(&args.file)?;
    let sweep = context.preview(document)?;
    put(out, &format!("{}: {}\n", sweep.spec.name, how_many(&sweep.space)))?;
    let shown = args.points.min(sweep.space.len());
    let points: Vec<Point> = (0..shown).filter_map(|index| sweep.space.point(index)).collect();
    if points.is_empty() {
        return Ok(Exit::Well);
    }
    put(out, &format!("\n{}\n\n", table(&sweep.space, &points)))?;
    for point in &points {
        let prepared = sweep.prepare(point.index, 1).map_err(|error| Error::usage(format!("{error:#}")))?;
        put(out, &format!("{}  {}\n", point.index, shell_line(&prepared.argv, &[], None)))?;
    }
    if sweep.space.len() > shown {
        put(out, &format!("… {} more\n", group(sweep.space.len() - shown)))?;
    }
    warn_of_program(&sweep);
    Ok(Exit::Well)
}

/// `3 size × 21 temp × 500 repeats = 31,500 points`.
fn how_many(space: &Space) -> String {
    let factors = space.factors();
    let product = factors.iter().map(|(name, number)| format!("{} {name}", group(*number))).join(" × ");
    let points = count(space.len(), "point");
    if factors.len() > 1 { format!("{product} = {points}") } else { points }
}

fn table(space: &Space, points: &[Point]) -> String {
    let names = space.names().iter().map(String::as_str);
    let header: Vec<&str> = ["job"].into_iter().chain(names).chain(["draw", "repeat", "seed"]).collect();
    let mut table = plain(&header);
    for point in points {
        let params = point.params.iter().map(ToString::to_string);
        let counters = [point.draw, point.repeat, point.seed].map(|number| number.to_string());
        table.add_row([point.index.to_string()].into_iter().chain(params).chain(counters));
    }
    table.trim_fmt()
}

/// A program that is not to be found here may yet be there on the worker's machine: a warning.
fn warn_of_program(sweep: &SweepRuntime) {
    let first = sweep.prepare(0, 1).ok().and_then(|prepared| prepared.argv.first().cloned());
    if let Some(Err(error)) = first.map(|word| sweep.program(&word)) {
        eprintln!("warning: on this machine, {error}");
    }
}
