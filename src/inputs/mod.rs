//! Owns what the inputs of a sweep are on this machine.
//!
//! - [`disk`]: the state of an input on the disk

pub mod disk;
