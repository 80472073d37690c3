//! Owns the values on an axis: the value at a position, and the position of a value.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::OnceLock;

use super::error::SpaceError;
use super::identity::push_text;
use super::range::Progression;
use super::spec::{Axis, AxisParam, Values};
use crate::value::Value;

/// The values of a range are cached if there are at most this many.
const CACHED: u64 = 1 << 14;

/// A value on an axis, and the bytes that it adds to the identity of a grid point: name and printed value, or nothing
/// if it is missing.
#[derive(Clone, Debug)]
pub(super) struct AxisValue {
    pub(super) value: Value,
    pub(super) identity: Box<[u8]>,
}

impl AxisValue {
    fn new(name: &str, value: Value) -> AxisValue {
        let mut identity = Vec::new();
        push_identity(&mut identity, name, &value);
        AxisValue { value, identity: identity.into() }
    }
}

fn push_identity(bytes: &mut Vec<u8>, name: &str, value: &Value) {
    match value {
        Value::Missing => {}
        Value::Text(text) | Value::Written(_, text) => {
            push_text(bytes, name);
            push_text(bytes, text);
        }
        other => {
            push_text(bytes, name);
            push_text(bytes, &other.to_string());
        }
    }
}

/// One parameter of an axis.
#[derive(Debug)]
pub(super) struct AxisColumn {
    pub(super) name: String,
    cells: ColumnValues,
}

#[derive(Debug)]
enum ColumnValues {
    List(Box<[AxisValue]>),
    /// With a cache if there are few values.
    Range(Progression, Option<Box<[OnceLock<AxisValue>]>>),
}

impl AxisColumn {
    fn new(param: &AxisParam) -> Result<AxisColumn, String> {
        let cells = match &param.values {
            Values::List(values) => {
                ColumnValues::List(values.iter().map(|v| AxisValue::new(&param.name, v.clone())).collect())
            }
            Values::Range(range) => {
                let progression = Progression::new(range)?;
                let few = progression.len() <= CACHED;
                let kept = few.then(|| (0..progression.len()).map(|_| OnceLock::new()).collect());
                ColumnValues::Range(progression, kept)
            }
        };
        Ok(AxisColumn { name: param.name.clone(), cells })
    }

    fn len(&self) -> u64 {
        match &self.cells {
            ColumnValues::List(cells) => cells.len() as u64,
            ColumnValues::Range(progression, _) => progression.len(),
        }
    }

    /// Whether one of its values is missing.
    pub(super) fn has_missing(&self) -> bool {
        matches!(&self.cells, ColumnValues::List(cells) if cells.iter().any(|cell| cell.value == Value::Missing))
    }

    /// Whether the two have no value in common. If both are long this is not checked, and the result is false. O(values
    /// of the shorter one, and listed values).
    pub(super) fn is_apart_from(&self, other: &AxisColumn) -> bool {
        let (short, long) = if self.len() <= other.len() { (self, other) } else { (other, self) };
        if short.len() > CACHED {
            return false;
        }
        let listed: HashSet<&[u8]> = match &long.cells {
            ColumnValues::List(cells) => cells.iter().map(|cell| &*cell.identity).collect(),
            ColumnValues::Range(..) => HashSet::new(),
        };
        let is_there = |cell: &AxisValue| match &long.cells {
            ColumnValues::List(_) => listed.contains(&*cell.identity),
            ColumnValues::Range(range, _) => {
                range.position(&cell.value).is_some_and(|at| range.value(at).same_as(&cell.value))
            }
        };
        !(0..short.len()).any(|position| is_there(&short.cell(position)))
    }

    /// The value at a position, which must be less than the length of the axis.
    #[allow(clippy::indexing_slicing)] // the lines of an axis were checked to be as long as the axis
    pub(super) fn cell(&self, position: u64) -> Cow<'_, AxisValue> {
        match &self.cells {
            ColumnValues::List(cells) => Cow::Borrowed(&cells[position as usize]),
            ColumnValues::Range(progression, kept) => {
                let compute = || AxisValue::new(&self.name, progression.value(position));
                match kept {
                    Some(kept) => Cow::Borrowed(kept[position as usize].get_or_init(compute)),
                    None => Cow::Owned(compute()),
                }
            }
        }
    }
}

/// One axis. Its parameters vary together.
#[derive(Debug)]
pub(super) struct AxisTable {
    pub(super) lines: Vec<AxisColumn>,
    len: u64,
    search: Search,
}

/// How the position of a row is found.
#[derive(Debug)]
enum Search {
    /// By the identity of the row, for axes made of lists.
    Rows(HashMap<Box<[u8]>, u64>),
    /// By the value of this parameter, which is a range.
    ByRange(usize),
}

impl AxisTable {
    pub(super) fn new(axis: &Axis) -> Result<AxisTable, SpaceError> {
        let name = axis_name(axis);
        let values_error = |name: &str, why: String| SpaceError::Values { name: name.into(), why };
        let lines =
            axis.params.iter().map(|param| AxisColumn::new(param).map_err(|why| values_error(&param.name, why)));
        let lines = lines.collect::<Result<Vec<_>, _>>()?;
        let Some(len) = lines.first().map(AxisColumn::len) else {
            return Err(SpaceError::Shape("an axis has no parameters".into()));
        };
        if len == 0 {
            return Err(values_error(&name, "the list is empty".into()));
        }
        if lines.iter().any(|line| line.len() != len) {
            let lengths: Vec<String> = lines.iter().map(|line| format!("{} has {}", line.name, line.len())).collect();
            return Err(values_error(&name, format!("their numbers differ ({})", lengths.join(", "))));
        }
        let search = match lines.iter().position(|line| matches!(line.cells, ColumnValues::Range(..))) {
            Some(line) => Search::ByRange(line),
            None => Search::Rows(find_rows(&lines, len).map_err(|why| values_error(&name, why))?),
        };
        Ok(AxisTable { lines, len, search })
    }

    pub(super) fn len(&self) -> u64 {
        self.len
    }

    /// The position at which the parameters print like these values, given in the order of the parameters.
    pub(super) fn position(&self, values: &[&Value]) -> Option<u64> {
        match &self.search {
            Search::Rows(rows) => {
                let mut row = Vec::new();
                for (line, value) in self.lines.iter().zip(values) {
                    push_identity(&mut row, &line.name, value);
                }
                rows.get(row.as_slice()).copied()
            }
            Search::ByRange(line) => {
                let (ColumnValues::Range(progression, _), Some(value)) =
                    (&self.lines.get(*line)?.cells, values.get(*line))
                else {
                    return None;
                };
                let position = progression.position(value)?;
                let alike = |(line, value): (&AxisColumn, &&Value)| line.cell(position).value.same_as(value);
                self.lines.iter().zip(values).all(alike).then_some(position)
            }
        }
    }
}

/// The names of the parameters of an axis, joined by `+`.
pub(super) fn axis_name(axis: &Axis) -> String {
    let names: Vec<&str> = axis.params.iter().map(|param| param.name.as_str()).collect();
    names.join("+")
}

fn find_rows(lines: &[AxisColumn], len: u64) -> Result<HashMap<Box<[u8]>, u64>, String> {
    let mut rows = HashMap::with_capacity(len as usize);
    for position in 0..len {
        let row: Vec<u8> = lines.iter().flat_map(|line| line.cell(position).identity.to_vec()).collect();
        if let Some(first) = rows.insert(row.into(), position) {
            let printed: Vec<String> = lines.iter().map(|line| line.cell(position).value.to_string()).collect();
            return Err(format!("values {} and {} are the same: {}", first + 1, position + 1, printed.join(", ")));
        }
    }
    Ok(rows)
}
