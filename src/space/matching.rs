//! Owns finding the points of one space in another: those with the same values (also of derived parameters), draw,
//! randomization, repeat and seed.

use super::index::{Point, Space};
use crate::value::Value;

/// Finds points of an earlier space in a newer one.
pub struct Matching<'a> {
    older: &'a Space,
    newer: &'a Space,
    /// For each column of the newer space, the column of the earlier one with the same name.
    columns: Vec<Option<usize>>,
    /// Columns that the newer space does not have.
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

    /// The point of the newer space that equals the point of the earlier one with this index, with its index there.
    /// None: there is no such point. A parameter that only one of the spaces has must be undefined. Takes about a
    /// microsecond.
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
