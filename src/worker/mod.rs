//! Owns the worker: it claims jobs, runs them in its slots, reports how they ended, and stops in good order.
//!
//! - [`pace`] decides, purely, when to talk to the store and for how many claims to ask.
//! - [`board`] is what the worker's threads share: claims taken, jobs running, outcomes to deliver.
//! - [`slot`] is a thread that runs one job after the other; [`runtime`] is a sweep made ready to run.
//! - [`report`] turns what ended into what the store is told.
//! - [`pulse`] is the thread of heartbeats and of the search for the lost claims of others.
//! - [`shift`] is the loop that ties them together.

pub mod board;
pub mod pace;
pub mod pulse;
pub mod report;
pub mod runtime;
pub mod shift;
pub mod slot;

pub use shift::{Notice, Options, StopHandle, Summary, Worker};
