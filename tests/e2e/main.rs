//! The real binary on both stores, with real processes.

#[path = "../common/mod.rs"]
mod common;

mod commands;
mod failures;
mod samples;
mod tables;
mod workers;
