//! Owns the table: results to rows, rows to bytes. Pure but for the stream it writes to; memory does not grow with rows.
//!
//! - [`columns`]: the names of the columns, and results whose names are taken
//! - [`rows`]: a point and its record as a row of cells
//! - [`csv`]: rows as CSV

pub mod columns;
pub mod csv;
pub mod rows;
