//! Owns what the commands do, without the terminal.
//!
//! - [`select`]: the choice of the sweep
//! - [`read`]: a sweep file read from disk, ready to submit or check
//! - [`submit`]: submit a sweep file
//! - [`points`]: iterate over points with their states
//! - [`history`]: the records of points
//! - [`show`]: one point with all details
//! - [`output`]: the stored output of attempts
//! - [`collect`]: write the table; [`target`]: where it is written; [`provenance`]: the file beside it;
//!   [`environment`]: programs and packages in that file
//! - [`status`]: the status of sweeps and workers
//! - [`stats`]: means and their errors by group
//! - [`inputs`]: the files that can change the results of a sweep
//! - [`plan`]: continue or create a sweep; [`reuse`]: copy the results of earlier sweeps
//! - [`check`]: what a sweep file would run; [`warn`]: likely problems; [`directories`]: jobs that share a directory
//! - [`filter`]: the expressions of `--where`
//! - [`retry`]: put points back in the queue; [`versions`]: with changed files
//! - [`failures`]: why points failed; [`normalize`]: their last lines without what differs from job to job
//! - [`change`]: cancel, remove; [`recover`]: put back the jobs of lost workers
//! - [`doctor`]: checks of the store and of this machine

pub mod change;
pub mod check;
pub mod collect;
pub mod directories;
pub mod doctor;
pub mod environment;
pub mod failures;
pub mod filter;
pub mod history;
pub mod inputs;
pub mod no_results;
pub mod normalize;
pub mod output;
pub mod plan;
pub mod points;
pub mod provenance;
pub mod read;
pub mod recover;
pub mod retry;
pub mod reuse;
pub mod select;
pub mod shared_traits;
pub mod show;
pub mod sign;
pub mod stats;
pub mod status;
pub mod submit;
pub mod target;
pub mod versions;
pub mod warn;
