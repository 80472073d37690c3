//! Owns the worker: it claims jobs, runs them in its slots, reports how they ended, and stops in order.
//!
//! - [`pace`] decides, purely, when to send a request to the store and for how many claims to ask.
//! - [`state`] is what the worker's threads share: claims taken, jobs running, outcomes to deliver.
//! - [`slot`] is a thread that runs one job after the other; `panics` keeps a panic in one job from the others.
//! - [`directory`]: a job's directory, fresh for each attempt, with its input decks; results from a file in it.
//! - [`report`] turns ended attempts into reports for the store.
//! - `heartbeat`: the thread that sends heartbeats and finds the lost claims of other workers.
//! - [`work_notices`]: the thread that waits for the store's notices of new work.
//! - [`exclusions`]: sweeps of which the worker takes no jobs; [`health`] decides, purely, when failures are this
//!   machine's, and `step_back` acts on it; [`failures`]: when a sweep is paused because too many points fail.
//! - [`recent_outcomes`]: outcomes to deliver again when the store has forgotten its last seconds.
//! - [`inputs`]: whether the inputs of a sweep are as the sweep declares them, and what to do if not.
//! - [`compaction`] merges small chunks of logs.
//! - [`dispatcher`] is the main loop: it does what [`pace`] decides.
//! - [`lifecycle`] is the interface, [`Worker`]; [`options`] are its options and summary; [`events`] are what it
//!   reports.

pub mod bounded;
pub mod compaction;
pub mod directory;
pub mod dispatcher;
pub mod events;
pub mod exclusions;
pub mod failures;
pub mod health;
mod heartbeat;
pub mod inputs;
pub mod lifecycle;
mod observing;
pub mod options;
pub mod pace;
mod panics;
pub mod recent_outcomes;
pub mod report;
pub mod slot;
pub mod state;
mod step_back;
pub mod trust;
pub mod work_notices;

pub use events::{EventSink, WorkerEvent};
pub use lifecycle::{StopHandle, Worker, WorkerError};
pub use options::{WorkSummary, WorkerOptions};
