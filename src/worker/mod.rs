//! Owns the worker: it claims jobs, runs them in its slots, reports how they ended, and stops in good order.
//!
//! - [`pace`] decides, purely, when to talk to the store and for how many claims to ask.
//! - [`state`] is what the worker's threads share: claims taken, jobs running, outcomes to deliver.
//! - [`slot`] is a thread that runs one job after the other; `panics` keeps a panic in one job from the others.
//! - [`directory`]: a job's directory, fresh for each attempt, with its input decks; results from a file in it.
//! - [`report`] turns ended attempts into reports for the store.
//! - `heartbeats` is the thread of heartbeats and of the search for the lost claims of others.
//! - [`doorbell`] is the thread through which the store tells an idle worker of new work.
//! - [`exclusions`]: sweeps of which the worker takes no jobs; [`health`] decides, purely, when failures are this machine's,
//!   and `step_back` acts on it; [`failures`]: when a sweep is paused because too many points fail.
//! - [`recent`]: outcomes to be delivered anew when the store has forgotten its last seconds.
//! - [`compaction`]: logs of many small chunks are packed.
//! - [`dispatcher`] is the loop that ties them together.
//! - [`lifecycle`] is the worker as others see it, [`Worker`]; [`options`] are its options and summary; [`events`] is what
//!   it reports.

pub mod bounded;
pub mod compaction;
pub mod directory;
pub mod dispatcher;
pub mod doorbell;
pub mod events;
pub mod exclusions;
pub mod failures;
pub mod health;
mod heartbeat;
pub mod lifecycle;
pub mod options;
pub mod pace;
mod panics;
pub mod recent;
pub mod report;
pub mod slot;
pub mod state;
mod step_back;

pub use events::{EventSink, WorkerEvent};
pub use lifecycle::{StopHandle, Worker, WorkerError};
pub use options::{Options, Summary};
