//! Owns finding the points of one space in another: the same values, derived ones included, draw, randomization, repeat
//! and seed.

use super::index::{Point, Space};
use crate::value::Value;

/// Finds points of an older space in a newer one.
pub struct Matching<'a> {
    older: &'a Space,
    newer: &'a Space,
    /// For each column of the newer space, the older one's column of that name.
    columns: Vec<Option<usize>>,
    /// Columns that the newer space has not.
    dropped: Vec<usize>,
}

impl<'a> Matching<'a> {
    /// Compares two spaces by the names of their parameters. O(parameters²).
    pub fn new(older: &'a Space, newer: &'a Space) -> Self {
        let place = |name: &String, of: &Space| of.names().iter().position(|other| other == name);
        let columns = newer.names().iter().map(|name| place(name, older)).collect();
        let dropped = older.names().iter().enumerate().filter(|(_, name)| place(name, newer).is_none());
        let dropped = dropped.map(|(column, _)| column).collect();
        Matching { older, newer, columns, dropped }
    }

    /// The newer space's point, with its index there, that is the older one's point of this index; none: it has none such.
    /// A parameter that only one of them has must be undefined. About a microsecond.
    pub fn find(&self, index: u64) -> Option<Point> {
        let point = self.older.point(index)?;
        if self.dropped.iter().any(|column| point.params.get(*column) != Some(&Value::Missing)) {
            return None;
        }
        let mut params = point.params;
        let mut take = |column: &Option<usize>| match column {
            Some(column) => params.get_mut(*column).map(|value| std::mem::replace(value, Value::Missing)),
            None => Some(Value::Missing),
        };
        let params = self.columns.iter().map(&mut take).collect::<Option<Vec<_>>>()?;
        let point = Point { params, ..point };
        let index = self.newer.locate(&point)?;
        Some(Point { index, ..point })
    }
}
