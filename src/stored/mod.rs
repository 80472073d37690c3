//! Owns the forms in which sweeps are kept in stores, with their versions. No runtime type is a stored form: each has a
//! mirror here, so that a change of the program changes no bytes by accident.
//!
//! - `document`: the document of a sweep, JSON.
//! - `input`: the inputs of a sweep, a text for each.
//! - `signed`: a document with a signature around it.
//! - `record`: chunks of records and the output of attempts, packed bytes.
//! - [`layout`]: the version of a store's tables or keys.
//!
//! `docs/stores.md` says when a change needs a new version. Every version since sweep 0.1 is read.

mod document;
#[cfg(test)]
pub(crate) mod earlier;
mod input;
pub mod layout;
mod record;
mod signed;

pub use document::DocumentError;
#[cfg(test)]
pub(crate) use document::read_back_space;
pub use input::{InputError, decode_input, encode_input};
pub use record::{RecordError, decode_chunk, decode_output, encode_chunk, encode_output, merge_chunks};
pub use signed::SignedDocument;

/// The remedy for what a newer version of sweep wrote.
const UPDATE: &str = "install a newer version of sweep on this machine";

#[cfg(test)]
mod tests;
