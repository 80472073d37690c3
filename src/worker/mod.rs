//! Owns the worker: it claims jobs, runs them in its slots, reports how they ended, and stops in good order.
//!
//! - [`pace`] decides, purely, when to talk to the store and for how many claims to ask.
//! - [`board`] is what the worker's threads share: claims taken, jobs running, outcomes to deliver.
//! - [`slot`] is a thread that runs one job after the other; [`runtime`] is a sweep made ready to run.
//! - [`directory`]: a job's directory, fresh for each attempt, with its input decks; results from a file in it.
//! - [`report`] turns what ended into what the store is told.
//! - `pulse` is the thread of heartbeats and of the search for the lost claims of others.
//! - [`unable`]: sweeps whose program is not on this machine; [`failures`]: when a sweep is paused for what fails.
//! - [`recent`]: outcomes to be delivered anew when the store has forgotten its last seconds.
//! - [`tidy`]: logs of many small chunks are packed.
//! - [`shift`] is the loop that ties them together.
//! - [`hand`] is the worker as others see it, [`Worker`]; [`terms`] are its options, notices and summary.

pub mod board;
pub mod directory;
pub mod failures;
pub mod hand;
pub mod pace;
mod pulse;
pub mod recent;
pub mod report;
pub mod runtime;
pub mod shift;
pub mod slot;
pub mod terms;
pub mod tidy;
pub mod unable;

pub use hand::{StopHandle, Worker};
pub use terms::{Notice, Options, Summary};
