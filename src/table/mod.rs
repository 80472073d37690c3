//! Owns the results table: from records to rows, and from rows to bytes. Its only effect is the stream that it writes to;
//! memory does not grow with the number of rows.
//!
//! - [`columns`]: the names of the columns, and the prefix of results whose name another column has
//! - [`rows`]: a point and its record as a row of cells; [`cell`]: one cell
//! - [`stats`]: means and standard errors
//! - [`mod@write`]: rows as CSV or JSON Lines

pub mod cell;
pub mod columns;
pub mod rows;
pub mod stats;
pub mod write;
