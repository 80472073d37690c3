//! Owns collecting: reads the store's records in order of index and writes the rows of a table.

use std::collections::{BTreeSet, HashMap};
use std::io::Write;

use crate::error::{Error, Result};
use crate::job::{JobState, Outcome, SweepId, Verdict};
use crate::model::Document;
use crate::ops::filter::{Filter, Unevaluated, unknown_name};
use crate::ops::history::Blocks;
use crate::ops::points::PointStates;
use crate::ops::target::OutputTarget;
use crate::record::Record;
use crate::space::Space;
use crate::store::{Store, StoreError, SweepRow};
use crate::table::columns::TableColumns;
use crate::table::rows::TableRow;
use crate::table::write::TableWriter;

/// A request for the table of a sweep.
pub struct TableRequest<'a> {
    /// The store.
    pub store: &'a dyn Store,
    /// The sweep.
    pub row: &'a SweepRow,
    /// Its points.
    pub space: &'a Space,
    /// Its rows and columns.
    pub selection: &'a TableSelection,
    /// When the `sweep run` that writes the table was started, milliseconds since the epoch on this machine's clock; none:
    /// another command writes it.
    pub run_started_ms: Option<u64>,
}

/// Which rows and columns a table has.
#[derive(Clone, Debug, Default)]
pub struct TableSelection {
    /// Whether points that have not succeeded have rows as well.
    pub all: bool,
    /// Whether rows of points that a time-out ended have the results that there were until then.
    pub partial: bool,
    /// Only rows that satisfy this expression over the columns.
    pub filter: Option<String>,
    /// Only these columns, in this order; none: all of them.
    pub columns: Option<Vec<String>>,
}

/// What was collected.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Collected {
    /// Rows written.
    pub rows: u64,
    /// Rows skipped because the filter cannot be evaluated: a value that it uses is missing, or does not allow it.
    pub skipped: u64,
    /// Those of the skipped rows whose values do not allow the filter to be evaluated.
    pub unevaluated: Option<Unevaluated>,
    /// Which machines ran the jobs, and when.
    pub ran: ExecutionInfo,
}

/// Which machines ran the jobs of a table, and when.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExecutionInfo {
    /// The machines.
    pub hosts: BTreeSet<String>,
    /// When the first of the attempts in the table began, and when the last one ended, milliseconds since the epoch on
    /// the workers' clocks.
    pub between: Option<(u64, u64)>,
}

impl ExecutionInfo {
    /// Adds a record.
    pub fn add(&mut self, record: &Record) {
        // No process ran for a reported loss or for a success that was set aside.
        if record.host.is_empty() {
            return;
        }
        if !self.hosts.contains(&record.host) {
            self.hosts.insert(record.host.clone());
        }
        let began = record.ended_ms.saturating_sub((record.seconds * 1e3) as u64);
        let (first, last) = self.between.unwrap_or((began, record.ended_ms));
        self.between = Some((first.min(began), last.max(record.ended_ms)));
    }
}

/// Writes the table; `stdout` is used if the target is standard output. Memory does not grow with the number of points.
///
/// # Errors
/// If the store cannot be read, the selection uses an unknown name, or the file cannot be written. An existing file is then
/// unchanged.
pub fn collect(request: &TableRequest<'_>, target: &OutputTarget, stdout: &mut dyn Write) -> Result<Collected> {
    let table_columns = self::table_columns(request.store, &request.row.id, request.space)?;
    let filter = request.selection.filter.as_ref().map(|text| Filter::of_rows(text, &table_columns)).transpose()?;
    let columns = columns(&table_columns, request.selection.columns.as_deref())?;
    let format = target.format()?;
    target.write(stdout, |stream, path| {
        let written = |error| Error::file("written", path)(error);
        let names: Vec<&str> =
            columns.iter().filter_map(|at| table_columns.names().get(*at)).map(String::as_str).collect();
        let mut table = TableWriter::new(format, stream, &names).map_err(written)?;
        let mut collected = Collected::default();
        let each = if request.space.has_shared_rows() { rows_of_files } else { rows };
        let ran = each(request, &table_columns, &mut |row| {
            match filter.as_ref().map_or(Ok(Some(true)), |filter| filter.keeps(row))? {
                Some(true) => collected.rows += 1,
                Some(false) => return Ok(()),
                None => {
                    collected.skipped += 1;
                    return Ok(());
                }
            }
            table.row(columns.iter().map(|at| row.cell(*at))).map_err(written)
        })?;
        let unevaluated = filter.as_ref().map_or(Ok(None), Filter::finish)?;
        table.finish().map_err(written)?;
        Ok(Collected { ran, unevaluated, ..collected })
    })
}

/// The columns of a sweep's table.
///
/// # Errors
/// If the store cannot be read.
pub fn table_columns(store: &dyn Store, id: &SweepId, space: &Space) -> Result<TableColumns> {
    let document = Document::decode(&store.document(id)?).map_err(StoreError::from)?;
    Ok(TableColumns::new(space, &store.columns(id)?, document.version()))
}

/// The positions of the selected columns.
fn columns(table_columns: &TableColumns, asked: Option<&[String]>) -> Result<Vec<usize>> {
    let names = table_columns.names();
    let Some(asked) = asked else { return Ok((0..names.len()).collect()) };
    let place = |name: &String| {
        let unknown = || unknown_name("--columns", name, names.iter().map(String::as_str));
        table_columns.find(name).ok_or_else(unknown)
    };
    asked.iter().map(place).collect()
}

/// As [`rows`], but a point has as many rows as points files have rows for it, in their order. Memory grows with the number
/// of points.
fn rows_of_files(
    request: &TableRequest<'_>,
    table_columns: &TableColumns,
    take: &mut dyn FnMut(&TableRow<'_>) -> Result<()>,
) -> Result<ExecutionInfo> {
    let mut held: HashMap<u64, (Option<Record>, String)> = HashMap::new();
    let ran = rows(request, table_columns, &mut |row| {
        held.insert(row.point.index, (row.record().cloned(), row.status().to_owned()));
        Ok(())
    })?;
    let mut result_index = table_columns.result_index();
    for index in request.space.table_rows() {
        let (Some((record, status)), Some(point)) = (held.get(&index), request.space.point(index)) else { continue };
        take(&table_columns.row(&point, record.as_ref(), status, request.selection.partial, &mut result_index))?;
    }
    Ok(ran)
}

/// Calls `take` for each row: of the succeeded points, or of all. Returns which machines ran them, and when.
///
/// # Errors
/// If the store cannot be read, and the errors of `take`.
pub fn rows(
    request: &TableRequest<'_>,
    table_columns: &TableColumns,
    take: &mut dyn FnMut(&TableRow<'_>) -> Result<()>,
) -> Result<ExecutionInfo> {
    let mut ran = ExecutionInfo::default();
    let mut result_index = table_columns.result_index();
    let mut add = |index: u64, record: Option<&Record>, status: &str| -> Result<()> {
        let Some(point) = request.space.point(index) else { return Ok(()) };
        record.into_iter().for_each(|record| ran.add(record));
        take(&table_columns.row(&point, record, status, request.selection.partial, &mut result_index))
    };
    if request.selection.all {
        every_point(request, &mut add)?;
        return Ok(ran);
    }
    for block in Blocks::new(request.store, &request.row.id, request.row.counts.total) {
        for record in block?.iter().filter(|record| record.verdict == Verdict::Succeeded) {
            add(record.index, Some(record), "succeeded")?;
        }
    }
    Ok(ran)
}

fn every_point(
    request: &TableRequest<'_>,
    add: &mut impl FnMut(u64, Option<&Record>, &str) -> Result<()>,
) -> Result<()> {
    let mut blocks = Blocks::new(request.store, &request.row.id, request.row.counts.total);
    let mut records = Vec::new().into_iter().peekable();
    for run in PointStates::new(request.store, &request.row.id, request.row.counts.total) {
        let (indices, state) = run?;
        for index in indices {
            while records.peek().is_none_or(|record: &Record| record.index < index) {
                if records.next().is_none() {
                    let Some(block) = blocks.next().transpose()? else { break };
                    records = block.into_iter().peekable();
                }
            }
            let record = records.next_if(|record| record.index == index);
            // The record may be newer than the state that was read: a success, or a success that was set aside.
            let status = match &record {
                Some(record) if record.verdict == Verdict::Succeeded => JobState::Succeeded.word(),
                Some(record) if record.outcome == Outcome::SetAside && state == JobState::Succeeded => "pending",
                _ => state.word(),
            };
            add(index, record.as_ref(), status)?;
        }
    }
    Ok(())
}
