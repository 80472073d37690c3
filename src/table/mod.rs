//! Owns the table: results to rows, rows to bytes. Pure but for the stream it writes to; memory does not grow with rows.
//!
//! - [`columns`]: the names of the columns, and results whose names are taken
//! - [`rows`]: a point and its record as a row of cells; [`cell`]: what stands in one
//! - [`stats`]: means and their errors
//! - [`mod@write`]: rows as CSV or JSON Lines

pub mod cell;
pub mod columns;
pub mod rows;
pub mod stats;
pub mod write;
