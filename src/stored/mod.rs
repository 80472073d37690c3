//! Owns the versioned forms in which sweeps are kept in the store.
//!
//! - `document`: the document of a sweep, as JSON.

mod document;

pub use document::{DocumentError, VERSION};

#[cfg(test)]
mod tests;
