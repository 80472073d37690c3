//! Owns the statistics of `sweep stats`: groups the rows of a table and summarizes each result per group.

use std::collections::HashMap;

use crate::error::{Error, Result};
use crate::ops::collect::{self, TableRequest, TableSelection};
use crate::ops::filter::{Filter, Unevaluated, unknown_name};
use crate::space::{Point, Sampling, Space};
use crate::store::{Store, SweepRow};
use crate::suggest::list;
use crate::table::columns::{Column, TableColumns};
use crate::table::rows::TableRow;
use crate::table::stats::{NoErrorReason, Sample, SampleSummary, SummaryOptions};
use crate::value::Value;

/// The options of a request.
#[derive(Clone, Debug, Default)]
pub struct StatsRequest {
    /// The columns to group by; none: all parameters that do not depend on a draw.
    pub by: Option<Vec<String>>,
    /// The columns to summarize; none: all results that have numbers.
    pub results: Option<Vec<String>>,
    /// Quantiles, from 0 to 1.
    pub quantiles: Vec<f64>,
    /// Include only rows that satisfy this expression. A row without a value that it uses counts as missing.
    pub filter: Option<String>,
}

/// The statistics of a sweep.
#[derive(Clone, Debug, PartialEq)]
pub struct Statistics {
    /// The columns to group by.
    pub by: Vec<String>,
    /// One row per group and result; groups are in order of their first points.
    pub rows: Vec<StatsRow>,
    /// The rows at which the filter cannot be evaluated; they count as missing.
    pub unevaluated: Option<Unevaluated>,
    /// Results whose values are the same in all repeats of each group: the program may not use the seed.
    pub same_in_repeats: Vec<String>,
}

/// The statistics of one result in one group.
#[derive(Clone, Debug, PartialEq)]
pub struct StatsRow {
    /// The values of the columns to group by.
    pub group: Vec<Value>,
    /// The column name of the result.
    pub result: String,
    /// The number of jobs in the group without a number for this result: failed, not run, cancelled, or without the result.
    pub missing: u64,
    /// The statistics of its numbers.
    pub summary: SampleSummary,
}

/// Computes the statistics over all points of a sweep, whether they have ended or not. Memory grows with the number of
/// groups, with the number of replicates if there are any, and with quantiles by 8 bytes per value.
///
/// # Errors
/// If the store cannot be read, or the request names an unknown column.
pub fn statistics(store: &dyn Store, row: &SweepRow, space: &Space, request: &StatsRequest) -> Result<Statistics> {
    let table_columns = collect::table_columns(store, &row.id, space)?;
    let by = match &request.by {
        Some(names) => places("--by", &table_columns, names)?,
        None => {
            let drawn = space.drawn();
            let fixed = drawn.iter().enumerate().filter(|(_, drawn)| !**drawn);
            fixed.filter_map(|(at, _)| table_columns.position(Column::Parameter(at))).collect()
        }
    };
    let results = match &request.results {
        Some(names) => places("--results", &table_columns, names)?,
        None => table_columns.result_positions().filter(|at| !by.contains(at)).collect(),
    };
    if results.is_empty() {
        let nothing = if row.counts.succeeded > 0 { "its jobs gave no results" } else { "no job has succeeded yet" };
        return Err(Error::usage(format!("{} has no results: {nothing}", row.id)).remedy(
            "say under [results] how they are read, or name other columns, which every point has, for example `--results \
             seconds`",
        ));
    }
    let filter = request.filter.as_ref().map(|text| Filter::of_rows(text, &table_columns)).transpose()?;
    let unit = unit(space, &table_columns, &by);
    let options = SummaryOptions {
        quantiles: &request.quantiles,
        replicated: matches!(unit, Ok(unit) if unit != ReplicateUnit::Job),
        no_error: unit.err(),
        binary: false,
    };
    let mut groups = StatsGroups { by, results, options, known: HashMap::new(), groups: Vec::new() };
    let selection = TableSelection { all: true, ..TableSelection::default() };
    collect::rows(
        &TableRequest { store, row, space, selection: &selection, run_started_ms: None },
        &table_columns,
        &mut |row| {
            let keeps = filter.as_ref().map_or(Ok(Some(true)), |filter| filter.keeps(row))?;
            if keeps != Some(false) {
                groups.add(row, keeps.is_some(), unit.unwrap_or(ReplicateUnit::Job).key(space, row.point));
            }
            Ok(())
        },
    )?;
    let has_groups = !groups.groups.is_empty();
    let names: Vec<String> = groups.results.iter().filter_map(|at| table_columns.names().get(*at).cloned()).collect();
    let statistics = groups.statistics(&table_columns, request.results.is_some());
    if statistics.rows.is_empty() && has_groups {
        return Err(Error::usage(format!("{} has no numeric results: {} {} text", row.id, list(&names), are(&names)))
            .remedy(
                "print numbers without units, or take the number out of the text with format = \"regex\" under [results]; \
                 `--results NAME` counts texts",
            ));
    }
    let unevaluated = filter.as_ref().map_or(Ok(None), Filter::finish)?;
    let same_in_repeats = if space.spec().repeats > 1 { same_in_groups(&statistics.rows) } else { Vec::new() };
    Ok(Statistics { unevaluated, same_in_repeats, ..statistics })
}

/// The results that have several numbers in some group, and no two different ones in any group.
fn same_in_groups(rows: &[StatsRow]) -> Vec<String> {
    let several = rows.iter().filter(|row| row.summary.n > 1);
    let mut same: Vec<String> = several.map(|row| row.result.clone()).collect();
    same.sort_unstable();
    same.dedup();
    let differs =
        |result: &String| rows.iter().any(|row| row.result == *result && row.summary.sd.is_some_and(|sd| sd > 0.0));
    same.retain(|result| !differs(result));
    same
}

fn are(names: &[String]) -> &'static str {
    if names.len() == 1 { "is" } else { "are" }
}

fn places(option: &str, table_columns: &TableColumns, names: &[String]) -> Result<Vec<usize>> {
    let place = |name: &String| {
        let known = table_columns.names().iter().map(String::as_str);
        let unknown = || unknown_name(option, name, known.clone());
        table_columns.find(name).ok_or_else(unknown)
    };
    names.iter().filter(|name| !name.is_empty()).map(place).collect()
}

/// Which values within a group are independent of each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ReplicateUnit {
    /// All jobs are independent.
    Job,
    /// The repeats of one grid point and draw form one replicate.
    GridPointAndDraw,
    /// Jobs with the same draw form one replicate, across grid points.
    Draw,
    /// Jobs with the same repeat form one replicate, across grid points.
    Repeat,
    /// Jobs with the same randomization of a quasi-random sample form one replicate.
    Randomization,
}

impl ReplicateUnit {
    fn key(self, space: &Space, point: &Point) -> u64 {
        match self {
            ReplicateUnit::Job => 0,
            ReplicateUnit::GridPointAndDraw => point.index % space.points_of_a_repeat().max(1),
            ReplicateUnit::Draw => point.randomization * space.spec().draws + point.draw,
            ReplicateUnit::Repeat => point.repeat,
            ReplicateUnit::Randomization => point.randomization,
        }
    }
}

/// The independent unit within groups by the columns at the positions `by`.
fn unit(space: &Space, columns: &TableColumns, by: &[usize]) -> std::result::Result<ReplicateUnit, NoErrorReason> {
    let spec = space.spec();
    // Whether a group has several values of this column.
    let several = |column| columns.position(column).is_some_and(|at| !by.contains(&at));
    let (draws, scrambles, repeats) = (several(Column::Draw), several(Column::Randomization), several(Column::Repeat));
    if spec.sampling != Sampling::Independent && draws {
        return if scrambles { Ok(ReplicateUnit::Randomization) } else { Err(NoErrorReason::OneSample) };
    }
    let crosses_grid = space.drawn().iter().enumerate().any(|(at, drawn)| !drawn && several(Column::Parameter(at)));
    if spec.common_draws && crosses_grid {
        return match (draws || scrambles, repeats) {
            (true, _) => Ok(ReplicateUnit::Draw),
            (false, true) => Ok(ReplicateUnit::Repeat),
            (false, false) => Err(NoErrorReason::SameNumbers),
        };
    }
    Ok(if (draws || scrambles) && repeats { ReplicateUnit::GridPointAndDraw } else { ReplicateUnit::Job })
}

struct StatsGroups<'a> {
    by: Vec<usize>,
    results: Vec<usize>,
    options: SummaryOptions<'a>,
    known: HashMap<String, usize>,
    groups: Vec<StatsGroup>,
}

struct StatsGroup {
    cells: Vec<Value>,
    jobs: u64,
    samples: Vec<Sample>,
}

impl StatsGroups<'_> {
    fn add(&mut self, row: &TableRow<'_>, counts: bool, replicate: u64) {
        let cells = self.by.iter().map(|at| row.cell(*at).value());
        // The key is made of the printed values. A prefix distinguishes a missing value from an empty text.
        let mut key = String::new();
        for cell in cells.clone() {
            key.push_str(if cell == Value::Missing { "-\u{0}" } else { "+" });
            key.push_str(&cell.to_string());
            key.push('\u{0}');
        }
        let at = *self.known.entry(key).or_insert_with(|| {
            let samples = self.results.iter().map(|_| Sample::new(&self.options)).collect();
            self.groups.push(StatsGroup { cells: cells.collect(), jobs: 0, samples });
            self.groups.len() - 1
        });
        let Some(group) = self.groups.get_mut(at) else { return };
        group.jobs += 1;
        if counts {
            for (sample, at) in group.samples.iter_mut().zip(&self.results) {
                sample.push(&row.cell(*at).value(), replicate);
            }
        }
    }

    /// Computes the statistics. Whether a result is true or false is decided over all groups: a count that is only 0 or 1 in
    /// one group is still a count. A result that has only texts is left out, unless the request names it (`is_named`).
    fn statistics(self, table_columns: &TableColumns, is_named: bool) -> Statistics {
        let name = |at: &usize| table_columns.names().get(*at).cloned().unwrap_or_default();
        let of = |at: usize| self.groups.iter().filter_map(move |group| group.samples.get(at));
        let decided: Vec<(bool, bool)> = (0..self.results.len())
            .map(|at| {
                let numbers = of(at).any(Sample::has_numbers) || !of(at).any(Sample::has_texts);
                let binary = of(at).filter(|sample| sample.has_numbers()).all(Sample::is_binary);
                (numbers || is_named, binary)
            })
            .collect();
        let mut rows = Vec::new();
        for group in self.groups {
            for ((sample, at), (shown, binary)) in group.samples.into_iter().zip(&self.results).zip(&decided) {
                if !shown {
                    continue;
                }
                let summary = sample.summary(&SummaryOptions { binary: *binary, ..self.options });
                let missing = group.jobs - summary.n - summary.nan;
                rows.push(StatsRow { group: group.cells.clone(), result: name(at), missing, summary });
            }
        }
        Statistics { by: self.by.iter().map(name).collect(), rows, unevaluated: None, same_in_repeats: Vec::new() }
    }
}

impl Statistics {
    /// The column names: the columns to group by, `result`, and the statistics. A statistic whose name is also a column to
    /// group by is called `stat.NAME`.
    pub fn names(&self, quantiles: &[f64]) -> Vec<String> {
        let before = ["result", "n", "missing", "nan", "mean", "sd", "se", "ci_low", "ci_high"].map(str::to_owned);
        let quantiles = quantiles.iter().map(|p| format!("q{p}"));
        let said = before.into_iter().chain(quantiles).chain(["replicates", "note"].map(str::to_owned));
        let free = |name: String| if self.by.contains(&name) { format!("stat.{name}") } else { name };
        self.by.iter().cloned().chain(said.map(free)).collect()
    }
}

impl StatsRow {
    /// The cells, for the columns of [`Statistics::names`].
    pub fn cells(&self) -> Vec<Value> {
        let whole = |number: u64| Value::Int(number as i64);
        let float = |number: Option<f64>| number.map_or(Value::Missing, Value::Float);
        let SampleSummary { n, nan, mean, sd, se, interval, replicates, .. } = &self.summary;
        let mut cells = self.group.clone();
        cells.push(Value::Text(self.result.clone()));
        cells.extend([*n, self.missing, *nan].map(whole));
        cells.extend([*mean, *sd, *se, interval.map(|(low, _)| low), interval.map(|(_, high)| high)].map(float));
        cells.extend(self.summary.quantiles.iter().copied().map(float));
        cells.push(whole(*replicates));
        cells.push(self.note().map_or(Value::Missing, Value::Text));
        cells
    }

    /// The note of the row, in words.
    fn note(&self) -> Option<String> {
        let texts = self.summary.texts;
        let texts =
            (texts > 0).then(|| format!("{texts} of the missing {} text", if texts == 1 { "is" } else { "are" }));
        let parts: Vec<String> = texts.into_iter().chain(self.summary.no_error.map(|why| why.words().into())).collect();
        (!parts.is_empty()).then(|| parts.join("; "))
    }
}
